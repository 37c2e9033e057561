import { setTimeout } from "node:timers/promises";
import { generateRules } from "../rules/generate.js";
import { filterRule } from "../rules/rule.js";
import { metric, quantileMetric, type Metric } from "../statistics.js";
import { dropping, FilterUnderTest } from "./filter-under-test.js";

const WHOLE = [10_000, 100_000];
const SINGLE = [10_000, 100_000];
/** Changes of one rule for each number of rules: half add one, half delete it again. */
const CHANGES = 200;
/** Between two of them, as commands come: a burst would share the grace periods after which generations are used again. */
const SPACING_MS = 5;

/**
 * How long the agent takes to put policies in force, from the folded state to the store after which packets are judged by
 * it: `policy_ms.whole.<rules>`, nothing of the policy being there before, and `policy_ms.single.<rules>.<p50|p99>`, one
 * rule added or deleted beside so many others.
 */
export async function policyChanges(rounds: number): Promise<Metric[]> {
  const filter = await FilterUnderTest.open();
  const metrics: Metric[] = [];
  try {
    for (const count of WHOLE) {
      const policies = [1, 2].map((seed) => dropping(generateRules("acl", count, seed)));
      const took: number[] = [];
      for (let round = 0; round < Math.max(3, rounds); round++) {
        const policy = policies[round % 2];
        if (policy !== undefined) took.push(await filter.change(policy, "all"));
        await filter.settled();
      }
      metrics.push(metric(`policy_ms.whole.${count}`, "ms", took));
    }
    for (const count of SINGLE) metrics.push(...(await singleChanges(filter, count)));
    return metrics;
  } finally {
    await filter.close();
  }
}

async function singleChanges(filter: FilterUnderTest, count: number): Promise<Metric[]> {
  const [one, ...others] = generateRules("acl", count + 1, 3);
  if (one === undefined) throw new Error("no rules were generated");
  const without = dropping(others);
  const id = count + 1;
  const withIt = { ...without, rules: new Map(without.rules).set(id, filterRule(one, id, "drop")) };
  await filter.change(without, "all");
  await filter.settled();
  const took: number[] = [];
  for (let i = 0; i < CHANGES; i++) {
    took.push(await filter.change(i % 2 === 0 ? withIt : without, new Set([id])));
    await setTimeout(SPACING_MS);
  }
  await filter.settled();
  return [0.5, 0.99].map((p) => quantileMetric(`policy_ms.single.${count}.p${p * 100}`, "ms", took, p));
}
