import { policyState, ProblemError, type PolicyEvent, type PolicyState, type RuleSpecInput } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { PolicyCommand } from "./commands.js";
import { decide } from "./decider.js";
import { importRules, NOW, standing } from "./testing.js";

const LATER = "2026-01-01T00:10:00.000Z";
const drop = (n: number, more: Partial<RuleSpecInput> = {}): RuleSpecInput => ({ src: `10.0.0.${n}`, action: "drop", ...more });
const POLICY = policyState({ rules: [standing(3, drop(3)), standing(5, drop(5), LATER)], sets: [{ name: "bad", entries: ["10.9.9.9"] }] });

const problemOf = (command: PolicyCommand, state: PolicyState = POLICY): ProblemError => {
  try {
    decide(command, state);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error("the command was accepted");
};
const rulesOf = ([event]: readonly PolicyEvent[]) => (event && "rules" in event.data ? event.data.rules : []);

describe("adding many rules", () => {
  it("makes one event, with ids in order", () => {
    const events = decide(importRules([drop(1), drop(2, { ttlMs: 600_000, comment: "x" })]), POLICY);
    expect(events).toEqual([
      {
        type: "rules.added",
        version: 1,
        data: {
          rules: [
            { id: 6, dst: "any", proto: "any", priority: 1_000, tags: [], createdAt: NOW, ...drop(1) },
            { id: 7, dst: "any", proto: "any", priority: 1_000, tags: [], createdAt: NOW, ...drop(2), comment: "x", expiresAt: LATER },
          ],
        },
      },
    ]);
  });

  it("names every rule at fault by its place, and takes none", () => {
    const problem = problemOf(
      importRules([
        drop(1),
        drop(3),
        drop(1),
        { src: "@nope", action: "drop" },
        { dst: "10.0.0.5", action: "redirect", service: "shop" },
        { src: "@bad", action: "drop" },
      ]),
    );
    expect(problem.more.errors?.map(({ field }) => field)).toEqual(["rules.1", "rules.2", "rules.3.src", "rules.4.service"]);
    expect(problem.message).toContain("rule 3 already does this");
    expect(problemOf(importRules([{ src: "@nope", action: "drop" }])).code).toBe("unknown_set");
  });

  it("takes a rule in the place of one that is due", () => {
    expect(problemOf(importRules([drop(5)])).code).toBe("conflict");
    expect(rulesOf(decide(importRules([drop(5)], { now: LATER }), POLICY))).toMatchObject([{ id: 6 }]);
  });

  it("asks before it cuts the administrator off, and says by which rule", () => {
    const rules = [drop(1), { src: "127.0.0.1", action: "reject" as const }];
    const problem = problemOf(importRules(rules));
    expect([problem.code, problem.message.includes("rule 2 of the request (reject 127.0.0.1 -> any)")]).toEqual([
      "confirmation_required",
      true,
    ]);
    expect(rulesOf(decide(importRules(rules, { confirm: true }), POLICY))).toHaveLength(2);
  });
});

describe("replacing all rules", () => {
  const replace = (rules: RuleSpecInput[], confirm = true) => importRules(rules, { mode: "replace", confirm });

  it("keeps the ids of rules that do the same, and gives new ones to the others", () => {
    const events = decide(replace([drop(9), drop(3, { comment: "now with a reason" })]), POLICY);
    expect(events).toMatchObject([{ type: "rules.replaced" }]);
    expect(rulesOf(events).map(({ id, comment }) => [id, comment])).toEqual([
      [6, undefined],
      [3, "now with a reason"],
    ]);
  });

  it("takes another limit or service for another rule", () => {
    const limited = (rate: number): RuleSpecInput => ({ dst: "10.0.0.5", action: "limit", limit: { rate, unit: "packets" } });
    const state = policyState({ rules: [standing(1, limited(10))] });
    expect(rulesOf(decide(replace([limited(10)]), state)).map(({ id }) => id)).toEqual([1]);
    expect(rulesOf(decide(replace([limited(11)]), state)).map(({ id }) => id)).toEqual([2]);
  });

  it("asks, since it takes rules out; with none there it need not", () => {
    expect(problemOf(replace([drop(9)], false)).code).toBe("confirmation_required");
    expect(rulesOf(decide(replace([drop(9)], false), policyState({})))).toHaveLength(1);
  });

  it("may leave no rule at all", () => {
    expect(decide(replace([]), POLICY)).toEqual([{ type: "rules.replaced", version: 1, data: { rules: [] } }]);
  });
});
