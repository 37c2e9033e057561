/** Random rules and packets of a small universe, in which rules often overlap, and the obvious way to match them. */
import fc from "fast-check";
import { ENTRY, ENTRY_BYTES, type RuleTable } from "../types.js";
import type { Key } from "./lookup.js";

type Words = readonly [number, number, number, number];
type Range = readonly [number, number];

export interface Address {
  readonly words: Words;
  /** Of 128 bits; 0 any. */
  readonly length: number;
}

export interface TestRule {
  readonly id: number;
  readonly priority: number;
  readonly family: 0 | 4 | 6;
  readonly src: Address;
  readonly dst: Address;
  /** One record for each combination. */
  readonly sports: readonly Range[];
  readonly dports: readonly Range[];
  readonly proto: number | undefined;
  readonly srcSet: number;
  readonly dstSet: number;
  readonly deadFrom: number;
  readonly monitor: boolean;
}

export interface TestPacket extends Key {
  readonly srcSets: bigint;
  readonly dstSets: bigint;
}

const FLAG_MONITOR = 1;
const FLAG_RARE = 1 << 6;
const ANY: Address = { words: [0, 0, 0, 0], length: 0 };
const ANY_PORTS: readonly Range[] = [[0, 0xffff]];
const WITH_PORTS = [6, 17];

export const orderOf = (rule: TestRule): bigint => (BigInt(rule.priority) << 32n) | BigInt(rule.id);

const truncate = (words: Words, length: number): Words => words.map((word, i) => {
  const bits = Math.min(32, Math.max(0, length - i * 32));
  return bits === 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
}) as unknown as Words;

const ipv4Words = (host: number): Words => [0, 0, 0xffff, (0x0a000000 + host) >>> 0];
const ipv6Words = ([a, b, c]: readonly [number, number, number]): Words => [0x20010db8, a << 30 >>> 0, b, c];

const host4 = fc.oneof(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffffff }));
const host6 = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 1, 0x80000000), fc.oneof(fc.integer({ min: 0, max: 7 }), fc.nat()));
const length4 = fc.oneof(fc.constantFrom(32, 31, 30, 28, 24, 16, 8), fc.integer({ min: 1, max: 32 })).map((length) => 96 + length);
const length6 = fc.oneof(fc.constantFrom(128, 127, 64, 48, 33), fc.integer({ min: 1, max: 128 }));

const prefix4 = fc.record({ host: host4, length: length4 }).map(({ host, length }) => ({ words: truncate(ipv4Words(host), length), length }));
const prefix6 = fc.record({ host: host6, length: length6 }).map(({ host, length }) => ({ words: truncate(ipv6Words(host), length), length }));

/** Of both families, seldom the whole of one. */
export const prefixes: fc.Arbitrary<Address> = fc.oneof(prefix4, prefix6);

const range = fc.oneof(
  fc.constantFrom<Range>([80, 80], [443, 443], [53, 53], [0, 0], [1024, 65535], [0, 1023], [79, 81], [256, 511], [65535, 65535]),
  fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 600 })).map(([a, b]): Range => [Math.min(a, b), Math.max(a, b)]));
/** Ranges that do not overlap, so that a packet matches one record of a rule at most. */
const ports = fc.oneof({ weight: 2, arbitrary: fc.constant(ANY_PORTS) }, fc.array(range, { minLength: 1, maxLength: 3 }).map((ranges) => {
  const kept: Range[] = [];
  for (const [low, high] of ranges) if (kept.every((one) => high < one[0] || low > one[1])) kept.push([low, high]);
  return kept;
}));

const optional = <T>(arbitrary: fc.Arbitrary<T>, none: T): fc.Arbitrary<T> => fc.oneof(fc.constant(none), { weight: 2, arbitrary });

const ruleOf = (family: 0 | 4 | 6, address: fc.Arbitrary<Address>): fc.Arbitrary<Omit<TestRule, "id">> => fc.record({
  priority: fc.integer({ min: 0, max: 3 }), family: fc.constant(family), src: optional(address, ANY), dst: optional(address, ANY),
  sports: fc.oneof({ weight: 3, arbitrary: fc.constant(ANY_PORTS) }, ports), dports: ports, proto: fc.constantFrom(undefined, 1, 6, 6, 17),
  srcSet: fc.constantFrom(0, 0, 0, 0, 1, 64), dstSet: fc.constantFrom(0, 0, 0, 0, 2), deadFrom: fc.constantFrom(0, 0, 0, 0, 1, 5, 9),
  monitor: fc.constantFrom(false, false, false, false, true),
});

export const testRules = (maxLength: number): fc.Arbitrary<TestRule[]> =>
  fc.array(fc.oneof(ruleOf(4, prefix4), ruleOf(6, prefix6), ruleOf(0, fc.constant(ANY))), { maxLength, size: "max" })
    .map((rules) => rules.map((rule, i) => ({ ...rule, id: i + 1 })));

const port = fc.oneof(fc.constantFrom(0, 53, 79, 80, 81, 443, 1023, 1024, 65535), fc.integer({ min: 0, max: 600 }));
const sets = fc.constantFrom(0n, 1n, 2n, 1n << 63n, (1n << 63n) | 3n);
const packetOf = (family: 4 | 6, words: fc.Arbitrary<Words>): fc.Arbitrary<TestPacket> => fc.record({
  family: fc.constant(family), src: words, dst: words, proto: fc.constantFrom(1, 6, 6, 17, 17, 47), sport: port, dport: port, srcSets: sets, dstSets: sets,
}).map((packet) => (WITH_PORTS.includes(packet.proto) ? packet : { ...packet, sport: 0, dport: 0 }));

export const testPackets = (length: number): fc.Arbitrary<TestPacket[]> =>
  fc.array(fc.oneof(packetOf(4, host4.map(ipv4Words)), packetOf(6, host6.map(ipv6Words))), { minLength: length, maxLength: length });

export const within = ({ words, length }: Address, address: Words): boolean => truncate(address, length).every((word, i) => word === words[i]);
const inRanges = (ranges: readonly Range[], value: number): boolean => ranges.some(([low, high]) => low <= value && value <= high);
const inSet = (set: number, mask: bigint): boolean => set === 0 || ((mask >> BigInt(set - 1)) & 1n) === 1n;
const namesPorts = ({ sports, dports }: TestRule): boolean => sports !== ANY_PORTS || dports !== ANY_PORTS;

/** Whether the rule takes the packet, whatever follows from that. */
export function takes(rule: TestRule, packet: TestPacket): boolean {
  return (rule.family === 0 || rule.family === packet.family) && within(rule.src, packet.src) && within(rule.dst, packet.dst) &&
    (rule.proto === undefined || rule.proto === packet.proto) && inRanges(rule.sports, packet.sport) && inRanges(rule.dports, packet.dport) &&
    (!namesPorts(rule) || WITH_PORTS.includes(packet.proto)) && inSet(rule.srcSet, packet.srcSets) && inSet(rule.dstSet, packet.dstSets);
}

export const isAlive = (rule: TestRule, sequence: number): boolean => rule.deadFrom === 0 || sequence < rule.deadFrom;

/** The rule that decides, and the monitor-only ones that count: one rule after the other. */
export function linear(rules: readonly TestRule[], packet: TestPacket, sequence: number): { decides: TestRule | undefined; monitors: TestRule[] } {
  const monitors: TestRule[] = [];
  for (const rule of rules.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))) {
    if (!isAlive(rule, sequence) || !takes(rule, packet)) continue;
    if (!rule.monitor) return { decides: rule, monitors };
    monitors.push(rule);
  }
  return { decides: undefined, monitors };
}

/** The rules as `struct entry`, one for each combination of port ranges. */
export function encode(rules: readonly TestRule[]): RuleTable {
  const entries = rules.flatMap((rule) => rule.sports.flatMap((sport) => rule.dports.map((dport) => ({ rule, sport, dport }))));
  const bytes = new Uint8Array(entries.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, { rule, sport, dport }] of entries.entries()) {
    const at = i * ENTRY_BYTES;
    for (const [offset, { words }] of [[ENTRY.srcHi, rule.src], [ENTRY.dstHi, rule.dst]] as const) {
      for (const [word, place] of [1, 0, 3, 2].entries()) view.setUint32(at + offset + place * 4, words[word] ?? 0, true);
    }
    view.setBigUint64(at + ENTRY.order, orderOf(rule), true);
    for (const [offset, value] of [[ENTRY.sportMin, sport[0]], [ENTRY.sportMax, sport[1]], [ENTRY.dportMin, dport[0]], [ENTRY.dportMax, dport[1]]] as const) {
      view.setUint16(at + offset, value, true);
    }
    bytes[at + ENTRY.srcLen] = rule.src.length;
    bytes[at + ENTRY.dstLen] = rule.dst.length;
    bytes[at + ENTRY.proto] = rule.proto ?? 0;
    bytes[at + ENTRY.protoMask] = rule.proto === undefined ? 0 : 0xff;
    view.setUint32(at + ENTRY.deadFrom, rule.deadFrom, true);
    // struct detail: no VLAN, any length, any fragment; what is rare is the family and the sets.
    view.setUint32(at + ENTRY.detail, 0xffffffff, true);
    view.setUint16(at + ENTRY.detail + 10, 0xffff, true);
    bytes[at + ENTRY.family] = rule.family;
    bytes[at + ENTRY.family + 1] = 7;
    bytes[at + ENTRY.srcSet] = rule.srcSet;
    bytes[at + ENTRY.dstSet] = rule.dstSet;
    bytes[at + ENTRY.dstSet + 1] = namesPorts(rule) ? 1 : 0;
    bytes[at + ENTRY.flags] = (rule.monitor ? FLAG_MONITOR : 0) | FLAG_RARE;
    view.setUint32(at + ENTRY.id, rule.id, true);
    bytes[at + ENTRY.detail + 40] = 1; // drops
  }
  return { bytes, count: entries.length };
}
