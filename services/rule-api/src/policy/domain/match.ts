import {
  familyOfMatch, MATCH_FIELDS, parseLength, parsePorts, parseTcpFlags, setNamed, type MatchFields as Match,
} from "@secuxflow/contracts";
import { pointOf, prefixAddresses, type Addresses } from "./addresses.js";
import { range, rangesCover, rangesHold, rangesMeet, type Ranges } from "./ranges.js";

/** The addresses of named sets; undefined for a name that there is none of. */
export type SetLookup = (name: string) => Addresses | undefined;
/** For matches that name no sets. */
export const NO_SETS: SetLookup = () => undefined;

/** One packet, as far as a match looks at it. Addresses are 16 bytes (IPv4 v4-mapped). What is absent may be anything. */
export interface PacketKey {
  readonly family: 4 | 6;
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly proto: string;
  readonly sport: number;
  readonly port: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** The flags byte of TCP. */
  readonly tcpFlags?: number;
  readonly fragment?: "no" | "first" | "later";
  readonly vlan?: number | "none";
  readonly innerVlan?: number | "none";
  readonly iface?: string;
  /** IP packet length in bytes. */
  readonly length?: number;
  readonly state?: string;
}

const FAMILIES = [4, 6] as const;
/** Dimensions that a match names one value of, or leaves open. */
const SINGLE = ["icmpType", "icmpCode", "vlan", "innerVlan", "iface", "state"] as const;
const NOTHING: Addresses = { 4: { from: [], to: [] }, 6: { from: [], to: [] } };

const isSet = (text: string): boolean => setNamed(text) !== undefined;

/** The addresses that "any", a prefix or "@set" means. */
export function addressesIn(text: string, sets: SetLookup): Addresses {
  const name = setNamed(text);
  return name === undefined ? prefixAddresses(text) : (sets(name) ?? NOTHING);
}

const portRanges = (ports: number | string): Ranges => {
  if (typeof ports === "number") return range(ports, ports);
  const list = parsePorts(ports);
  return { from: list.map(({ from }) => from), to: list.map(({ to }) => to) };
};
const lengthRanges = (length: number | string): Ranges => {
  const { from, to } = parseLength(length);
  return range(from, to);
};

type Ranged = number | string | undefined;
/** Whether `test` holds for two dimensions of ranges; what is left open is `open` to all. */
const compared = (a: Ranged, b: Ranged, read: (value: number | string) => Ranges, test: (a: Ranges, b: Ranges) => boolean) =>
  a !== undefined && b !== undefined && (a === b || test(read(a), read(b)));

const rangedCovers = (outer: Ranged, inner: Ranged, read: (value: number | string) => Ranges): boolean =>
  outer === undefined || compared(outer, inner, read, rangesCover);
const rangedMeets = (a: Ranged, b: Ranged, read: (value: number | string) => Ranges): boolean =>
  a === undefined || b === undefined || compared(a, b, read, rangesMeet);

const flagsCover = (outer: string | undefined, inner: string | undefined): boolean => {
  if (outer === undefined || outer === inner) return true;
  if (inner === undefined) return false;
  const [o, i] = [parseTcpFlags(outer), parseTcpFlags(inner)];
  return (o.mask & i.mask) === o.mask && (i.value & o.mask) === o.value;
};
const flagsMeet = (a: string | undefined, b: string | undefined): boolean => {
  if (a === undefined || b === undefined || a === b) return true;
  const [x, y] = [parseTcpFlags(a), parseTcpFlags(b)];
  return ((x.value ^ y.value) & x.mask & y.mask) === 0;
};

/** What each word for fragments means. */
const FRAGMENTS: Readonly<Record<string, readonly string[]>> = {
  any: ["no", "first", "later"],
  no: ["no"],
  yes: ["first", "later"],
  first: ["first"],
  later: ["later"],
};
const fragmentsOf = (fragment: string | undefined): readonly string[] => FRAGMENTS[fragment ?? "any"] ?? [];

/** Whether a match may have packets of a family, by what it says itself. */
const inFamily = (match: Match, family: 4 | 6): boolean => (familyOfMatch(match) ?? family) === family;

/** Whether `a` covers (or meets) `b` in all dimensions but the addresses. */
const restCovers = (outer: Match, inner: Match): boolean =>
  (outer.proto === "any" || outer.proto === inner.proto) &&
  SINGLE.every((field) => outer[field] === undefined || outer[field] === inner[field]) &&
  rangedCovers(outer.port, inner.port, portRanges) &&
  rangedCovers(outer.sport, inner.sport, portRanges) &&
  rangedCovers(outer.length, inner.length, lengthRanges) &&
  flagsCover(outer.tcpFlags, inner.tcpFlags) &&
  fragmentsOf(inner.fragment).every((each) => fragmentsOf(outer.fragment).includes(each));

const restMeets = (a: Match, b: Match): boolean =>
  (a.proto === "any" || b.proto === "any" || a.proto === b.proto) &&
  SINGLE.every((field) => a[field] === undefined || b[field] === undefined || a[field] === b[field]) &&
  rangedMeets(a.port, b.port, portRanges) &&
  rangedMeets(a.sport, b.sport, portRanges) &&
  rangedMeets(a.length, b.length, lengthRanges) &&
  flagsMeet(a.tcpFlags, b.tcpFlags) &&
  fragmentsOf(a.fragment).some((each) => fragmentsOf(b.fragment).includes(each));

/** Answers by pair of sets: a million entries against a million are compared once, not for every rule that names them. */
const remembering = (test: (a: Ranges, b: Ranges) => boolean) => {
  const known = new WeakMap<Ranges, WeakMap<Ranges, boolean>>();
  return (a: Ranges, b: Ranges): boolean => {
    const ofA = known.get(a) ?? new WeakMap<Ranges, boolean>();
    known.set(a, ofA);
    const answer = ofA.get(b) ?? test(a, b);
    ofA.set(b, answer);
    return answer;
  };
};
const setCovers = remembering(rangesCover);
const setMeets = remembering(rangesMeet);

const endCovers = (outer: string, inner: string, family: 4 | 6, sets: SetLookup): boolean => {
  if (outer === "any" || outer === inner) return true;
  const test = isSet(outer) && isSet(inner) ? setCovers : rangesCover;
  return test(addressesIn(outer, sets)[family], addressesIn(inner, sets)[family]);
};

const endMeets = (a: string, b: string, family: 4 | 6, sets: SetLookup): boolean => {
  const test = isSet(a) && isSet(b) ? setMeets : rangesMeet;
  return test(addressesIn(a, sets)[family], addressesIn(b, sets)[family]);
};

const isEmpty = (text: string, family: 4 | 6, sets: SetLookup): boolean =>
  text !== "any" && addressesIn(text, sets)[family].from.length === 0;

/** Whether every packet of `inner` is also one of `outer`. */
export function covers(outer: Match, inner: Match, sets: SetLookup = NO_SETS): boolean {
  if (!restCovers(outer, inner)) return false;
  return FAMILIES.every((family) => {
    if (!inFamily(inner, family) || isEmpty(inner.src, family, sets) || isEmpty(inner.dst, family, sets)) return true;
    return (
      inFamily(outer, family) &&
      endCovers(outer.src, inner.src, family, sets) &&
      endCovers(outer.dst, inner.dst, family, sets) &&
      !isEmpty(outer.src, family, sets) &&
      !isEmpty(outer.dst, family, sets)
    );
  });
}

/** Whether some packet belongs to both. */
export function overlaps(a: Match, b: Match, sets: SetLookup = NO_SETS): boolean {
  if (!restMeets(a, b)) return false;
  return FAMILIES.some(
    (family) =>
      inFamily(a, family) &&
      inFamily(b, family) &&
      endMeets(a.src, b.src, family, sets) &&
      endMeets(a.dst, b.dst, family, sets),
  );
}

/** Whether two matches are written the same (they are canonical, so the same text is the same meaning). */
export function sameMatch(a: Match, b: Match): boolean {
  return MATCH_FIELDS.every((field) => a[field] === b[field]);
}

const rangedHolds = (wanted: Ranged, value: number | undefined, read: (value: number | string) => Ranges): boolean =>
  wanted === undefined || value === undefined || rangesHold(read(wanted), value);

const flagsHold = (wanted: string | undefined, flags: number | undefined): boolean => {
  if (wanted === undefined || flags === undefined) return true;
  const { mask, value } = parseTcpFlags(wanted);
  return (flags & mask) === value;
};

/** Whether a packet belongs to a match; where the packet leaves something open, whether it may. */
export function matches(match: Match, packet: PacketKey, sets: SetLookup = NO_SETS): boolean {
  const { family } = packet;
  const within = (text: string, address: Uint8Array) =>
    text === "any" || rangesHold(addressesIn(text, sets)[family], pointOf(family, address));
  return (
    inFamily(match, family) &&
    (match.proto === "any" || match.proto === packet.proto) &&
    rangedHolds(match.sport, packet.sport, portRanges) &&
    rangedHolds(match.port, packet.port, portRanges) &&
    rangedHolds(match.length, packet.length, lengthRanges) &&
    SINGLE.every((field) => match[field] === undefined || packet[field] === undefined || match[field] === packet[field]) &&
    flagsHold(match.tcpFlags, packet.tcpFlags) &&
    (packet.fragment === undefined || fragmentsOf(match.fragment).includes(packet.fragment)) &&
    within(match.src, packet.src) &&
    within(match.dst, packet.dst)
  );
}

/** Whether the match means every IP packet there is. */
export function isEverything(match: Match): boolean {
  return covers(match, { src: "any", dst: "any", proto: "any" });
}

/** Names of the sets that a match uses. */
export function setsOf({ src, dst }: Pick<Match, "src" | "dst">): string[] {
  const [from, to] = [setNamed(src), setNamed(dst)];
  return [...(from === undefined ? [] : [from]), ...(to === undefined || to === from ? [] : [to])];
}
