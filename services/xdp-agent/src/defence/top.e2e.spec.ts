import { buildFrame, needs } from "@secuxflow/testkit";
import { parseAddress } from "@secuxflow/contracts";
import { beforeAll, describe, expect, it } from "vitest";
import { TALKER_TABLE, TALKERS } from "./domain/layout.js";
import { firstTalkerSet, readTalkers, talkerWindow, topTalkers, type TalkerEstimate } from "./domain/talkers.js";
import { TestProgram } from "./testing/test-program.js";

const WINDOW_NS = 1n << BigInt(TALKERS.windowShift);
const hex = (address: string): string => Buffer.from(parseAddress(address)).toString("hex");
const sourceOf = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
const frameOf = (src: string, size = 60): Buffer => buildFrame(src.includes(":")
  ? { ipv6: { src, dst: "fd00::1" }, payload: Buffer.alloc(size - 54) }
  : { ipv4: { src, dst: "203.0.113.1" }, payload: Buffer.alloc(size - 34) });

needs(describe, "kernel")("top talkers", () => {
  let program: TestProgram;
  let now = 1_000n * WINDOW_NS;
  beforeAll(() => {
    program = new TestProgram(0x0123_4567_89ab_cdefn);
    return () => { program.close(); };
  });
  const table = (index: number, at = now): Map<string, TalkerEstimate> => {
    const window = talkerWindow(at);
    return readTalkers(program.maps.talkers(firstTalkerSet(index, window), TALKERS.sets), window);
  };
  const nextWindow = (): void => {
    program.now = now += WINDOW_NS;
  };
  const count = (frame: Buffer, times = 1): void => {
    program.object.program("count_talkers").testRun({ data: frame, repeat: times });
  };

  it("counts few addresses exactly: sources and destinations, packets and bytes, both families", () => {
    nextWindow();
    count(frameOf("192.0.2.1", 100), 30);
    count(frameOf("192.0.2.2", 1_500), 4);
    count(frameOf("2001:db8::1", 200), 7);
    const seen = topTalkers(table(TALKER_TABLE.sourcePackets), table(TALKER_TABLE.sourceBytes), 10);
    expect(seen).toEqual([
      { address: "192.0.2.1", packets: 30 * 64, bytes: 3_000 * 64 },
      { address: "2001:db8::1", packets: 7 * 64, bytes: 1_400 * 64 },
      { address: "192.0.2.2", packets: 4 * 64, bytes: 6_000 * 64 },
    ]);
    expect(topTalkers(table(TALKER_TABLE.targetPackets), table(TALKER_TABLE.targetBytes), 1)).toEqual([
      { address: "203.0.113.1", packets: 34 * 64, bytes: 9_000 * 64 },
    ]);
  });

  it("begins every window empty, and keeps the one before while it is read", () => {
    nextWindow();
    count(frameOf("192.0.2.9"), 5);
    const before = now;
    nextWindow();
    count(frameOf("192.0.2.8"), 6);
    expect([...table(TALKER_TABLE.sourcePackets, before).keys()]).toEqual([hex("192.0.2.9")]);
    expect([...table(TALKER_TABLE.sourcePackets).keys()]).toEqual([hex("192.0.2.8")]);
    nextWindow();
    count(frameOf("192.0.2.9"));
    expect(table(TALKER_TABLE.sourcePackets)).toEqual(new Map([[hex("192.0.2.9"), { weight: 64, inherited: 0 }]]));
  });

  it("finds the largest of many by skewed traffic, within the bounds that it tells", { timeout: 30_000 }, () => {
    nextWindow();
    // Packets of 8,000 addresses by Zipf's law, in an order that mixes them, after the tables were filled by others; the
    // model counts exactly.
    const truth = new Map<string, number>();
    const packets: string[] = [];
    for (let rank = 1; rank <= 8_000; rank++) {
      const address = sourceOf(rank * 7_919);
      const times = Math.max(1, Math.round(3_000 / rank ** 1.05));
      truth.set(hex(address), times);
      for (let i = 0; i < times; i++) packets.push(address);
    }
    for (let i = packets.length - 1, state = 12_345; i > 0; i--) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const other = state % (i + 1);
      [packets[i], packets[other]] = [packets[other] ?? "", packets[i] ?? ""];
    }
    for (let i = 0; i < 4_000; i++) count(frameOf(`172.16.${i >> 8}.${i & 255}`));
    for (const address of packets) count(frameOf(address));
    const seen = table(TALKER_TABLE.sourcePackets);
    // What a line says for certain is never more than the truth.
    for (const [address, { weight, inherited }] of seen) expect(weight - inherited).toBeLessThanOrEqual((truth.get(address) ?? 1) * 64);
    const largest = [...truth].sort(([, a], [, b]) => b - a).slice(0, 10);
    const listed = [...seen].sort(([, a], [, b]) => b.weight - a.weight).slice(0, 20).map(([address]) => address);
    for (const [address, times] of largest) {
      expect(listed).toContain(address);
      const { weight = 0, inherited = 0 } = seen.get(address) ?? {};
      // More than half a percent of the traffic each: little is inherited, little missed.
      expect(Math.abs(weight / 64 - times)).toBeLessThan(0.15 * times + 30);
      expect(inherited / 64).toBeLessThan(0.15 * times + 30);
    }
  });

  it("is not emptied by a flood of addresses seen once", { timeout: 30_000 }, () => {
    nextWindow();
    const heavy = frameOf("192.0.2.50");
    for (let i = 0; i < 20_000; i++) {
      count(frameOf(sourceOf(i * 104_729)));
      if (i % 20 === 0) count(heavy);
    }
    const [first] = [...table(TALKER_TABLE.sourcePackets)].sort(([, a], [, b]) => b.weight - a.weight);
    expect(first?.[0]).toBe(hex("192.0.2.50"));
    expect(Math.abs((first?.[1].weight ?? 0) / 64 - 1_000)).toBeLessThan(150);
  });
});
