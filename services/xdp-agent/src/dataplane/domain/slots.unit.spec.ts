import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlotsExhausted, SlotTable } from "./slots.js";

describe("SlotTable", () => {
  it("never gives a slot that is taken or resting, and gives all there are", () => {
    fc.assert(fc.property(fc.uniqueArray(fc.nat(15), { maxLength: 16 }), fc.array(fc.constantFrom("take", "give up", "recycle"), { maxLength: 80 }), (standing, steps) => {
      const table = new SlotTable(16, standing);
      const taken = new Set(standing);
      const resting: number[] = [];
      for (const step of steps) {
        if (step === "take" && taken.size + resting.length === 16) {
          expect(() => table.take()).toThrow(SlotsExhausted);
        } else if (step === "take") {
          const slot = table.take();
          expect(taken.has(slot) || resting.includes(slot)).toBe(false);
          expect(slot).toBeLessThan(table.end);
          taken.add(slot);
        } else if (step === "give up") {
          for (const slot of [...taken].slice(0, 2)) {
            taken.delete(slot);
            resting.push(slot);
          }
        } else table.recycle(resting.splice(0));
        expect(table.free).toBe(16 - taken.size - resting.length);
      }
    }));
  });

  it("gives low slots first, so that reading counters stops early", () => {
    const table = new SlotTable(1_000, [1]);
    expect([table.take(), table.take(), table.end]).toEqual([0, 2, 3]);
  });
});
