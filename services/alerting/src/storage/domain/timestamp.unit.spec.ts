import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clickHouseSeconds, clickHouseTime, formatMicros, parseMicros } from "./timestamp.js";

const LATEST = Date.UTC(2149, 0, 1) * 1_000;

describe("timestamps", () => {
  it("reads what it writes, for every microsecond that storage can hold", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LATEST - 1 }), (micros) => {
        expect(parseMicros(formatMicros(micros))).toBe(micros);
      }),
    );
  });

  it("agrees with Date on whole milliseconds and on offsets", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 86_400_000, max: LATEST / 1_000 - 86_400_001 }),
        fc.integer({ min: -14, max: 14 }),
        (ms, hours) => {
          const local = new Date(ms + hours * 3_600_000).toISOString().slice(0, 23);
          const zone = `${hours < 0 ? "-" : "+"}${String(Math.abs(hours)).padStart(2, "0")}:00`;
          expect(parseMicros(`${local}${zone}`)).toBe(ms * 1_000);
        },
      ),
    );
  });

  it.each([
    ["2026-11-22T10:00:00Z", "2026-11-22 10:00:00.000000"],
    ["2026-11-22T10:00:00.5Z", "2026-11-22 10:00:00.500000"],
    ["2026-11-22T10:00:00.123456789Z", "2026-11-22 10:00:00.123456"],
    ["1970-01-01T00:00:00.000001Z", "1970-01-01 00:00:00.000001"],
  ])("%s is %s for ClickHouse", (text, wanted) => {
    const micros = parseMicros(text) ?? Number.NaN;
    expect(clickHouseTime(micros)).toBe(wanted);
    expect(clickHouseSeconds(micros)).toBe(wanted.slice(0, 19));
  });

  it.each([
    "",
    "now",
    "2026-11-22",
    "2026-11-22T10:00:00",
    "2026-13-01T00:00:00Z",
    "2026-11-22T25:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "2149-01-01T00:00:00Z",
    "2026-11-22T10:00:00.1234567890Z",
    " 2026-11-22T10:00:00Z",
    "+012026-11-22T10:00:00Z",
  ])("%j is none", (text) => {
    expect(parseMicros(text)).toBeUndefined();
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const micros = parseMicros(text);
        expect(micros === undefined || Number.isSafeInteger(micros)).toBe(true);
      }),
    );
  });
});
