import { createHash } from "node:crypto";
import { FilterRule, ForwardRule, ModuleBinding, type PolicyState } from "@secuxflow/contracts";
import { z } from "zod";

/** The policy that an agent last had in force, as it is kept on disk for a start without NATS. */
export interface LastGood {
  readonly revision: number;
  readonly state: PolicyState;
}

/** A last-known-good file that is damaged or of another version: it is never loaded. */
export class LastGoodCorrupt extends Error {
  override readonly name = "LastGoodCorrupt";
}

const Body = z.object({
  format: z.literal(1),
  policy: z.string(),
  revision: z.number().int().nonnegative(),
  nextRuleId: z.number().int(),
  nextForwardId: z.number().int(),
  rules: z.array(FilterRule),
  forwards: z.array(ForwardRule),
  modules: z.array(ModuleBinding),
});

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Text of the file: a line with the SHA-256 of the second line, then the policy as JSON. */
export function encodeLastGood(policy: string, { revision, state }: LastGood): string {
  const body = JSON.stringify({
    format: 1, policy, revision, nextRuleId: state.nextRuleId, nextForwardId: state.nextForwardId,
    rules: [...state.rules.values()], forwards: [...state.forwards.values()], modules: [...state.modules.values()],
  } satisfies z.input<typeof Body>);
  return `${digest(body)}\n${body}\n`;
}

/** Reads what `encodeLastGood` wrote for the same policy. Throws LastGoodCorrupt. */
export function decodeLastGood(policy: string, text: string): LastGood {
  const [sum, body = ""] = text.split("\n");
  if (digest(body) !== sum) throw new LastGoodCorrupt("its checksum is wrong");
  let parsed;
  try {
    parsed = Body.safeParse(JSON.parse(body));
  } catch (error) {
    throw new LastGoodCorrupt("it is not JSON", { cause: error });
  }
  if (!parsed.success) throw new LastGoodCorrupt(z.prettifyError(parsed.error));
  if (parsed.data.policy !== policy) throw new LastGoodCorrupt(`it is of policy ${parsed.data.policy}, not ${policy}`);
  const { revision, nextRuleId, nextForwardId, rules, forwards, modules } = parsed.data;
  return {
    revision,
    state: {
      nextRuleId, nextForwardId,
      rules: new Map(rules.map((rule) => [rule.id, rule])),
      forwards: new Map(forwards.map((forward) => [forward.id, forward])),
      modules: new Map(modules.map((module) => [module.name, module])),
    },
  };
}
