import { formatAddress, formatPrefix, parseAddress, RuleSpec, type FilterRule, type MatchFields } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesPacket, type SeenPacket } from "../../testing/packet-model.js";
import { forward, rule } from "../../testing/policies.js";
import { RuleEncoder } from "./encode.js";
import { DETAIL, ENTRY, FLAG, KNOWN, OPTION, RULE, VERDICT, VLAN } from "./layout.js";
import { PolicyNotApplicable, type Names } from "./names.js";

const SETS: Readonly<Record<string, readonly string[]>> = { bad: ["10.0.0.0/8"], good: ["2001:db8::/32", "192.168.1.5"] };
const names: Names = {
  setBit: (name) => Object.keys(SETS).indexOf(name),
  serviceIndex: (name) => {
    if (name !== "web") throw new PolicyNotApplicable(`there is no service ${name}`);
    return 4;
  },
  ifindexes: (name) => (name === "eth0" ? [2, 7] : []),
};
const encoder = new RuleEncoder(names, (iso) => BigInt(Date.parse(iso)) - 1_000n);

const inSets = (address: string): bigint => {
  let bits = 0n;
  Object.values(SETS).forEach((entries, bit) => {
    if (entries.some((entry) => matchesPacket({ src: entry, dst: "any", proto: "any" }, { ...anyPacket, family: address.includes(":") ? 6 : 4, src: address }))) bits |= 1n << BigInt(bit);
  });
  return bits;
};

const anyPacket: SeenPacket = { family: 4, src: "10.0.0.1", dst: "10.0.0.1", proto: 6, fragment: "no", vlan: "none", innerVlan: "none", ifindex: 0, length: 100 };

/** `rule_matches` and `detail_matches` of bpf/include/match.h in TypeScript, on the bytes that were written. */
function kernelMatches(record: Uint8Array, packet: SeenPacket): boolean {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const u8 = (at: number): number => view.getUint8(at);
  const u16 = (at: number): number => view.getUint16(at, true);
  const d = (at: number): number => ENTRY.detail + at;
  const wide = (text: string): bigint => BigInt(`0x${Buffer.from(parseAddress(text)).toString("hex")}`);
  const inPrefix = (text: string, hi: number, lengthAt: number): boolean => {
    const wanted = (view.getBigUint64(hi, true) << 64n) | view.getBigUint64(hi + 8, true);
    return (wide(text) ^ wanted) >> BigInt(128 - u8(lengthAt)) === 0n;
  };
  if (!inPrefix(packet.src, RULE.src_hi, RULE.src_len) || !inPrefix(packet.dst, RULE.dst_hi, RULE.dst_len)) return false;
  const sport = packet.sport ?? 0;
  const dport = packet.dport ?? 0;
  if (sport < u16(RULE.sport_min) || sport > u16(RULE.sport_max) || dport < u16(RULE.dport_min) || dport > u16(RULE.dport_max)) return false;
  if (((packet.proto ^ u8(RULE.proto)) & u8(RULE.proto_mask)) !== 0) return false;
  const known = (packet.dport === undefined ? 0 : KNOWN.ports) | (packet.tcpFlags === undefined ? 0 : KNOWN.tcpFlags) | (packet.icmp ? KNOWN.icmp : 0);
  if ((u8(d(DETAIL.needs)) & ~known) !== 0) return false;
  if ((u8(d(DETAIL.flags)) & FLAG.rare) === 0) return true;
  const vlan = (wanted: number, has: number | "none"): boolean => wanted === VLAN.any || wanted === (has === "none" ? VLAN.none : has);
  if (!vlan(u16(d(DETAIL.vlan)), packet.vlan) || !vlan(u16(d(DETAIL.inner_vlan)), packet.innerVlan)) return false;
  const ifindex = view.getUint32(d(DETAIL.ifindex), true);
  if (ifindex !== 0 && ifindex !== packet.ifindex) return false;
  if (u8(d(DETAIL.family)) !== 0 && u8(d(DETAIL.family)) !== packet.family) return false;
  const inSet = (bits: bigint, set: number): boolean => set === 0 || ((bits >> BigInt(set - 1)) & 1n) === 1n;
  if (!inSet(inSets(packet.src), u8(d(DETAIL.src_set))) || !inSet(inSets(packet.dst), u8(d(DETAIL.dst_set)))) return false;
  if (packet.length < u16(d(DETAIL.length_min)) || packet.length > u16(d(DETAIL.length_max))) return false;
  if ((u8(d(DETAIL.fragments)) & { no: 1, first: 2, later: 4 }[packet.fragment]) === 0) return false;
  if (((packet.tcpFlags ?? 0) & u8(d(DETAIL.tcp_mask))) !== u8(d(DETAIL.tcp_value))) return false;
  const { type = 0, code = 0 } = packet.icmp ?? {};
  return ((type ^ u8(d(DETAIL.icmp_type))) & u8(d(DETAIL.icmp_type_mask))) === 0 && ((code ^ u8(d(DETAIL.icmp_code))) & u8(d(DETAIL.icmp_code_mask))) === 0;
}

const records = (bytes: Uint8Array): Uint8Array[] => Array.from({ length: bytes.length / ENTRY.size }, (_, i) => bytes.slice(i * ENTRY.size, (i + 1) * ENTRY.size));

// Few addresses and ports, so that rules and packets meet often.
const v4 = fc.constantFrom("10.0.0.1", "10.128.0.9", "192.168.1.5", "0.0.0.0", "255.255.255.255");
const v6 = fc.constantFrom("2001:db8::1", "2001:db8:8000::1", "::", "::1", "fe80::1");
const prefixOf = (address: string, length: number): string => {
  const bytes = parseAddress(address);
  const [family, most] = address.includes(":") ? [6 as const, 128] : [4 as const, 32];
  const bits = Math.min(length, most);
  for (let bit = 128 - most + bits; bit < 128; bit++) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(1 << (7 - (bit & 7)));
  return formatPrefix({ family, bytes, length: bits });
};
const addressText = (address: fc.Arbitrary<string>) => fc.oneof(
  fc.constantFrom("any", "@bad", "@good"), address, fc.tuple(address, fc.constantFrom(0, 1, 8, 32, 33, 64, 96, 127)).map(([text, length]) => prefixOf(text, length)),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const portText = maybe(fc.constantFrom<(string | number)[]>(80, 443, "80-443", "22,80,8000-8100", "0-65535"));
const matchFields: fc.Arbitrary<MatchFields> = fc.constantFrom(v4, v6).chain((address) => fc.record({
  src: addressText(address), dst: addressText(address),
  proto: fc.constantFrom("any", "tcp", "udp", "icmp", "icmpv6", "47"), port: portText, sport: portText, family: maybe(fc.constantFrom(4 as const, 6 as const)),
  icmpType: maybe(fc.constantFrom(0, 8)), icmpCode: maybe(fc.constantFrom(0, 3)), tcpFlags: maybe(fc.constantFrom("syn", "syn,!ack", "!rst")),
  fragment: maybe(fc.constantFrom("no" as const, "yes" as const, "first" as const, "later" as const)),
  vlan: maybe(fc.constantFrom<(number | "none")[]>(0, 7, "none")), innerVlan: maybe(fc.constantFrom<(number | "none")[]>(8, "none")),
  iface: maybe(fc.constantFrom("eth0", "away0")), length: maybe(fc.constantFrom<(number | string)[]>(100, "64-128", "65000-65535")),
})).map((match) => ({
  ...match,
  // Fields of a protocol only with it, and no family beside one that the addresses or the protocol say.
  ...(match.proto === "tcp" || match.proto === "udp" ? {} : { port: undefined, sport: undefined }),
  ...(match.proto === "tcp" ? {} : { tcpFlags: undefined }),
  ...(match.proto === "icmp" || match.proto === "icmpv6" ? { family: undefined } : { icmpType: undefined, icmpCode: undefined }),
  ...([match.src, match.dst].every((text) => text === "any" || text.startsWith("@")) ? {} : { family: undefined }),
})).filter((match) => RuleSpec.safeParse({ ...match, action: "drop" }).success);
const packet: fc.Arbitrary<SeenPacket> = fc.tuple(fc.constantFrom([4, v4] as const, [6, v6] as const), fc.boolean()).chain(([[family, address], known]) => fc.record({
  src: address, dst: address, proto: fc.constantFrom(6, 17, 1, 58, 47), sport: fc.constantFrom(22, 80, 9_000), dport: fc.constantFrom(80, 443, 8_050),
  flags: fc.constantFrom(0x02, 0x12, 0x14), icmp: fc.record({ type: fc.constantFrom(0, 8), code: fc.constantFrom(0, 3) }), fragment: fc.constantFrom("no" as const, "first" as const, "later" as const),
  vlan: fc.constantFrom<(number | "none")[]>(0, 7, "none"), innerVlan: fc.constantFrom<(number | "none")[]>(8, "none"), ifindex: fc.constantFrom(2, 3, 7), length: fc.constantFrom(64, 100, 1_500, 65_535),
}).map(({ flags, icmp, sport, dport, ...seen }): SeenPacket => {
  const readable = known && seen.fragment !== "later";
  return {
    family, ...seen, src: formatAddress(parseAddress(seen.src)), dst: formatAddress(parseAddress(seen.dst)),
    ...(readable && [6, 17].includes(seen.proto) ? { sport, dport } : {}), ...(readable && seen.proto === 6 ? { tcpFlags: flags } : {}),
    ...(readable && [1, 58].includes(seen.proto) ? { icmp } : {}),
  };
}));

describe("RuleEncoder", () => {
  it("makes the kernel's comparison say what the rule means, by one record at most", () => {
    let hits = 0;
    fc.assert(fc.property(matchFields, fc.array(packet, { minLength: 5, maxLength: 20 }), (match, packets) => {
      const encoded = records(encoder.bytesOf(encoder.rule({ ...rule(1), ...match }, 0)));
      for (const one of packets) {
        const meant = matchesPacket(match, one, { sets: SETS, ifindexes: names.ifindexes });
        if (meant) hits += 1;
        expect(encoded.filter((record) => kernelMatches(record, one)).length, JSON.stringify(one)).toBe(meant ? 1 : 0);
      }
    }), { numRuns: 2_000 });
    expect(hits).toBeGreaterThan(200);
  });

  const view = (fields: Partial<FilterRule>): DataView => {
    const bytes = encoder.bytesOf(encoder.rule(rule(9, fields), 77)).slice();
    return new DataView(bytes.buffer);
  };
  const d = (at: number): number => ENTRY.detail + at;

  it("writes order, id, slot and expiry, and never 0 for an expiry that has passed", () => {
    const bytes = view({ priority: 3, expiresAt: "2026-01-01T00:00:00.000Z" });
    expect(bytes.getBigUint64(RULE.order, true)).toBe((3n << 32n) | 9n);
    expect([bytes.getUint32(d(DETAIL.id), true), bytes.getUint32(d(DETAIL.slot), true)]).toEqual([9, 77]);
    expect(bytes.getBigUint64(d(DETAIL.expires_ns), true)).toBe(BigInt(Date.parse("2026-01-01T00:00:00.000Z")) - 1_000n);
    expect(view({ expiresAt: "1970-01-01T00:00:00.500Z" }).getBigUint64(d(DETAIL.expires_ns), true)).toBe(1n);
    expect(view({}).getBigUint64(d(DETAIL.expires_ns), true)).toBe(0n);
  });

  it("writes every action with what belongs to it", () => {
    expect(view({ action: "reject", reject: "unreachable", monitor: true }).getUint8(d(DETAIL.option))).toBe(OPTION.rejectUnreachable);
    expect(view({ monitor: true }).getUint8(d(DETAIL.flags)) & FLAG.monitor).toBe(FLAG.monitor);
    expect(view({ action: "redirect", service: "web" }).getUint32(d(DETAIL.target), true)).toBe(5);
    const limited = view({ action: "limit", limit: { rate: 1_000, unit: "bits", per: "source", burst: 2_000 } });
    expect(limited.getUint8(d(DETAIL.verdict))).toBe(VERDICT.limit);
    expect(limited.getUint8(d(DETAIL.option))).toBe(OPTION.limitBytes | OPTION.limitPerSource);
    expect(limited.getBigUint64(d(DETAIL.unit_ns), true)).toBe((8_000_000n << 32n));
    expect(limited.getBigUint64(d(DETAIL.burst_ns), true)).toBe(2_000_000_000n);
    expect(() => encoder.rule(rule(1, { action: "redirect", service: "gone" }), 0)).toThrow(PolicyNotApplicable);
  });

  it("says which rules look at more than the flow", () => {
    const flags = (fields: Partial<FilterRule>): number => view(fields).getUint8(d(DETAIL.flags)) & (FLAG.volatile | FLAG.rare);
    for (const plain of [{}, { src: "10.0.0.0/8", proto: "tcp", port: "80,443" }, { src: "2001:db8::/32" }]) expect(flags(plain), JSON.stringify(plain)).toBe(0);
    for (const rare of [{ vlan: 7 }, { iface: "eth0" }, { family: 4 as const }, { src: "@bad" }, { src: "::/0" }]) expect(flags(rare), JSON.stringify(rare)).toBe(FLAG.rare);
    for (const more of [{ proto: "tcp", tcpFlags: "syn" }, { proto: "icmp", icmpType: 8 }, { fragment: "no" as const }, { length: 100 }, { proto: "tcp", state: "new" as const }]) {
      expect(flags(more), JSON.stringify(more)).toBe(FLAG.rare | FLAG.volatile);
    }
  });

  it("writes forwarding rules with module, snap length, sampling and direction", () => {
    const bytes = encoder.bytesOf(encoder.forward({ ...forward(4, { snaplen: 128, sample: 10, direction: "to-service" }), moduleBit: 31 }, 6)).slice();
    const one = new DataView(bytes.buffer);
    expect([one.getUint32(d(DETAIL.target), true), one.getUint16(d(DETAIL.snaplen), true), one.getUint32(ENTRY.sample, true)]).toEqual([0x8000_0000, 128, 10]);
    expect(one.getUint8(d(DETAIL.flags))).toBe(FLAG.toService);
  });
});
