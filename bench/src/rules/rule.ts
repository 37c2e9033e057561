import { FilterRule } from "@secuxflow/contracts";

/** A rule of a benchmark: an IPv4 5-tuple, as filter sets of the literature have it. The place in the list is its priority. */
export interface BenchRule {
  readonly src: Prefix;
  readonly dst: Prefix;
  readonly sport: Range;
  readonly dport: Range;
  /** IANA number; undefined: any. */
  readonly proto: number | undefined;
}

export interface Prefix {
  /** Host order, without bits behind `length`. */
  readonly address: number;
  readonly length: number;
}

/** From the first to the second, both included. */
export type Range = readonly [number, number];

export const ANY_PORT: Range = [0, 0xffff];
export const TCP = 6;
export const UDP = 17;

/** The network mask of a prefix length, as 32 bits. */
export const mask = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);

export const isAnyPort = ([low, high]: Range): boolean => low === 0 && high === 0xffff;

/** The five fields a rule looks at. */
export interface Flow {
  readonly src: number;
  readonly dst: number;
  readonly sport: number;
  readonly dport: number;
  readonly proto: number;
}

/** Whether a protocol has ports, so that a rule may name them. */
export const hasPorts = (proto: number): boolean => proto === TCP || proto === UDP;

/** The obvious test of one rule against one packet. */
export function matches(rule: BenchRule, flow: Flow): boolean {
  const inside = ({ address, length }: Prefix, value: number): boolean => ((value & mask(length)) >>> 0) === address;
  const between = ([low, high]: Range, value: number): boolean => low <= value && value <= high;
  return inside(rule.src, flow.src) && inside(rule.dst, flow.dst) && (rule.proto === undefined || rule.proto === flow.proto)
    && between(rule.sport, flow.sport) && between(rule.dport, flow.dport);
}

export const addressText = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");

/** `any`, an address or a prefix, as the policy, nftables and iptables write it. */
export const prefixText = ({ address, length }: Prefix): string =>
  (length === 0 ? "any" : length === 32 ? addressText(address) : `${addressText(address)}/${length}`);

const PROTOCOLS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "50", 89: "89", 132: "sctp" };

/** What a protocol is called in the policy. */
export const protocolText = (proto: number | undefined): string => (proto === undefined ? "any" : PROTOCOLS[proto] ?? String(proto));

/** The rule as it stands in a policy: of equal priority with all others, so that the lower id decides. */
export function filterRule(rule: BenchRule, id: number, action: "drop" | "pass"): FilterRule {
  const port = ([low, high]: Range): number | string => (low === high ? low : `${low}-${high}`);
  const fields = {
    id, src: prefixText(rule.src), dst: prefixText(rule.dst), proto: protocolText(rule.proto), priority: 1_000, action, tags: [],
    createdAt: "2026-01-01T00:00:00.000Z",
    ...(isAnyPort(rule.sport) ? {} : { sport: port(rule.sport) }), ...(isAnyPort(rule.dport) ? {} : { port: port(rule.dport) }),
  };
  return FilterRule.parse(fields);
}
