// Loaded when rules are imported and not before: with zod, the contracts' schemas take longer to load than a command may to start.
import { RuleSpec } from "@secuxflow/contracts";
import type { Fault } from "../errors.js";

/** A rule of a file, and the line that it begins at. */
export interface FileRule {
  readonly line: number;
  readonly value: unknown;
}

/** The rules of a file, or what is wrong with it; faults are named by line. */
export interface RuleFile {
  readonly rules: readonly { readonly line: number; readonly spec: RuleSpec }[];
  readonly faults: readonly Fault[];
  /** Rules whose time is over already: left out. */
  readonly expired: number;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What `rule list` shows of a rule, and no rule is asked for with. */
const SHOWN_ONLY = new Set(["id", "createdAt", "expiresAt", "packets", "bytes", "lastHit", "activeOn", "agents", "apiVersion", "kind", "revision"]);

/** The list in a document: itself, the items of a list, or the one rule that it is. */
const listIn = (document: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(document)) return document as readonly unknown[];
  if (!isObject(document)) return undefined;
  if (Array.isArray(document.items)) return document.items as readonly unknown[];
  return "action" in document ? [document] : undefined;
};

const NO_LIST = "there are no rules in it: write one JSON object a line, or what secuxflow-cli rule list -o json (or yaml) prints";

/** Lines at which the elements of the first list of a JSON text begin; the text itself is known to be JSON. */
export function elementLines(text: string): number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let list = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\n") line += 1;
    else if (quoted) {
      if (char === "\\") at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "[" || char === "{") {
      if (list === 0 && char === "[") list = depth + 1;
      else if (list > 0 && depth === list && char === "{") lines.push(line);
      depth += 1;
    } else if (char === "]" || char === "}") {
      depth -= 1;
      if (char === "]" && depth === list - 1) break;
    }
  }
  return lines;
}

const parseJson = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
};

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One object a line; undefined when the text is no such thing. */
function jsonLines(text: string, faults: Fault[]): FileRule[] | undefined {
  const lines = text.split("\n").map((content, index) => ({ content: content.trim(), line: index + 1 }));
  const filled = lines.filter(({ content }) => content !== "" && !content.startsWith("#"));
  const first = parseJson(filled[0]?.content ?? "")?.value;
  if (!isObject(first) || (filled.length === 1 && !("action" in first))) return undefined;
  return filled.flatMap(({ content, line }) => {
    try {
      return [{ line, value: JSON.parse(content) as unknown }];
    } catch (error) {
      faults.push({ flag: `line ${line}`, message: `it is not JSON: ${reason(error)}` });
      return [];
    }
  });
}

/** A document of JSON or YAML. */
async function documentRules(text: string, faults: Fault[]): Promise<FileRule[]> {
  const json = parseJson(text);
  if (json) {
    const list = listIn(json.value);
    if (!list) faults.push({ flag: "line 1", message: NO_LIST });
    const lines = elementLines(text);
    return (list ?? []).map((value, index) => ({ line: lines[index] ?? 1, value }));
  }
  const { readYaml } = await import("./yaml-document.js");
  const { value, lineOf } = readYaml(text, faults);
  if (faults.length > 0) return [];
  const list = listIn(value);
  if (!list) faults.push({ flag: "line 1", message: NO_LIST });
  return (list ?? []).map((each, index) => ({ line: lineOf(index), value: each }));
}

/** The spec of a rule of a file; `expired` when its time is over. */
function specOf({ line, value }: FileRule, now: number, faults: Fault[]): RuleSpec | "expired" | undefined {
  if (!isObject(value)) {
    faults.push({ flag: `line ${line}`, message: "a rule is an object of fields: {\"src\": …, \"action\": \"drop\"}" });
    return undefined;
  }
  const { expiresAt } = value;
  const left = typeof expiresAt === "string" ? Date.parse(expiresAt) - now : undefined;
  if (left !== undefined && left <= 0) return "expired";
  const fields = Object.fromEntries(Object.entries(value).filter(([name]) => !SHOWN_ONLY.has(name)));
  // No shorter than the shortest: it is about to end anyway.
  const ttlMs = left === undefined || Number.isNaN(left) ? undefined : Math.max(1_000, left);
  const result = RuleSpec.safeParse({ ...fields, ...(ttlMs === undefined ? {} : { ttlMs }) });
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues) {
    const at = path.map(String).join(".");
    faults.push({ flag: at === "" ? `line ${line}` : `line ${line}, ${at}`, message });
  }
  return undefined;
}

/**
 * Reads rules from JSON lines, or from the JSON or YAML that `rule list` and `rule export` print.
 * @param now ms since 1970: what an `expiresAt` is counted from
 */
export async function readRules(text: string, now: number): Promise<RuleFile> {
  const faults: Fault[] = [];
  const found = jsonLines(text, faults) ?? (await documentRules(text, faults));
  let expired = 0;
  const rules: { line: number; spec: RuleSpec }[] = [];
  for (const each of found) {
    const spec = specOf(each, now, faults);
    if (spec === "expired") expired += 1;
    else if (spec) rules.push({ line: each.line, spec });
  }
  return { rules, faults: faults.sort((a, b) => lineIn(a) - lineIn(b)), expired };
}

const lineIn = ({ flag }: Fault): number => Number(/^line (\d+)/.exec(flag)?.[1]);
