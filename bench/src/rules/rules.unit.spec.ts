import { decodeFrame } from "@secuxflow/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FirstMatch } from "./first-match.js";
import { frameOf, SLOT, TRACE_FRAMES, traceBytes } from "./frames.js";
import { generateRules } from "./generate.js";
import { Random } from "./random.js";
import { addressText, ANY_PORT, filterRule, hasPorts, isAnyPort, mask, matches, prefixText, type BenchRule, type Flow } from "./rule.js";
import { SHAPE_NAMES } from "./shapes.js";
import { floodTrace, hitTrace, missTrace, repeatedTrace } from "./trace.js";

const MACS = { src: "02:00:00:00:00:01", dst: "02:00:00:00:00:02" };

/** The obvious way, to judge the fast one by. */
const slowFirstMatch = (rules: readonly BenchRule[], flow: Flow): number => rules.findIndex((rule) => matches(rule, flow));

describe("Random", () => {
  it("repeats itself for a seed and differs for another", () => {
    const draw = (seed: number): number[] => { const random = new Random(seed); return Array.from({ length: 8 }, () => random.u32()); };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("stays in its bounds and reaches them", () => {
    const random = new Random(5);
    const drawn = new Set(Array.from({ length: 500 }, () => random.between(3, 6)));
    expect([...drawn].sort()).toEqual([3, 4, 5, 6]);
    expect(Array.from({ length: 200 }, () => random.pareto(1, 9)).every((one) => one >= 1 && one <= 9)).toBe(true);
    expect(() => random.pick([])).toThrow(RangeError);
    expect(() => random.weighted([])).toThrow(RangeError);
    expect(() => random.pareto(0, 1)).toThrow(RangeError);
  });

  it("draws by weight", () => {
    const random = new Random(6);
    const drawn = Array.from({ length: 2_000 }, () => random.weighted([["a", 9], ["b", 1], ["c", 0]] as const));
    const share = drawn.filter((one) => one === "a").length / drawn.length;
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(0.97);
    expect(drawn).not.toContain("c");
  });
});

describe.each(SHAPE_NAMES)("generated rules of shape %s", (shape) => {
  const rules = generateRules(shape, 2_000, 3);

  it("are different from each other, well-formed, and the same for the same seed", () => {
    expect(new Set(rules.map((rule) => JSON.stringify(rule))).size).toBe(2_000);
    for (const { src, dst, sport, dport, proto } of rules) {
      for (const { address, length } of [src, dst]) expect((address & mask(length)) >>> 0).toBe(address);
      for (const [low, high] of [sport, dport]) expect(0 <= low && low <= high && high <= 0xffff).toBe(true);
      if (proto === undefined || !hasPorts(proto)) expect(isAnyPort(sport) && isAnyPort(dport)).toBe(true);
      expect(src.length + dst.length).toBeGreaterThan(0);
    }
    expect(generateRules(shape, 2_000, 3)).toEqual(rules);
    expect(generateRules(shape, 50, 4)).not.toEqual(rules.slice(0, 50));
  });

  it("share and nest addresses", () => {
    for (const side of ["src", "dst"] as const) {
      const prefixes = new Set(rules.map((rule) => prefixText(rule[side])));
      expect(prefixes.size).toBeGreaterThan(50);
      expect(prefixes.size).toBeLessThan(1_500);
      const networks = rules.filter((rule) => rule[side].length >= 8 && rule[side].length <= 24).map((rule) => rule[side]);
      const nested = rules.filter((rule) => networks.some(({ address, length }) => length < rule[side].length && (rule[side].address & mask(length)) >>> 0 === address));
      expect(nested.length).toBeGreaterThan(100);
    }
  });

  it("are documents of the policy", () => {
    for (const [index, rule] of rules.entries()) {
      expect(filterRule(rule, index + 1, "drop")).toMatchObject({ id: index + 1, src: prefixText(rule.src), action: "drop" });
    }
  });

  it("have packets that match, and packets that look alike and do not", () => {
    const [hits, misses] = [hitTrace(rules, 400, new Random(1)), missTrace(rules, 400, new Random(2))];
    for (const flow of hits) expect(slowFirstMatch(rules, flow)).not.toBe(-1);
    for (const flow of misses) expect(slowFirstMatch(rules, flow)).toBe(-1);
    expect(missTrace(rules.slice(0, 1), 50, new Random(2)).every((flow) => slowFirstMatch(rules.slice(0, 1), flow) === -1)).toBe(true);
  });

  it("are flooded from everywhere at once", () => {
    const flood = floodTrace(rules, 400, new Random(9));
    expect(new Set(flood.map(({ src }) => src)).size).toBeGreaterThan(395);
    expect(flood.every(({ dst, proto }) => hasPorts(proto) && rules.some((rule) => (dst & mask(rule.dst.length)) >>> 0 === rule.dst.address))).toBe(true);
  });

  it("are matched by the fast model as by the slow one", () => {
    const fast = new FirstMatch(rules);
    for (const flow of [...hitTrace(rules, 300, new Random(7)), ...missTrace(rules, 100, new Random(8))]) expect(fast.find(flow)).toBe(slowFirstMatch(rules, flow));
  });
});

it("a shape that is used up says so", () => {
  expect(() => missTrace([{ src: { address: 0, length: 0 }, dst: { address: 0, length: 0 }, sport: ANY_PORT, dport: ANY_PORT, proto: undefined }], 1, new Random(1))).toThrow(/matches none/);
});

describe("FirstMatch", () => {
  const prefix = fc.tuple(fc.constantFrom(0, 1, 3, 32), fc.integer({ min: 0, max: 7 })).map(([length, value]) => ({ length, address: ((length === 32 ? value : value << 29) & mask(length)) >>> 0 }));
  const range = fc.constantFrom<readonly [number, number]>([0, 0xffff], [1, 1], [0, 1], [2, 9]);
  const rule: fc.Arbitrary<BenchRule> = fc.record({ src: prefix, dst: prefix, sport: range, dport: range, proto: fc.constantFrom(undefined, 6, 17) });
  const flow = fc.record({
    src: fc.constantFrom(0, 1, 7, 0x20000000, 0xe0000000), dst: fc.constantFrom(0, 1, 7, 0x20000000, 0xe0000000),
    sport: fc.integer({ min: 0, max: 3 }), dport: fc.integer({ min: 0, max: 3 }), proto: fc.constantFrom(6, 17),
  });

  it("finds the first of many overlapping rules", () => {
    fc.assert(fc.property(fc.array(rule, { maxLength: 30 }), flow, (rules, packet) => {
      expect(new FirstMatch(rules).find(packet)).toBe(slowFirstMatch(rules, packet));
    }), { numRuns: 500 });
  });
});

describe("traces", () => {
  const flow = { src: 0x0a000001, dst: 0xc0a80102, sport: 1_234, dport: 80, proto: 6 };

  it("repeats flows in bursts, all of them known", () => {
    const flows = Array.from({ length: 8 }, (_, i) => ({ ...flow, sport: i }));
    const trace = repeatedTrace(flows, 400, new Random(1));
    expect(trace).toHaveLength(400);
    expect(trace.every((one) => flows.includes(one))).toBe(true);
    const repeats = trace.filter((one, i) => i > 0 && one === trace[i - 1]).length;
    expect(repeats).toBeGreaterThan(100);
  });

  it.each([[6, "tcp"], [17, "udp"], [1, "icmp"]] as const)("makes whole frames of protocol %d", (proto, layer) => {
    const frame = frameOf({ ...flow, proto }, MACS);
    expect(frame).toHaveLength(SLOT);
    const decoded = decodeFrame(frame);
    expect(decoded.error).toBeUndefined();
    expect(decoded.ipv4).toMatchObject({ src: "10.0.0.1", dst: "192.168.1.2" });
    expect(decoded[layer]).toBeDefined();
  });

  it("makes frames of protocols that it cannot build, and fills the kernel's trace", () => {
    expect(frameOf({ ...flow, proto: 47 }, MACS)[23]).toBe(47);
    const bytes = traceBytes([flow, { ...flow, dport: 81 }], MACS);
    expect(bytes).toHaveLength(SLOT * TRACE_FRAMES);
    expect(bytes.readUInt16BE(36)).toBe(80);
    expect(bytes.readUInt16BE(SLOT + 36)).toBe(81);
    expect(bytes.subarray(2 * SLOT, 3 * SLOT)).toEqual(bytes.subarray(0, SLOT));
  });

  it("writes addresses", () => {
    expect(addressText(0xc0a80102)).toBe("192.168.1.2");
    expect(prefixText({ address: 0x0a000000, length: 8 })).toBe("10.0.0.0/8");
    expect(prefixText({ address: 0, length: 0 })).toBe("any");
    expect(prefixText({ address: 0x0a000001, length: 32 })).toBe("10.0.0.1");
  });
});
