import { z } from "zod";
import { RuleImageError } from "./errors.js";

/** What an alert says of its rule. */
const RuleText = z.object({
  gid: z.number().int().nonnegative().default(1),
  rev: z.number().int().nonnegative().default(0),
  msg: z.string().default(""),
  classtype: z.string().default(""),
  /** Description of the classtype. */
  category: z.string().default(""),
  /** Priority, 1 is gravest. */
  severity: z.number().int().min(0).default(3),
  action: z.string().default("alert"),
  references: z.array(z.string()).default([]),
  metadata: z.record(z.string(), z.array(z.string())).default({}),
});
export type RuleText = z.output<typeof RuleText>;

const Meta = z.object({ rules: z.record(z.string().regex(/^\d{1,10}$/), RuleText) });

/** Texts by rule id. */
export type RuleTexts = ReadonlyMap<number, RuleText>;

/**
 * Reads the META section of a rule image.
 * @throws RuleImageError when it is not as the compilers write it
 */
export function readRuleTexts(meta: Uint8Array): RuleTexts {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(meta));
  } catch {
    throw new RuleImageError("texts", "the texts of the rules are no JSON: compile the rules again");
  }
  const read = Meta.safeParse(json);
  if (!read.success) throw new RuleImageError("texts", `the texts of the rules are not as they should be: ${z.prettifyError(read.error)}`);
  return new Map(Object.entries(read.data.rules).map(([id, text]) => [Number(id), text]));
}
