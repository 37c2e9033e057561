import {
  BatchBuilder, BatchReader, Direction, Kind, parseAddress, RECORD_FAMILY, type RecordFields,
} from "@secuxflow/inspect-abi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FlowTable } from "./flow-table.js";

interface Seen {
  id: number;
  client: number;
  server: number;
  proto: number;
  /** Whether the packet goes from server to client. */
  back: boolean;
  /** Whether the publisher can tell. */
  known: boolean;
  wireLen: number;
  delta: number;
}

const BASE_NS = 1_767_225_600_000_000_000n; // 2026-01-01T00:00:00Z
const ip = (n: number): string => `10.0.0.${n}`;
const port = (n: number): number => 1_000 + n;

function batchOf(seen: readonly Seen[]): BatchReader {
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxBytes: 65_536 });
  builder.setTimeBase(BASE_NS);
  for (const packet of seen) {
    const [from, to] = packet.back ? [packet.server, packet.client] : [packet.client, packet.server];
    const record: RecordFields = {
      flowIdLow: packet.id, flowIdHigh: 0xabcd_0000 + packet.id, streamOffset: 0, timeDeltaNs: packet.delta * 1_000,
      wireLen: packet.wireLen,
      l3Offset: 0, l4Offset: 0, payloadOffset: 0, sport: port(from), dport: port(to), family: 4, proto: packet.proto,
      kind: Kind.PACKET,
      direction: !packet.known ? Direction.UNKNOWN : packet.back ? Direction.TO_CLIENT : Direction.TO_SERVER,
      flags: 0, vlan: 0, ifindex: 1, modules: 1, forwardId: 1, src: parseAddress(ip(from)), dst: parseAddress(ip(to)),
    };
    if (!builder.append(record, new Uint8Array(4))) throw new Error("the batch is full");
  }
  return new BatchReader(builder.finish().slice());
}

interface Summed extends Record<"sport" | "dport" | "packets" | "bytes" | "first" | "last", number> {
  src: string;
  dst: string;
}

/** The slow, obvious model: a map by the flow's identity in text. */
function model(seen: readonly Seen[]) {
  const flows = new Map<string, Summed>();
  for (const { id, client, server, proto, back, known, wireLen, delta } of seen) {
    const key = `${id} ${proto} ${[client, server].sort((a, b) => a - b).join()}`;
    const turned = back && !known;
    const [c, s] = turned ? [server, client] : [client, server];
    const flow = flows.get(key) ?? { src: ip(c), dst: ip(s), sport: port(c), dport: port(s), packets: 0, bytes: 0,
      first: delta, last: delta };
    flows.set(key, {
      ...flow, packets: flow.packets + 1, bytes: flow.bytes + wireLen, first: Math.min(flow.first, delta),
      last: Math.max(flow.last, delta),
    });
  }
  const time = (us: number): string => `2026-01-01T00:00:00.${String(us).padStart(6, "0")}Z`;
  return [...flows.values()].map(({ first, last, ...flow }) => ({ ...flow, first: time(first), last: time(last) }));
}

const packet = fc.record<Seen>({
  // Ids that collide on purpose, in the table and with each other.
  id: fc.integer({ min: 0, max: 3 }), client: fc.integer({ min: 1, max: 3 }), server: fc.integer({ min: 4, max: 6 }),
  proto: fc.constantFrom(6, 17), back: fc.boolean(), known: fc.boolean(), wireLen: fc.integer({ min: 0, max: 65_535 }),
  delta: fc.integer({ min: 0, max: 999_999 }),
});

describe("FlowTable", () => {
  it("sums up as the model does", () => {
    fc.assert(fc.property(fc.array(packet, { maxLength: 60 }), fc.integer(), (seen, salt) => {
      const table = new FlowTable(256, salt);
      const batch = batchOf(seen);
      expect(table.account(batch)).toBe(seen.length);
      const summaries = table.summaries("one", 0, table.size);
      expect(summaries.map(({ flow, packets, bytes, first, last }) => ({
        src: flow.src, dst: flow.dst, sport: flow.sport, dport: flow.dport, packets, bytes, first, last,
      }))).toEqual(model(seen));
    }));
  });

  it("stops at the first record that finds no room, and still counts known flows behind it", () => {
    const flow = (client: number): Seen =>
      ({ id: client, client, server: 6, proto: 6, back: false, known: true, wireLen: 100, delta: 0 });
    const table = new FlowTable(2, 1);
    const batch = batchOf([flow(1), flow(2), flow(3), flow(1)]);
    expect(table.account(batch)).toBe(2);
    expect(table.account(batch, 3)).toBe(4);
    expect(table.summaries("one", 0, 9).map(({ packets }) => packets)).toEqual([2, 1]);
    table.clear();
    expect(table.account(batch, 2)).toBe(4);
    expect(table.summaries("one", 0, 9).map(({ flow: { src } }) => src)).toEqual(["10.0.0.3", "10.0.0.1"]);
  });

  it("leaves out what is no IP packet", () => {
    const batch = batchOf([{ id: 1, client: 1, server: 4, proto: 6, back: false, known: true, wireLen: 60, delta: 0 }]);
    batch.bytes[batch.recordAt(0) + RECORD_FAMILY] = 0;
    const table = new FlowTable(16, 1);
    expect(table.account(batch)).toBe(1);
    expect(table.size).toBe(0);
  });
});
