import { NO_PROTECTION } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { PROTECTION, SYN_MODE } from "./layout.js";
import { DEFAULT_SETTINGS, encodeProtection } from "./protection.js";

const field = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer).getUint32(at, true);
const long = (bytes: Uint8Array, at: number): bigint => new DataView(bytes.buffer).getBigUint64(at, true);

describe("encodeProtection", () => {
  it("turns rates into windows and costs", () => {
    const bytes = encodeProtection({ synCookies: "auto", synRate: 10_000, establishedPass: true, perSource: { rate: 1_000, burst: 50 } }, { answers: { rate: 100, burst: 10 }, top: true });
    expect(field(bytes, PROTECTION.syn_mode)).toBe(SYN_MODE.auto);
    expect([field(bytes, PROTECTION.syn_window_on), field(bytes, PROTECTION.syn_window_off)]).toEqual([1_343, 672]);
    expect(field(bytes, PROTECTION.top_on)).toBe(1);
    expect([long(bytes, PROTECTION.source_unit_ns), long(bytes, PROTECTION.source_burst_ns)]).toEqual([1_000_000n << 32n, 50_000_000n]);
    expect([long(bytes, PROTECTION.answer_unit_ns), long(bytes, PROTECTION.answer_burst_ns)]).toEqual([10_000_000n << 32n, 100_000_000n]);
  });

  it("has no limit where none is named, and windows for the smallest and the largest rate", () => {
    const bytes = encodeProtection(NO_PROTECTION, { ...DEFAULT_SETTINGS, answers: { rate: 0, burst: 0 }, top: false });
    expect(field(bytes, PROTECTION.syn_mode)).toBe(SYN_MODE.off);
    expect(field(bytes, PROTECTION.top_on)).toBe(0);
    expect([PROTECTION.source_unit_ns, PROTECTION.source_burst_ns, PROTECTION.answer_unit_ns, PROTECTION.answer_burst_ns].map((at) => long(bytes, at))).toEqual([0n, 0n, 0n, 0n]);
    const windows = (synRate: number): number[] => {
      const encoded = encodeProtection({ ...NO_PROTECTION, synRate }, DEFAULT_SETTINGS);
      return [field(encoded, PROTECTION.syn_window_on), field(encoded, PROTECTION.syn_window_off)];
    };
    expect([windows(1), windows(1e12)]).toEqual([[1, 1], [0xffff_ffff, 0x8000_0000]]);
  });
});
