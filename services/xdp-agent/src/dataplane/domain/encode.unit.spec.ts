import { formatAddress, parseAddress, parsePrefix, parseProtocol, prefixContains } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forward, rule } from "../../testing/policies.js";
import { encodeAllowList, policyBytes, readPolicy, writeMatch, writePolicy, type MatchFields } from "./encode.js";
import { ENTRY, KNOWN_PORTS, MATCH, POLICY_VALUE_BYTES } from "./layout.js";

interface TestPacket { src: string; dst: string; proto: number; sport: number; dport: number; knownPorts: boolean }

/** bpf/include/match.h in TypeScript, on the bytes that were written. */
function kernelMatches(view: DataView, packet: TestPacket): boolean {
  const u8 = (at: number): number => view.getUint8(at);
  const u16 = (at: number): number => view.getUint16(at, true);
  const address = (bytes: Uint8Array, at: number, maskAt: number): boolean => bytes.every((byte, i) => (byte & u8(maskAt + i)) === u8(at + i));
  const family = packet.src.includes(":") ? 6 : 4;
  return ((u8(MATCH.family) ^ family) & u8(MATCH.family_mask)) === 0
    && ((u8(MATCH.proto) ^ packet.proto) & u8(MATCH.proto_mask)) === 0
    && ((u16(MATCH.sport) ^ packet.sport) & u16(MATCH.sport_mask)) === 0
    && ((u16(MATCH.dport) ^ packet.dport) & u16(MATCH.dport_mask)) === 0
    && (view.getUint32(MATCH.needs, true) & ~(packet.knownPorts ? KNOWN_PORTS : 0)) === 0
    && address(parseAddress(packet.src), MATCH.src, MATCH.src_mask)
    && address(parseAddress(packet.dst), MATCH.dst, MATCH.dst_mask);
}

/** What a rule means, in the words of the CLI. */
function meansMatch(match: MatchFields, packet: TestPacket): boolean {
  const inPrefix = (text: string, address: string): boolean => {
    if (text === "any") return true;
    const prefix = parsePrefix(text);
    return prefix.family === (address.includes(":") ? 6 : 4) && prefixContains(prefix, parseAddress(address));
  };
  const family = packet.src.includes(":") ? 6 : 4;
  if (match.proto !== "any" && parseProtocol(match.proto) !== packet.proto) return false;
  if (match.proto === "icmp" && family !== 4 && match.src === "any" && match.dst === "any") return false;
  if (match.proto === "icmpv6" && family !== 6 && match.src === "any" && match.dst === "any") return false;
  if ((match.port !== undefined || match.sport !== undefined) && !packet.knownPorts) return false;
  if (match.port !== undefined && match.port !== packet.dport) return false;
  if (match.sport !== undefined && match.sport !== packet.sport) return false;
  return inPrefix(match.src, packet.src) && inPrefix(match.dst, packet.dst);
}

// Few addresses and ports, so that rules and packets meet often.
const v4 = fc.tuple(fc.constantFrom(10, 192), fc.constantFrom(0, 168), fc.constantFrom(0, 1, 128), fc.constantFrom(0, 5, 255)).map((b) => b.join("."));
const v6 = fc.tuple(fc.constantFrom("2001:db8", "fe80"), fc.constantFrom("1", "8000")).map(([a, b]) => `${a}::${b}`);
const prefixOf = (address: string, length: number): string => {
  const most = address.includes(":") ? 128 : 32;
  const bits = Math.min(length, most);
  const bytes = parseAddress(address);
  for (let bit = (most === 32 ? 96 : 0) + bits; bit < 128; bit++) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(1 << (7 - (bit & 7)));
  return `${formatAddress(bytes)}/${bits}`;
};
const prefixText = (address: fc.Arbitrary<string>) => fc.oneof(fc.constant("any"), fc.tuple(address, fc.integer({ min: 0, max: 128 })).map(([a, n]) => prefixOf(a, n)));
const port = fc.constantFrom(80, 443);
const matchFields: fc.Arbitrary<MatchFields> = fc.constantFrom(v4, v6).chain((address) => fc.record({
  src: prefixText(address), dst: prefixText(address), proto: fc.constantFrom("any", "tcp", "udp", "icmp", "icmpv6"),
  port: fc.option(port, { nil: undefined }), sport: fc.option(port, { nil: undefined }),
}));
const packet: fc.Arbitrary<TestPacket> = fc.constantFrom(v4, v6).chain((address) => fc.record({
  src: address, dst: address, proto: fc.constantFrom(6, 17, 1, 58), sport: port, dport: port, knownPorts: fc.boolean(),
}));

describe("writeMatch", () => {
  it("makes the kernel's comparison say what the rule means", () => {
    let hits = 0;
    fc.assert(fc.property(matchFields, packet, (match, p) => {
      const view = new DataView(new ArrayBuffer(MATCH.size));
      writeMatch(view, 0, match);
      const meant = meansMatch(match, p);
      if (meant) hits += 1;
      expect(kernelMatches(view, p)).toBe(meant);
    }), { numRuns: 3_000 });
    expect(hits).toBeGreaterThan(50);
  });
});

describe("writePolicy", () => {
  const slots = { rule: (id: number) => id + 10, forward: (id: number) => id + 20 };
  const toMonotonic = (iso: string): bigint => BigInt(Date.parse(iso)) * 1_000_000n - 5_000_000_000n;

  it("is read back with its revision, ids and slots", () => {
    const policy = { revision: 2 ** 40, rules: [rule(7), rule(3, { action: "pass" })], forwards: [{ ...forward(1), moduleBit: 31 }] };
    const memory = new Uint8Array(policyBytes(policy)).fill(0xee);
    writePolicy(memory, policy, slots, toMonotonic);
    expect(readPolicy(memory)).toEqual({ revision: 2 ** 40, rules: new Map([[7, 17], [3, 13]]), forwards: new Map([[1, 21]]) });
    const view = new DataView(memory.buffer);
    expect(view.getUint32(3 * POLICY_VALUE_BYTES + ENTRY.modules, true)).toBe(0x8000_0000);
  });

  it("writes an expiry in the kernel's clock, and never 0 for one that has passed", () => {
    const policy = { revision: 1, rules: [rule(1, { expiresAt: "2026-01-01T00:00:00.000Z" }), rule(2, { expiresAt: "1970-01-01T00:00:01.000Z" }), rule(3)], forwards: [] };
    const memory = new Uint8Array(policyBytes(policy));
    writePolicy(memory, policy, slots, toMonotonic);
    const view = new DataView(memory.buffer);
    const expires = [1, 2, 3].map((index) => view.getBigUint64(index * POLICY_VALUE_BYTES + ENTRY.expires_ns, true));
    expect(expires).toEqual([toMonotonic("2026-01-01T00:00:00.000Z"), 1n, 0n]);
  });

  it("refuses a map that is too small, and a map that holds something else is not read", () => {
    const policy = { revision: 1, rules: [rule(1)], forwards: [] };
    expect(() => { writePolicy(new Uint8Array(POLICY_VALUE_BYTES), policy, slots, toMonotonic); }).toThrow(RangeError);
    expect(readPolicy(new Uint8Array(POLICY_VALUE_BYTES * 2).fill(0xff))).toBeUndefined();
  });
});

describe("encodeAllowList", () => {
  it("counts its entries in the head", () => {
    const bytes = encodeAllowList([{ src: "127.0.0.0/8", dst: "any", proto: "tcp", port: 4_222 }, { src: "any", dst: "any", proto: "icmp" }]);
    expect(readPolicy(bytes)?.rules.size).toBe(2);
  });
});
