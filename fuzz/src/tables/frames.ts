import { buildFrame } from "@secuxflow/testkit";
import type { PolicyFields, RuleFields } from "../model/filter.js";
import { SETS, type Sample } from "./match-table.js";

/** The bytes of a sample of the tables. */
export const bytesOf = (sample: Sample): Buffer => ("of" in sample ? buildFrame(sample.of).subarray(0, sample.bytes) : buildFrame(sample));

/** A policy of rules as the tables write them: ids from 1 on, drop, priority 1000, any packet, unless they say otherwise. */
export function tablePolicy(rules: readonly Partial<RuleFields>[]): PolicyFields {
  return {
    rules: rules.map((rule, index) => ({ id: index + 1, priority: 1_000, action: "drop", src: "any", dst: "any", proto: "any", ...rule })),
    forwards: [], allow: [], sets: SETS,
  };
}

/** The same policy with ids that were never used: counters and limits begin anew. */
export const moved = (policy: PolicyFields, by: number): PolicyFields => ({ ...policy, rules: policy.rules.map((rule) => ({ ...rule, id: rule.id + by })) });
