import { buildFrame, needs, type FrameSpec } from "@secuxflow/testkit";
import fc from "fast-check";
import { XdpAction, type BpfObject } from "libbpf-ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildImage } from "./image.js";
import { RecordIndex } from "./records.js";
import { buildSetImage } from "./sets.js";
import { loadBench } from "./testing/bench-object.js";
import { encode, linear, orderOf, testPackets, testRules, type Address, type TestPacket, type TestRule } from "./testing/policy.js";
import { encodeSets, maskOf, testSets, type TestSet } from "./testing/sets.js";

const IMAGE_BYTES = 1 << 20;
const MAX_MONITORS = 8;
const NO_ORDER = 2n ** 64n - 1n;

const ipv4Text = (words: Address["words"]): string => [24, 16, 8, 0].map((shift) => (words[3] >>> shift) & 255).join(".");
const ipv6Text = (words: Address["words"]): string => words.flatMap((word) => [word >>> 16, word & 0xffff]).map((part) => part.toString(16)).join(":");

function frameOf({ family, src, dst, sport, dport, proto }: TestPacket): Buffer {
  const transport: FrameSpec = proto === 6 ? { tcp: { srcPort: sport, dstPort: dport } } : proto === 17 ? { udp: { srcPort: sport, dstPort: dport } } : { payload: "12345678" };
  const rest = proto === 6 || proto === 17 ? {} : family === 4 ? { protocol: proto } : { nextHeader: proto };
  return buildFrame(family === 4 ? { ipv4: { src: ipv4Text(src), dst: ipv4Text(dst), ...rest }, ...transport } : { ipv6: { src: ipv6Text(src), dst: ipv6Text(dst), ...rest }, ...transport });
}

needs(describe, "kernel")("the classifier in the kernel", () => {
  let object: BpfObject;
  let image: Uint8Array;
  let sets: Uint8Array;

  beforeAll(() => {
    object = loadBench(IMAGE_BYTES);
    image = new Uint8Array(object.map("image_0").mmap(), 0, IMAGE_BYTES);
    sets = new Uint8Array(object.map("sets_0").mmap(), 0, IMAGE_BYTES);
    object.setGlobal("use_trace", 0).setGlobal("keep_result", 1).setGlobal("use_sets", 0);
  });
  afterAll(() => { object.close(); });

  let generation = 100;
  const publish = (): void => { object.setGlobal("sequence", ++generation); };

  /** The last of `repeat` packets in a row, in one call: the cache is one for each CPU, and between two calls the CPU may change. */
  function run(packet: TestPacket, repeat = 1): { retval: number; order: bigint; id: number; monitors: number; cached: number } {
    const { retval } = object.program("classify_trace").testRun({ data: frameOf(packet), repeat });
    const result = object.getGlobal("result");
    return { retval, order: result.readBigUInt64LE(0), id: result.readUInt32LE(8), monitors: result.readUInt32LE(12), cached: result.readUInt32LE(20) };
  }

  /** With dead_from as it is for the generation: 9 in a rule means that it dies in the future. */
  const placed = (rules: readonly TestRule[]): TestRule[] =>
    rules.map((rule) => ({ ...rule, deadFrom: rule.deadFrom === 0 ? 0 : rule.deadFrom === 9 ? generation + 1 : generation }));

  function expected(rules: readonly TestRule[], members: readonly TestSet[], packet: TestPacket): ReturnType<typeof run> {
    const inSets = { ...packet, srcSets: maskOf(members, packet.family, packet.src), dstSets: maskOf(members, packet.family, packet.dst) };
    const { decides, monitors } = linear(rules, inSets, generation);
    return {
      retval: decides === undefined ? XdpAction.PASS : XdpAction.DROP, order: decides === undefined ? NO_ORDER : orderOf(decides), id: decides?.id ?? 0,
      monitors: monitors.length, cached: 0,
    };
  }

  it("finds what a linear scan finds, with address sets, dead rules and monitor-only rules", () => {
    fc.assert(fc.property(testRules(60), testSets(20), testPackets(30), (some, members, packets) => {
      publish();
      const rules = placed(some);
      buildImage(encode(rules), image);
      buildSetImage(encodeSets(members), sets);
      for (const packet of packets) {
        const wanted = expected(rules, members, packet);
        // More monitor-only rules than the program keeps: which of them it keeps is not said.
        const found = run(packet);
        if (wanted.monitors >= MAX_MONITORS) expect(found).toMatchObject({ id: wanted.id, order: wanted.order });
        else expect(found).toEqual(wanted);
      }
    }), { numRuns: 60 });
  });

  it("keeps a flow's verdict from its second packet on, until the next generation or until the rule is dead", () => {
    fc.assert(fc.property(testRules(30), testPackets(10), fc.nat(), (some, packets, chosen) => {
      object.setGlobal("use_cache", 1);
      publish();
      const rules = placed(some.map((rule) => ({ ...rule, monitor: false })));
      buildImage(encode(rules), image);
      buildSetImage([], sets);
      for (const packet of packets) {
        for (let i = 0; i < 3; i++) expect({ ...run(packet), cached: 0 }).toEqual(expected(rules, [], packet));
        expect(run(packet, 64)).toEqual({ ...expected(rules, [], packet), cached: 1 });
      }
      publish();
      const victim = rules[chosen % Math.max(1, rules.length)];
      if (victim !== undefined) RecordIndex.read(image).setDeadFrom(victim.id, generation);
      const left = rules.map((rule) => (rule === victim ? { ...rule, deadFrom: generation } : rule));
      for (const packet of packets) expect(run(packet)).toEqual(expected(left, [], packet));
      object.setGlobal("use_cache", 0);
    }), { numRuns: 20 });
  });

  it("survives an image of garbage", () => {
    fc.assert(fc.property(fc.integer({ min: 1 }), testPackets(5), (seed, packets) => {
      const words = new Uint32Array(image.buffer, 0, IMAGE_BYTES / 4);
      let state = seed;
      for (let i = 0; i < words.length; i++) words[i] = state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i;
      for (const packet of packets) expect([XdpAction.PASS, XdpAction.DROP]).toContain(run(packet).retval);
    }), { numRuns: 10 });
  });
});
