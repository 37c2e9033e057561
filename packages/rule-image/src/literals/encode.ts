import { ByteWriter } from "../byte-writer.js";
import { FLAG, HEADER, LAST, MAGIC, MODE, NOWHERE } from "./layout.js";
import { nibblesOf } from "./nibbles.js";
import type { Literal, Pattern } from "./pattern.js";
import { bytesAt, checkAt, distinct, patternOf } from "./pattern.js";
import type { Placed } from "./windows.js";
import { bloomOf, LONG, neighbours, placeWindows, slotsOf } from "./windows.js";

export type { Literal } from "./pattern.js";

/** Up to so many patterns go through nibble masks (measured: more let too much through). */
const NIBBLES_UP_TO = 48;

/**
 * A set of literals for `literalsAttach` and `literalScan` of the engine. Literals are told apart by their index in `patterns`;
 * equal ones may come more than once and are all reported.
 *
 * Small sets and few short patterns: SIMD nibble masks over three bytes (Teddy). Others: every second position of the text is
 * looked up, as a window of four bytes, in a Bloom filter that fits the first-level cache, then in a hash table, then compared:
 * the cost hardly depends on the number of patterns (after S. Wu, U. Manber, "A fast algorithm for multi-pattern searching",
 * 1994, with a Bloom filter instead of shifts). Many short patterns: a bit for each pair of bytes, at every position.
 * @throws RuleImageError on an empty literal or one of more than 8,192 bytes
 */
export function encodeLiterals(patterns: readonly Literal[]): Uint8Array {
  const all = distinct(patterns);
  const { nibbles, windows } = split(all);
  const mode = (nibbles.length > 0 ? MODE.nibbles : 0) | (windows.length > 0 ? MODE.windows : 0);
  const out = new ByteWriter(1 << 16);
  out.zeros(HEADER);
  out.patchU32(0, MAGIC).patchU32(8, patterns.length).patchU32(12, all.length).patchU32(16, mode);
  writePatterns(out, all, patterns.length);
  writeSingles(out, all);
  const entries: Placed[][] = [];
  if (nibbles.length > 0) writeNibbles(out, all, nibbles, entries);
  if (windows.length > 0) writeWindows(out, all, windows, entries);
  writeEntries(out, all, entries);
  out.align(16);
  out.patchU32(4, out.length);
  return out.finish();
}

/** Who goes where: everything through nibbles, or short ones only, or none. */
function split(all: readonly Pattern[]): { nibbles: number[]; windows: number[] } {
  const members = all.map((_, i) => i).filter((i) => (all[i]?.value.length ?? 0) > 1);
  if (members.length <= NIBBLES_UP_TO) return { nibbles: members, windows: [] };
  const short = members.filter((i) => (all[i]?.value.length ?? 0) < LONG);
  if (short.length > NIBBLES_UP_TO) return { nibbles: [], windows: members };
  return { nibbles: short, windows: members.filter((i) => (all[i]?.value.length ?? 0) >= LONG) };
}

function writePatterns(out: ByteWriter, all: readonly Pattern[], count: number): void {
  const distinctOf = new Uint32Array(count);
  const dataAt: number[] = [];
  all.forEach(({ value, mask, indexes }, i) => {
    out.align(16);
    dataAt.push(out.length);
    out.bytes(value).align(16).bytes(mask).align(16);
    for (const index of indexes) distinctOf[index] = i;
  });
  out.align(16).patchU32(20, out.length);
  let first = 0;
  all.forEach(({ value, indexes }, i) => {
    out.u32(dataAt[i] ?? 0).u32(value.length).u32(first).u32(indexes.length);
    first += indexes.length;
  });
  out.align(16).patchU32(24, out.length);
  for (const { indexes } of all) for (const index of indexes) out.u32(index);
  out.align(16).patchU32(28, out.length);
  for (const i of distinctOf) out.u32(i);
}

/** Patterns of one byte are looked for on their own. */
function writeSingles(out: ByteWriter, all: readonly Pattern[]): void {
  out.align(16).patchU32(64, out.length);
  let count = 0;
  all.forEach((pattern, i) => {
    if (pattern.value.length !== 1) return;
    const [byte = 0, other = byte] = bytesAt(pattern, 0);
    out.u32(i).u8(byte).u8(other).u16(0);
    count++;
  });
  out.patchU32(68, count);
}

/** The number that the first entry of the next bucket has. */
const nextEntry = (entries: readonly (readonly Placed[])[]) => entries.reduce((sum, bucket) => sum + bucket.length, 0);

function writeNibbles(out: ByteWriter, all: readonly Pattern[], members: readonly number[], entries: Placed[][]): void {
  const { masks, buckets } = nibblesOf(all, members);
  out.align(16).patchU32(72, out.length).bytes(masks);
  out.align(16).patchU32(76, out.length);
  for (const bucket of buckets) {
    out.u32(bucket.length === 0 ? 0 : nextEntry(entries) + 1);
    entries.push([...bucket]);
  }
}

function writeWindows(out: ByteWriter, all: readonly Pattern[], members: readonly number[], entries: Placed[][]): void {
  const buckets = [...placeWindows(all, members)];
  let entry = nextEntry(entries);
  const found = buckets.map(([key, bucket]) => {
    entries.push(bucket);
    entry += bucket.length;
    return { key, entry: entry - bucket.length, ...neighbours(all, bucket) };
  });
  const { slots, log2 } = slotsOf(found);
  out.align(16).patchU32(40, out.length).patchU32(44, log2);
  for (const value of slots) out.u32(value);
  const wide = buckets.filter(([, bucket]) => bucket[0]?.width === 4).map(([key]) => key);
  const narrow = buckets.flatMap(([, bucket]) => bucket.filter(({ width }) => width === 2));
  const bloom = bloomOf(wide);
  out.align(16).patchU32(48, out.length).patchU32(52, bloom.log2);
  for (const value of bloom.words) out.u32(value);
  out.patchU32(60, (wide.length > 0 ? FLAG.four : 0) | (narrow.length > 0 ? FLAG.two : 0));
  if (narrow.length > 0) writePairs(out, all, narrow);
}

/** One bit for each pair of bytes that is a window. */
function writePairs(out: ByteWriter, all: readonly Pattern[], narrow: readonly Placed[]): void {
  const pairs = new Uint8Array(8192);
  for (const { pattern: number, window } of narrow) {
    const pattern = patternOf(all, number);
    for (const first of bytesAt(pattern, window)) {
      for (const second of bytesAt(pattern, window + 1)) {
        const pair = first | (second << 8);
        pairs[pair >> 3] = (pairs[pair >> 3] ?? 0) | (1 << (pair & 7));
      }
    }
  }
  out.align(16).patchU32(56, out.length).bytes(pairs);
}

function writeEntries(out: ByteWriter, all: readonly Pattern[], entries: readonly (readonly Placed[])[]): void {
  out.align(16).patchU32(32, out.length).patchU32(36, nextEntry(entries));
  for (const bucket of entries) {
    bucket.forEach(({ pattern: number, window, width }, i) => {
      const pattern = patternOf(all, number);
      const check = checkAt(pattern, window, width);
      out.u32((number | (i === bucket.length - 1 ? LAST : 0)) >>> 0).u16(window).u16(pattern.value.length);
      out.u16(check < 0 ? NOWHERE : check).u16(0);
      out.bytes(four(pattern.value, check)).bytes(four(pattern.mask, check));
    });
  }
}

const four = (bytes: Uint8Array, at: number) => (at < 0 ? new Uint8Array(4) : bytes.subarray(at, at + 4));
