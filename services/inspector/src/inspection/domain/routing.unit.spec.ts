import { BatchReader } from "@secuxflow/inspect-abi";
import { buildFrame } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { TestPublisher } from "../../testing/frames.js";
import { FlowMemory } from "./flow-memory.js";
import { ALL, divide, noteFlows, placeOf, type Division } from "./routing.js";

const udp = (srcPort: number): Buffer => buildFrame({ ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, udp: { srcPort, dstPort: 53 } });
const tcp = (srcPort: number, flags: "S" | "A"): Buffer =>
  buildFrame({ ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, tcp: { srcPort, dstPort: 80, flags } });
const batches = (packets: readonly Buffer[], modules = 0b11): BatchReader[] =>
  new TestPublisher().frames(packets, { modules }).map(({ frame }) => new BatchReader(frame));
const division = (more: Partial<Division> = {}): Division =>
  ({ bit: 0, nextBit: 31, generation: 2, share: ALL, before: 0, settled: false, ...more });
const total = (counts: readonly { base: number; next: number }[]) =>
  counts.reduce((sum, { base, next }) => ({ base: sum.base + base, next: sum.next + next }), { base: 0, next: 0 });
const ports = Array.from({ length: 1_000 }, (_, n) => 10_000 + n);

describe("divide", () => {
  it("leaves flows from before where they are until that is settled, and gives new ones on", () => {
    const memory = new FlowMemory();
    for (const batch of batches([udp(1)])) noteFlows(batch, memory, 1);
    const generation = memory.next();
    const both = () => total(batches([udp(1), udp(2)]).map((batch) => divide(batch, memory, 2, division({ generation }))));
    expect(both()).toEqual({ base: 1, next: 1 });
    expect(total(batches([udp(1)]).map((batch) => divide(batch, memory, 2, division({ generation, settled: true }))))).toEqual({ base: 0, next: 1 });
  });

  it("rewrites the masks, and touches no other module's bit", () => {
    const memory = new FlowMemory();
    memory.next();
    const [batch] = batches([udp(9)]);
    if (batch === undefined) throw new Error("no batch");
    divide(batch, memory, 1, division());
    expect(batch.record(0).modules).toBe(0x8000_0002);
  });

  it("gives a share of the flows, always the same ones, and few that change when the share grows", () => {
    const memory = new FlowMemory();
    memory.next();
    const taken = (share: number) => new Set(ports.filter((port) =>
      batches([udp(port)]).some((batch) => divide(batch, memory, 1, division({ share })).next === 1)));
    const tenth = taken(1_000);
    expect(tenth.size).toBeGreaterThan(60);
    expect(tenth.size).toBeLessThan(140);
    expect(taken(1_000)).toEqual(tenth);
    const half = taken(5_000);
    expect([...tenth].every((port) => half.has(port))).toBe(true);
  });

  it("takes a TCP connection that is opened for a new flow", () => {
    const memory = new FlowMemory();
    for (const batch of batches([tcp(5, "A")])) noteFlows(batch, memory, 1);
    const generation = memory.next();
    const to = (flag: "S" | "A") => total(batches([tcp(5, flag)]).map((batch) => divide(batch, memory, 2, division({ generation }))));
    expect(to("A")).toEqual({ base: 1, next: 0 });
    expect(to("S")).toEqual({ base: 0, next: 1 });
  });
});

describe("FlowMemory", () => {
  it("knows whether flows from before are still heard of", () => {
    const memory = new FlowMemory();
    const at = memory.note(1, 2, 1);
    const generation = memory.next();
    expect(memory.remains(generation, 2)).toBe(true);
    memory.close(at);
    expect(memory.remains(generation, 2)).toBe(true);
    expect(memory.remains(generation, 10)).toBe(false);
    memory.note(1, 2, 1_000);
    expect(memory.generationOf(memory.note(1, 2, 1_000))).toBe(generation);
  });

  it("spreads places evenly", () => {
    const low = ports.filter((n) => placeOf(Math.imul(n, 0x9e37_79b9) >>> 0, Math.imul(n, 0x85eb_ca6b) >>> 0) < ALL / 2).length;
    expect(Math.abs(low - ports.length / 2)).toBeLessThan(100);
  });
});
