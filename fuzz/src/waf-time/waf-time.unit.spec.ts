import { describe, expect, it } from "vitest";
import { Random } from "../random.js";
import { hostileInput, LONGEST, similarInput } from "./inputs.js";
import { timedRules } from "./rules.js";
import { runWafTime, wafTimeText } from "./run.js";

/** Of one search for groups, and what the automata before it may take. */
const STEPS = 4_000_000;

describe("time of rules", () => {
  it("is bounded by steps for hostile inputs on every condition of our own rules", async () => {
    const rules = timedRules(undefined);
    const report = await runWafTime({ rules, seed: 7, seconds: 60, inputs: rules.links.length, limitMs: Infinity });
    expect(report.inputs).toBe(rules.links.length);
    expect(report.mostSteps).toBeGreaterThan(0);
    expect(report.mostSteps).toBeLessThan(STEPS);
    expect(wafTimeText(report)).toContain("waf-time: 0 failures");
  }, 60_000);

  it("is told rule by rule when it is too long", async () => {
    const report = await runWafTime({ rules: timedRules(undefined), seed: 8, seconds: 60, inputs: 5, limitMs: 0 });
    expect(report.failures.length).toBeGreaterThan(0);
    expect(report.failures[0]).toMatch(/^rule \d+, condition \d+: /);
  }, 60_000);

  it("is measured on the same inputs for the same seed, of 64 KB at most", () => {
    const make = (): Uint8Array[] => {
      const random = new Random(5);
      return Array.from({ length: 40 }, () => similarInput(random, hostileInput(random, ["union", "{"]), ["union"]));
    };
    const first = make();
    expect(Buffer.compare(Buffer.concat(first), Buffer.concat(make()))).toBe(0);
    for (const input of first) expect(input.length).toBeLessThanOrEqual(LONGEST);
  });
});
