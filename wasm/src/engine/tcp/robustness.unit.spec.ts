import { buildFragments, buildFrame, tcpSession } from "@secuxflow/testkit";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { Rig } from "./rig.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/tcp/test-entry.ts");
});

const conversation = [
  ...tcpSession({
    client: { ip: "10.0.0.1", port: 40_000 },
    server: { ip: "10.0.0.2", port: 80 },
    turns: [
      { from: "client", data: "GET / HTTP/1.1\r\n\r\n", splitAt: [4, 9], order: [2, 0, 1] },
      { from: "server", data: "x".repeat(4_000), order: [1, 2, 0] },
    ],
  }),
].map(({ frame }) => frame);
const inner = buildFrame({ ipv4: { src: "1.1.1.1", dst: "2.2.2.2" }, tcp: { srcPort: 1, dstPort: 2 }, payload: "x" });
const others = [
  ...buildFragments({ ipv4: { src: "10.0.0.1", dst: "10.0.0.2" }, udp: { srcPort: 1, dstPort: 2 }, payload: "x".repeat(90) }, 16),
  ...buildFragments({ ipv6: { src: "::1", dst: "::2" }, udp: { srcPort: 1, dstPort: 2 }, payload: "x".repeat(90) }, 16),
  buildFrame({
    ipv4: { src: "10.0.0.1", dst: "10.0.0.2" },
    udp: { srcPort: 1, dstPort: 4_789 },
    payload: Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 0, 0, 0]), inner]),
  }),
  buildFrame({
    ipv4: { src: "10.0.0.1", dst: "10.0.0.2", protocol: 47 },
    payload: Buffer.concat([Buffer.from([0, 0, 0x65, 0x58]), inner]),
  }),
  buildFrame({ ipv4: { src: "10.0.0.1", dst: "10.0.0.2" }, icmp: { type: 3, code: 1 }, payload: inner.subarray(14) }),
  buildFrame({
    ipv6: { src: "::1", dst: "::2", extensions: [{ kind: "hopByHop" }, { kind: "routing" }, { kind: "destination" }] },
    tcp: { srcPort: 1, dstPort: 2, flags: "S" },
  }),
];
const frames = [...conversation, ...others];

type Step = { which: number; changes: readonly { at: number; to: number }[]; cut: number; wait: number };
const step: fc.Arbitrary<Step> = fc.record({
  which: fc.nat(frames.length - 1),
  changes: fc.array(fc.record({ at: fc.nat(120), to: fc.nat(255) }), { maxLength: 3 }),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(60) }),
  wait: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(100_000) }),
});

const mutated = ({ which, changes, cut }: Step): Uint8Array => {
  const frame = Uint8Array.from(frames[which] ?? []);
  for (const { at, to } of changes) if (at < frame.length) frame[at] = to;
  return frame.subarray(0, Math.max(frame.length - cut, 0));
};

describe("whatever comes in", () => {
  it.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])("nothing traps, and all memory comes back (inline %i, midstream and async %i) (property)", (inline, midstream) => {
    const wasm = fresh();
    wasm.call("setInlineMode", inline);
    wasm.call("setMidstream", midstream);
    wasm.call("setAsyncOneside", midstream);
    wasm.call("setChecksumValidation", 0);
    const t = new Rig(wasm, 8);
    const before = wasm.call("memoryTaken");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        for (const s of steps) {
          t.wait(s.wait);
          t.frame(mutated(s));
        }
        wasm.call("flowTick", 0n, 3);
        t.finish();
        t.frame(new Uint8Array());
        wasm.call("takeLog");
        expect(wasm.call("flowsActive")).toBe(0);
        expect(wasm.call("memoryTaken")).toBe(before);
        expect(wasm.call("windowTrouble")).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it.each([113, 276, 101, 0, 104, 9, 999])("random bytes do no harm on link type %i (property)", (type) => {
    const wasm = fresh();
    wasm.call("setLinkType", type);
    const t = new Rig(wasm, 8);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(t.frame(bytes)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 200 },
    );
  });

  it("memory that is refused anywhere does no harm, and all of it comes back (property)", () => {
    const wasm = fresh();
    const t = new Rig(wasm, 8);
    const before = wasm.call("memoryTaken");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(9_000), (steps, budget) => {
        wasm.call("setMemoryBudget", before + budget);
        for (const frame of conversation) t.frame(frame);
        for (const s of steps) t.frame(mutated(s));
        t.finish();
        t.frame(new Uint8Array());
        wasm.call("takeLog");
        expect(wasm.call("memoryTaken")).toBe(before);
      }),
      { numRuns: 150 },
    );
  });
});
