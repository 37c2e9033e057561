import { evolve, policyState, rulesInOrder, type FilterRule, type RuleSpecInput } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "./decider.js";
import { covers, NO_SETS } from "./match.js";
import { shadows } from "./shadows.js";
import { addForward, addRule, given, moduleRegistered, ruleAdded, standing } from "./testing.js";
import { forwardWarnings, importWarnings, ruleWarnings } from "./warnings.js";

/** The warnings for a rule that is added to standing ones. */
const warningsFor = (rule: RuleSpecInput, ...standing: ReturnType<typeof ruleAdded>[]): string[] => {
  const before = given(...standing);
  const [event] = decide(addRule(rule, { confirm: true }), before);
  if (event?.type !== "rule.added") throw new Error("no rule was added");
  const added: FilterRule = event.data.rule;
  expect(ruleWarnings(before, added)).toEqual(ruleWarnings(evolve(before, event), added));
  return ruleWarnings(before, added);
};

describe("warnings of a rule", () => {
  it("are none where there is nothing to say", () => {
    expect(warningsFor({ src: "10.0.0.1", action: "drop" }, ruleAdded(1, { src: "10.0.0.2", action: "pass" }))).toEqual([]);
  });

  it("name the rule that shadows it", () => {
    const [warning] = warningsFor(
      { src: "10.0.0.1", action: "drop" },
      ruleAdded(3, { src: "10.0.0.0/24", action: "pass", priority: 10 }),
    );
    expect(warning).toContain("rule 4 is never reached: rule 3 (pass 10.0.0.0/24 -> any, priority 10)");
  });

  it("say how long a shadow lasts", () => {
    const [warning] = warningsFor(
      { src: "10.0.0.1", action: "drop" },
      ruleAdded(3, { src: "10.0.0.0/24", action: "pass" }, "2026-02-01T00:00:00.000Z"),
    );
    expect(warning).toContain("is never reached until it expires at 2026-02-01T00:00:00.000Z");
  });

  it("take the earlier of equal priorities first", () => {
    expect(warningsFor({ src: "10.0.0.0/24", action: "drop" }, ruleAdded(1, { src: "10.0.0.0/25", action: "drop" }))).toEqual([]);
    expect(
      warningsFor({ src: "10.0.0.0/25", action: "drop" }, ruleAdded(1, { src: "10.0.0.0/24", action: "drop" })),
    ).toHaveLength(1);
  });

  it("name the rules that it hides", () => {
    const hidden = [1, 2, 3, 4, 5, 6].map((n) => ruleAdded(n, { src: `10.0.0.${n}`, action: "drop" }));
    expect(warningsFor({ src: "10.0.0.0/24", action: "drop", priority: 1 }, ...hidden)[0]).toContain(
      "rules 1, 2, 3, 4, 5 and 1 more are never reached any more",
    );
    expect(warningsFor({ src: "10.0.0.0/24", action: "drop", priority: 1 }, ...hidden.slice(0, 1))[0]).toContain(
      "rule 1 is never reached any more",
    );
  });

  it("say that a rule matches everything", () => {
    expect(warningsFor({ action: "drop" })).toEqual(["rule 1 matches every packet: it drops all that no earlier rule decides"]);
  });

  it("say which drops a pass rule overrides", () => {
    const warnings = warningsFor(
      { dst: "10.0.0.5", action: "pass", priority: 1 },
      ruleAdded(1, { src: "192.0.2.1", action: "drop" }),
      ruleAdded(2, { dst: "10.0.0.9", action: "drop" }),
    );
    expect(warnings).toEqual(["rule 3 lets traffic pass that rule 1 would stop"]);
  });
});

it("a forward of everything is warned of", () => {
  const forwardOf = (spec: Parameters<typeof addForward>[0]) => {
    const [event] = decide(addForward(spec), given(moduleRegistered("ips", 0)));
    if (event?.type !== "forward.added") throw new Error("no forward was added");
    return event.data.forward;
  };
  expect(forwardWarnings(forwardOf({ module: "ips" }))[0]).toContain("copies every packet");
  expect(forwardWarnings(forwardOf({ module: "ips", proto: "tcp" }))).toEqual([]);
});

describe("warnings of many rules", () => {
  const ruleOf = (id: number, rule: RuleSpecInput) => standing(id, rule);
  const warn = (rules: FilterRule[], imported: number[] = rules.map(({ id }) => id)) =>
    importWarnings(policyState({ rules }), new Set(imported));

  it("name those that are never reached, and what matches everything", () => {
    const rules = [
      ruleOf(1, { src: "10.0.0.0/8", action: "pass", priority: 1 }),
      ruleOf(2, { src: "10.1.0.0/16", dst: "10.0.0.5", action: "drop" }),
      ruleOf(3, { src: "192.0.2.1", action: "drop" }),
      ruleOf(4, { action: "reject", priority: 9_000 }),
    ];
    const warnings = warn(rules);
    expect(warnings[0]).toContain("rule 2 is never reached: rule 1 (pass 10.0.0.0/8 -> any, priority 1)");
    expect(warnings[1]).toContain("rule 4 matches every packet: it rejects");
    expect(warnings).toHaveLength(2);
    expect(warn(rules, [3])).toEqual([]);
    expect(warn(rules, [1])).toHaveLength(1);
  });

  it("leave alone what is hidden by a rule that only counts", () => {
    expect(warn([ruleOf(1, { action: "drop", monitor: true, priority: 1 }), ruleOf(2, { src: "10.0.0.1", action: "drop" })])).toEqual([]);
  });

  it("say how many more there are", () => {
    const hidden = Array.from({ length: 30 }, (_, n) => ruleOf(n + 2, { src: `10.0.0.${n}`, action: "drop" }));
    const warnings = warn([ruleOf(1, { src: "10.0.0.0/24", action: "pass", priority: 1 }), ...hidden]);
    expect([warnings.length, warnings.at(-1)]).toEqual([11, "20 more rules are never reached"]);
  });

  it("find shadows as a slow look at every pair does, but for sets inside prefixes", () => {
    const end = fc.constantFrom("any", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.0/30", "10.0.0.1", "2001:db8::/32", "2001:db8::1");
    const spec = fc
      .record({
        src: end,
        dst: end,
        proto: fc.constantFrom("any", "tcp"),
        action: fc.constantFrom("drop" as const, "pass" as const),
        priority: fc.constantFrom(1, 2, 3),
        monitor: fc.boolean(),
      })
      .filter(({ src, dst }) => src === "any" || dst === "any" || src.includes(":") === dst.includes(":"));
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 25 }), (specs) => {
        const rules = rulesInOrder(policyState({ rules: specs.map((each, index) => ruleOf(index + 1, each)) }));
        const slow = rules.filter((rule, place) =>
          rules.slice(0, place).some((earlier) => earlier.monitor !== true && covers(earlier, rule)),
        );
        const { found, complete } = shadows(rules, NO_SETS);
        // A rule under "any" that covers all of one family alone is none of these.
        expect([found.map(({ rule }) => rule.id), complete]).toEqual([slow.map(({ id }) => id), true]);
        for (const { rule, by } of found) expect(covers(by, rule)).toBe(true);
      }),
    );
  });

  it("end where it would take too long, and say so", () => {
    const rules = Array.from({ length: 50 }, (_, n) => ruleOf(n + 1, { proto: "tcp", port: n + 1, action: "drop" }));
    expect(shadows(rules, NO_SETS, 100).complete).toBe(false);
    expect(shadows(rules, NO_SETS).complete).toBe(true);
  });
});
