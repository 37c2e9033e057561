import { ImportRulesRequest, POLICY_LIMITS, ProblemError, RuleSpec } from "@secuxflow/contracts";
import { setImmediate as breathe } from "node:timers/promises";
import { z } from "zod";
import { fieldErrors, parseBody } from "./validation.js";

/** Rules that are checked before others get their turn: some milliseconds. */
const SLICE = 256;
const MAX_FAULTS = 100;

const Envelope = z.strictObject({
  ...ImportRulesRequest.shape,
  rules: z.array(z.unknown(), { error: "a list of rules is needed" }).max(POLICY_LIMITS.rules, `a policy holds ${POLICY_LIMITS.rules} rules at most`),
});

/**
 * The body of an import. A hundred thousand rules take seconds to check: others are served meanwhile.
 * @throws ProblemError invalid_input that names every field at fault, up to a hundred ("rules.7.port")
 */
export async function parseImport(body: unknown): Promise<ImportRulesRequest> {
  const { rules: raw, ...rest } = parseBody(Envelope, body, "the import");
  const rules: RuleSpec[] = [];
  const errors: { field: string; message: string }[] = [];
  for (const [index, each] of raw.entries()) {
    const result = RuleSpec.safeParse(each);
    if (result.success) rules.push(result.data);
    else errors.push(...fieldErrors(result.error.issues, ["rules", index]));
    if (errors.length >= MAX_FAULTS) break;
    if (index % SLICE === SLICE - 1) await breathe();
  }
  if (rest.mode === "add" && raw.length === 0) errors.push({ field: "rules", message: "nothing to add: name at least one rule" });
  if (errors.length === 0) return { ...rest, rules };
  const told = errors.map(({ field, message }) => `${field}: ${message}`);
  throw new ProblemError("invalid_input", `the import is not valid: ${told.slice(0, 5).join("; ")}${told.length > 5 ? "; …" : ""}`, { errors });
}
