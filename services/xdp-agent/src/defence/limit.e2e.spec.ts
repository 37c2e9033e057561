import { buildFrame, needs, type FrameSpec } from "@secuxflow/testkit";
import { NO_PROTECTION } from "@secuxflow/contracts";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS, encodeProtection } from "./domain/protection.js";
import { limitCost } from "./domain/rate.js";
import { BucketModel } from "./testing/limit-model.js";
import { runOnThreads } from "./testing/threads.js";
import { TestProgram } from "./testing/test-program.js";

const SECOND = 1_000_000_000n;
const frameFrom = (src: string, more: Partial<FrameSpec> = {}): Buffer =>
  buildFrame({ [src.includes(":") ? "ipv6" : "ipv4"]: { src, dst: src.includes(":") ? "fd00::1" : "10.0.0.1" }, udp: { srcPort: 1, dstPort: 2 }, ...more });

needs(describe, "kernel")("rate limits", () => {
  let program: TestProgram;
  /** Slots and times that no test used before. */
  let slot = 0;
  let start = 1_000n * SECOND;
  beforeAll(() => {
    program = new TestProgram(0x1234_5678_9abc_def0n);
    return () => { program.close(); };
  });
  const passed = (frame: Buffer, count: number): number => {
    let passes = 0;
    for (let i = 0; i < count; i++) if (program.run("limit_rule", frame).verdict === "pass") passes++;
    return passes;
  };
  const fresh = (): { slot: number } => {
    start += 1_000n * SECOND;
    program.now = start;
    return { slot: ++slot };
  };

  it("lets a burst pass at once, then as many as the rate earns", () => {
    program.setRule({ ...fresh(), cost: limitCost({ rate: 100, unit: "packets", burst: 5 }) });
    const frame = frameFrom("192.0.2.1");
    expect(passed(frame, 20)).toBe(5);
    program.now = start + SECOND / 100n;
    expect(passed(frame, 20)).toBe(1);
    program.now = start + SECOND / 100n + SECOND;
    expect(passed(frame, 20)).toBe(5);
    program.now = start + SECOND / 100n + SECOND + SECOND / 200n;
    expect(passed(frame, 20)).toBe(0);
  });

  it("has one second's worth as the burst where none is named", () => {
    program.setRule({ ...fresh(), cost: limitCost({ rate: 30, unit: "packets" }) });
    expect(passed(frameFrom("192.0.2.1"), 50)).toBe(30);
  });

  it("counts bits of IP packets, not of their frames", () => {
    program.setRule({ ...fresh(), bytes: true, cost: limitCost({ rate: 8_000, unit: "bits", burst: 8_000 }) });
    // 1,000 bytes at once: 10 IP packets of 100 bytes, whatever tags they have.
    const frame = frameFrom("192.0.2.1", { vlan: [{ vid: 1 }], payload: Buffer.alloc(72) });
    expect(frame.length).toBe(118);
    expect(passed(frame, 30)).toBe(10);
  });

  it("lets a packet that is larger than the burst pass when nothing is owed, and then makes it pay", () => {
    program.setRule({ ...fresh(), bytes: true, cost: limitCost({ rate: 8_000, unit: "bits", burst: 800 }) });
    const frame = frameFrom("192.0.2.1", { payload: Buffer.alloc(972) });
    expect(passed(frame, 3)).toBe(1);
    program.now = start + SECOND - 1_000n;
    expect(passed(frame, 3)).toBe(0);
    program.now = start + SECOND;
    expect(passed(frame, 3)).toBe(1);
  });

  it("gives every rule a limit of its own, and every source where the rule says so", () => {
    const cost = limitCost({ rate: 1, unit: "packets", burst: 2 });
    program.setRule({ ...fresh(), cost });
    expect(passed(frameFrom("192.0.2.1"), 5) + passed(frameFrom("192.0.2.2"), 5)).toBe(2);
    program.setRule({ slot: ++slot, cost });
    expect(passed(frameFrom("192.0.2.1"), 5)).toBe(2);
    program.setRule({ slot: ++slot, cost, perSource: true });
    for (const src of ["192.0.2.1", "192.0.2.2", "fd00:0:0:1::1", "fd00:0:0:2::1"]) expect(passed(frameFrom(src), 5), src).toBe(2);
    program.setRule({ slot: ++slot, cost, perSource: true });
    expect(passed(frameFrom("192.0.2.1"), 5)).toBe(2);
  });

  it("takes an IPv6 /64 for one source", () => {
    program.setRule({ ...fresh(), perSource: true, cost: limitCost({ rate: 1, unit: "packets", burst: 3 }) });
    expect(["fd00:7::1", "fd00:7::2", "fd00:7::ffff:1", "fd00:7:0:0:8000::"].reduce((sum, src) => sum + passed(frameFrom(src), 1), 0)).toBe(3);
  });

  it("takes no debt of a rule that had the slot before", () => {
    program.setRule({ ...fresh(), cost: limitCost({ rate: 1, unit: "packets", burst: 3_600 }) });
    expect(passed(frameFrom("192.0.2.1"), 1_000)).toBe(1_000);
    program.setRule({ slot, id: 1_000_000, cost: limitCost({ rate: 1, unit: "packets", burst: 3_600 }) });
    expect(passed(frameFrom("192.0.2.1"), 4_000)).toBe(3_600);
    // Nor of its own, where its limit was changed for a smaller one.
    program.setRule({ slot, id: 1_000_000, cost: limitCost({ rate: 1_000, unit: "packets", burst: 10 }) });
    expect(passed(frameFrom("192.0.2.1"), 100)).toBe(10);
  });

  it("agrees with a token bucket in exact fractions", () => {
    const limits = fc.record({
      unit: fc.constantFrom<"packets" | "bits">("packets", "bits"), rate: fc.oneof(fc.integer({ min: 10, max: 1_000 }), fc.integer({ min: 1_000, max: 10_000_000 })),
      burst: fc.integer({ min: 1, max: 20_000 }),
    });
    const packets = fc.array(fc.record({ waits: fc.double({ min: 0, max: 3, noNaN: true }), payload: fc.integer({ min: 0, max: 1_000 }) }), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(limits, packets, (limit, sent) => {
      const cost = limitCost(limit);
      const bytes = limit.unit === "bits";
      program.setRule({ ...fresh(), bytes, cost });
      const model = new BucketModel(cost);
      let at = start;
      for (const { waits, payload } of sent) {
        at += BigInt(Math.round(waits * (Number(cost.unitNs) / 2 ** 32) * (bytes ? 500 : 1)));
        program.now = at;
        const frame = frameFrom("192.0.2.1", { payload: Buffer.alloc(payload) });
        const expected = model.passes(at, bytes ? frame.length - 14 : 1);
        const got = program.run("limit_rule", frame).verdict === "pass";
        // Sixteenths of nanoseconds, 60 times: rounding decides what is nearer than that, and then the two go apart.
        if (model.margin <= 8n && got !== expected) return;
        expect({ got, at }).toEqual({ got: expected, at });
      }
    }), { numRuns: 60 });
  });

  it("is exact over a long time: within one packet of rate times time and burst", () => {
    program.setRule({ ...fresh(), cost: limitCost({ rate: 1_000, unit: "packets", burst: 50 }) });
    const frame = frameFrom("192.0.2.1");
    let passes = 0;
    // 3,000 a second offered for 3 s.
    for (let i = 0; i < 9_000; i++) {
      program.now = start + BigInt(i) * SECOND / 3_000n;
      if (program.run("limit_rule", frame).verdict === "pass") passes++;
    }
    expect(Math.abs(passes - (50 + 3_000))).toBeLessThanOrEqual(1);
  });

  it("lets every source pass that fits into the table, and counts those that owe and are given up", () => {
    program.setRule({ ...fresh(), perSource: true, cost: limitCost({ rate: 1, unit: "packets", burst: 1 }) });
    const sources = Array.from({ length: 2_000 }, (_, i) => frameFrom(`10.1.${i >> 8}.${i & 255}`));
    expect(sources.filter((frame) => passed(frame, 1) === 1)).toHaveLength(2_000);
    expect(sources.filter((frame) => passed(frame, 1) === 1)).toHaveLength(0);
    expect(program.count("evicted")).toBe(0);
    expect(program.count("contended")).toBe(0);
    // Paid: the lines are given to others without loss.
    program.now = start + 2n * SECOND;
    expect(sources.filter((frame) => passed(frame, 1) === 1)).toHaveLength(2_000);
  });

  it.each([false, true])("lets no packet more pass on several CPUs at once than on one (per source: %s)", async (perSource) => {
    program.setRule({ ...fresh(), perSource, cost: limitCost({ rate: 1, unit: "packets", burst: 20_000 }) });
    const before = program.object.getGlobalInteger("passed");
    await runOnThreads(program.object.program("limit_rule"), frameFrom("192.0.2.77"), { threads: 3, repeat: 30_000 });
    expect(program.object.getGlobalInteger("passed") - before).toBe(20_000n);
  });

  it("limits every source before the rules, by the policy's protection", async () => {
    fresh();
    const settings = { ...NO_PROTECTION, perSource: { rate: 10, burst: 4 } };
    await program.maps.setProtection(encodeProtection(settings, DEFAULT_SETTINGS));
    const passes = (src: string): number => Array.from({ length: 9 }, () => program.run("limit_every_source", frameFrom(src)).verdict).filter((verdict) => verdict === "pass").length;
    expect([passes("192.0.2.1"), passes("192.0.2.2"), passes("192.0.2.1")]).toEqual([4, 4, 0]);
    expect(program.count("sourceLimited")).toBe(5 + 5 + 9);
    await program.maps.setProtection(encodeProtection(NO_PROTECTION, DEFAULT_SETTINGS));
    expect(passes("192.0.2.1")).toBe(9);
  });
});
