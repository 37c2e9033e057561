import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pace } from "./pace.js";

describe("the pause after an insert", () => {
  it("is none on a quiet stream, for as long as it is quiet", () => {
    const pace = new Pace(20, 10);
    expect(Array.from({ length: 1_000 }, (_, i) => pace.after(1, i * 50)).filter((pause) => pause > 0)).toEqual([]);
  });

  it("comes after a large batch, and when there were many inserts", () => {
    const pace = new Pace(20, 10);
    expect(pace.after(500, 0)).toBe(20);
    const pauses = Array.from({ length: 20 }, () => pace.after(1, 0));
    expect(pauses).toEqual([...Array<number>(9).fill(0), ...Array<number>(11).fill(20)]);
    expect(pace.after(1, 1_000)).toBe(0);
  });

  it("always comes without a burst, and never when it is 0", () => {
    expect([new Pace(20, 0).after(1, 0), new Pace(0, 0).after(1_000, 0), new Pace(0, 5).after(1_000, 0)]).toEqual([20, 0, 0]);
  });

  it("lets no more inserts through without it than burst and 25 a second", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ n: fc.integer({ min: 1, max: 40 }), gap: fc.nat({ max: 60 }) })), (batches) => {
        const pace = new Pace(20, 5);
        let at = 0;
        let free = 0;
        for (const { n, gap } of batches) if (pace.after(n, (at += gap)) === 0) free++;
        expect(free).toBeLessThanOrEqual(5 + (at * 25) / 1_000);
      }),
    );
  });
});
