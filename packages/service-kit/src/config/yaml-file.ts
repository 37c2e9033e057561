import { readFileSync, statSync } from "node:fs";
import { LineCounter, isMap, isNode, parseDocument, type Document } from "yaml";
import type { ConfigProblem, SettingSource } from "./errors.js";
import { nearest } from "./suggest.js";
import type { JsonSchema } from "./settings.js";

const MAX_FILE_BYTES = 1024 * 1024;

/** A configuration file that was read, or what kept it from being read. */
export interface ConfigFile {
  /** its contents as plain data; `{}` when there are problems */
  data: Record<string, unknown>;
  problems: ConfigProblem[];
  /** where in the file a value lies */
  locate: (path: readonly PropertyKey[]) => SettingSource;
}

/** Reads a YAML configuration file (at most 1 MiB, a map at the top). Never throws: problems are part of the answer. */
export function readConfigFile(path: string): ConfigFile {
  const whole: SettingSource = { kind: "file", path };
  const broken = (...problems: ConfigProblem[]): ConfigFile => ({ data: {}, problems, locate: () => whole });
  let text: string;
  try {
    if (statSync(path).size > MAX_FILE_BYTES) {
      return broken({ field: "", source: whole, message: "the file is too large", expected: `${MAX_FILE_BYTES} bytes at most` });
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    return broken({ field: "", source: whole, message: `cannot be read (${reason})`, expected: "a readable YAML file" });
  }
  return parseConfig(text, path);
}

/** Parses the text of a configuration file; `path` is only what errors call it. */
function parseConfig(text: string, path: string): ConfigFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true, merge: true });
  const lineOf = (offset: number) => counter.linePos(offset).line;
  const problems: ConfigProblem[] = document.errors.map((error) => ({
    field: "",
    source: { kind: "file", path, line: lineOf(error.pos[0]) },
    message: error.message,
    expected: "valid YAML",
  }));
  const locate = (at: readonly PropertyKey[]): SettingSource => ({ kind: "file", path, ...lineAt(document, at, lineOf) });
  if (problems.length > 0) return { data: {}, problems, locate };
  try {
    const data: unknown = document.toJS() ?? {};
    if (isPlainMap(data)) return { data, problems, locate };
    problems.push({ field: "", source: { kind: "file", path, line: 1 }, message: "holds no map", expected: "settings such as `ops:` at the top" });
  } catch (error) {
    // yaml refuses documents whose aliases multiply ("billion laughs")
    problems.push({ field: "", source: { kind: "file", path }, message: (error as Error).message, expected: "valid YAML" });
  }
  return { data: {}, problems, locate };
}

/** Every key in the file that the schema does not have, at any depth, with the nearest name that it does have. */
export function unknownKeys(file: ConfigFile, root: JsonSchema): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const visit = (value: unknown, schema: JsonSchema, path: PropertyKey[]) => {
    if (Array.isArray(value)) {
      value.forEach((item, index) => visit(item, schema.items ?? {}, [...path, index]));
    } else if (isPlainMap(value) && schema.properties !== undefined) {
      for (const [key, child] of Object.entries(value)) {
        const known = Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
        const at = [...path, key];
        if (known !== undefined) visit(child, known, at);
        else if (!isPlainMap(schema.additionalProperties)) problems.push(unknownKey(at, Object.keys(schema.properties), file.locate(at)));
      }
    } else if (isPlainMap(value) && isPlainMap(schema.additionalProperties)) {
      for (const [key, child] of Object.entries(value)) visit(child, schema.additionalProperties, [...path, key]);
    }
  };
  visit(file.data, root, []);
  return problems;
}

function unknownKey(path: PropertyKey[], known: string[], source: SettingSource): ConfigProblem {
  const guess = nearest(String(path.at(-1)), known);
  const expected = guess === undefined ? `one of ${known.join(", ")}` : `\`${guess}\`, perhaps`;
  return { field: path.map(String).join("."), source, message: "unknown setting", expected };
}

function lineAt(document: Document, path: readonly PropertyKey[], lineOf: (offset: number) => number): { line?: number } {
  // The deepest part of the path that the document has: a missing value is shown where it should have been.
  for (let depth = path.length; depth > 0; depth--) {
    const parent: unknown = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const key = path[depth - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => String(isNode(item.key) ? item.key.toJSON() : item.key) === String(key));
      if (isNode(pair?.key) && pair.key.range) return { line: lineOf(pair.key.range[0]) };
    }
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return { line: lineOf(node.range[0]) };
  }
  return {};
}

/** True for a map of names to values (not null, not a list). */
export function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
