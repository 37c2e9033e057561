import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visible } from "./escape.js";
import { counted, formatBitRate, formatBytes, formatCount, formatRate } from "./numbers.js";
import { commandLine, shellQuote } from "./shell.js";
import { relative, roughly } from "./time.js";
import { fit, pad, widthOf } from "./width.js";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1_000, "1,000"],
    [1_234_567, "1,234,567"],
  ])("counts %d as %s", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
  it.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_000, "1000 B"],
    [1_536, "1.50 KiB"],
    [1_048_576, "1.00 MiB"],
    [15 * 1_024 ** 3, "15.0 GiB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
  it.each([
    [0, "0 bit/s"],
    [999.99, "1.00 kbit/s"],
    [12_345_678, "12.3 Mbit/s"],
    [9_996_000, "10.0 Mbit/s"],
  ])("writes %d bits as %s", (rate, text) => {
    expect(formatBitRate(rate)).toBe(text);
  });
  it("writes rates and plurals", () => {
    expect([formatRate(0), formatRate(0.25), formatRate(1_500), formatRate(2_500_000)]).toEqual([
      "0/s",
      "0.3/s",
      "1.50 k/s",
      "2.50 M/s",
    ]);
    expect([counted(1, "rule"), counted(0, "rule"), counted(2, "entry", "entries")]).toEqual(["1 rule", "0 rules", "2 entries"]);
  });
  it("never writes a number of four digits where a larger unit exists", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 9e11, noNaN: true }), (rate) => {
        expect(formatRate(rate)).not.toMatch(/^\d{4}/);
      }),
    );
  });
});

describe("time", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  it.each([
    ["2026-11-22T11:57:00Z", "3m ago"],
    ["2026-11-22T12:09:59Z", "in 9m"],
    ["2026-11-22T12:00:00.4Z", "now"],
    ["2026-11-20T11:00:00Z", "2d ago"],
    ["soon", "soon"],
  ])("tells %s as %s", (iso, text) => {
    expect(relative(iso, now)).toBe(text);
  });
  it("rounds down", () => {
    expect([roughly(999), roughly(59_999), roughly(3_600_000)]).toEqual(["0s", "59s", "1h"]);
  });
});

describe("width", () => {
  it("knows wide and combining characters", () => {
    expect([widthOf("abc"), widthOf("東京"), widthOf("e\u0301"), widthOf("👍")]).toEqual([3, 4, 1, 2]);
  });
  it("fits and pads to the exact width", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 30 }), (text, width) => {
        const shown = visible(text);
        expect(widthOf(fit(shown, width))).toBeLessThanOrEqual(width);
        expect(widthOf(pad(fit(shown, width), width, "right"))).toBe(width);
      }),
    );
    expect([fit("abcdef", 4), fit("東京都", 4), fit("abc", 3), fit("abc", 0)]).toEqual(["abc…", "東…", "abc", ""]);
  });
});

describe("shell quoting", () => {
  it("leaves plain words alone", () => {
    expect(commandLine(["secuxflow-cli", "rule", "add", "--src", "10.0.0.0/8"])).toBe("secuxflow-cli rule add --src 10.0.0.0/8");
  });
  it("quotes everything a shell would obey", () => {
    expect(shellQuote("it's $(reboot); `x`")).toBe("'it'\\''s $(reboot); `x`'");
    expect(shellQuote("")).toBe("''");
  });
  it("is read back literally by a real shell", () => {
    const words = fc.sample(fc.string({ unit: "binary" }), { numRuns: 200, seed: 7 });
    const out = execFileSync("/bin/sh", ["-c", `printf '%s\\n' ${words.map(shellQuote).join(" ")}`], { encoding: "utf8" });
    expect(out.split("\n").slice(0, -1)).toEqual(words.map(visible));
  });
});
