import {
  formatAddress, parseAddress, parseLength, parsePorts, parsePrefix, parseProtocol, parseTcpFlags, prefixContains, setNamed,
  type FilterRule, type ForwardRule, type MatchFields,
} from "@secuxflow/contracts";
import type { FrameSpec } from "@secuxflow/testkit";

/** What a rule can see of a frame, derived from how the test built it, not from its bytes. */
export interface SeenPacket {
  readonly family: 4 | 6;
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  /** Undefined where the packet has no ports, or they are not in it (later fragments). */
  readonly sport?: number;
  readonly dport?: number;
  readonly tcpFlags?: number;
  readonly icmp?: { readonly type: number; readonly code: number };
  readonly fragment: "no" | "first" | "later";
  readonly vlan: number | "none";
  readonly innerVlan: number | "none";
  readonly ifindex: number;
  /** Bytes of the IP packet. */
  readonly length: number;
}

/** What names in rules stand for. */
export interface SeenNames {
  readonly sets?: Readonly<Record<string, readonly string[]>>;
  readonly ifindexes?: (name: string) => readonly number[];
}

const PROTO = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 } as const;

/** The slow, obvious reading of a frame spec with nothing but addresses, ports and protocol; undefined for what is not IP. */
export function seenPacket(spec: FrameSpec): SeenPacket | undefined {
  const ip = spec.ipv4 ?? spec.ipv6;
  if (!ip) return undefined;
  const later = (spec.ipv4?.fragmentOffset ?? 0) > 0
    || (spec.ipv6?.extensions ?? []).some((extension) => extension.kind === "fragment" && (extension.offset ?? 0) > 0);
  const ports = later ? undefined : (spec.tcp ?? spec.udp);
  const proto = spec.tcp ? PROTO.tcp : spec.udp ? PROTO.udp : spec.icmp ? PROTO.icmp : PROTO.icmpv6;
  return {
    family: spec.ipv4 ? 4 : 6, fragment: later ? "later" : "no", vlan: spec.vlan?.[0]?.vid ?? "none", innerVlan: spec.vlan?.[1]?.vid ?? "none", ifindex: 0, length: 0,
    src: formatAddress(parseAddress(ip.src)), dst: formatAddress(parseAddress(ip.dst)), proto,
    ...(ports ? { sport: ports.srcPort, dport: ports.dstPort } : {}),
  };
}

const inPrefix = (text: string, address: string): boolean => {
  const prefix = parsePrefix(text);
  return prefix.family === (address.includes(":") ? 6 : 4) && prefixContains(prefix, parseAddress(address));
};

const inAddresses = (text: string, address: string, names: SeenNames): boolean => {
  if (text === "any") return true;
  const set = setNamed(text);
  return set === undefined ? inPrefix(text, address) : (names.sets?.[set] ?? []).some((entry) => inPrefix(entry, address));
};

const inPorts = (wanted: number | string | undefined, port: number | undefined): boolean =>
  wanted === undefined || (port !== undefined && parsePorts(wanted).some(({ from, to }) => port >= from && port <= to));

const isFragment = (wanted: MatchFields["fragment"], fragment: SeenPacket["fragment"]): boolean =>
  wanted === undefined || wanted === fragment || (wanted === "yes" && fragment !== "no");

const flagsMatch = (wanted: string | undefined, flags: number | undefined): boolean => {
  if (wanted === undefined) return true;
  const { mask, value } = parseTcpFlags(wanted);
  return flags !== undefined && (flags & mask) === value;
};

const lengthMatches = (wanted: number | string | undefined, length: number): boolean => {
  if (wanted === undefined) return true;
  const { from, to } = parseLength(wanted);
  return length >= from && length <= to;
};

/** Whether a rule matches a packet, in the words of the CLI. Not for `state`, which asks the kernel's sockets. */
export function matchesPacket(match: MatchFields, packet: SeenPacket, names: SeenNames = {}): boolean {
  const proto = parseProtocol(match.proto);
  if (proto !== "any" && proto !== packet.proto) return false;
  // ICMP is of its family, unless the rule says another by its addresses (which the schemas refuse).
  const family = match.family ?? [match.src, match.dst].filter((text) => text !== "any" && setNamed(text) === undefined).map((text) => (text.includes(":") ? 6 : 4))[0]
    ?? (match.proto === "icmp" ? 4 : match.proto === "icmpv6" ? 6 : undefined);
  if (family !== undefined && family !== packet.family) return false;
  if (!inPorts(match.port, packet.dport) || !inPorts(match.sport, packet.sport)) return false;
  if (match.icmpType !== undefined && match.icmpType !== packet.icmp?.type) return false;
  if (match.icmpCode !== undefined && match.icmpCode !== packet.icmp?.code) return false;
  if (!flagsMatch(match.tcpFlags, packet.tcpFlags) || !isFragment(match.fragment, packet.fragment) || !lengthMatches(match.length, packet.length)) return false;
  if ((match.vlan !== undefined && match.vlan !== packet.vlan) || (match.innerVlan !== undefined && match.innerVlan !== packet.innerVlan)) return false;
  if (match.iface !== undefined && !(names.ifindexes?.(match.iface) ?? []).includes(packet.ifindex)) return false;
  return inAddresses(match.src, packet.src, names) && inAddresses(match.dst, packet.dst, names);
}

/** The rule that decides a packet: first match by priority, then by id. */
export function decidingRule(rules: readonly FilterRule[], packet: SeenPacket): FilterRule | undefined {
  return [...rules].sort((a, b) => a.priority - b.priority || a.id - b.id).find((rule) => matchesPacket(rule, packet));
}

/** The forwarding rules that want a packet. */
export function wantingForwards(forwards: readonly ForwardRule[], packet: SeenPacket): ForwardRule[] {
  return forwards.filter((forward) => matchesPacket(forward, packet));
}
