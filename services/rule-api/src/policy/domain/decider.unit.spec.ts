import { POLICY_LIMITS, policyState, ProblemError, type PolicyEvent, type PolicyState } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { PolicyCommand } from "./commands.js";
import { dueRules } from "./decide-rules.js";
import { decide } from "./decider.js";
import { addForward, addRule, digest, forwardAdded, given, importRules, moduleRegistered, NOW, ruleAdded, standing } from "./testing.js";

const WEB = { src: "192.168.1.0/24", dst: "10.0.0.5", port: 80, proto: "tcp", action: "drop" } as const;
const LATER = "2026-01-01T00:10:00.000Z";

const problemOf = (command: PolicyCommand, ...events: PolicyEvent[]): ProblemError => refusal(command, given(...events));

const refusal = (command: PolicyCommand, state: PolicyState): ProblemError => {
  try {
    decide(command, state);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error("the command was accepted");
};

describe("adding a rule", () => {
  it("gives the first rule id 1, and keeps what was asked for", () => {
    const events = decide(addRule({ ...WEB, comment: "noise", owner: "ops", tags: ["a"], alertId: 7 }), given());
    expect(events).toEqual([
      {
        type: "rule.added",
        version: 1,
        data: {
          rule: {
            id: 1,
            ...WEB,
            priority: 1_000,
            comment: "noise",
            owner: "ops",
            tags: ["a"],
            alertId: 7,
            createdAt: NOW,
          },
        },
      },
    ]);
  });

  it("turns a time to live into a point in time", () => {
    const [event] = decide(addRule({ ...WEB, ttlMs: 600_000 }), given());
    expect(event).toMatchObject({ data: { rule: { expiresAt: LATER } } });
    expect(event).not.toHaveProperty("data.rule.ttlMs");
  });

  it("never gives the id of a rule that is gone", () => {
    const state = [
      ruleAdded(1, WEB),
      ruleAdded(2, { action: "drop", src: "10.9.9.9" }),
      { type: "rules.cleared", version: 1, data: { ids: [1, 2] } },
    ] as PolicyEvent[];
    expect(decide(addRule(WEB), given(...state))).toMatchObject([{ data: { rule: { id: 3 } } }]);
  });

  it("refuses a rule that is there already and names it", () => {
    const problem = problemOf(addRule(WEB), ruleAdded(4, WEB));
    expect(problem.code).toBe("conflict");
    expect(problem.message).toContain("rule 4 already does this: drop tcp 192.168.1.0/24 -> 10.0.0.5:80");
    expect(problem.more.next).toContain("secuxflow-cli rule delete --id 4");
  });

  it.each([
    ["another action", { ...WEB, action: "pass" as const }],
    ["another priority", { ...WEB, priority: 5 }],
    ["another source port", { ...WEB, sport: 1 }],
  ])("takes the same match with %s", (_, rule) => {
    expect(decide(addRule(rule), given(ruleAdded(4, WEB)))).toHaveLength(1);
  });

  it("takes the place of an identical rule that is due", () => {
    expect(decide(addRule(WEB, { now: LATER }), given(ruleAdded(4, WEB, LATER)))).toHaveLength(1);
    expect(problemOf(addRule(WEB, { now: NOW }), ruleAdded(4, WEB, LATER)).code).toBe("conflict");
  });

  it("holds the limit exactly", () => {
    const rules = Array.from({ length: POLICY_LIMITS.rules }, (_, i) =>
      standing(i + 1, { action: "drop", src: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }),
    );
    const full = policyState({ rules });
    expect(decide(addRule(WEB), policyState({ rules: rules.slice(1) }))).toHaveLength(1);
    expect(refusal(addRule(WEB), full).code).toBe("limit_reached");
    expect(refusal(importRules([WEB]), full).code).toBe("limit_reached");
  });

  it("asks before it cuts the administrator off", () => {
    const rule = { action: "drop", dst: "127.0.0.1" } as const;
    const problem = problemOf(addRule(rule));
    expect(problem.code).toBe("confirmation_required");
    expect(problem.message).toContain("the management network 127.0.0.0/8");
    expect(problem.more.next).toContain("--confirm");
    expect(decide(addRule(rule, { confirm: true }), given())).toHaveLength(1);
  });
});

describe("approving an alert", () => {
  const approve = (alertId: number, now = NOW): PolicyCommand => {
    const add = addRule({ ...WEB, alertId }, { now });
    return { ...add, type: "approve_alert", alertId };
  };

  it("adds the rule once", () => {
    expect(decide(approve(7), given())).toMatchObject([{ data: { rule: { id: 1, alertId: 7 } } }]);
    expect(decide(approve(7), given(ruleAdded(1, { action: "drop", src: "10.1.1.1", alertId: 7 })))).toEqual([]);
  });

  it("is content with a rule that does the same", () => {
    expect(decide(approve(8), given(ruleAdded(1, { ...WEB, alertId: 7 })))).toEqual([]);
  });

  it("adds it again when the rule is deleted or due", () => {
    expect(
      decide(approve(7), given(ruleAdded(1, { ...WEB, alertId: 7 }), { type: "rule.deleted", version: 1, data: { id: 1 } })),
    ).toHaveLength(1);
    expect(decide(approve(7, LATER), given(ruleAdded(1, { ...WEB, alertId: 7 }, LATER)))).toHaveLength(1);
  });
});

describe("taking rules out", () => {
  it("deletes one", () => {
    expect(decide({ type: "delete_rule", id: 2 }, given(ruleAdded(2, WEB)))).toEqual([
      { type: "rule.deleted", version: 1, data: { id: 2 } },
    ]);
  });

  it("names the next step for an id that is not there", () => {
    const problem = problemOf({ type: "delete_rule", id: 42 }, ruleAdded(1, WEB));
    expect([problem.code, problem.message, problem.more.next]).toEqual([
      "not_found",
      "there is no rule 42",
      "secuxflow-cli rule list",
    ]);
  });

  it("clears only when confirmed, and does nothing when there is nothing", () => {
    const problem = problemOf({ type: "clear_rules", confirm: false }, ruleAdded(3, WEB));
    expect([problem.code, problem.more.next?.includes("--confirm")]).toEqual(["confirmation_required", true]);
    expect(decide({ type: "clear_rules", confirm: true }, given(ruleAdded(3, WEB)))).toEqual([
      { type: "rules.cleared", version: 1, data: { ids: [3] } },
    ]);
    expect(decide({ type: "clear_rules", confirm: true }, given())).toEqual([]);
  });

  it("expires what is due and was asked for, nothing else", () => {
    const state = given(
      ruleAdded(1, { action: "drop", src: "10.0.0.1" }, LATER),
      ruleAdded(2, { action: "drop", src: "10.0.0.2" }, LATER),
      ruleAdded(3, { action: "drop", src: "10.0.0.3" }, "2026-01-01T00:10:00.001Z"),
      ruleAdded(4, { action: "drop", src: "10.0.0.4" }),
    );
    expect(dueRules(state, LATER)).toEqual([1, 2]);
    expect(decide({ type: "expire_rules", ids: [2, 3, 4, 5, 2], now: LATER }, state)).toEqual([
      { type: "rule.expired", version: 1, data: { id: 2 } },
    ]);
    expect(decide({ type: "expire_rules", ids: [1, 2], now: NOW }, state)).toEqual([]);
  });
});

describe("forwards", () => {
  const IPS = { dst: "10.0.0.0/24", port: 443, proto: "tcp", module: "ips" } as const;

  it("adds one for a known module", () => {
    expect(decide(addForward(IPS), given(moduleRegistered("ips", 0)))).toEqual([
      {
        type: "forward.added",
        version: 1,
        data: {
          forward: {
            id: 1,
            src: "any",
            ...IPS,
            snaplen: 9_216,
            createdAt: NOW,
          },
        },
      },
    ]);
  });

  it("names the known modules for one that is unknown", () => {
    const problem = problemOf(addForward({ ...IPS, module: "ids" }), moduleRegistered("waf", 1), moduleRegistered("ips", 0));
    expect([problem.code, problem.more.next]).toEqual(["unknown_module", "secuxflow-cli module list"]);
    expect(problem.message).toContain("known modules: ips, waf");
    expect(problem.more.errors).toEqual([{ field: "forward.module", message: "use one of ips, waf" }]);
    expect(problemOf(addForward(IPS)).message).toContain("no module is known yet");
  });

  it("refuses one that is there already, takes the same for another module", () => {
    const events = [moduleRegistered("ips", 0), moduleRegistered("waf", 1), forwardAdded(5, IPS)];
    expect(problemOf(addForward({ ...IPS, snaplen: 128 }), ...events)).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("forward 5") as string,
    });
    expect(decide(addForward({ ...IPS, module: "waf" }), given(...events))).toMatchObject([{ data: { forward: { id: 6 } } }]);
  });

  it("holds the limit exactly", () => {
    const forwards = Array.from({ length: POLICY_LIMITS.forwards }, (_, i) => forwardAdded(i + 1, { ...IPS, port: i + 1_000 }));
    expect(decide(addForward(IPS), given(moduleRegistered("ips", 0), ...forwards.slice(1)))).toHaveLength(1);
    expect(problemOf(addForward(IPS), moduleRegistered("ips", 0), ...forwards).code).toBe("limit_reached");
  });

  it("deletes and clears as with rules", () => {
    const state = [moduleRegistered("ips", 0), forwardAdded(1, IPS)];
    expect(decide({ type: "delete_forward", id: 1 }, given(...state))).toEqual([
      { type: "forward.deleted", version: 1, data: { id: 1 } },
    ]);
    expect(problemOf({ type: "delete_forward", id: 9 }, ...state).more.next).toBe("secuxflow-cli forward list");
    expect(problemOf({ type: "clear_forwards", confirm: false }, ...state).code).toBe("confirmation_required");
    expect(decide({ type: "clear_forwards", confirm: true }, given(...state))).toEqual([
      { type: "forwards.cleared", version: 1, data: { ids: [1] } },
    ]);
    expect(decide({ type: "clear_forwards", confirm: true }, given())).toEqual([]);
  });
});

describe("registering a module", () => {
  const register = (name: string, version = "1.0.0", hash = digest("a")): PolicyCommand => ({
    type: "register_module",
    module: { name, version, digest: hash, title: name },
  });

  it("gives each name a bit of its own and keeps it for new versions", () => {
    expect(decide(register("ips"), given())).toMatchObject([{ data: { module: { name: "ips", bit: 0 } } }]);
    expect(decide(register("waf"), given(moduleRegistered("ips", 0)))).toMatchObject([{ data: { module: { bit: 1 } } }]);
    const both = given(moduleRegistered("ips", 0), moduleRegistered("waf", 1));
    expect(decide(register("ips", "1.1.0"), both)).toMatchObject([{ data: { module: { bit: 0, version: "1.1.0" } } }]);
    expect(decide(register("ips", "1.0.0", digest("b")), both)).toMatchObject([
      { data: { module: { bit: 0, digest: digest("b") } } },
    ]);
  });

  it("does nothing for what is known", () => {
    expect(decide(register("ips"), given(moduleRegistered("ips", 0)))).toEqual([]);
  });

  it("holds the limit exactly, and lets known names go on", () => {
    const modules = Array.from({ length: POLICY_LIMITS.modules }, (_, bit) => moduleRegistered(`m${bit}`, bit));
    expect(decide(register("last"), given(...modules.slice(0, -1)))).toMatchObject([{ data: { module: { bit: 31 } } }]);
    expect(problemOf(register("more"), ...modules).code).toBe("limit_reached");
    expect(decide(register("m3", "2"), given(...modules))).toMatchObject([{ data: { module: { bit: 3 } } }]);
  });
});
