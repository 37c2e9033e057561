import { describe, expect, it } from "vitest";
import { durationMs, listenPort, parseDuration, secret } from "./fields.js";

describe("parseDuration", () => {
  it.each([
    ["250ms", 250],
    ["5s", 5_000],
    ["1.5s", 1_500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["7d", 604_800_000],
    ["40", 40],
    [" 3s ", 3_000],
  ])("reads %s as %i ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["", "s", "-5s", "5 s", "5sec", "1e3", "99999999999999999999d"])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("field schemas", () => {
  it("keeps a duration within its range and says what the range is", () => {
    const schema = durationMs({ min: 10, max: 1_000 });
    expect(schema.parse("1s")).toBe(1_000);
    expect(schema.parse(10)).toBe(10);
    for (const wrong of ["1001ms", 9, "soon", Number.NaN]) {
      const result = schema.safeParse(wrong);
      expect(result.error?.issues[0]?.message, String(wrong)).toMatch(/duration|Invalid/);
    }
    expect(schema.safeParse("2s").error?.issues[0]?.message).toContain("from 10ms to 1000ms");
  });

  it("takes ports from 0 to 65535 and nothing beside", () => {
    expect([0, 65_535].map((port) => listenPort().safeParse(port).success)).toEqual([true, true]);
    expect([-1, 65_536, 1.5, "80"].map((port) => listenPort().safeParse(port).success)).toEqual([false, false, false, false]);
  });

  it("refuses secrets too short to be taken out of logs", () => {
    expect(secret().safeParse("abc").success).toBe(false);
    expect(secret().safeParse("abcd").success).toBe(true);
  });
});
