import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PolicyEvent } from "./events.js";
import { emptyPolicy, evolve, rulesInOrder } from "./state.js";

const rule = (id: number, priority: number) => ({
  id, src: "any", dst: "any", proto: "any", action: "drop" as const, priority, tags: [], createdAt: "2026-01-01T00:00:00.000Z",
});
const smallId = fc.integer({ min: 1, max: 9 });
const event: fc.Arbitrary<PolicyEvent> = fc.oneof(
  fc.tuple(smallId, fc.integer({ min: 0, max: 3 })).map(([id, priority]): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: rule(id, priority) } })),
  smallId.map((id): PolicyEvent => ({ type: "rule.deleted", version: 1, data: { id } })),
  smallId.map((id): PolicyEvent => ({ type: "rule.expired", version: 1, data: { id } })),
  fc.array(smallId).map((ids): PolicyEvent => ({ type: "rules.cleared", version: 1, data: { ids } })),
);

describe("evolve", () => {
  it("agrees with a list that is edited by hand", () => {
    fc.assert(fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let list: { id: number; priority: number }[] = [];
      let highest = 0;
      for (const e of events) {
        if (e.type === "rule.added") {
          list = [...list.filter((r) => r.id !== e.data.rule.id), e.data.rule];
          highest = Math.max(highest, e.data.rule.id);
        } else if (e.type === "rules.cleared") list = list.filter((r) => !e.data.ids.includes(r.id));
        else if (e.type === "rule.deleted" || e.type === "rule.expired") list = list.filter((r) => r.id !== e.data.id);
      }
      const state = events.reduce(evolve, emptyPolicy);
      list.sort((a, b) => (a.priority === b.priority ? a.id - b.id : a.priority - b.priority));
      expect(rulesInOrder(state).map((r) => r.id)).toEqual(list.map((r) => r.id));
      expect(state.nextRuleId).toBe(highest + 1);
    }));
  });

  it("does not touch the state it is given", () => {
    const before = evolve(emptyPolicy, { type: "rule.added", version: 1, data: { rule: rule(1, 1) } });
    evolve(before, { type: "rules.cleared", version: 1, data: { ids: [1] } });
    expect(before.rules.size).toBe(1);
    expect(emptyPolicy.rules.size).toBe(0);
  });
});
