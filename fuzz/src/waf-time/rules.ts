/** The rules whose time is measured: the Core Rule Set where it is, else the waf's own. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { compileSecLang, type CompiledSecLang } from "@secuxflow/seclang";
import { compileWafRules } from "@secuxflow/wasm";

/** A condition of a rule: which one of the image's, and what its text says. */
export interface TimedLink {
  readonly item: number;
  readonly link: number;
  readonly rule: number;
  /** Pieces of the operator's argument, to make inputs of that come near to a match. */
  readonly words: readonly string[];
}

export interface TimedRules {
  readonly name: string;
  readonly image: Uint8Array;
  readonly links: readonly TimedLink[];
}

/** `folder`: of the Core Rule Set, with `rules` in it; undefined for the waf's own. */
export function timedRules(folder: string | undefined): TimedRules {
  const compiled = folder === undefined ? compileWafRules() : compileCrs(folder);
  const links = compiled.rules.flatMap((rule, item) =>
    rule.links.flatMap(({ operator }, link) => (operator === undefined ? [] : [{ item, link, rule: rule.id, words: wordsOf(JSON.stringify(operator)) }])));
  return { name: folder === undefined ? "the waf's own rules" : basename(folder), image: compiled.image, links };
}

/** Where the Core Rule Set of the conformance data is, if it is there. */
export function crsFolder(): string | undefined {
  const data = process.env.SECUXFLOW_CONFORMANCE;
  const folder = data === undefined ? undefined : join(data, "crs-v4.28");
  return folder !== undefined && existsSync(join(folder, "rules")) ? folder : undefined;
}

function compileCrs(folder: string): CompiledSecLang {
  const rules = join(folder, "rules");
  const names = readdirSync(rules).filter((name) => name.endsWith(".conf")).sort();
  const files = [join(folder, "crs-setup.conf.example"), ...names.map((name) => join(rules, name))];
  return compileSecLang(files.map((file) => ({ name: basename(file), text: readFileSync(file) })), {
    paranoia: 4, read: (name) => readFileSync(join(rules, basename(name))),
  });
}

const MOST_WORDS = 64;

function wordsOf(text: string): string[] {
  const words = text.match(/[A-Za-z0-9_$]{2,16}|[^A-Za-z0-9\s\\"]{1,2}/g) ?? [];
  return [...new Set(words)].slice(0, MOST_WORDS);
}
