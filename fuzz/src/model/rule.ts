/**
 * Whether a rule matches a packet, as docs/dataplane.md says it ("What a rule can say"). Written from that page; the
 * texts of a rule are taken apart here once more, without the agent's code.
 */
import { parsePrefix, parseProtocol } from "@secuxflow/contracts";
import { LONGEST, type Packet } from "./packet.js";

/** The match fields of rules, forwarding rules and allow-list entries, as policy documents have them. */
export interface MatchFields {
  readonly src: string;
  readonly dst: string;
  readonly proto: string;
  readonly sport?: number | string | undefined;
  readonly port?: number | string | undefined;
  readonly family?: 4 | 6 | undefined;
  readonly icmpType?: number | undefined;
  readonly icmpCode?: number | undefined;
  readonly tcpFlags?: string | undefined;
  readonly fragment?: "any" | "no" | "yes" | "first" | "later" | undefined;
  readonly vlan?: number | "none" | undefined;
  readonly innerVlan?: number | "none" | undefined;
  readonly iface?: string | undefined;
  readonly length?: number | string | undefined;
  readonly state?: "new" | "established" | undefined;
}

export type Sets = ReadonlyMap<string, readonly string[]>;
type Test = (packet: Packet, iface: string) => boolean;

/** [least, most] of every part of "80,443,8000-8100". */
export function parseRanges(text: number | string): [number, number][] {
  return String(text).split(",").map((part) => {
    const [least = "", most = least] = part.split("-");
    return [Number(least), Number(most)];
  });
}

const inRanges = (ranges: [number, number][], value: number | undefined): boolean =>
  value !== undefined && ranges.some(([least, most]) => value >= least && value <= most);

/** A test of an address against a prefix of its own family. */
function prefixTest(text: string): (family: 4 | 6, address: Uint8Array) => boolean {
  const prefix = parsePrefix(text);
  const bytes = prefix.family === 4 ? prefix.bytes.subarray(12) : prefix.bytes;
  const whole = prefix.length >> 3;
  const rest = prefix.length & 7;
  return (family, address) => {
    if (family !== prefix.family) return false;
    for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false;
    return rest === 0 || (address[whole] ?? 0) >> (8 - rest) === (bytes[whole] ?? 0) >> (8 - rest);
  };
}

function addressTest(text: string, side: "src" | "dst", sets: Sets): Test | undefined {
  if (text === "any") return undefined;
  if (!text.startsWith("@")) {
    const test = prefixTest(text);
    return (packet) => test(packet.family, packet[side]);
  }
  const entries = sets.get(text.slice(1));
  if (entries === undefined) throw new Error(`there is no set ${text}`);
  const tests = entries.map(prefixTest);
  return (packet) => tests.some((test) => test(packet.family, packet[side]));
}

/** Flags from bit 0 of the TCP header (RFC 9293 3.1). */
const TCP_FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

function tcpFlagsTest(text: string): Test {
  const wanted = text.split(",").map((word) => ({ bit: TCP_FLAGS.indexOf(word.replace("!", "")), set: !word.startsWith("!") }));
  return ({ tcpFlags }) => tcpFlags !== undefined && wanted.every(({ bit, set }) => ((tcpFlags >> bit) & 1) === Number(set));
}

function fragmentTest(wanted: "any" | "no" | "yes" | "first" | "later"): Test {
  return ({ fragment }) => wanted === "any" || wanted === fragment || (wanted === "yes" && fragment !== "no");
}

/** All that a rule asks for; every one must hold. */
export function matchTest(match: MatchFields, sets: Sets): Test {
  const tests: Test[] = [];
  const add = (test: Test | undefined): void => { if (test) tests.push(test); };
  const proto = parseProtocol(match.proto);
  if (proto !== "any") add((packet) => packet.proto === proto);
  if (proto === 1) add((packet) => packet.family === 4); // ICMP is IPv4's
  if (proto === 58) add((packet) => packet.family === 6);
  add(addressTest(match.dst, "dst", sets));
  add(addressTest(match.src, "src", sets));
  const { sport, port, family, icmpType, icmpCode, tcpFlags, fragment, vlan, innerVlan, iface, length, state } = match;
  if (sport !== undefined) {
    const ranges = parseRanges(sport);
    add((packet) => inRanges(ranges, packet.sport));
  }
  if (port !== undefined) {
    const ranges = parseRanges(port);
    add((packet) => inRanges(ranges, packet.dport));
  }
  if (length !== undefined) {
    const ranges = parseRanges(length).map(([least, most]): [number, number] => [Math.min(least, LONGEST), Math.min(most, LONGEST)]);
    add((packet) => inRanges(ranges, packet.length));
  }
  if (family !== undefined) add((packet) => packet.family === family);
  if (icmpType !== undefined) add((packet) => packet.icmpType === icmpType);
  if (icmpCode !== undefined) add((packet) => packet.icmpCode === icmpCode);
  if (tcpFlags !== undefined) add(tcpFlagsTest(tcpFlags));
  if (fragment !== undefined) add(fragmentTest(fragment));
  if (vlan !== undefined) add((packet) => packet.vlan === vlan);
  if (innerVlan !== undefined) add((packet) => packet.innerVlan === innerVlan);
  // No packet here belongs to a socket: that is tried where sockets are (services/xdp-agent/src/defence).
  if (state !== undefined) add((packet) => state === "new" && packet.sport !== undefined);
  if (iface !== undefined) add((_, received) => received === iface);
  return (packet, received) => tests.every((test) => test(packet, received));
}
