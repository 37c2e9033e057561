import { parsePrefix, type Prefix } from "@secuxflow/contracts";
import { range, union, type Ranges } from "./ranges.js";

/** Addresses of both families as ranges: IPv4 as numbers, IPv6 as bigints. */
export interface Addresses {
  readonly 4: Ranges;
  readonly 6: Ranges;
}

const NONE: Ranges = { from: [], to: [] };
/** Every address. */
export const ALL_ADDRESSES: Addresses = { 4: range(0, 2 ** 32 - 1), 6: range(0n, (1n << 128n) - 1n) };

const v4Of = (bytes: Uint8Array): number =>
  (bytes[12] ?? 0) * 2 ** 24 + (bytes[13] ?? 0) * 2 ** 16 + (bytes[14] ?? 0) * 2 ** 8 + (bytes[15] ?? 0);

const v6Of = (bytes: Uint8Array): bigint => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
};

/** An address of 16 bytes (IPv4 v4-mapped) as a point of its family. */
export const pointOf = (family: 4 | 6, bytes: Uint8Array): number | bigint => (family === 4 ? v4Of(bytes) : v6Of(bytes));

const v4Range = (first: number, length: number): readonly [number, number] => [first, first + 2 ** (32 - length) - 1];
const v6Range = (first: bigint, length: number): readonly [bigint, bigint] => [
  first,
  first + (1n << BigInt(128 - length)) - 1n,
];

const ofPrefix = ({ family, bytes, length }: Prefix): Addresses =>
  family === 4
    ? { 4: range(...v4Range(v4Of(bytes), length)), 6: NONE }
    : { 4: NONE, 6: range(...v6Range(v6Of(bytes), length)) };

const CANONICAL_V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/;

/** The addresses of canonical prefixes, as a set holds them: up to a million, so that IPv4 is read by a short way. */
export function addressesOf(entries: Iterable<string>): Addresses {
  const v4: (readonly [number, number])[] = [];
  const v6: (readonly [bigint, bigint])[] = [];
  for (const entry of entries) {
    const quick = CANONICAL_V4.exec(entry);
    if (quick) {
      const [, a, b, c, d, length] = quick;
      const first = Number(a) * 2 ** 24 + Number(b) * 2 ** 16 + Number(c) * 2 ** 8 + Number(d);
      v4.push(v4Range(first, length === undefined ? 32 : Number(length)));
    } else {
      const { bytes, length } = parsePrefix(entry);
      v6.push(v6Range(v6Of(bytes), length));
    }
  }
  return { 4: union(v4, (point) => point + 1), 6: union(v6, (point) => point + 1n) };
}

/** Two a rule of the largest policy. */
const REMEMBERED = 262_144;
const remembered = new Map<string, Addresses>();

/** The addresses of "any" or of a canonical prefix. Remembered: a policy is looked through at every change. */
export function prefixAddresses(text: string): Addresses {
  if (text === "any") return ALL_ADDRESSES;
  const known = remembered.get(text);
  if (known) return known;
  const addresses = ofPrefix(parsePrefix(text));
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(text, addresses);
  return addresses;
}
