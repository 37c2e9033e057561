import { parsePrefix, prefixContains, type Prefix } from "@secuxflow/contracts";

/** The part of a rule that says which packets it means; texts are canonical, as the contracts' schemas leave them. */
export interface Match {
  readonly src: string;
  readonly dst: string;
  readonly sport?: number | undefined;
  readonly port?: number | undefined;
  readonly proto: string;
}

/** One packet, as far as a match looks at it. Addresses are 16 bytes (IPv4 v4-mapped). */
export interface PacketKey {
  readonly family: 4 | 6;
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly sport: number;
  readonly port: number;
  readonly proto: string;
}

const ALL: Readonly<Record<4 | 6, Prefix>> = { 4: parsePrefix("0.0.0.0/0"), 6: parsePrefix("::/0") };
const FAMILIES = [4, 6] as const;

/** The prefix that `text` means within one IP family; undefined when it means nothing there. */
const prefixIn = (family: 4 | 6, text: string): Prefix | undefined => {
  if (text === "any") return ALL[family];
  const prefix = parsePrefix(text);
  return prefix.family === family ? prefix : undefined;
};

/** Both ends within one IP family; undefined when the match has no packets there ("any" beside an IPv6 address is IPv6). */
const endsIn = (family: 4 | 6, match: Match): { src: Prefix; dst: Prefix } | undefined => {
  const src = prefixIn(family, match.src);
  const dst = prefixIn(family, match.dst);
  return src && dst && { src, dst };
};

const prefixCovers = (outer: Prefix, inner: Prefix): boolean =>
  outer.length <= inner.length && prefixContains(outer, inner.bytes);
const prefixMeets = (a: Prefix, b: Prefix): boolean => prefixCovers(a, b) || prefixCovers(b, a);
const fieldCovers = <T>(outer: T, inner: T, wildcard: T): boolean => outer === wildcard || outer === inner;
const fieldMeets = <T>(a: T, b: T, wildcard: T): boolean => a === wildcard || b === wildcard || a === b;

/** Whether every packet of `inner` is also one of `outer`. */
export function covers(outer: Match, inner: Match): boolean {
  if (!fieldCovers(outer.proto, inner.proto, "any")) return false;
  if (!fieldCovers(outer.sport, inner.sport, undefined) || !fieldCovers(outer.port, inner.port, undefined)) return false;
  return FAMILIES.every((family) => {
    const inside = endsIn(family, inner);
    const outside = endsIn(family, outer);
    if (!inside) return true;
    return outside !== undefined && prefixCovers(outside.src, inside.src) && prefixCovers(outside.dst, inside.dst);
  });
}

/** Whether some packet belongs to both. */
export function overlaps(a: Match, b: Match): boolean {
  if (!fieldMeets(a.proto, b.proto, "any")) return false;
  if (!fieldMeets(a.sport, b.sport, undefined) || !fieldMeets(a.port, b.port, undefined)) return false;
  return FAMILIES.some((family) => {
    const x = endsIn(family, a);
    const y = endsIn(family, b);
    return x !== undefined && y !== undefined && prefixMeets(x.src, y.src) && prefixMeets(x.dst, y.dst);
  });
}

/** Whether two matches are written the same (they are canonical, so the same text is the same meaning). */
export function sameMatch(a: Match, b: Match): boolean {
  return a.src === b.src && a.dst === b.dst && a.sport === b.sport && a.port === b.port && a.proto === b.proto;
}

/** Whether a packet belongs to a match. */
export function matches(match: Match, packet: PacketKey): boolean {
  const ends = endsIn(packet.family, match);
  return (
    ends !== undefined &&
    prefixContains(ends.src, packet.src) &&
    prefixContains(ends.dst, packet.dst) &&
    fieldCovers(match.proto, packet.proto, "any") &&
    fieldCovers(match.sport, packet.sport, undefined) &&
    fieldCovers(match.port, packet.port, undefined)
  );
}

/** Whether the match means every IP packet there is. */
export function isEverything(match: Match): boolean {
  return covers(match, { src: "any", dst: "any", proto: "any" });
}

/** One line for people: "tcp 10.0.0.1 -> 10.0.0.5:80". */
export function describeMatch(match: Match): string {
  const end = (address: string, port: number | undefined) => {
    if (port === undefined) return address;
    return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  };
  return `${match.proto === "any" ? "" : `${match.proto} `}${end(match.src, match.sport)} -> ${end(match.dst, match.port)}`;
}
