import { buildFrame } from "@secuxflow/testkit";
import { BatchBuilder, Direction, dissectFrame } from "@secuxflow/inspect-abi";
import type { RecordFields } from "@secuxflow/inspect-abi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attackRequests } from "./testing/attacks.js";
import { batchesOf, builtModule, http, inspectAll, newModule, ruleIds, says, session } from "./testing/harness.js";
import { ordinaryRequests } from "./testing/ordinary.js";

const uint = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });
const offset = fc.oneof(uint(16), fc.integer({ min: 0, max: 80 }), fc.constant(0xffff));

describe.each(["ips", "waf"] as const)("%s survives", (name) => {
  // Findings are checked by the host: a trap or a lie would throw here.
  it("random frames with random records", async () => {
    const instance = await newModule(name);
    const record: fc.Arbitrary<Partial<RecordFields>> = fc.record({
      flowIdLow: uint(3),
      l3Offset: offset,
      l4Offset: offset,
      payloadOffset: offset,
      sport: uint(2),
      dport: uint(2),
      family: fc.constantFrom(0, 4, 6),
      proto: fc.constantFrom(6, 6, 17, 1, 0),
      kind: fc.constantFrom(1, 1, 1, 2, 3),
      direction: fc.constantFrom(0, 1, 2),
      flags: uint(5),
      wireLen: uint(32),
    });
    const packet = fc.record({ frame: fc.uint8Array({ maxLength: 200 }), fields: record, atMs: fc.nat({ max: 3000 }) });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 30 }), (packets) => {
        inspectAll(instance, packets);
      }),
      { numRuns: 400 },
    );
  });

  it("mutated conversations", async () => {
    const instance = await newModule(name);
    const texts = [...attackRequests, ...ordinaryRequests];
    const edits = fc.array(fc.tuple(uint(16), uint(16), uint(8)), { maxLength: 10 });
    fc.assert(
      fc.property(fc.nat({ max: texts.length - 1 }), edits, fc.integer({ min: 1, max: 40 }), (index, changes, pieces) => {
        const text = texts[index] ?? "";
        const length = Buffer.byteLength(text);
        const step = Math.max(1, Math.ceil(length / pieces));
        const splitAt = Array.from({ length: Math.ceil(length / step) - 1 }, (_, i) => (i + 1) * step);
        const packets = session(says(text, { splitAt })).map(({ frame, ...rest }) => ({
          ...rest,
          frame: Uint8Array.from(frame),
        }));
        for (const [which, at, value] of changes) {
          const frame = packets[which % packets.length]?.frame;
          if (frame !== undefined) frame[at % frame.length] = value;
        }
        inspectAll(instance, packets);
      }),
      { numRuns: 400 },
    );
  });

  it("mutated text of requests", async () => {
    const instance = await newModule(name);
    const interesting = fc.constantFrom(..."'\"<>%&;|{}()[]\\\r\n\u0000 =:/-#*`$,".split(""));
    fc.assert(
      fc.property(
        fc.constantFrom(...attackRequests),
        fc.array(fc.tuple(uint(12), fc.oneof(interesting, fc.constant(""))), { maxLength: 12 }),
        (text, edits) => {
          let mutated = text;
          for (const [at, piece] of edits) {
            const position = at % (mutated.length + 1);
            mutated = mutated.slice(0, position) + piece + mutated.slice(position + (piece === "" ? 3 : 0));
          }
          if (mutated.length > 0) inspectAll(instance, session(says(Buffer.from(mutated, "latin1"))));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("more flows than fit, in bounded memory, and still finds attacks", async () => {
    const instance = await newModule(name);
    const { memory } = instance;
    const attack = http("GET /?a=${jndi:x}'%20or%201=1--%20");
    // Unfinished requests hold the most: a table of 16,384 flows is passed twice over.
    const payload = Buffer.from("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 2000, maxBytes: 1024 * 1024 });
    const base = buildFrame({
      ipv4: { src: "10.7.0.1", dst: "10.7.0.2" },
      tcp: { srcPort: 1, dstPort: 80, seq: 5, flags: "PA" },
      payload,
    });
    const fields = dissectFrame(base);
    for (let i = 0; i < 40_000; i++) {
      const src = Uint8Array.from(fields.src);
      src.set([10, 100 + (i >> 16), (i >> 8) & 255, i & 255], 12);
      const record = { ...fields, src, flowIdLow: i * 64, flowIdHigh: i, direction: Direction.TO_SERVER, modules: 1 };
      if (!builder.append(record, base)) {
        instance.inspect(builder.finish(), 1);
        builder.append(record, base);
      }
    }
    instance.inspect(builder.finish(), 1);
    expect(instance.memory.bytes).toBe(memory.bytes);
    expect(instance.memory.bytes).toBeLessThanOrEqual(builtModule(name).memoryPages.max * 65_536);
    expect(inspectAll(instance, session(says(attack)))).not.toEqual([]);
  });

  it("segments out of order without end", async () => {
    const instance = await newModule(name);
    const before = instance.memory.bytes;
    const packets = Array.from({ length: 3000 }, (_, i) => ({
      frame: buildFrame({
        ipv4: { src: "10.8.0.1", dst: "10.8.0.2" },
        tcp: { srcPort: 1 + (i % 50), dstPort: 80, seq: 1000 + i * 700, flags: "A" },
        payload: "z".repeat(600),
      }),
      direction: Direction.TO_SERVER,
    }));
    inspectAll(instance, packets);
    expect(instance.memory.bytes).toBe(before);
    expect(inspectAll(instance, session(says(http("GET /?a=${jndi:x}"))))).not.toEqual([]);
  });
});

describe("batches and outputs", () => {
  it("takes only records forwarded to it", async () => {
    const packets = session(says(http("GET /?a=${jndi:x}"))).map((packet) => ({ ...packet, fields: { modules: 2 } }));
    expect(inspectAll(await newModule("ips"), packets)).toEqual([]);
    const instance = await newModule("ips");
    expect(ruleIds(batchesOf(packets).flatMap((batch) => instance.inspect(batch, 2)))).toEqual([9_000_001]);
    const all = await newModule("ips");
    expect(ruleIds(batchesOf(packets).flatMap((batch) => all.inspect(batch)))).toEqual([9_000_001]);
  });

  it("loses no finding when the output fills up", async () => {
    const instance = await newModule("waf");
    const uri = `/?q=%3Cscript%3E${"x".repeat(900)}`;
    const packets = Array.from({ length: 1200 }, () =>
      session(says(http(`GET ${uri}`, { "User-Agent": "u".repeat(600) }), { splitAt: [] }), { end: "none", handshake: false }),
    )
      .flat()
      .filter(({ frame }) => frame.length > 100);
    expect(packets.length).toBeGreaterThanOrEqual(1200);
    const findings = inspectAll(instance, packets, 300);
    expect(findings).toHaveLength(1200);
    expect(new Set(findings.map(({ recordIndex }) => recordIndex)).size).toBe(1200);
    expect(instance.stats.calls).toBeGreaterThan(4);
    expect(instance.stats.findingsDropped).toBe(0);
  });

  it("replays to the same findings", async () => {
    const packets = attackRequests.slice(0, 60).flatMap((request) => session(says(request)));
    const [first, second] = [await newModule("waf"), await newModule("waf")];
    expect(inspectAll(first, packets)).toEqual(inspectAll(second, packets));
  });
});
