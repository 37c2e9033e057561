import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limitCost } from "./rate.js";

describe("limitCost", () => {
  it("is time for a packet or byte, and for a burst", () => {
    expect(limitCost({ rate: 1_000, unit: "packets", burst: 5 })).toEqual({ unitNs: 1_000_000n << 32n, burstNs: 5_000_000n });
    expect(limitCost({ rate: 8_000, unit: "bits", burst: 80 })).toEqual({ unitNs: 1_000_000n << 32n, burstNs: 10_000_000n });
    expect(limitCost({ rate: 3, unit: "packets" })).toEqual({ unitNs: (1_000_000_000n << 32n) / 3n, burstNs: 1_000_000_000n });
  });

  it("fits the program's numbers for every rate there is, and a burst always has room for what it names", () => {
    const amount = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 1e12 }));
    fc.assert(fc.property(amount, amount, fc.constantFrom<"packets" | "bits">("packets", "bits"), (rate, burst, unit) => {
      const { unitNs, burstNs } = limitCost({ rate, unit, burst });
      expect(unitNs).toBeLessThan(1n << 64n);
      // In sixteenths of nanoseconds, with a packet of 64 KiB on top, all stays below 2^63.
      expect((burstNs << 4n) + (((unitNs >> 32n) + 1n) << 20n)).toBeLessThan(1n << 63n);
      const units = BigInt(unit === "bits" ? Math.floor(burst / 8) : burst);
      if (burstNs < (1n << 58n) - 1n) expect(units * unitNs).toBeLessThanOrEqual(burstNs << 32n);
    }));
  });
});
