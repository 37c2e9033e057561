import { buildFrame, type FrameSpec, type Ipv6Extension } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { readPacket, type Packet } from "./packet.js";

const v4 = { src: "192.168.1.9", dst: "10.0.0.5" };
const v6 = { src: "2001:db8::1", dst: "2001:db8::2" };
const tcp = { srcPort: 40_000, dstPort: 443, flags: "S" };
const udp = { srcPort: 5_353, dstPort: 53 };
const read = (spec: FrameSpec, bytes?: number): Partial<Packet> | string => readPacket(buildFrame(spec).subarray(0, bytes));
const options = (count: number): Ipv6Extension[] => Array.from({ length: count }, () => ({ kind: "destination" }));

describe("readPacket", () => {
  it.each<[string, FrameSpec, Partial<Packet> | string]>([
    ["TCP over IPv4", { ipv4: v4, tcp }, { family: 4, proto: 6, sport: 40_000, dport: 443, tcpFlags: 2, fragment: "no", vlan: "none", innerVlan: "none", length: 40 }],
    ["UDP over IPv6", { ipv6: v6, udp, payload: "abc" }, { family: 6, proto: 17, sport: 5_353, dport: 53, tcpFlags: undefined, length: 51 }],
    ["options", { ipv4: { ...v4, options: new Uint8Array(12) }, tcp }, { dport: 443, length: 52 }],
    ["ICMP", { ipv4: v4, icmp: { type: 3, code: 1 } }, { proto: 1, icmpType: 3, icmpCode: 1, sport: undefined }],
    ["ICMPv6", { ipv6: v6, icmpv6: { type: 128 } }, { proto: 58, icmpType: 128, icmpCode: 0 }],
    ["a priority tag", { vlan: [{ vid: 0 }], ipv4: v4, tcp }, { vlan: 0, innerVlan: "none" }],
    ["QinQ", { vlan: [{ vid: 7, tpid: 0x88a8 }, { vid: 8 }], ipv4: v4, tcp }, { vlan: 7, innerVlan: 8, dport: 443 }],
    ["a third tag", { vlan: [{ vid: 7 }, { vid: 8 }, { vid: 9 }], ipv4: v4, tcp }, "not-ip"],
    ["ARP", { arp: { op: 1, senderMac: "02:00:00:00:00:01", senderIp: "10.0.0.1", targetIp: "10.0.0.2" } }, "not-ip"],
    ["a first fragment", { ipv4: { ...v4, moreFragments: true }, udp }, { fragment: "first", dport: 53 }],
    ["a later fragment", { ipv4: { ...v4, fragmentOffset: 8 }, udp }, { fragment: "later", proto: 17, dport: undefined }],
    ["extension headers", { ipv6: { ...v6, extensions: [{ kind: "hopByHop" }, { kind: "authentication" }, { kind: "routing" }] }, tcp }, { proto: 6, dport: 443 }],
    ["six extension headers", { ipv6: { ...v6, extensions: options(6) }, tcp }, { proto: 6, dport: 443 }],
    ["seven", { ipv6: { ...v6, extensions: options(7) }, tcp }, { proto: 60, dport: undefined }],
    ["a first fragment over IPv6", { ipv6: { ...v6, extensions: [{ kind: "fragment", id: 1, more: true }] }, udp }, { fragment: "first", dport: 53 }],
    ["a later one", { ipv6: { ...v6, extensions: [{ kind: "fragment", id: 1, offset: 8 }] }, udp }, { fragment: "later", proto: 17, dport: undefined }],
    ["an atomic one", { ipv6: { ...v6, extensions: [{ kind: "fragment", id: 1 }] }, udp }, { fragment: "no", dport: 53 }],
    ["another version", { ipv4: { ...v4, version: 5 }, tcp }, "bad"],
    ["a header of 16 bytes", { ipv4: { ...v4, ihl: 4 }, tcp }, "bad"],
    ["an IPv4-mapped source", { ipv6: { ...v6, src: "::ffff:10.0.0.1" }, tcp }, "bad"],
    ["the longest packet", { ipv6: { ...v6, payloadLength: 65_535 }, tcp }, { length: 65_535 }],
  ])("reads %s", (_name, spec, expected) => {
    if (typeof expected === "string") expect(read(spec)).toBe(expected);
    else expect(read(spec)).toMatchObject(expected);
  });

  it("knows of a cut packet what is there", () => {
    const spec: FrameSpec = { ipv4: v4, tcp };
    expect(read(spec, 33)).toBe("bad");
    expect(read(spec, 37)).toMatchObject({ proto: 6, sport: undefined, dport: undefined });
    expect(read(spec, 38)).toMatchObject({ sport: 40_000, dport: 443, tcpFlags: undefined });
    expect(read(spec, 48)).toMatchObject({ dport: 443, tcpFlags: 2 });
    expect(read({ ipv6: v6, icmpv6: { type: 128 } }, 55)).toMatchObject({ proto: 58, icmpType: undefined });
  });
});
