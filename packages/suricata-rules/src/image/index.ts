import { compileRules } from "../compile.js";
import type { CompileOptions, RuleFile } from "../compile.js";
import type { ConfigFile } from "../configuration.js";
import type { Refusal, Rule } from "../ir.js";
import { encodeSuricata, MAX_INSPECTIONS } from "./encode.js";
import type { EncodeOptions } from "./encode.js";

export { encodeSuricata } from "./encode.js";
export type { EncodeOptions } from "./encode.js";

export interface SuricataImage {
  readonly rules: readonly Rule[];
  readonly refused: readonly Refusal[];
  /** Lines that were commented out. */
  readonly disabled: number;
  /** The rule image, with META. */
  readonly image: Uint8Array;
}

export interface SuricataOptions extends Omit<CompileOptions, "thresholds">, EncodeOptions {
  /** Variables of addresses and (`…_PORTS`) ports in one list, as suricata.yaml's `vars` has them; over `variables`. */
  readonly vars?: Readonly<Record<string, string>>;
  /** One threshold.config, or several. */
  readonly thresholds?: ConfigFile | readonly ConfigFile[];
}

/** Compiles rule files to an image. What is wrong with a rule is said in `refused`; the others are in the image. */
export function compileSuricata(files: readonly RuleFile[], options: SuricataOptions = {}): SuricataImage {
  const { vars = {}, thresholds = [], variables, ...rest } = options;
  const named = (ports: boolean): Record<string, string> =>
    Object.fromEntries(Object.entries(vars).filter(([name]) => name.endsWith("_PORTS") === ports));
  const compiled = compileRules(files, {
    ...rest,
    thresholds: "text" in thresholds ? [thresholds] : thresholds,
    variables: { addresses: { ...variables?.addresses, ...named(false) }, ports: { ...variables?.ports, ...named(true) } },
  });
  const refused: Refusal[] = [...compiled.refused];
  const rules = compiled.rules.filter((rule) => {
    if (rule.inspections.length <= MAX_INSPECTIONS) return true;
    const reason = `the rule looks at ${rule.inspections.length} buffers, ${MAX_INSPECTIONS} are possible: split it`;
    refused.push({ file: rule.file, line: rule.line, column: 1, sid: rule.sid, reason, kind: "limit" });
    return false;
  });
  return { rules, refused, disabled: compiled.disabled, image: encodeSuricata(rules, options) };
}
