// Address lists of rule headers, thresholds and variables.

import { syntax } from "./errors.js";
import { evaluateGroup, type GroupRules } from "./groups.js";
import type { AddressSet } from "./ir.js";
import { complement, IPV4, IPV6, isAll, normalize, subtract } from "./ranges.js";

/** Every address. */
export function anyAddress(): AddressSet {
  return { any: true, v4: [{ from: IPV4.min, to: IPV4.max }], v6: [{ from: IPV6.min, to: IPV6.max }] };
}

function make(v4: AddressSet["v4"], v6: AddressSet["v6"]): AddressSet {
  return { any: isAll(IPV4, v4) && isAll(IPV6, v6), v4, v6 };
}

/** Evaluates an address list such as `[$HOME_NET, !10.0.0.5, 2001:db8::/32, 10.1.0.1-10.1.0.9]`. @throws RuleError */
export function parseAddresses(text: string, at: number, variables: ReadonlyMap<string, string>): AddressSet {
  const rules: GroupRules<AddressSet> = {
    what: "address",
    variables,
    all: anyAddress,
    item,
    union: (sets) =>
      make(
        normalize(
          IPV4,
          sets.flatMap((set) => set.v4),
        ),
        normalize(
          IPV6,
          sets.flatMap((set) => set.v6),
        ),
      ),
    subtract: (a, b) => make(subtract(IPV4, a.v4, b.v4), subtract(IPV6, a.v6, b.v6)),
    isEmpty: (set) => set.v4.length === 0 && set.v6.length === 0,
  };
  return evaluateGroup(rules, text, at);
}

/** The addresses that are not in the set. */
export function invertAddresses(set: AddressSet): AddressSet {
  return make(complement(IPV4, set.v4), complement(IPV6, set.v6));
}

function item(text: string, at: number): AddressSet {
  const dash = text.indexOf("-");
  if (dash > 0) {
    const first = text.slice(0, dash).trim();
    const last = text.slice(dash + 1).trim();
    if (first.includes(":")) {
      const from = parseIpv6(first);
      const to = parseIpv6(last);
      if (from === undefined || to === undefined || from > to) throw syntax(at, `${text} is not a range of IPv6 addresses`);
      return make([], [{ from, to }]);
    }
    const from = parseIpv4(first);
    const to = parseIpv4(last);
    if (from === undefined || to === undefined || from > to) throw syntax(at, `${text} is not a range of IPv4 addresses`);
    return make([{ from, to }], []);
  }
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const suffix = slash < 0 ? undefined : text.slice(slash + 1);
  if (address.includes(":")) {
    const value = parseIpv6(address);
    const bits = suffix === undefined ? 128 : prefix(suffix, 128);
    if (value === undefined || bits === undefined) throw syntax(at, `${text} is not an IPv6 address or prefix`);
    const span = (1n << BigInt(128 - bits)) - 1n;
    const from = value & ~span;
    return make([], [{ from, to: from | span }]);
  }
  const value = parseIpv4(address);
  const bits = suffix === undefined ? 32 : suffix.includes(".") ? maskBits(suffix) : prefix(suffix, 32);
  if (value === undefined || bits === undefined) throw syntax(at, `${text} is not an IPv4 address, prefix or variable`);
  const span = 2 ** (32 - bits) - 1;
  const from = value - (value % (span + 1));
  return make([{ from, to: from + span }], []);
}

function prefix(text: string, most: number): number | undefined {
  if (!/^\d{1,3}$/.test(text)) return undefined;
  const bits = Number(text);
  return bits <= most ? bits : undefined;
}

function maskBits(text: string): number | undefined {
  const mask = parseIpv4(text);
  if (mask === undefined) return undefined;
  const bits = Math.clz32(~mask >>> 0);
  return bits === 32 || mask === 2 ** 32 - 2 ** (32 - bits) ? bits : undefined;
}

/** Dotted decimal, four parts. */
export function parseIpv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (parts === null) return undefined;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = Number(parts[i]);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

/** RFC 4291, section 2.2, with `::` and a dotted tail. */
export function parseIpv6(text: string): bigint | undefined {
  let source = text;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail !== null) {
    const value = parseIpv4(tail[2]!);
    if (value === undefined) return undefined;
    source = `${tail[1]!}${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
  }
  const halves = source.split("::");
  if (halves.length > 2) return undefined;
  const words = (half: string): string[] => (half === "" ? [] : half.split(":"));
  const left = words(halves[0]!);
  const right = halves.length === 2 ? words(halves[1]!) : [];
  const gap = 8 - left.length - right.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return undefined;
  let value = 0n;
  for (const word of [...left, ...Array.from({ length: gap }, () => "0"), ...right]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(word)) return undefined;
    value = (value << 16n) | BigInt(`0x${word}`);
  }
  return value;
}
