import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownerOf, weight } from "./rendezvous.js";

const PARTITIONS = 64;
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const members = fc.uniqueArray(name, { minLength: 1, maxLength: 12 });
const all = (names: readonly string[]): (string | undefined)[] =>
  Array.from({ length: PARTITIONS }, (_, partition) => ownerOf(partition, names));

describe("ownerOf", () => {
  it("is nobody without members, and the only member otherwise", () => {
    expect(ownerOf(3, [])).toBeUndefined();
    expect(ownerOf(3, ["a"])).toBe("a");
  });

  it("is always a member, the one with the highest weight, whatever the order", () => {
    fc.assert(
      fc.property(members, fc.nat(PARTITIONS - 1), (names, partition) => {
        const byWeight = [...names].sort((a, b) => weight(b, partition) - weight(a, partition) || (a < b ? -1 : 1));
        expect(ownerOf(partition, names)).toBe(byWeight[0]);
        expect(ownerOf(partition, [...names].reverse())).toBe(byWeight[0]);
      }),
    );
  });

  it("moves only the partitions of the member that leaves", () => {
    fc.assert(
      fc.property(members, fc.nat(), (names, pick) => {
        const gone = names[pick % names.length];
        const rest = names.filter((member) => member !== gone);
        const [before, after] = [all(names), all(rest)];
        for (const [partition, owner] of before.entries()) if (owner !== gone) expect(after[partition]).toBe(owner);
      }),
    );
  });

  it("moves partitions only to the member that comes", () => {
    fc.assert(
      fc.property(members, name, (names, fresh) => {
        fc.pre(!names.includes(fresh));
        const [before, after] = [all(names), all([...names, fresh])];
        for (const [partition, owner] of after.entries()) if (owner !== fresh) expect(owner).toBe(before[partition]);
      }),
    );
  });

  it("shares partitions out evenly, also among names that differ in one character", () => {
    for (const size of [2, 3, 5, 8]) {
      const totals = new Map<string, number>();
      for (let pool = 0; pool < 50; pool++) {
        const names = Array.from({ length: size }, (_, n) => `host-${pool}-${1_000 + n}`);
        for (const owner of all(names)) totals.set((owner ?? "").slice(-4), (totals.get((owner ?? "").slice(-4)) ?? 0) + 1);
      }
      const fair = (50 * PARTITIONS) / size;
      for (const total of totals.values()) expect(Math.abs(total - fair) / fair).toBeLessThan(0.25);
      expect(totals.size).toBe(size);
    }
  });
});
