import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DurationError, formatDuration, parseDuration } from "./duration.js";

describe("durations", () => {
  it.each([["500ms", 500], ["90s", 90_000], ["10m", 600_000], ["1h30m", 5_400_000], ["7d", 604_800_000], ["2w", 1_209_600_000]])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "10", "0s", "1.5h", "-1s", "h", "10 m", "99999999999999999999d", "1y"])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(DurationError);
  });

  it("reads back what it writes", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }));
  });
});
