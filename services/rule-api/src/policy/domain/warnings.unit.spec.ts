import { evolve, type FilterRule, type RuleSpecInput } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { decide } from "./decider.js";
import { addForward, addRule, given, moduleRegistered, ruleAdded } from "./testing.js";
import { forwardWarnings, ruleWarnings } from "./warnings.js";

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
    expect(warnings).toEqual(["rule 3 lets traffic pass that rule 1 would drop"]);
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
