import {
  evolve, NO_PROTECTION, POLICY_LIMITS, policyState, ProblemError, ProtectionChange, ServiceSpec, type PolicyState, type RuleSpecInput,
} from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PolicyCommand } from "./commands.js";
import { decide } from "./decider.js";
import { addRule, forwardAdded, given, LOOPBACK_ONLY, moduleRegistered, NOW, standing } from "./testing.js";

const problemOf = (command: PolicyCommand, state: PolicyState): ProblemError => {
  try {
    decide(command, state);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error("the command was accepted");
};
const guard = { confirm: false, surroundings: LOOPBACK_ONLY };
const create = (name: string, entries: string[] = []): PolicyCommand => ({ type: "create_set", set: { name, entries } });
const change = (add: string[], remove: string[] = []): PolicyCommand => ({ type: "change_set", name: "bad", add, remove, ...guard });
const replace = (entries: string[]): PolicyCommand => ({ type: "replace_set", name: "bad", entries, ...guard });
const rule = (spec: RuleSpecInput, id = 1) => standing(id, spec);
const SETS = [{ name: "bad", entries: ["10.0.0.1", "10.0.0.2"] }];
const POLICY = policyState({ sets: SETS });

describe("sets", () => {
  it("are made once, up to the limit", () => {
    expect(decide(create("new", ["10.0.0.1"]), POLICY)).toEqual([
      { type: "set.created", version: 1, data: { name: "new", entries: ["10.0.0.1"] } },
    ]);
    expect(problemOf(create("bad"), POLICY).code).toBe("already_exists");
    const many = Array.from({ length: POLICY_LIMITS.sets }, (_, n) => ({ name: `s${n}`, entries: [] }));
    expect(decide(create("last"), policyState({ sets: many.slice(1) }))).toHaveLength(1);
    expect(problemOf(create("last"), policyState({ sets: many })).code).toBe("limit_reached");
  });

  it("change by what makes a difference, and not at all by what makes none", () => {
    expect(decide(change(["10.0.0.1", "10.0.0.9"], ["10.0.0.2", "10.0.0.8"]), POLICY)).toEqual([
      { type: "set.changed", version: 1, data: { name: "bad", add: ["10.0.0.9"], remove: ["10.0.0.2"] } },
    ]);
    expect(decide(change(["10.0.0.1"], ["10.0.0.8"]), POLICY)).toEqual([]);
    expect(decide(replace(["10.0.0.2", "10.0.0.1"]), POLICY)).toEqual([]);
    expect(decide(replace(["10.0.0.2"]), POLICY)).toHaveLength(1);
    expect(problemOf({ type: "change_set", name: "nope", add: ["10.0.0.1"], remove: [], ...guard }, POLICY).code).toBe("not_found");
    expect(problemOf({ type: "replace_set", name: "nope", entries: [], ...guard }, POLICY).code).toBe("not_found");
  });

  it("hold the limit of entries exactly", () => {
    const entries = Array.from({ length: POLICY_LIMITS.setEntries }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    const full = policyState({ sets: [{ name: "bad", entries }] });
    expect(problemOf(change(["192.0.2.1"]), full).code).toBe("limit_reached");
    expect(decide(change(["192.0.2.1"], ["10.0.0.0"]), full)).toHaveLength(1);
  });

  it("are not deleted while a rule or forward names them", () => {
    const state = policyState({
      sets: SETS,
      rules: [rule({ src: "@bad", action: "drop" }, 1), rule({ dst: "@bad", action: "drop" }, 4)],
    });
    const problem = problemOf({ type: "delete_set", name: "bad" }, state);
    expect([problem.code, problem.message]).toEqual(["in_use", "set bad is named by rules 1, 4"]);
    const forwarded = given(
      { type: "set.created", version: 1, data: { name: "bad", entries: [] } },
      moduleRegistered("ips", 0),
      forwardAdded(2, { src: "@bad", module: "ips" }),
    );
    expect(problemOf({ type: "delete_set", name: "bad" }, forwarded).message).toContain("forward 2");
    expect(decide({ type: "delete_set", name: "bad" }, POLICY)).toEqual([{ type: "set.deleted", version: 1, data: { name: "bad" } }]);
    expect(problemOf({ type: "delete_set", name: "nope" }, POLICY).more.next).toBe("secuxflow-cli set list");
  });

  it("that rules name must be there", () => {
    expect(problemOf(addRule({ src: "@nope", action: "drop" }), POLICY)).toMatchObject({
      code: "unknown_set",
      more: { errors: [{ field: "rule.src", message: "use one of bad" }] },
    });
    expect(decide(addRule({ src: "@bad", action: "drop" }), POLICY)).toHaveLength(1);
  });

  it("ask before an entry of theirs cuts the administrator off", () => {
    const state = policyState({ sets: SETS, rules: [rule({ src: "@bad", action: "drop" })] });
    const problem = problemOf(change(["127.0.0.1"]), state);
    expect([problem.code, problem.message.includes("rule 1 (drop @bad -> any)")]).toEqual(["confirmation_required", true]);
    expect(problemOf(replace(["127.0.0.0/8"]), state).code).toBe("confirmation_required");
    expect(decide({ ...change(["127.0.0.1"]), confirm: true } as PolicyCommand, state)).toHaveLength(1);
    expect(decide(change(["127.0.0.1"]), policyState({ sets: SETS, rules: [rule({ src: "@bad", action: "pass" })] }))).toHaveLength(1);
    expect(decide(change(["127.0.0.1"]), POLICY)).toHaveLength(1);
  });

  it("hold what a plain set holds after any changes", () => {
    const entry = fc.integer({ min: 1, max: 8 }).map((n) => `10.0.0.${n}`);
    const entries = fc.uniqueArray(entry, { maxLength: 8 });
    const step = fc.oneof(
      fc.tuple(entries, entries).map(([add, out]) => ({ add, remove: out.filter((each) => !add.includes(each)) })),
      entries.map((all) => ({ all })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let model = new Set(SETS[0]?.entries);
        let state = POLICY;
        for (const each of steps) {
          const command = "all" in each ? replace(each.all) : change(each.add, each.remove);
          if ("all" in each) model = new Set(each.all);
          else model = new Set([...model].filter((one) => !each.remove.includes(one)).concat(each.add));
          state = decide(command, state).reduce(evolve, state);
          expect([...(state.sets.get("bad")?.entries ?? [])].sort()).toEqual([...model].sort());
        }
      }),
    );
  });
});

describe("services", () => {
  const add = (spec: object): PolicyCommand => ({ type: "add_service", service: ServiceSpec.parse(spec), now: NOW });
  const SHOP = { name: "shop", address: "10.0.0.5", port: 80, proto: "tcp" };
  const withShop = decide(add(SHOP), POLICY).reduce(evolve, POLICY);

  it("are added once, with themselves as backend where none is named", () => {
    expect(decide(add(SHOP), POLICY)).toEqual([
      { type: "service.added", version: 1, data: { service: { ...SHOP, backends: [{ address: "10.0.0.5", weight: 1 }], createdAt: NOW } } },
    ]);
    expect(problemOf(add(SHOP), withShop).code).toBe("already_exists");
  });

  it("are inspected by modules that are known", () => {
    const problem = problemOf(add({ ...SHOP, inspect: ["ips"] }), POLICY);
    expect([problem.code, problem.more.errors?.[0]?.field]).toEqual(["unknown_module", "service.inspect.0"]);
    expect(decide(add({ ...SHOP, inspect: ["ips"] }), given(moduleRegistered("ips", 0)))).toHaveLength(1);
  });

  it("must be there for a rule to redirect to, and stay as long as one does", () => {
    const redirect = addRule({ dst: "10.0.0.5", action: "redirect", service: "shop" });
    expect(problemOf(redirect, POLICY)).toMatchObject({ code: "unknown_service", more: { errors: [{ field: "rule.service" }] } });
    const used = decide(redirect, withShop).reduce(evolve, withShop);
    expect(problemOf({ type: "delete_service", name: "shop" }, used)).toMatchObject({
      code: "in_use",
      message: "rule 1 redirects to service shop",
    });
    expect(decide({ type: "delete_service", name: "shop" }, withShop)).toHaveLength(1);
    expect(problemOf({ type: "delete_service", name: "shop" }, POLICY).code).toBe("not_found");
  });

  it("hold the limit exactly", () => {
    const service = withShop.services.get("shop");
    if (!service) throw new Error("no service");
    const services = Array.from({ length: POLICY_LIMITS.services }, (_, n) => ({ ...service, name: `s${n}` }));
    expect(decide(add(SHOP), policyState({ services: services.slice(1) }))).toHaveLength(1);
    expect(problemOf(add(SHOP), policyState({ services })).code).toBe("limit_reached");
  });
});

describe("protection", () => {
  const set = (spec: object, confirm = false): PolicyCommand => ({
    type: "change_protection",
    change: ProtectionChange.parse(spec),
    confirm,
  });

  it("changes by what is named, as a whole, and not by what is so already", () => {
    expect(decide(set({ synCookies: "auto", synRate: 5 }), POLICY)).toEqual([
      { type: "protection.changed", version: 1, data: { protection: { ...NO_PROTECTION, synCookies: "auto", synRate: 5 } } },
    ]);
    expect(decide(set({ synCookies: "off" }), POLICY)).toEqual([]);
    const limited = policyState({ protection: { ...NO_PROTECTION, perSource: { rate: 500, burst: 500 } } });
    expect(decide(set({ perSource: null }), limited)).toMatchObject([{ data: { protection: NO_PROTECTION } }]);
    expect(decide(set({ perSource: { rate: 500, burst: 500 } }), limited)).toEqual([]);
  });

  it("asks before it limits an administrator too", () => {
    expect(problemOf(set({ perSource: { rate: 5, burst: 5 } }), POLICY).code).toBe("confirmation_required");
    expect(decide(set({ perSource: { rate: 5, burst: 5 } }, true), POLICY)).toHaveLength(1);
    expect(decide(set({ perSource: { rate: 5_000, burst: 5 } }), POLICY)).toHaveLength(1);
  });
});
