import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { CliError } from "../errors.js";
import { EXIT } from "../exit.js";

/** Languages that rule images are compiled from. */
export type RuleLanguage = "suricata" | "seclang";

/** A rule that cannot be executed. Lines and columns count from 1; id 0 where it could not be read. */
export interface RefusedRule {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly id: number;
  readonly reason: string;
}

export interface CompiledRules {
  /** A rule image with its texts, as `openRuleSet` takes it. */
  readonly image: Uint8Array;
  readonly loaded: number;
  readonly refused: readonly RefusedRule[];
  /** Rules that were commented out. */
  readonly disabled: number;
}

/** A refused rule on one line: `file:line:column sid reason`. */
export const refusalLine = ({ file, line, column, id, reason }: RefusedRule): string =>
  `${file}:${line}:${column} ${id === 0 ? "-" : id} ${reason}`;

const ENDINGS: Readonly<Record<RuleLanguage, string>> = { suricata: ".rules", seclang: ".conf" };
const IMAGE = ".sxr";
/** Files beside Suricata rules that say more of them. */
const CONFIGURATION = ["classification.config", "reference.config", "threshold.config"] as const;
const MAX_FILES = 10_000;
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const MAX_DEPTH = 16;

const unreadable = (path: string, error: unknown): CliError =>
  new CliError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`, {
    exit: EXIT.usage,
    next: "check the name",
  });

function read(path: string): Buffer {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new CliError(`${path} is longer than ${MAX_FILE_BYTES} bytes: that is no rule file`);
    return readFileSync(path);
  } catch (error) {
    throw error instanceof CliError ? error : unreadable(path, error);
  }
}

/** Files with that ending below a folder, by name. */
function filesBelow(folder: string, wanted: (name: string) => boolean, depth = 0): string[] {
  if (depth > MAX_DEPTH) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path, wanted, depth + 1);
      return entry.isFile() && wanted(entry.name) ? [path] : [];
    });
}

/** The files that the paths mean: files as they are given, folders by ending. @throws CliError */
function expand(paths: readonly string[], language: RuleLanguage): string[] {
  const wanted = (name: string): boolean =>
    name.endsWith(ENDINGS[language]) || (language === "suricata" && (CONFIGURATION as readonly string[]).includes(name));
  const files = paths.flatMap((path) => {
    try {
      if (!statSync(path).isDirectory()) return [path];
      const found = filesBelow(path, wanted);
      if (found.length > 0) return found;
    } catch (error) {
      throw unreadable(path, error);
    }
    throw new CliError(`${path} holds no *${ENDINGS[language]} files`, { exit: EXIT.usage, next: "name the files, or another folder" });
  });
  if (files.length > MAX_FILES) throw new CliError(`${files.length} rule files are too many; ${MAX_FILES} are possible`);
  return files;
}

/** A file that a rule names, beside the rule's own file. */
function beside(from: string, name: string): Buffer | undefined {
  try {
    return read(isAbsolute(name) ? name : join(dirname(from), name));
  } catch {
    return undefined;
  }
}

/**
 * Compiles rule files. A rule that is wrong is refused alone.
 * @param paths files, folders, or one image (`.sxr`) that was compiled before
 * @throws CliError when something cannot be read, or an image is damaged or of another language
 */
export async function compileRuleFiles(language: RuleLanguage, paths: readonly string[]): Promise<CompiledRules> {
  const files = expand(paths, language);
  const image = files.find((file) => file.endsWith(IMAGE));
  if (image !== undefined) {
    if (files.length > 1) throw new CliError(`${image} is an image, which stands alone`, { exit: EXIT.usage, next: "give it alone, or rule files" });
    return openImage(image, language);
  }
  return language === "suricata" ? suricata(files) : secLang(files);
}

async function openImage(path: string, language: RuleLanguage): Promise<CompiledRules> {
  const { openRuleSet, RuleImageError } = await import("@secuxflow/rule-image");
  const image = read(path);
  try {
    const { kind, texts } = openRuleSet(image);
    if (kind !== language) throw new CliError(`${path} holds ${kind} rules, the module takes ${language}`, { exit: EXIT.usage });
    return { image, loaded: texts.size, refused: [], disabled: 0 };
  } catch (error) {
    if (!(error instanceof RuleImageError)) throw error;
    throw new CliError(`${path} is no good rule image: ${error.message}`, { next: "compile the rules again", cause: error });
  }
}

async function suricata(files: readonly string[]): Promise<CompiledRules> {
  const { compileSuricata } = await import("@secuxflow/suricata-rules");
  const texts = files.map((name) => ({ name, text: read(name).toString("utf8") }));
  const [classifications, references, thresholds] = CONFIGURATION.map((known) => texts.filter(({ name }) => basename(name) === known));
  const rules = texts.filter(({ name }) => !(CONFIGURATION as readonly string[]).includes(basename(name)));
  const folders = [...new Set(rules.map(({ name }) => name))];
  const compiled = compileSuricata(rules, {
    ...(classifications?.length && { classifications }),
    ...(references?.length && { references }),
    ...(thresholds?.length && { thresholds }),
    readDataset: (name) => {
      for (const from of folders) {
        const text = beside(from, name);
        if (text !== undefined) return text.toString("utf8");
      }
      return undefined;
    },
  });
  const refused = compiled.refused.map(({ file, line, column, sid, reason }) => ({ file, line, column, id: sid, reason }));
  return { image: compiled.image, loaded: compiled.rules.length, refused, disabled: compiled.disabled };
}

async function secLang(files: readonly string[]): Promise<CompiledRules> {
  const { compileSecLang } = await import("@secuxflow/seclang");
  const texts = files.map((name) => ({ name, text: read(name) }));
  const compiled = compileSecLang(texts, { read: (name, from) => beside(from, name) });
  return { image: compiled.image, loaded: compiled.rules.length, refused: compiled.refused, disabled: 0 };
}
