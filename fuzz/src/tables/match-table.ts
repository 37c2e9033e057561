/**
 * What each condition of a rule takes and what it leaves, one row a condition: the rule, packets that match, packets that
 * nearly match. Read it beside docs/dataplane.md. Each row is tried as a drop rule and as a pass rule, in an overlay and in
 * an image, by test runs and over a real veth pair.
 */
import type { FrameSpec, Ipv6Extension, VlanSpec } from "@secuxflow/testkit";
import type { RuleFields } from "../model/filter.js";

/** The interface that the packets come in by; a rule that names it matches, one that names another does not. */
export const IN = "in0";

/** A frame, or one that is cut after so many bytes. */
export type Sample = FrameSpec | { readonly of: FrameSpec; readonly bytes: number };

export interface Row {
  readonly name: string;
  readonly rule: Partial<RuleFields>;
  readonly matches: readonly Sample[];
  readonly nearly: readonly Sample[];
  /** These pass, too, but no socket sees them: the stack drops them before. */
  readonly unseen?: readonly Sample[];
}

/** Address sets that rules of the table name. */
export const SETS: ReadonlyMap<string, readonly string[]> = new Map([["office", ["192.168.1.0/24", "2001:db8:1::/48"]], ["none", []]]);

const PEERS = { src: "192.168.1.9", dst: "10.0.0.5" };
const PEERS6 = { src: "2001:db8:1::9", dst: "2001:db8:2::5" };
const v4 = (more: Partial<FrameSpec> = {}, ip: Partial<NonNullable<FrameSpec["ipv4"]>> = {}): FrameSpec =>
  ({ ipv4: { ...PEERS, ...ip }, ...(hasTransport(more) ? {} : { tcp: { srcPort: 40_000, dstPort: 443 } }), payload: "x".repeat(20), ...more });
const v6 = (more: Partial<FrameSpec> = {}, ip: Partial<NonNullable<FrameSpec["ipv6"]>> = {}): FrameSpec =>
  ({ ipv6: { ...PEERS6, ...ip }, ...(hasTransport(more) ? {} : { tcp: { srcPort: 40_000, dstPort: 443 } }), payload: "x".repeat(20), ...more });
const hasTransport = ({ tcp, udp, icmp, icmpv6 }: Partial<FrameSpec>): boolean => tcp !== undefined || udp !== undefined || icmp !== undefined || icmpv6 !== undefined;
const tcp = (dstPort: number, srcPort = 40_000, flags = "S"): Partial<FrameSpec> => ({ tcp: { srcPort, dstPort, flags } });
const udp = (dstPort: number, srcPort = 40_000): Partial<FrameSpec> => ({ udp: { srcPort, dstPort } });
const icmp = (type: number, code = 0): Partial<FrameSpec> => ({ icmp: { type, code } });
const icmpv6 = (type: number, code = 0): Partial<FrameSpec> => ({ icmpv6: { type, code } });
/** IP with a protocol that has no builder: its payload begins with the ports 40000 and `port`, where it has ports. */
const other = (protocol: number, port = 443): FrameSpec =>
  ({ ipv4: { ...PEERS, protocol }, payload: Uint8Array.from([0x9c, 0x40, port >> 8, port & 0xff, ...new Uint8Array(20)]) });
const tags = (...vids: number[]): { vlan: VlanSpec[] } => ({ vlan: vids.map((vid, i) => ({ vid, pcp: 3, ...(i < vids.length - 1 ? { tpid: 0x88a8 } : {}) })) });
const behind = (...extensions: Ipv6Extension[]): FrameSpec => v6({}, { extensions });
const options = (count: number): Ipv6Extension[] => Array.from({ length: count }, () => ({ kind: "destination" }));
/** Later fragments carry data where others have a transport header. */
const later4 = v4({}, { fragmentOffset: 1_480 });
const later6 = behind({ kind: "fragment", id: 7, offset: 1_480 });
const first4 = v4({}, { moreFragments: true });
const first6 = behind({ kind: "fragment", id: 7, more: true });
const arp: FrameSpec = { arp: { op: 1, senderMac: "02:00:00:00:00:01", senderIp: "10.0.0.1", targetIp: "10.0.0.5" } };
const cut = (of: FrameSpec, bytes: number): Sample => ({ of, bytes });

export const MATCH_TABLE: readonly Row[] = [
  { name: "nothing: every IP packet", rule: {}, matches: [v4(), v6(), other(99), later4, later6, v4(tags(5))], nearly: [arp, v4(tags(5, 6, 7))] },
  { name: "IPv4 source prefix", rule: { src: "192.168.1.0/24" }, matches: [v4(), v4({}, { src: "192.168.1.0" }), v4({}, { src: "192.168.1.255" }), later4],
    nearly: [v4({}, { src: "192.168.0.255" }), v4({}, { src: "192.168.2.0" }), v4({}, { src: "10.0.0.5", dst: "192.168.1.9" }), v6()] },
  { name: "IPv4 source address", rule: { src: "192.168.1.9" }, matches: [v4()], nearly: [v4({}, { src: "192.168.1.8" }), v4({}, { src: "193.168.1.9" })] },
  { name: "all of IPv4", rule: { src: "0.0.0.0/0" }, matches: [v4(), v4({}, { src: "0.0.0.0" })], nearly: [v6(), v6({}, { src: "::" })] },
  { name: "IPv4 destination prefix", rule: { dst: "10.0.0.4/30" }, matches: [v4(), v4({}, { dst: "10.0.0.4" }), v4({}, { dst: "10.0.0.7" })],
    nearly: [v4({}, { dst: "10.0.0.3" }), v4({}, { dst: "10.0.0.8" })] },
  { name: "IPv6 source prefix", rule: { src: "2001:db8:1::/48" }, matches: [v6(), v6({}, { src: "2001:db8:1:ffff:ffff:ffff:ffff:ffff" }), later6],
    nearly: [v6({}, { src: "2001:db8:0:ffff::" }), v6({}, { src: "2001:db8:2::" }), v4()] },
  { name: "IPv6 destination address", rule: { dst: "2001:db8:2::5" }, matches: [v6()], nearly: [v6({}, { dst: "2001:db8:2::4" }), v6({}, { dst: "2001:db8:2:0:1::5" })] },
  { name: "all of IPv6", rule: { dst: "::/0" }, matches: [v6(), v6({}, { dst: "::" })], nearly: [v4(), v4({}, { dst: "0.0.0.0" })] },
  { name: "source in a set of both families", rule: { src: "@office" }, matches: [v4(), v6(), later4], nearly: [v4({}, { src: "192.168.2.9" }), v6({}, { src: "2001:db8:2::9" })] },
  { name: "destination in a set", rule: { dst: "@office" }, matches: [v4({}, { dst: "192.168.1.1" })], nearly: [v4(), v6()] },
  { name: "source in an empty set", rule: { src: "@none" }, matches: [], nearly: [v4(), v6()] },
  { name: "family 4", rule: { family: 4 }, matches: [v4(), other(99)], nearly: [v6(), arp] },
  { name: "family 6", rule: { family: 6 }, matches: [v6(), behind(...options(2))], nearly: [v4()] },
  { name: "protocol tcp", rule: { proto: "tcp" }, matches: [v4(), v6(), later4, behind(...options(6))], nearly: [v4(udp(443)), v4(icmp(8)), behind(...options(7))] },
  { name: "protocol udp", rule: { proto: "udp" }, matches: [v4(udp(53)), v6(udp(53))], nearly: [v4(), v6()] },
  { name: "protocol sctp", rule: { proto: "sctp" }, matches: [other(132)], nearly: [other(131), v4()] },
  { name: "protocol gre", rule: { proto: "gre" }, matches: [other(47)], nearly: [other(46)] },
  { name: "protocol by number", rule: { proto: "89" }, matches: [other(89)], nearly: [other(88), v4()] },
  { name: "an extension header too many is the protocol", rule: { proto: "60" }, matches: [behind(...options(7))], nearly: [behind(...options(6))] },
  { name: "destination port", rule: { proto: "tcp", port: 443 }, matches: [v4(tcp(443)), v6(tcp(443)), behind({ kind: "hopByHop" }, { kind: "routing" }, { kind: "authentication" }), first4, first6],
    nearly: [v4(tcp(442)), v4(tcp(444)), v4(tcp(80, 443)), v4(udp(443)), later4, later6] },
  { name: "ports in a list", rule: { proto: "udp", port: "53,100-200" }, matches: [v4(udp(53)), v4(udp(100)), v6(udp(150)), v4(udp(200))], nearly: [v4(udp(52)), v4(udp(54)), v4(udp(99)), v4(udp(201))] },
  { name: "source port", rule: { proto: "tcp", sport: "1024-65535" }, matches: [v4(tcp(80, 1_024)), v4(tcp(80, 65_535))], nearly: [v4(tcp(1_024, 1_023)), v4(tcp(80, 0))] },
  { name: "ports of sctp", rule: { proto: "sctp", port: 443 }, matches: [other(132)], nearly: [other(132, 444)] },
  { name: "cut packets: ports need four bytes", rule: { proto: "tcp", port: 443 }, matches: [cut(v4(), 38), cut(v6(), 58)], nearly: [cut(v4(), 37), cut(v6(), 57)] },
  { name: "TCP flags", rule: { proto: "tcp", tcpFlags: "syn,!ack" }, matches: [v4(tcp(1, 1, "S")), v6(tcp(1, 1, "SPU"))], nearly: [v4(tcp(1, 1, "SA")), v4(tcp(1, 1, "A")), v4(tcp(1, 1, "R")), cut(v4(tcp(1, 1, "S")), 47)] },
  { name: "ICMP type", rule: { proto: "icmp", icmpType: 8 }, matches: [v4(icmp(8)), v4(icmp(8, 5))], nearly: [v4(icmp(0)), v6(icmpv6(8)), v4(), cut(v4(icmp(8)), 35)] },
  { name: "ICMP type and code", rule: { proto: "icmp", icmpType: 3, icmpCode: 4 }, matches: [v4(icmp(3, 4))], nearly: [v4(icmp(3, 3)), v4(icmp(4, 4))] },
  { name: "ICMPv6 type", rule: { proto: "icmpv6", icmpType: 128 }, matches: [v6(icmpv6(128)), v6({ ...icmpv6(128) }, { extensions: [{ kind: "hopByHop" }] })], nearly: [v6(icmpv6(129)), v4(icmp(128))] },
  { name: "fragments: none", rule: { fragment: "no" }, matches: [v4(), v6(), behind({ kind: "fragment", id: 1 })], nearly: [first4, later4, first6, later6] },
  { name: "fragments: any", rule: { fragment: "yes" }, matches: [first4, later4, first6, later6], nearly: [v4({}, { dontFragment: true }), v6(), behind({ kind: "fragment", id: 1 })] },
  { name: "fragments: first", rule: { fragment: "first" }, matches: [first4, first6], nearly: [v4(), later4, later6] },
  { name: "fragments: later", rule: { fragment: "later" }, matches: [later4, later6, v4({}, { fragmentOffset: 8, moreFragments: true })], nearly: [v4(), first4, first6] },
  { name: "VLAN", rule: { vlan: 7 }, matches: [v4(tags(7)), v6(tags(7, 9))], nearly: [v4(), v4(tags(8)), v4(tags(9, 7))] },
  { name: "no VLAN", rule: { vlan: "none" }, matches: [v4(), v6()], nearly: [v4(tags(0)), v4(tags(7))] },
  { name: "priority tag", rule: { vlan: 0 }, matches: [v4(tags(0))], nearly: [v4(), v4(tags(1))] },
  { name: "inner VLAN", rule: { innerVlan: 9 }, matches: [v4(tags(7, 9)), v6(tags(0, 9))], nearly: [v4(tags(9)), v4(tags(9, 7)), v4()] },
  { name: "no inner VLAN", rule: { vlan: 7, innerVlan: "none" }, matches: [v4(tags(7))], nearly: [v4(tags(7, 9)), v4()] },
  { name: "interface", rule: { iface: IN }, matches: [v4(), v6()], nearly: [arp] },
  { name: "another interface", rule: { iface: "other0" }, matches: [], nearly: [v4(), v6()] },
  { name: "packet length", rule: { length: "60-61" }, matches: [v4(), v4({ payload: "x".repeat(21) }), v6({ payload: "" })], nearly: [v4({ payload: "x".repeat(19) }), v4({ payload: "x".repeat(22) }), v6()] },
  { name: "length by the header, not the frame", rule: { length: 60 }, matches: [v4({ padTo: 120 }), cut(v4(), 40)], nearly: [v4({}, { totalLength: 61 })] },
  { name: "state: no socket has these ports", rule: { proto: "tcp", state: "new" }, matches: [v4(), v6(), first4, cut(v4(), 38)], nearly: [v4(udp(443)), later4, later6, cut(v4(), 37)] },
  { name: "state: nothing is established", rule: { proto: "tcp", state: "established" }, matches: [], nearly: [v4(), v6(), later4] },
  { name: "the longest packets count as 65,535 bytes", rule: { length: 65_535 }, matches: [v6({}, { payloadLength: 65_535 }), v6({}, { payloadLength: 65_495 })],
    nearly: [v6({}, { payloadLength: 65_494 }), v6()] },
  { name: "all of it", rule: { src: "192.168.1.0/24", dst: "10.0.0.5", proto: "tcp", sport: 40_000, port: 443, vlan: 7, fragment: "no", length: 60, iface: IN, tcpFlags: "ack" },
    matches: [v4(tags(7))], nearly: [v4(), v4({ ...tags(7), ...tcp(443) }), v4({ ...tags(7), payload: "" }), v4(tags(7), { moreFragments: true })] },
  { name: "packets that are not whole IP are for the stack", rule: {}, matches: [cut(v4(), 34)],
    nearly: [cut(v4(), 33), cut(v6(), 53), v4({}, { version: 5 }), v4({}, { ihl: 4 }), v6({}, { version: 4 }), v6({}, { src: "::ffff:10.0.0.5" })],
    unseen: [cut(v4(tags(7)), 16)] },
];

/** What actions do, in the order the packets come. `passes` says which of the packets do. */
export interface ActionRow {
  readonly name: string;
  readonly rules: readonly Partial<RuleFields>[];
  readonly packets: readonly { readonly frame: FrameSpec; readonly passes: boolean; readonly counts: readonly number[] }[];
}

const web = v4();
const dns = v4(udp(53));
const at = (frame: FrameSpec, passes: boolean, ...counts: number[]): ActionRow["packets"][number] => ({ frame, passes, counts });
/** 2 bits a second: nothing comes back while the test runs. A packet of the table has 60 bytes from the IP header on. */
const limit = (packets: number, per: "rule" | "source"): Partial<RuleFields> => ({ action: "limit", limit: { rate: 2, unit: "bits", per, burst: packets * 60 * 8 } });

/** Rules have the ids 1, 2, 3, … in their order here. */
export const ACTION_TABLE: readonly ActionRow[] = [
  { name: "no rule: pass", rules: [], packets: [at(web, true), at(dns, true)] },
  { name: "drop", rules: [{ proto: "tcp" }], packets: [at(web, false, 1), at(dns, true)] },
  { name: "pass", rules: [{ proto: "tcp", action: "pass" }, {}], packets: [at(web, true, 1), at(dns, false, 2)] },
  { name: "lower priority first", rules: [{}, { priority: 5, action: "pass", proto: "tcp" }], packets: [at(web, true, 2), at(dns, false, 1)] },
  { name: "equal priority: lower id first", rules: [{ action: "pass" }, {}], packets: [at(web, true, 1)] },
  { name: "an expired rule is none", rules: [{ expiresAt: "2020-01-01T00:00:00.000Z" }], packets: [at(web, true)] },
  { name: "one that expires later is one", rules: [{ expiresAt: "2099-01-01T00:00:00.000Z" }], packets: [at(web, false, 1)] },
  { name: "monitor counts and does not act", rules: [{ monitor: true, proto: "tcp" }, { proto: "udp" }], packets: [at(web, true, 1), at(dns, false, 2)] },
  { name: "monitor behind the rule that decides does not count", rules: [{}, { monitor: true, priority: 2_000 }], packets: [at(web, false, 1)] },
  { name: "monitors before it all count", rules: [{ monitor: true }, { monitor: true, proto: "tcp" }, {}], packets: [at(web, false, 1, 2, 3), at(dns, false, 1, 3)] },
  { name: "limit: what is over the rate is dropped", rules: [limit(2, "rule")], packets: [at(web, true, 1), at(web, true, 1), at(web, false, 1), at(v4({}, { src: "192.168.1.10" }), false, 1)] },
  { name: "limit per source", rules: [limit(1, "source")], packets: [at(web, true, 1), at(web, false, 1), at(v4({}, { src: "192.168.1.10" }), true, 1), at(v4({}, { src: "192.168.1.10" }), false, 1)] },
  { name: "reject does not let pass", rules: [{ action: "reject", proto: "tcp" }, { action: "reject", reject: "unreachable", proto: "udp" }], packets: [at(web, false, 1), at(dns, false, 2), at(v4(icmp(8)), true)] },
];
