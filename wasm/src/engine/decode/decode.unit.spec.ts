import { buildFrame, buildNetwork, internetChecksum, tcpOptions } from "@secuxflow/testkit";
import type { FrameSpec } from "@secuxflow/testkit";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { DECODE_EVENTS, EVENT_ALIASES, STREAM_EVENTS, STREAM_EVENT_BASE } from "../events.js";
import { Decoder } from "./rig.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/decode/test-entry.ts");
});
const decoder = (): Decoder => new Decoder(fresh());
const four = { src: "10.0.0.1", dst: "10.0.0.2" };
const six = { src: "2001:db8::1", dst: "2001:db8::2" };
const inner: FrameSpec = { ipv4: { src: "192.0.2.1", dst: "192.0.2.2" }, tcp: { srcPort: 1, dstPort: 2 }, payload: "inside" };

describe("the table of events", () => {
  it("has the same numbers in AssemblyScript", () => {
    const source = readFileSync(join(import.meta.dirname, "../../../engine/decode/events.ts"), "utf8");
    const numbers = [...source.matchAll(/^export const (\w+): u32 = (\d+);$/gm)].map(([, name, value]) => `${name}=${value}`);
    const constant = (name: string): string => name.toUpperCase().replaceAll(".", "_");
    expect(numbers).toEqual([
      `STREAM_EVENT_BASE=${STREAM_EVENT_BASE}`,
      ...DECODE_EVENTS.map((name, i) => `D_${constant(name)}=${i}`),
      ...STREAM_EVENTS.map((name, i) => `S_${constant(name)}=${STREAM_EVENT_BASE + i}`),
    ]);
  });

  it("has room, no name twice, and aliases of names that exist", () => {
    expect(DECODE_EVENTS.length).toBeLessThanOrEqual(STREAM_EVENT_BASE);
    expect(STREAM_EVENT_BASE + STREAM_EVENTS.length).toBeLessThanOrEqual(256);
    const names = [...DECODE_EVENTS, ...STREAM_EVENTS];
    expect(new Set(names).size).toBe(names.length);
    for (const name of EVENT_ALIASES.values()) expect(names).toContain(name);
  });
});

describe("decoding", () => {
  it("gives addresses, ports, numbers and payload of TCP with options", () => {
    const d = decoder();
    const options = tcpOptions({ mss: 1_400, windowScale: 9 });
    d.frame(buildFrame({ vlan: [{ vid: 5 }, { vid: 7 }], ipv4: { ...four, ttl: 33, id: 77 },
      tcp: { srcPort: 1_234, dstPort: 443, seq: 0xfedcba98, ack: 5, flags: "SA", options }, payload: "data", padTo: 100 }));
    expect([d.get("family"), d.get("proto"), d.get("sport"), d.get("dport"), d.get("ttl"), d.get("ipId")]).toEqual([4, 6,
      1_234, 443, 33, 77]);
    expect([d.get("tcpSeq"), d.get("tcpAck"), d.get("tcpFlags"), d.get("tcpMss"), d.get("tcpWscale")]).toEqual([0xfedcba98, 5,
      18, 1_400, 9]);
    expect([d.get("vlan0"), d.get("vlan1"), d.get("vlans"), d.payload()]).toEqual([5, 7, 2, "data"]);
    expect(d.events()).toEqual([]);
    expect([...d.wasm.read(d.wasm.call("src", 0), 16)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1]);
  });

  it("walks IPv6 extension headers", () => {
    const d = decoder();
    d.frame(buildFrame({ ipv6: { ...six, extensions: [{ kind: "hopByHop", data: Buffer.from([5, 2, 0, 0, 0, 0]) },
      { kind: "destination", data: Buffer.from([1, 4, 0, 0, 0, 0]) },
      { kind: "authentication" }] }, udp: { srcPort: 5, dstPort: 6 }, payload: "deep" }));
    expect([d.get("family"), d.get("proto"), d.get("sport"), d.payload(), d.get("ipv6Extensions")]).toEqual([6, 17, 5, "deep",
      25]);
    expect(d.events()).toEqual(["ipv6.dstopts_only_padding"]);
  });

  it("names what an ICMP error quotes", () => {
    const d = decoder();
    d.frame(buildFrame({ ipv4: four, icmp: { type: 3, code: 3 }, payload: buildNetwork(inner).subarray(0, 28) }));
    expect([d.get("icmpType"), d.get("icmpCode"), d.get("innerProto"), d.get("innerSport"), d.get("innerDport")]).toEqual([3,
      3, 6, 1, 2]);
  });

  it.each([
    ["raw IP", 101, (ip: Buffer) => ip],
    ["cooked", 113, (ip: Buffer) => Buffer.concat([Buffer.alloc(14), Buffer.from([8, 0]), ip])],
    ["cooked, version 2", 276, (ip: Buffer) => Buffer.concat([Buffer.from([8, 0]), Buffer.alloc(18), ip])],
    ["loopback, little-endian", 0, (ip: Buffer) => Buffer.concat([Buffer.from([2, 0, 0, 0]), ip])],
    ["loopback, big-endian", 108, (ip: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 2]), ip])],
    ["Cisco HDLC", 104, (ip: Buffer) => Buffer.concat([Buffer.from([0x0f, 0, 8, 0]), ip])],
    ["PPP", 9, (ip: Buffer) => Buffer.concat([Buffer.from([0xff, 3, 0, 0x21]), ip])],
  ])("knows the link type %s", (_name, type, wrap) => {
    const d = decoder();
    d.wasm.call("setLinkType", type);
    d.frame(wrap(buildNetwork(inner)));
    expect([d.get("proto"), d.payload(), d.events()]).toEqual([6, "inside", []]);
  });

  it.each<[string, FrameSpec]>([
    ["IP in IP", { ipv4: { ...four, protocol: 4 }, payload: buildNetwork(inner) }],
    ["IPv4 in IPv6", { ipv6: { ...six, nextHeader: 4 }, payload: buildNetwork(inner) }],
    ["GRE", { ipv4: { ...four, protocol: 47 }, payload: Buffer.concat([Buffer.from([0, 0, 8, 0]), buildNetwork(inner)]) }],
    ["GRE with key and sequence", { ipv4: { ...four, protocol: 47 },
      payload: Buffer.concat([Buffer.from([0x30, 0, 8, 0, 1, 2, 3, 4, 0, 0, 0, 1]), buildNetwork(inner)]) }],
    ["GRE with Ethernet", { ipv4: { ...four, protocol: 47 }, payload: Buffer.concat([Buffer.from([0, 0, 0x65, 0x58]),
      buildFrame(inner)]) }],
    ["VXLAN", { ipv4: four, udp: { srcPort: 9, dstPort: 4_789 }, payload: Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 0, 1, 0]),
      buildFrame(inner)]) }],
    ["Geneve", { ipv4: four, udp: { srcPort: 9, dstPort: 6_081 },
      payload: Buffer.concat([Buffer.from([0, 0, 0x65, 0x58, 0, 0, 1, 0]), buildFrame(inner)]) }],
  ])("gives the packet inside %s as one of its own", (_name, outer) => {
    const d = decoder();
    expect(d.frame(buildFrame(outer))).toBe(2);
    expect([d.payload(1), d.get("depth", 1), d.get("flags", 1) & 8]).toEqual(["inside", 1, 8]);
  });

  it("gives the packet inside Teredo, with its headers", () => {
    const packet = buildNetwork({ ipv6: six, udp: { srcPort: 1, dstPort: 2 }, payload: "teredo" });
    const origin = Buffer.from([0, 0, 1, 2, 3, 4, 5, 6]);
    const d = decoder();
    expect(d.frame(buildFrame({ ipv4: four, udp: { srcPort: 9, dstPort: 3_544 }, payload: Buffer.concat([origin,
      packet]) }))).toBe(2);
    expect(d.payload(1)).toBe("teredo");
  });

  it("looks through MPLS and PPPoE", () => {
    const d = decoder();
    d.frame(buildFrame({ eth: { type: 0x8847 }, payload: Buffer.concat([Buffer.from([0, 1, 0, 64, 0, 2, 1, 64]),
      buildNetwork(inner)]) }));
    expect(d.payload()).toBe("inside");
    d.frame(buildFrame({ eth: { type: 0x8864 }, payload: Buffer.concat([Buffer.from([0x11, 0, 0, 1, 0, 50, 0, 0x21]),
      buildNetwork(inner)]) }));
    expect(d.payload()).toBe("inside");
  });

  it("stops at a depth of tunnels", () => {
    let packet = buildNetwork(inner);
    for (let i = 0; i < 10; i++) packet = buildNetwork({ ipv4: { ...four, protocol: 4 }, payload: packet });
    const d = decoder();
    expect(d.frame(Buffer.concat([buildFrame({ ipv4: four }).subarray(0, 14), packet]))).toBe(5);
    expect(d.events(4)).toContain("too_many_layers");
  });

  it.each<[string, Uint8Array]>([
    ["ethernet.pkt_too_small", Buffer.alloc(13)],
    ["ipv4.pkt_too_small", buildFrame({ ipv4: four }).subarray(0, 30)],
    ["ipv4.hlen_too_small", buildFrame({ ipv4: { ...four, ihl: 4 } })],
    ["ipv4.iplen_smaller_than_hlen", buildFrame({ ipv4: { ...four, totalLength: 19 } })],
    ["ipv4.trunc_pkt", buildFrame({ ipv4: { ...four, totalLength: 100 } })],
    ["ipv4.wrong_ip_version", buildFrame({ ipv4: { ...four, version: 5 } })],
    ["ipv4.opt_invalid_len", buildFrame({ ipv4: { ...four, options: Buffer.from([7, 41, 4, 0]) } })],
    ["ipv4.opt_duplicate", buildFrame({ ipv4: { ...four, options: Buffer.from([148, 4, 0, 0, 148, 4, 0, 0]) } })],
    ["ipv4.opt_unknown", buildFrame({ ipv4: { ...four, options: Buffer.from([99, 4, 0, 0]) } })],
    ["ipv4.icmpv6", buildFrame({ ipv4: { ...four, protocol: 58 }, payload: "12345678" })],
    ["ipv6.pkt_too_small", buildFrame({ ipv6: six }).subarray(0, 50)],
    ["ipv6.trunc_pkt", buildFrame({ ipv6: { ...six, payloadLength: 99 } })],
    ["ipv6.trunc_exthdr", buildFrame({ ipv6: { ...six, extensions: [{ kind: "hopByHop", length: 9 }] } })],
    ["ipv6.exthdr_useless_fh", buildFrame({ ipv6: { ...six, extensions: [{ kind: "fragment", id: 1 }] } })],
    ["ipv6.rh_type_0", buildFrame({ ipv6: { ...six, extensions: [{ kind: "routing" }] } })],
    ["ipv6.data_after_none_header", buildFrame({ ipv6: six, payload: "x" })],
    ["ipv6.icmpv4", buildFrame({ ipv6: { ...six, nextHeader: 1 }, payload: "12345678" })],
    ["tcp.pkt_too_small", buildFrame({ ipv4: { ...four, protocol: 6 }, payload: "short" })],
    ["tcp.hlen_too_small", buildFrame({ ipv4: four, tcp: { srcPort: 1, dstPort: 2, dataOffset: 15 } })],
    ["tcp.invalid_optlen", buildFrame({ ipv4: four, tcp: { srcPort: 1, dstPort: 2, dataOffset: 4 } })],
    ["tcp.opt_invalid_len", buildFrame({ ipv4: four, tcp: { srcPort: 1, dstPort: 2, options: Buffer.from([2, 3, 0, 0]) } })],
    ["tcp.opt_duplicate", buildFrame({ ipv4: four, tcp: { srcPort: 1, dstPort: 2, options: Buffer.from([2, 4, 5, 0, 2, 4, 5,
      0]) } })],
    ["udp.pkt_too_small", buildFrame({ ipv4: { ...four, protocol: 17 }, payload: "short" })],
    ["udp.hlen_too_small", buildFrame({ ipv4: four, udp: { srcPort: 1, dstPort: 2, length: 7 } })],
    ["udp.hlen_invalid", buildFrame({ ipv4: four, udp: { srcPort: 1, dstPort: 2, length: 700 } })],
    ["icmpv4.unknown_type", buildFrame({ ipv4: four, icmp: { type: 99 } })],
    ["icmpv4.unknown_code", buildFrame({ ipv4: four, icmp: { type: 8, code: 3 } })],
    ["icmpv4.pkt_too_small", buildFrame({ ipv4: { ...four, protocol: 1 }, payload: "x" })],
    ["sctp.pkt_too_small", buildFrame({ ipv4: { ...four, protocol: 132 }, payload: "x" })],
    ["gre.wrong_version", buildFrame({ ipv4: { ...four, protocol: 47 }, payload: Buffer.from([0, 3, 8, 0]) })],
    ["vlan.header_too_small", buildFrame({ vlan: [{ vid: 1 }], ipv4: four }).subarray(0, 16)],
    ["ipv4.frag_pkt_too_large", buildFrame({ ipv4: { ...four, fragmentOffset: 65_528 }, payload: "x".repeat(64) })],
  ])("raises %s", (event, frame) => {
    const d = decoder();
    d.frame(frame);
    expect(d.events()).toContain(event);
  });

  it("takes what was captured of a cut frame, without calling it wrong", () => {
    const d = decoder();
    const whole = buildFrame({ ipv4: four, tcp: { srcPort: 1, dstPort: 2 }, payload: "0123456789" });
    d.frame(whole.subarray(0, whole.length - 4), whole.length);
    expect([d.payload(), d.get("payloadWireLen"), d.events()]).toEqual(["012345", 10, []]);
    expect(d.wasm.call("checksums", 0)).toBe(3);
  });
});

describe("checksums", () => {
  const payload = fc.uint8Array({ maxLength: 400 });
  const ip = fc.constantFrom<FrameSpec>({ ipv4: four }, { ipv6: six });
  const layer = (spec: FrameSpec): FrameSpec[] => [
    { tcp: { srcPort: 1, dstPort: 2 } },
    { udp: { srcPort: 1, dstPort: 2 } },
    spec.ipv4 === undefined ? { icmpv6: { type: 128 } } : { icmp: { type: 8 } },
  ];

  it("are right where the frame builder's are, and wrong after any bit flips (property)", () => {
    const d = decoder();
    fc.assert(
      fc.property(ip, fc.nat(2), payload, fc.nat(), (network, which, data, bit) => {
        const frame = buildFrame({ ...network, ...layer(network)[which], payload: data });
        d.frame(frame);
        expect(d.wasm.call("checksums", 0)).toBe(3);
        if (data.length === 0) return;
        const at = frame.length - data.length + (bit % data.length);
        frame.writeUInt8(frame.readUInt8(at) ^ (1 << (bit % 8)), at);
        d.frame(frame);
        expect(d.wasm.call("checksums", 0)).toBe(1);
      }),
      { numRuns: 200 },
    );
  });

  it("of IPv4 headers are looked at alone", () => {
    const d = decoder();
    const frame = buildFrame({ ipv4: { ...four, checksum: "wrong" }, tcp: { srcPort: 1, dstPort: 2 } });
    expect(internetChecksum(frame.subarray(14, 34))).not.toBe(0);
    d.frame(frame);
    expect(d.wasm.call("checksums", 0)).toBe(2);
  });

  it("may be left out in UDP over IPv4", () => {
    const d = decoder();
    d.frame(buildFrame({ ipv4: four, udp: { srcPort: 1, dstPort: 2, checksum: 0 } }));
    expect(d.wasm.call("checksums", 0)).toBe(3);
  });
});
