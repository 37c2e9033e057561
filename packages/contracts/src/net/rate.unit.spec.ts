import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRate, MAX_RATE, parseRate, RateError } from "./rate.js";

describe("rates", () => {
  it.each([
    ["1000/s", 1_000, "packets", "1000/s"], ["5 packets/s", 5, "packets", "5/s"], ["1kpps", 1_000, "packets", "1000/s"], ["1 packet/s", 1, "packets", "1/s"],
    ["10 Mbit/s", 10_000_000, "bits", "10 Mbit/s"], ["10mbps", 10_000_000, "bits", "10 Mbit/s"], ["1.5 Gbit/s", 1_500_000_000, "bits", "1500 Mbit/s"], ["512 bit/s", 512, "bits", "512 bit/s"],
  ])("%s", (text, rate, unit, canonical) => {
    expect(parseRate(text)).toEqual({ rate, unit });
    expect(formatRate(parseRate(text))).toBe(canonical);
  });

  it.each([
    ["", /is not a rate/], ["10", /is not a rate/], ["10 MB/s", /is not a rate/], ["0/s", /use drop/], ["1.5/s", /whole number/], ["-1/s", /is not a rate/],
    ["1001 Gbit/s", /highest rate/], ["1e3/s", /is not a rate/], ["0.0001 kbit/s", /whole number/],
  ])("refuses %j", (text, message) => {
    expect(() => parseRate(text)).toThrow(RateError);
    expect(() => parseRate(text)).toThrow(message);
  });

  it("read back what is written", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: MAX_RATE }), fc.constantFrom("packets" as const, "bits" as const), (rate, unit) => {
      expect(parseRate(formatRate({ rate, unit }))).toEqual({ rate, unit });
    }));
  });
});
