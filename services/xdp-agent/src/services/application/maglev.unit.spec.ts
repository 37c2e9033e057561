import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SERVICE_LIMITS } from "../domain/layout.js";
import { maglevTable, type MaglevBackend } from "./maglev.js";

const SIZE: number = SERVICE_LIMITS.maglevEntries;

const named = (names: readonly string[], weight = 1): MaglevBackend[] => names.map((name, slot) => ({ name, weight, slot }));
const tableOf = (backends: readonly MaglevBackend[], size = SIZE): Uint8Array => {
  const table = maglevTable(backends, size);
  if (!table) throw new Error("a table is expected");
  return table;
};
const shares = (table: Uint8Array): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const slot of table) counts.set(slot, (counts.get(slot) ?? 0) + 1);
  return counts;
};
const names = (most: number) => fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: most });

describe("maglevTable", () => {
  it("gives every backend the same share, to one entry", () => {
    fc.assert(fc.property(names(64), (all) => {
      const counts = [...shares(tableOf(named(all))).values()];
      expect(counts).toHaveLength(all.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }), { numRuns: 25 });
  });

  it("gives shares by weight, to one round", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 16 }), (weights) => {
      const backends = weights.map((weight, slot) => ({ name: `b${slot}`, weight, slot }));
      const sum = weights.reduce((a, b) => a + b, 0);
      const table = maglevTable(backends, SIZE);
      if (sum === 0) {
        expect(table).toBeUndefined();
        return;
      }
      const counts = shares(table ?? new Uint8Array());
      for (const { slot, weight } of backends) {
        expect(Math.abs((counts.get(slot) ?? 0) - (SIZE * weight) / sum)).toBeLessThanOrEqual(weight);
      }
    }), { numRuns: 25 });
  });

  it("does not depend on the order of the backends", () => {
    fc.assert(fc.property(names(12).chain((all) => fc.tuple(fc.constant(named(all)), fc.shuffledSubarray(named(all), { minLength: all.length }))), ([sorted, mixed]) => {
      expect(tableOf(mixed)).toEqual(tableOf(sorted));
    }), { numRuns: 25 });
  });

  it("moves few entries of the others when one backend goes (the paper measured some per cent)", () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 32 }), fc.nat(), (count, pick) => {
      const all = named(Array.from({ length: count }, (_, i) => `10.0.0.${i}:80`));
      const gone = pick % count;
      const before = tableOf(all), after = tableOf(all.filter(({ slot }) => slot !== gone));
      let moved = 0;
      for (let i = 0; i < SIZE; i++) if (before[i] !== gone && before[i] !== after[i]) moved++;
      expect(moved / SIZE).toBeLessThan(0.08);
      expect(after.includes(gone)).toBe(false);
    }), { numRuns: 25 });
  });

  it("agrees with the paper's pseudocode, written out, on small tables", () => {
    const slow = (all: readonly MaglevBackend[], size: number): number[] => {
      // Permutation tables in full, as in the paper, recovered from tables of one backend at a time: the order of first visits.
      const entry = Array<number>(size).fill(-1);
      const permutations = all.map((one) => permutationOf(one, size));
      const next = all.map(() => 0);
      for (let n = 0; ;) {
        for (let i = 0; i < all.length; i++) {
          let c = permutations[i]?.[next[i] ?? 0] ?? 0;
          while ((entry[c] ?? 0) >= 0) {
            next[i] = (next[i] ?? 0) + 1;
            c = permutations[i]?.[next[i] ?? 0] ?? 0;
          }
          entry[c] = all[i]?.slot ?? -1;
          next[i] = (next[i] ?? 0) + 1;
          if (++n === size) return entry;
        }
      }
    };
    /** A backend's permutation, found without its formula: with weight w against a rival it takes its first w entries. */
    const permutationOf = (one: MaglevBackend, size: number): number[] => {
      const order: number[] = [];
      for (let w = 1; w <= size; w++) {
        const table = tableOf([{ name: one.name, weight: w, slot: 1 }, { name: "\u{10ffff}", weight: size, slot: 0 }], size);
        order.push(table.findIndex((slot, i) => slot === 1 && !order.includes(i)));
      }
      return order;
    };
    fc.assert(fc.property(fc.constantFrom(5, 13, 31), names(5), (size, all) => {
      const backends = named([...all].sort((a, b) => (a < b ? -1 : 1)));
      expect([...tableOf(backends, size)]).toEqual(slow(backends, size));
    }), { numRuns: 20 });
  });
});
