import { writeRuleImage } from "@secuxflow/rule-image";
import { encode } from "./encode.js";
import { fold } from "./fold.js";
import type { Item, Program, Refusal, Rule } from "./ir.js";
import { LAYOUT_VERSION, TAGS } from "./layout.js";
import { parseSecLang, type FileReader, type SourceFile } from "./parse.js";

export interface CompileOptions {
  /** Finds the files that rules name. */
  readonly read?: FileReader;
  /** Paranoia level of CRS, 1 to 4: sets blocking and detection level, before CRS's own defaults. */
  readonly paranoia?: 1 | 2 | 3 | 4;
  readonly anomalyThresholds?: { readonly inbound?: number; readonly outbound?: number };
  /** Rules report and never say that traffic should be blocked. */
  readonly detectionOnly?: boolean;
  /** More directives, carried out before CRS's initialization (rules 901000 to 901999), or first where there is none. */
  readonly setup?: string;
}

export interface CompiledSecLang {
  /** Rules in the image in order of evaluation, without those that can never be reached. */
  readonly rules: readonly Rule[];
  /** Rules as parsed, also those that the image leaves out because they cannot match. */
  readonly parsed: number;
  readonly refused: readonly Refusal[];
  readonly image: Uint8Array;
  /** How rules are tried: after literals, after classes of bytes, or always. */
  readonly statistics: { readonly prefiltered: number; readonly byClasses: number; readonly always: number };
}

/** Ids of what options add. */
const OPTION_ID = 4_294_967_000;

/**
 * Compiles SecLang rule files, in the order given, to a rule image for the `waf` module. What is wrong is refused alone and listed
 * with file, line and column.
 */
export function compileSecLang(files: readonly SourceFile[], options: CompileOptions = {}): CompiledSecLang {
  return compileProgram(parseSecLang(files, options.read), options);
}

/** The same for a program that was parsed, and perhaps changed, before. */
export function compileProgram(program: Program, options: CompileOptions = {}): CompiledSecLang {
  const setup = parseSecLang([{ name: "options", text: setupText(options) }], options.read);
  const settings = { ...program.settings, ...(options.detectionOnly === true ? { engine: "detectionOnly" as const } : {}) };
  const items = withSetup(program.items, setup.items);
  const folded = fold(items);
  const encoded = encode({ items: folded.items, initial: folded.initial, settings });
  const meta = Buffer.from(JSON.stringify(metaOf(encoded.rules)), "utf8");
  const image = writeRuleImage({ kind: "seclang", version: LAYOUT_VERSION, sections: [...encoded.sections, { tag: TAGS.meta,
    bytes: meta }] });
  return {
    rules: encoded.rules, parsed: items.filter(({ kind }) => kind === "rule").length,
    refused: [...setup.refused, ...program.refused, ...encoded.refused], image, statistics: encoded.statistics,
  };
}

function setupText({ paranoia, anomalyThresholds, setup }: CompileOptions): string {
  const sets: string[] = [];
  if (paranoia !== undefined) sets.push(`tx.blocking_paranoia_level=${paranoia}`, `tx.detection_paranoia_level=${paranoia}`,
    `tx.paranoia_level=${paranoia}`,
    `tx.executing_paranoia_level=${paranoia}`);
  if (anomalyThresholds?.inbound !== undefined) sets.push(`tx.inbound_anomaly_score_threshold=${anomalyThresholds.inbound}`);
  if (anomalyThresholds?.outbound !== undefined) sets.push(`tx.outbound_anomaly_score_threshold=${anomalyThresholds.outbound}`);
  const action = sets.length === 0 ? "" : `SecAction "id:${OPTION_ID},phase:1,pass,nolog,${sets.map((set) => `setvar:'${set}'`).join(",")}"\n`;
  return action + (setup ?? "");
}

function withSetup(items: readonly Item[], setup: readonly Item[]): Item[] {
  if (setup.length === 0) return [...items];
  const first = items.findIndex((item) => item.kind === "rule" && item.id >= 901_000 && item.id <= 901_999);
  const at = Math.max(0, first);
  return [...items.slice(0, at), ...setup, ...items.slice(at)];
}

/** What hosts show about rules, by id, in the form that `openRuleSet` reads; text is bytes of UTF-8. */
function metaOf(rules: readonly Rule[]) {
  const utf8 = (text: string): string => Buffer.from(text, "latin1").toString("utf8");
  const entries = rules.map((rule) => {
    const msg = (rule.links[0]?.msg ?? []).map((part) =>
      ("text" in part ? part.text : `%{${part.variable}${part.key === "" ? "" : `.${part.key}`}}`)).join("");
    const category = categoryOf(rule);
    return [
      rule.id,
      {
        msg: utf8(msg), classtype: utf8(category), category: utf8(category), severity: gravity(rule.severity),
        action: rule.disruption === "deny" || rule.disruption === "drop" ? "drop" : "alert",
        references: rule.tags.filter((tag) => /^(?:CWE|CVE)-\d/.test(tag)).map(utf8),
        metadata: { tags: rule.tags.map(utf8), version: [utf8(rule.version)], phase: [String(rule.phase)] },
      },
    ];
  });
  return { rules: Object.fromEntries(entries) as Record<string, unknown> };
}

/** What kind of attack a rule is about: its tag `category/sql-injection`, or CRS's `attack-sqli`. */
function categoryOf({ tags }: Rule): string {
  const own = tags.find((tag) => tag.startsWith(OWN_CATEGORY));
  return own?.slice(OWN_CATEGORY.length) ?? tags.find((tag) => tag.startsWith("attack-")) ?? "";
}

const OWN_CATEGORY = "category/";

/** Priority of an alert, 1 (gravest) to 4, of ModSecurity's severities. */
function gravity(severity: number): number {
  if (severity <= 2) return 1;
  return severity === 3 ? 2 : severity === 4 ? 3 : 4;
}
