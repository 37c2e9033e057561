import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { metric, quantile, quantileMetric } from "./statistics.js";

describe("quantile", () => {
  it("interpolates", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([7], 0.99)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it("lies between the extremes and grows with p", () => {
    fc.assert(fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (samples, a, b) => {
      const [low, high] = [quantile(samples, Math.min(a, b)), quantile(samples, Math.max(a, b))];
      expect(low).toBeGreaterThanOrEqual(Math.min(...samples));
      expect(high).toBeLessThanOrEqual(Math.max(...samples));
      expect(low).toBeLessThanOrEqual(high + 1e-6 * Math.abs(high));
    }));
  });
});

describe("metrics", () => {
  it("carry median, spread and the number of samples", () => {
    expect(metric("a", "ms", [1, 9, 2])).toEqual({ name: "a", unit: "ms", median: 2, min: 1, max: 9, n: 3 });
    expect(quantileMetric("p", "ms", [1, 1, 3, 3], 0.5, 2)).toEqual({ name: "p", unit: "ms", median: 2, min: 1, max: 3, n: 4 });
  });
});
