import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PolicyEvent } from "./events.js";
import { NO_PROTECTION, type Protection } from "./protection.js";
import type { FilterRule } from "./rule.js";
import { emptyPolicy, evolve, policyState, rulesInOrder, type PolicyState } from "./state.js";

const rule = (id: number, priority: number): FilterRule => ({
  id, src: "any", dst: "any", proto: "any", action: "drop", priority, tags: [], createdAt: "2026-01-01T00:00:00.000Z",
});
const smallId = fc.integer({ min: 1, max: 9 });
const someRule = fc.tuple(smallId, fc.integer({ min: 0, max: 3 })).map(([id, priority]) => rule(id, priority));
const someName = fc.constantFrom("a", "b", "c");
const someEntries = fc.array(fc.constantFrom("10.0.0.1", "10.0.0.2", "2001:db8::/32", "0.0.0.0/0"), { maxLength: 4 });
const event: fc.Arbitrary<PolicyEvent> = fc.oneof(
  { weight: 4, arbitrary: someRule.map((one): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: one } })) },
  smallId.map((id): PolicyEvent => ({ type: "rule.deleted", version: 1, data: { id } })),
  smallId.map((id): PolicyEvent => ({ type: "rule.expired", version: 1, data: { id } })),
  fc.array(smallId).map((ids): PolicyEvent => ({ type: "rules.cleared", version: 1, data: { ids } })),
  fc.array(someRule, { minLength: 1 }).map((rules): PolicyEvent => ({ type: "rules.added", version: 1, data: { rules } })),
  fc.array(someRule).map((rules): PolicyEvent => ({ type: "rules.replaced", version: 1, data: { rules } })),
  fc.tuple(someName, someEntries).map(([name, entries]): PolicyEvent => ({ type: "set.created", version: 1, data: { name, entries } })),
  fc.tuple(someName, someEntries, someEntries).map(([name, add, remove]): PolicyEvent => ({ type: "set.changed", version: 1, data: { name, add, remove } })),
  fc.tuple(someName, someEntries).map(([name, entries]): PolicyEvent => ({ type: "set.replaced", version: 1, data: { name, entries } })),
  someName.map((name): PolicyEvent => ({ type: "set.deleted", version: 1, data: { name } })),
  fc.integer({ min: 1, max: 9 }).map((synRate): PolicyEvent => ({ type: "protection.changed", version: 1, data: { protection: { ...NO_PROTECTION, synRate } } })),
);

/** The obvious way: lists that are edited by hand. */
class ByHand {
  rules: FilterRule[] = [];
  highest = 0;
  protection: Protection = NO_PROTECTION;
  readonly sets = new Map<string, Set<string>>();

  take(e: PolicyEvent): void {
    if (e.type === "rule.added") this.#add([e.data.rule]);
    else if (e.type === "rules.added") this.#add(e.data.rules);
    else if (e.type === "rules.replaced") {
      this.rules = [];
      this.#add(e.data.rules);
    } else if (e.type === "rules.cleared") this.rules = this.rules.filter((r) => !e.data.ids.includes(r.id));
    else if (e.type === "rule.deleted" || e.type === "rule.expired") this.rules = this.rules.filter((r) => r.id !== e.data.id);
    else if (e.type === "set.created" || e.type === "set.replaced") this.sets.set(e.data.name, new Set(e.data.entries));
    else if (e.type === "set.deleted") this.sets.delete(e.data.name);
    else if (e.type === "set.changed") {
      const kept = [...(this.sets.get(e.data.name) ?? [])].filter((entry) => !e.data.remove.includes(entry));
      this.sets.set(e.data.name, new Set([...kept, ...e.data.add]));
    } else if (e.type === "protection.changed") this.protection = e.data.protection;
  }

  #add(rules: readonly FilterRule[]): void {
    for (const one of rules) {
      this.rules = [...this.rules.filter((r) => r.id !== one.id), one];
      this.highest = Math.max(this.highest, one.id);
    }
  }

  get ordered(): FilterRule[] {
    return [...this.rules].sort((a, b) => (a.priority === b.priority ? a.id - b.id : a.priority - b.priority));
  }
}

const setsOf = (sets: ReadonlyMap<string, { readonly entries: ReadonlySet<string> } | ReadonlySet<string>>): [string, string[]][] =>
  [...sets].map(([name, set]): [string, string[]] => [name, [..."entries" in set && !(set instanceof Set) ? (set as { entries: ReadonlySet<string> }).entries : (set as Set<string>)].sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1));

const expectSame = (state: PolicyState, model: ByHand): void => {
  expect(rulesInOrder(state)).toEqual(model.ordered);
  expect([...state.rules.keys()]).toEqual(model.rules.map(({ id }) => id).sort((a, b) => a - b));
  for (const one of model.rules) expect(state.rules.get(one.id)).toBe(one);
  expect(state.rules.size).toBe(model.rules.length);
  expect(state.nextRuleId).toBe(model.highest + 1);
  expect(setsOf(state.sets)).toEqual(setsOf(model.sets));
  expect(state.protection).toEqual(model.protection);
};

describe("evolve", () => {
  it("agrees with lists that are edited by hand, and old states stay as they were", () => {
    fc.assert(fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const states = [emptyPolicy];
      const model = new ByHand();
      for (const e of events) states.push(evolve(states.at(-1) ?? emptyPolicy, e));
      const orders = states.map((state) => rulesInOrder(state).map(({ id }) => id));
      for (const [index, e] of events.entries()) {
        model.take(e);
        expectSame(states[index + 1] ?? emptyPolicy, model);
      }
      expect(states.map((state) => [...state.rules.values()].sort((a, b) => a.priority - b.priority || a.id - b.id).map(({ id }) => id))).toEqual(orders);
      expect(emptyPolicy.rules.size).toBe(0);
    }));
  });

  it("takes a state that somebody made of plain maps", () => {
    const plain: PolicyState = { ...emptyPolicy, rules: new Map([[1, rule(1, 5)], [2, rule(2, 3)]]), sets: new Map([["a", { name: "a", entries: new Set(["10.0.0.1"]) }]]) };
    expect(rulesInOrder(plain).map(({ id }) => id)).toEqual([2, 1]);
    const changed = evolve(evolve(plain, { type: "rule.added", version: 1, data: { rule: rule(3, 4) } }), { type: "set.changed", version: 1, data: { name: "a", add: ["10.0.0.2"], remove: [] } });
    expect(rulesInOrder(changed).map(({ id }) => id)).toEqual([2, 3, 1]);
    expect([...changed.sets.get("a")?.entries ?? []]).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(plain.rules.size).toBe(2);
  });

  it("what an event does not touch stays the very same object", () => {
    const state = policyState({ rules: [rule(1, 1)], sets: [{ name: "a", entries: ["10.0.0.1"] }] });
    const after = evolve(state, { type: "rule.deleted", version: 1, data: { id: 1 } });
    expect(after.sets).toBe(state.sets);
    expect(evolve(after, { type: "rule.deleted", version: 1, data: { id: 1 } }).rules).toBe(after.rules);
    expect(rulesInOrder(state)).toBe(rulesInOrder(state));
  });
});

describe("policyState", () => {
  it("gives ids beyond the highest unless told", () => {
    expect(policyState({ rules: [rule(7, 1)] })).toMatchObject({ nextRuleId: 8, nextForwardId: 1, protection: NO_PROTECTION });
    expect(policyState({ rules: [rule(7, 1)], nextRuleId: 99 }).nextRuleId).toBe(99);
  });
});
