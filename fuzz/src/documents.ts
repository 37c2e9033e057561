/** From what the fuzzer drew to a policy as the agent gets it: through the border's schemas, so that they are under test, too. */
import { FilterRule, ForwardRule, ForwardSpec, policyState, RuleSpec, SetSpec, type PolicyState } from "@secuxflow/contracts";
import type { PolicyFields } from "./model/filter.js";

const CREATED_AT = "2026-01-01T00:00:00.000Z";
const MODULE = { name: "ips", version: "1", digest: `sha256:${"0".repeat(64)}`, title: "ips", bit: 0 } as const;

/** The state of a policy. Throws ZodError where the border would refuse it: the generators draw nothing of the kind. */
export function policyDocument({ rules, forwards, sets }: PolicyFields): PolicyState {
  return policyState({
    rules: rules.map(({ id, expiresAt, ...asked }) =>
      FilterRule.parse({ ...RuleSpec.parse(asked), id, createdAt: CREATED_AT, ...(expiresAt === undefined ? {} : { expiresAt }) })),
    forwards: forwards.map(({ id, ...asked }) => ForwardRule.parse({ ...ForwardSpec.parse({ ...asked, module: MODULE.name, snaplen: 64 }), id, createdAt: CREATED_AT })),
    sets: [...sets].map(([name, entries]) => SetSpec.parse({ name, entries })),
    modules: [MODULE],
  });
}
