import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EntrySet } from "./policy/entry-set.js";
import { SortedMap } from "./sorted-map.js";

type Step = { readonly set: number; readonly value: string } | { readonly remove: number } | { readonly many: readonly [number, string][]; readonly gone: readonly number[] };
const key = fc.integer({ min: 0, max: 3_000 });
const pairs = fc.array(fc.tuple(key, fc.string({ maxLength: 2 })), { maxLength: 1_500 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ set: key, value: fc.string({ maxLength: 2 }) }) },
  { weight: 5, arbitrary: fc.record({ remove: key }) },
  { weight: 1, arbitrary: fc.record({ many: pairs, gone: fc.array(key, { maxLength: 1_500 }) }) },
);

const applied = (map: SortedMap<number, string>, one: Step): SortedMap<number, string> =>
  "set" in one ? map.with(one.set, one.value) : "remove" in one ? map.without(one.remove) : map.changed(one.many, one.gone);
const byHand = (map: ReadonlyMap<number, string>, one: Step): Map<number, string> => {
  const copy = new Map(map);
  if ("set" in one) return copy.set(one.set, one.value);
  for (const gone of "remove" in one ? [one.remove] : one.gone) copy.delete(gone);
  if ("many" in one) for (const [k, value] of one.many) copy.set(k, value);
  return copy;
};
const inOrder = (map: ReadonlyMap<number, string>): [number, string][] => [...map].sort(([a], [b]) => a - b);

describe("SortedMap", () => {
  it("is a Map in the order of its keys, and old versions stay as they were", () => {
    fc.assert(fc.property(pairs, fc.array(step, { maxLength: 30 }), (start, steps) => {
      let map = SortedMap.from(start);
      let model = new Map(start);
      const before: [SortedMap<number, string>, [number, string][]][] = [];
      for (const one of steps) {
        before.push([map, inOrder(model)]);
        map = applied(map, one);
        model = byHand(model, one);
        expect([...map]).toEqual(inOrder(model));
        expect(map.size).toBe(model.size);
      }
      for (const [old, content] of before) expect([...old]).toEqual(content);
      expect([...map.keys()]).toEqual(map.list().length === 0 ? [] : inOrder(model).map(([k]) => k));
      expect([...map.values()]).toEqual([...map.list()]);
      const seen: [number, string][] = [];
      map.forEach((value, k) => seen.push([k, value]));
      expect(seen).toEqual(inOrder(model));
    }), { numRuns: 60 });
  });

  it("finds what is there and nothing else, through splits of chunks at any place", () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 100_000 }), { minLength: 1_000, maxLength: 3_000 }), (keys) => {
      const map = keys.reduce((m, k) => m.with(k, -k), SortedMap.from<number, number>([]));
      const known = new Set(keys);
      for (let k = 0; k <= 100_000; k += 97) expect([map.has(k), map.get(k)]).toEqual([known.has(k), known.has(k) ? -k : undefined]);
      for (const k of keys) expect(map.get(k)).toBe(-k);
      expect(keys.reduce((m, k) => m.without(k), map).size).toBe(0);
    }), { numRuns: 10 });
  });

  it("a removal of what is not there gives the same map", () => {
    const map = SortedMap.from<string, number>([["a", 1]]);
    expect(map.without("b")).toBe(map);
  });
});

describe("EntrySet", () => {
  it("is a Set sorted by text; removals come first", () => {
    const text = fc.string({ unit: fc.constantFrom(..."ab1"), maxLength: 3 });
    fc.assert(fc.property(fc.array(text), fc.array(text), fc.array(text), (start, add, remove) => {
      const before = EntrySet.from(start);
      const after = before.changed(add, remove);
      const model = new Set(start);
      for (const entry of remove) model.delete(entry);
      for (const entry of add) model.add(entry);
      const sorted = [...model].sort((a, b) => (a < b ? -1 : 1));
      expect([...after]).toEqual(sorted);
      expect(after.list()).toEqual(sorted);
      expect([...after.entries()]).toEqual(sorted.map((entry) => [entry, entry]));
      expect(after.size).toBe(model.size);
      expect([...before].length).toBe(new Set(start).size);
      for (const entry of [...start, ...add, ...remove]) expect(after.has(entry)).toBe(model.has(entry));
    }));
  });
});
