import { formatAddress, parseAddress, parsePrefix, parseProtocol, prefixContains, type FilterRule, type ForwardRule } from "@secuxflow/contracts";
import type { FrameSpec } from "@secuxflow/testkit";
import type { MatchFields } from "../dataplane/domain/encode.js";

/** What a rule can see of a frame, derived from how the test built it, not from its bytes. */
export interface SeenPacket {
  readonly family: 4 | 6;
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  /** Undefined where the packet has no ports, or they are not in it (later fragments). */
  readonly sport?: number;
  readonly dport?: number;
}

const PROTO = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 } as const;

/** The slow, obvious reading of a frame spec; undefined for what is not IP. */
export function seenPacket(spec: FrameSpec): SeenPacket | undefined {
  const ip = spec.ipv4 ?? spec.ipv6;
  if (!ip) return undefined;
  const later = (spec.ipv4?.fragmentOffset ?? 0) > 0
    || (spec.ipv6?.extensions ?? []).some((extension) => extension.kind === "fragment" && (extension.offset ?? 0) > 0);
  const ports = later ? undefined : (spec.tcp ?? spec.udp);
  const proto = spec.tcp ? PROTO.tcp : spec.udp ? PROTO.udp : spec.icmp ? PROTO.icmp : PROTO.icmpv6;
  return {
    family: spec.ipv4 ? 4 : 6,
    src: formatAddress(parseAddress(ip.src)), dst: formatAddress(parseAddress(ip.dst)), proto,
    ...(ports ? { sport: ports.srcPort, dport: ports.dstPort } : {}),
  };
}

const inPrefix = (text: string, address: string): boolean => {
  if (text === "any") return true;
  const prefix = parsePrefix(text);
  return prefix.family === (address.includes(":") ? 6 : 4) && prefixContains(prefix, parseAddress(address));
};

/** Whether a rule matches a packet, in the words of the CLI. */
export function matchesPacket(match: MatchFields, packet: SeenPacket): boolean {
  const proto = parseProtocol(match.proto);
  if (proto !== "any" && proto !== packet.proto) return false;
  if (proto === 1 && packet.family !== 4) return false;
  if (proto === 58 && packet.family !== 6) return false;
  if (match.port !== undefined && match.port !== packet.dport) return false;
  if (match.sport !== undefined && match.sport !== packet.sport) return false;
  return inPrefix(match.src, packet.src) && inPrefix(match.dst, packet.dst);
}

/** The rule that decides a packet: first match by priority, then by id. */
export function decidingRule(rules: readonly FilterRule[], packet: SeenPacket): FilterRule | undefined {
  return [...rules].sort((a, b) => a.priority - b.priority || a.id - b.id).find((rule) => matchesPacket(rule, packet));
}

/** The forwarding rules that want a packet. */
export function wantingForwards(forwards: readonly ForwardRule[], packet: SeenPacket): ForwardRule[] {
  return forwards.filter((forward) => matchesPacket(forward, packet));
}
