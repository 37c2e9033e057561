import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FloodGate } from "./flood.js";

const MINUTE = 60_000_000;

describe("the flood gate", () => {
  it("keeps the first of each minute in full and no more", () => {
    const gate = new FloodGate(3);
    const kept = [0, 1, 2, 3, 4].map((i) => gate.admit("a", i, 3));
    expect(kept).toEqual([true, true, true, false, false]);
    expect(gate.admit("a", MINUTE, 3)).toBe(true);
  });

  it("keeps a more severe one in a flood, once for each step", () => {
    const gate = new FloodGate(2);
    expect([4, 4, 4, 2, 2, 1, 1, 3].map((severity) => gate.admit("a", 0, severity))).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it("never touches another group", () => {
    const gate = new FloodGate(10);
    for (let i = 0; i < 1_000; i++) gate.admit("flood", 0, 1);
    expect(gate.admit("quiet", 0, 4)).toBe(true);
  });

  it("is not reset by times that go back and forth", () => {
    const gate = new FloodGate(5);
    const kept = Array.from({ length: 100 }, (_, i) => gate.admit("a", (i % 2 === 0 ? 10 : 9) * MINUTE, 3)).filter(Boolean);
    expect(kept.length).toBeLessThanOrEqual(6);
  });

  it("holds at most so many counters", () => {
    const gate = new FloodGate(1, 100);
    for (let i = 0; i < 10_000; i++) gate.admit(`g${i}`, 0, 1);
    expect(gate.size).toBe(100);
  });

  it("keeps at most limit + 3 in one minute of one group (property)", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 200 }),
        (limit, severities) => {
          const gate = new FloodGate(limit);
          const kept = severities.filter((severity) => gate.admit("a", 5, severity));
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(limit, severities.length));
          expect(kept.length).toBeLessThanOrEqual(limit + 3);
          if (severities.length > 0) expect(Math.min(...kept)).toBe(Math.min(...severities));
        },
      ),
    );
  });
});
