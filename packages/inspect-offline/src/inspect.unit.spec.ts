import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModuleRejected, ModuleTrapped } from "@secuxflow/module-host";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchesOf, captureHeader, CaptureError, captureRecord, chunksOfFile, inspectCapture, LinkType, readCapture } from "./index.js";
import type { JsonObject, OfflineOptions, OfflineStats } from "./index.js";
import { tinyModule } from "./testing/tiny-module.js";

const module = tinyModule(
  { app_proto: "http", http: { hostname: "example.org" }, timestamp: "forged", flow: { start: "1000000000" } },
  { src_ip: "192.0.2.9", pkt_src: "stream (flow timeout)" },
);

/** An Ethernet frame with an empty TCP segment to that port. */
function frame(dport: number, source = 1): Uint8Array {
  const bytes = new Uint8Array(54);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes[17] = 40;
  bytes[23] = 6;
  bytes.set([10, 0, 0, source, 10, 0, 0, 200], 26);
  bytes.set([0x30, 0x39, dport >> 8, dport & 255], 34);
  bytes[46] = 0x50;
  return bytes;
}

interface Made {
  readonly dport: number;
  readonly timeNs: bigint;
  readonly source?: number;
}

const capture = (packets: readonly Made[], linkType: number = LinkType.ETHERNET): Uint8Array =>
  Buffer.concat([
    captureHeader(linkType),
    ...packets.map(({ dport, timeNs, source }) => captureRecord({ timeNs, wireLength: 54, data: frame(dport, source) })),
  ]);

async function run(bytes: Uint8Array, options: Partial<OfflineOptions> = {}): Promise<{ events: JsonObject[]; error: unknown }> {
  const events: JsonObject[] = [];
  try {
    for await (const event of inspectCapture(readCapture([bytes]), { module, ...options })) events.push(event);
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}

const SECOND = 1_000_000_000n;

describe("inspectCapture", () => {
  it("gives the findings as events in the order of the packets, and what the end of the flows brings to light", async () => {
    const stats: Readonly<OfflineStats>[] = [];
    const { events, error } = await run(
      capture([{ dport: 443, timeNs: 5n * SECOND }, { dport: 80, timeNs: 6n * SECOND + 1_000n }, { dport: 80, timeNs: 7n * SECOND, source: 2 }]),
      { onProgress: (now) => stats.push({ ...now }) },
    );
    expect(error).toBeUndefined();
    expect(events).toHaveLength(3);
    expect(events[0]).toMatchObject({
      timestamp: "1970-01-01T00:00:06.000001+0000", pcap_cnt: 2, event_type: "alert", src_ip: "10.0.0.1", src_port: 12_345,
      dest_ip: "10.0.0.200", dest_port: 80, proto: "TCP", pkt_src: "wire/pcap", app_proto: "http",
      community_id: expect.stringMatching(/^1:/) as string, http: { hostname: "example.org" },
      flow: { start: "1970-01-01T00:00:01.000000+0000" }, alert: { signature_id: 1, action: "allowed", severity: 2 },
      packet: Buffer.from(frame(80)).toString("base64"), packet_info: { linktype: 1 },
    }); // prettier-ignore
    expect(events.map((event) => event.pcap_cnt)).toEqual([2, 3, undefined]);
    expect(events[2]).toMatchObject({ src_ip: "192.0.2.9", pkt_src: "stream (flow timeout)" });
    expect(events[2]).not.toHaveProperty("packet");
    expect(stats.at(-1)).toEqual({ packets: 3, bytes: 162, flows: 3, findingsDropped: 0 });
  });

  it("gives the events so far where the capture was cut off, and then says so", async () => {
    const whole = capture([{ dport: 80, timeNs: 1n }, { dport: 80, timeNs: 2n }]);
    for (const length of [whole.length - 1, whole.length - 60]) {
      const { events, error } = await run(whole.subarray(0, length));
      expect(events.map((event) => event.pcap_cnt)).toEqual([1, undefined]);
      expect(error).toBeInstanceOf(CaptureError);
    }
    const { events, error } = await run(Buffer.from("no capture"));
    expect(events).toEqual([]);
    expect(error).toBeInstanceOf(CaptureError);
  });

  it("tells a module's refusal and its trap, after the events before", async () => {
    const packets = [{ dport: 80, timeNs: 1n }];
    expect(await run(capture(packets), { configure: "a=1\nb=2" })).toMatchObject({ error: undefined });
    expect((await run(capture(packets), { configure: "b=2" })).error).toBeInstanceOf(ModuleRejected);
    // Only what is not Ethernet is told to the module, which here refuses to hear of it.
    expect((await run(capture(packets, LinkType.RAW))).error).toBeInstanceOf(ModuleRejected);
    const trap = await run(capture([...packets, { dport: 81, timeNs: 10n * SECOND }]));
    expect(trap.events).toHaveLength(1);
    expect(trap.error).toBeInstanceOf(ModuleTrapped);
  });

  it("leaves the bytes out when asked, stops when asked, and is content with an empty capture", async () => {
    const [event] = (await run(capture([{ dport: 80, timeNs: 1n }]), { eve: { bytes: false } })).events;
    expect(event).not.toHaveProperty("packet");
    const stop = new AbortController();
    const packets = [{ dport: 80, timeNs: 1n }, { dport: 80, timeNs: 60n * SECOND }];
    const { events } = await run(capture(packets), { signal: stop.signal, onProgress: () => stop.abort() });
    expect(events).toHaveLength(1);
    expect(await run(capture([]))).toEqual({ events: [], error: undefined });
  });

  it("loses no packet and keeps times and order, whatever the times are (property)", async () => {
    const time = fc.oneof(fc.bigInt({ min: 0n, max: 30n * SECOND }), fc.bigInt({ min: 0n, max: 4_294_967_295n * SECOND }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ dport: fc.constantFrom(80, 443), timeNs: time }), { maxLength: 40 }), async (packets) => {
        const seen = [...batchesOf(readCapture([capture(packets)]))].flatMap((batch) => batch.packets.map(({ timeNs }) => timeNs));
        expect(seen).toEqual(packets.map(({ timeNs }) => timeNs));
        const { events } = await run(capture(packets));
        const numbers = packets.flatMap(({ dport }, i) => (dport === 80 ? [i + 1] : []));
        expect(events.map((event) => event.pcap_cnt)).toEqual(packets.length === 0 ? [] : [...numbers, undefined]);
      }),
      { numRuns: 30 },
    );
  });

  it("survives any damage to the capture (property)", async () => {
    const good = capture([{ dport: 80, timeNs: 1n }, { dport: 443, timeNs: 2n }, { dport: 80, timeNs: 3n * SECOND }]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), async (changes) => {
        const damaged = Uint8Array.from(good);
        for (const [at, value] of changes) damaged[at] = value;
        const { events, error } = await run(damaged);
        for (const event of events) expect(typeof event.timestamp).toBe("string");
        if (error !== undefined && !(error instanceof CaptureError) && !(error instanceof ModuleRejected)) expect(error).toBeInstanceOf(ModuleTrapped);
      }),
      { numRuns: 60 },
    );
  });
});

describe("chunksOfFile", () => {
  it("reads a file in pieces, and tells that there is none", () => {
    const folder = mkdtempSync(join(tmpdir(), "inspect-offline-"));
    try {
      const bytes = Buffer.alloc(2_500_000, "x");
      writeFileSync(join(folder, "file"), bytes);
      const chunks = [...chunksOfFile(join(folder, "file"))];
      expect(chunks.length).toBeGreaterThan(1);
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      expect(() => [...chunksOfFile(join(folder, "none"))]).toThrow("ENOENT");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
