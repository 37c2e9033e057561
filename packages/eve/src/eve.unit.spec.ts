import type { Finding } from "@secuxflow/inspect-abi";
import { parseAddress } from "@secuxflow/inspect-abi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRuleTexts } from "@secuxflow/rule-image";
import { communityId, eveEvent } from "./index.js";
import type { EventPacket } from "./index.js";

const plain = (text: string): Uint8Array => {
  const bytes = parseAddress(text);
  return text.includes(":") ? bytes : bytes.subarray(12);
};

describe("communityId", () => {
  // From the specification's own baseline.
  it.each([
    ["128.232.110.120", 34855, "66.35.250.204", 80, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="],
    ["66.35.250.204", 80, "128.232.110.120", 34855, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="],
    ["192.168.1.52", 54585, "8.8.8.8", 53, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="],
    ["192.168.0.89", 8, "192.168.0.1", 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="],
    ["192.168.0.1", 0, "192.168.0.89", 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="],
  ])("%s:%i → %s:%i, protocol %i", (src, sport, dst, dport, proto, expected) => {
    expect(communityId({ src: plain(src), dst: plain(dst), proto, sport, dport })).toBe(expected);
  });

  it("is the same both ways and changes with the seed (property)", () => {
    const address = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
    const port = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(address, address, port, port, fc.constantFrom(6, 17, 132, 47), (src, dst, sport, dport, proto) => {
        fc.pre(src.length === dst.length);
        const there = communityId({ src, dst, proto, sport, dport });
        expect(communityId({ src: dst, dst: src, proto, sport: dport, dport: sport })).toBe(there);
        expect(communityId({ src, dst, proto, sport, dport }, 1)).not.toBe(there);
      }),
    );
  });
});

const packet: EventPacket = {
  timeNs: 1_468_449_727_199_672_123n,
  flowId: 0xffff_ffff_ffff_ffffn,
  src: parseAddress("10.0.0.1"),
  dst: parseAddress("10.0.0.2"),
  family: 4,
  proto: 6,
  sport: 1025,
  dport: 80,
  vlan: 7,
  data: Uint8Array.of(1, 2, 3),
  captureIndex: 4,
  link: { type: 1, name: "EN10MB" },
};

const finding = (changes: Partial<Finding>): Finding => ({
  recordIndex: 0,
  ruleId: 2001,
  severity: 2,
  verdictHint: "alert",
  confidence: 90,
  inStream: false,
  matchOffset: 0,
  matchLen: 0,
  dropped: false,
  noAlert: false,
  attributes: {},
  ...changes,
});

const texts = readRuleTexts(
  Buffer.from(
    JSON.stringify({
      rules: { 2001: { gid: 3, rev: 7, msg: "A rule", category: "Some class", severity: 1, metadata: { tag: ["x"] } } },
    }),
  ),
);

describe("eveEvent", () => {
  it("tells what, where and by which rule", () => {
    const eve = JSON.stringify({ app_proto: "http", tx_id: 0, http: { hostname: "example.org" }, alert: { action: "blocked" } });
    expect(eveEvent(finding({ attributes: { eve }, payload: Buffer.from("GET\r\n\0") }), packet, texts)).toEqual({
      timestamp: "2016-07-13T22:42:07.199672+0000",
      flow_id: 0x1f_ffff_ffff_ffff,
      pcap_cnt: 4,
      event_type: "alert",
      vlan: [7],
      src_ip: "10.0.0.1",
      src_port: 1025,
      dest_ip: "10.0.0.2",
      dest_port: 80,
      proto: "TCP",
      ip_v: 4,
      pkt_src: "wire/pcap",
      community_id: expect.stringMatching(/^1:.{27}=$/) as string,
      alert: {
        action: "blocked",
        gid: 3,
        signature_id: 2001,
        rev: 7,
        signature: "A rule",
        category: "Some class",
        severity: 1,
        metadata: { tag: ["x"] },
      },
      app_proto: "http",
      tx_id: 0,
      http: { hostname: "example.org" },
      payload: "R0VUDQoA",
      payload_printable: "GET\r\n.",
      packet: "AQID",
      packet_info: { linktype: 1, linktype_name: "EN10MB" },
    });
  });

  it("writes the start of the flow as a time, and traffic classes under their name", () => {
    const metadata = { flowbits: ["traffic/id/curl", "other", "traffic/label/cli"] };
    const eve = JSON.stringify({ flow: { start: "1468449727199672123", pkts_toserver: 2 }, metadata });
    expect(eveEvent(finding({ attributes: { eve } }), packet, texts)).toMatchObject({
      flow: { start: "2016-07-13T22:42:07.199672+0000", pkts_toserver: 2 },
      traffic: { id: ["curl"], label: ["cli"] },
    });
  });

  it("takes addresses of a tunnel from the module, and writes IPv6 in full", () => {
    const inner = JSON.stringify({ src_ip: "192.0.2.1", tunnel: { depth: 1 } });
    const v6 = { ...packet, src: parseAddress("fe80::20c:29ff:fef3:cf38"), dst: parseAddress("::1"), family: 6 };
    expect(eveEvent(finding({}), v6, texts)).toMatchObject({ src_ip: "fe80:0000:0000:0000:020c:29ff:fef3:cf38", ip_v: 6 });
    expect(eveEvent(finding({ attributes: { eve: inner } }), v6, texts)).toMatchObject({
      src_ip: "192.0.2.1",
      dest_ip: "0000:0000:0000:0000:0000:0000:0000:0001",
    });
  });

  it("a packet that is dropped without an alert is a drop event", () => {
    const event = eveEvent(finding({ ruleId: 0, dropped: true, noAlert: true, attributes: { eve: '{"drop":{"reason":"flow drop"}}' } }), packet, texts);
    expect(event).toMatchObject({ event_type: "drop", drop: { reason: "flow drop" } });
    expect(event).not.toHaveProperty("alert");
    expect(eveEvent(finding({ dropped: true, noAlert: true }), packet, texts)).toMatchObject({
      event_type: "drop",
      alert: { action: "blocked", signature_id: 2001 },
    });
  });

  it("without bytes when asked", () => {
    const event = eveEvent(finding({ payload: new Uint8Array(3) }), packet, texts, { bytes: false, inInterface: "eth0" });
    expect(event).not.toHaveProperty("payload");
    expect(event).not.toHaveProperty("packet");
    expect(event).toMatchObject({ in_iface: "eth0" });
  });

  it("a module cannot set what identifies the event, nor break it (property)", () => {
    const usual = eveEvent(finding({}), packet, texts);
    const hostile = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(fc.constantFrom("timestamp", "event_type", "flow_id", "__proto__", "constructor", "community_id", "x"), fc.jsonValue()).map((o) => JSON.stringify(o)),
      fc.constant("[".repeat(50_000)),
      fc.constant(`{"http":${'{"a":'.repeat(20)}1${"}".repeat(20)}}`),
    );
    fc.assert(
      fc.property(hostile, (eve) => {
        const event = eveEvent(finding({ attributes: { eve } }), packet, texts);
        for (const key of ["timestamp", "event_type", "flow_id", "community_id"]) expect(event[key]).toEqual(usual[key]);
        expect(() => JSON.stringify(event)).not.toThrow();
      }),
    );
  });
});
