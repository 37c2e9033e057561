import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLength, formatPorts, parseLength, parsePorts, RangeTextError } from "./ranges.js";

const range = fc.tuple(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 200 })).map(([from, more]) => ({ from, to: Math.min(from + more, 65_535) }));

describe("ports", () => {
  it.each([
    [80, 80], ["80", 80], ["1000-2000", "1000-2000"], ["443, 80 ,8000-8100", "80,443,8000-8100"], ["1-5,3-9,10", "1-10"], ["5-5", 5], ["0-65535", "0-65535"], ["007", 7],
  ])("%j is written %j", (text, canonical) => {
    expect(formatPorts(parsePorts(text))).toBe(canonical);
  });

  it.each([
    ["", /is not a port; write/], ["80,", /is not a port/], ["65536", /at most 65535/], [-1, /at least 0/], [1.5, /is not a port/], ["9-3", /runs backwards: write 3-9/],
    ["1-2-3", /is not a port/], ["http", /is not a port/], ["1-99999", /at most 65535/], [Array.from({ length: 17 }, (_, n) => n * 2).join(), /17 ranges, at most 16/],
  ])("refuses %j", (text, message) => {
    expect(() => parsePorts(text)).toThrow(RangeTextError);
    expect(() => parsePorts(text)).toThrow(message);
  });

  it("hold exactly the ports of their ranges, sorted, apart from each other, and read back", () => {
    fc.assert(fc.property(fc.array(range, { minLength: 1, maxLength: 16 }), (ranges) => {
      const inside = new Set(ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n)));
      const text = formatPorts(ranges);
      const read = parsePorts(text);
      expect(read.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n))).toEqual([...inside].sort((a, b) => a - b));
      for (const [index, { from }] of read.entries()) expect(from).toBeGreaterThan((read[index - 1]?.to ?? -2) + 1);
      expect(formatPorts(read)).toBe(text);
    }));
  });

  it("no text makes the parser fail in another way", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0189-, ") })), (text) => {
      try {
        for (const { from, to } of parsePorts(text)) expect(from <= to && from >= 0 && to <= 65_535).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeTextError);
      }
    }), { numRuns: 1_000 });
  });
});

describe("lengths", () => {
  it.each([[1_500, 1_500], ["64-128", "64-128"], ["65535", 65_535]])("%j is written %j", (text, canonical) => {
    expect(formatLength(parseLength(text))).toBe(canonical);
  });

  it.each([["64,128", /is a list/], ["65536", /at most 65535/], ["long", /is not a packet length/]])("refuses %j", (text, message) => {
    expect(() => parseLength(text)).toThrow(message);
  });
});
