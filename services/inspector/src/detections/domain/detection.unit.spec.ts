import { Detection } from "@secuxflow/contracts";
import { BatchReader, Direction, printable, type Finding } from "@secuxflow/inspect-abi";
import { buildFrame } from "@secuxflow/testkit";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { TestPublisher } from "../../testing/frames.js";
import { attributesOf } from "./attributes.js";
import { gravest, toDetection, type DetectionSource } from "./detection.js";

const source: DetectionSource = {
  policy: "default", inspector: "one", module: { name: "waf", version: "1.2.3", digest: `sha256:${"a".repeat(64)}` },
  rules: new Map([[942100, { name: "SQL injection", category: "sqli" }]]),
  digest: (text) => createHash("sha256").update(text).digest("hex").slice(0, 32),
};
const finding = (changes: Partial<Finding> = {}): Finding => ({
  recordIndex: 0, ruleId: 942100, severity: 1, verdictHint: "drop", confidence: 95, inStream: false, matchOffset: 0,
  matchLen: 0, dropped: false, noAlert: false, attributes: {}, ...changes,
});
const TIME = 1_767_225_600_123_456_789n; // 2026-01-01T00:00:00.123456789Z

function batchOf(payload: string, publisher = new TestPublisher(1n)): BatchReader {
  const packets = ["first", payload].map((data) => buildFrame({
    ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, udp: { srcPort: 5_353, dstPort: 53 }, payload: Buffer.from(data),
  }));
  const [made] = publisher.frames(packets, { modules: 1, timeBaseNs: TIME, direction: Direction.TO_CLIENT, forwardId: 9 });
  return new BatchReader(made?.frame ?? new Uint8Array());
}

describe("toDetection", () => {
  it("blames whom the module names: the record may be of another flow, its packet is then left out", () => {
    const batch = batchOf("x");
    const record = toDetection(source, batch, finding());
    expect(record.packet).toBeDefined();
    const other = JSON.stringify({ src_ip: "2001:0db8:0000:0000:0000:0000:0000:0007", dest_ip: "10.0.0.9", src_port: 7, dest_port: 80, direction: "to_server" });
    const told = toDetection(source, batch, finding(), other);
    expect(told).toMatchObject({ flow: { src: "2001:db8::7", dst: "10.0.0.9", sport: 7, dport: 80 }, direction: "to_server" });
    expect(told.packet).toBeUndefined();
    const { src, dst, sport, dport } = record.flow;
    const turned = JSON.stringify({ src_ip: dst, dest_ip: src, src_port: dport, dest_port: sport });
    expect(toDetection(source, batch, finding(), turned)).toMatchObject({ flow: { src: dst, dst: src }, packet: record.packet });
    for (const strange of ["{", "[]", "null", '{"src_ip":5}', '{"src_ip":"x","dest_ip":"10.0.0.1"}', '{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2","src_port":-1}'])
      expect(toDetection(source, batch, finding(), strange).flow).toEqual(record.flow);
  });

  it("tells the packet, the rule and the match", () => {
    const batch = batchOf("attack");
    const detection = toDetection(source, batch,
      finding({ recordIndex: 1, attributes: { "http.uri": "/\\xff\\x5c", score: 5 } }));
    expect(Detection.parse(detection)).toEqual(detection);
    expect(detection).toMatchObject({
      time: "2026-01-01T00:00:00.123457Z", policy: "default", inspector: "one", module: source.module,
      rule: { id: 942100, name: "SQL injection", category: "sqli" }, severity: 1, confidence: 95, verdictHint: "drop",
      flow: { src: "192.168.1.1", dst: "10.0.0.5", sport: 5_353, dport: 53, proto: "udp" }, direction: "to_client", ifindex: 7,
      vlan: 0, forwardId: 9,
      attributes: { "http.uri": "/\xff\\", score: "5" },
    });
    expect(Buffer.from(detection.packet ?? "", "base64")).toEqual(Buffer.from(batch.data(1)));
  });

  it("carries what EVE tells and what the rule saw, cut to 16,384 bytes", () => {
    const payload = new Uint8Array(20_000).fill(7);
    const batch = batchOf("attack");
    const detection = toDetection(source, batch, finding({ attributes: { eve: "{}", message: "m" }, payload }), '{"http":{}}');
    expect(Detection.parse(detection)).toEqual(detection);
    expect(detection).toMatchObject({ eve: '{"http":{}}', wireLength: batch.data(0).byteLength, attributes: { message: "m" } });
    expect(detection.attributes).not.toHaveProperty("eve");
    expect(Buffer.from(detection.payload ?? "", "base64")).toEqual(Buffer.from(payload.subarray(0, 16_384)));
    const plain = toDetection(source, batch, finding());
    expect(plain).not.toHaveProperty("eve");
    expect(plain).not.toHaveProperty("payload");
  });

  it("cuts long packets and names what the manifest does not know", () => {
    const detection = toDetection({ ...source, rules: new Map() }, batchOf("x".repeat(5_000)), finding({ recordIndex: 1 }));
    expect(Buffer.from(detection.packet ?? "", "base64")).toHaveLength(2_048);
    expect(detection.rule).toEqual({ id: 942100, name: "rule 942100", category: "unknown" });
    expect(Detection.safeParse(detection).success).toBe(true);
  });

  it("gives the same id to the same packet, rule and module, and another one otherwise", () => {
    const publisher = new TestPublisher(1n);
    const first = batchOf("attack", publisher);
    const later = batchOf("attack", publisher);
    const id = toDetection(source, first, finding({ recordIndex: 1 })).id;
    expect(toDetection(source, new BatchReader(first.bytes.slice()), finding({ recordIndex: 1, matchOffset: 3 })).id).toBe(id);
    expect(toDetection({ ...source, inspector: "two" }, first, finding({ recordIndex: 1 })).id).toBe(id);
    const others = [
      toDetection(source, first, finding()), toDetection(source, later, finding({ recordIndex: 1 })),
      toDetection(source, first, finding({ recordIndex: 1, ruleId: 7 })),
      toDetection({ ...source, module: { ...source.module, name: "ips" } }, first, finding({ recordIndex: 1 })),
    ];
    expect(new Set([id, ...others.map((other) => other.id)]).size).toBe(5);
  });

  it("has a time for every time base", () => {
    for (const timeBaseNs of [0n, 2n ** 64n - 1n]) {
      const [made] = new TestPublisher().frames([buildFrame({ ipv4: { src: "1.1.1.1", dst: "2.2.2.2" },
        udp: { srcPort: 1, dstPort: 2 } })], { timeBaseNs });
      expect(toDetection(source, new BatchReader(made?.frame ?? new Uint8Array()), finding()).time)
        .toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
  });
});

describe("attributesOf", () => {
  it("gives bytes back as they were", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { "match.data": text } = attributesOf(finding({ attributes: { "match.data": printable(bytes) } }));
      expect(Buffer.from(text ?? "", "latin1")).toEqual(Buffer.from(bytes));
    }));
  });

  it("keeps UTF-8 texts as their bytes, and what looks like an escape in them", () => {
    expect(attributesOf(finding({ attributes: { message: "é \\x41" } }))).toEqual({ message: "\xc3\xa9 \\x41" });
  });

  it("cuts at 4,096 bytes", () => {
    const { message, "http.host": host } = attributesOf(finding({ attributes: { message: "é".repeat(4_000),
      "http.host": "\\x00".repeat(5_000) } }));
    expect([message?.length, host?.length]).toEqual([4_096, 4_096]);
  });
});

describe("gravest", () => {
  it("keeps the order and drops the least grave", () => {
    const findings = [3, 1, 4, 1, 2].map((severity, recordIndex) => finding({ severity, recordIndex }));
    expect(gravest(findings, 3).map(({ recordIndex }) => recordIndex)).toEqual([1, 3, 4]);
    expect(gravest(findings, 5)).toBe(findings);
  });
});
