import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlotsExhausted, SlotTable } from "./slots.js";

describe("SlotTable", () => {
  it("never gives one slot to two ids, keeps slots of ids that stay, and reuses only what was recycled", () => {
    fc.assert(fc.property(fc.array(fc.record({ ids: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 12 }), recycle: fc.boolean() })), (steps) => {
      const table = new SlotTable(16);
      let resting = new Set<number>();
      let before = new Map<number, number>();
      for (const { ids, recycle } of steps) {
        let change;
        try {
          change = table.assign(ids);
        } catch (error) {
          expect(error).toBeInstanceOf(SlotsExhausted);
          expect(new Map(table.entries())).toEqual(before);
          table.recycle(resting);
          resting = new Set();
          continue;
        }
        const now = new Map(table.entries());
        expect([...now.keys()].sort()).toEqual([...ids].sort());
        expect(new Set(now.values()).size).toBe(now.size);
        for (const [id, slot] of now) {
          if (before.has(id)) expect(slot).toBe(before.get(id));
          else expect(change.fresh).toContain(slot);
          expect(resting.has(slot)).toBe(false);
        }
        for (const slot of change.retired) resting.add(slot);
        if (recycle) {
          table.recycle(resting);
          resting = new Set();
        }
        before = now;
      }
    }));
  });

  it("goes on with the slots that a policy in the kernel holds", () => {
    const table = new SlotTable(2, new Map([[5, 1]]));
    expect(table.assign([5, 6])).toEqual({ fresh: [0], retired: [] });
    expect(table.get(5)).toBe(1);
  });
});
