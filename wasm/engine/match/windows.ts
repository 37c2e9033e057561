// Scan of large sets: at every second position a window of four bytes is looked up in a Bloom filter, then in the table of
// buckets;
// for many short patterns, one of two bytes at every position in a table of bits.

import { LiteralSet, verifyBucket } from "./verify";

const MIX_BLOOM: u32 = 0x9e3779b1;
const MIX_SLOT: u32 = 0x85ebca6b;
const FOLD: u32 = 0x20202020;
const FLAG_TWO: u32 = 2;

/** Not zero (lowest bit) when the key may be a window. */
// @ts-ignore: decorator
@inline function bloom(words: usize, shift: u32, key: u32): u32 {
  const hash = key * MIX_BLOOM;
  const word = load<u32>(words + ((hash >>> shift) << 2));
  return (word >>> (hash >>> 7)) & (word >>> (hash >>> 12)) & 1;
}

// @ts-ignore: decorator
@inline function pair(pairs: usize, two: u32): u32 {
  return (<u32>load<u8>(pairs + (two >>> 3)) >>> (two & 7)) & 1;
}

export function scanWindows(s: LiteralSet): void {
  const two = (load<u32>(s.base, 60) & FLAG_TWO) != 0;
  s.runEnd = 0;
  const done = two ? scanAll(s) : scanLong(s);
  scanEnd(s, done, two);
}

/** Sets whose patterns have five bytes or more. Returns the first position that was not looked at. */
function scanLong(s: LiteralSet): u32 {
  const base = s.base;
  const words = base + load<u32>(base, 48);
  const shift = 32 - load<u32>(base, 52);
  const text = s.text;
  const len = s.len;
  let i: u32 = 0;
  for (; i + 12 <= len; i += 8) {
    const p = text + i;
    const a = load<u32>(p) | FOLD;
    const b = load<u32>(p, 2) | FOLD;
    const c = load<u32>(p, 4) | FOLD;
    const d = load<u32>(p, 6) | FOLD;
    const ra = bloom(words, shift, a);
    const rb = bloom(words, shift, b);
    const rc = bloom(words, shift, c);
    const rd = bloom(words, shift, d);
    if ((ra | rb | rc | rd) != 0) {
      if (ra != 0) lookup(s, a, i, 4);
      if (rb != 0) lookup(s, b, i + 2, 4);
      if (rc != 0) lookup(s, c, i + 4, 4);
      if (rd != 0) lookup(s, d, i + 6, 4);
      i = skipRun(s, i);
    }
  }
  return i;
}

/** Sets with many short patterns as well. Returns the first position that was not looked at. */
function scanAll(s: LiteralSet): u32 {
  const base = s.base;
  const words = base + load<u32>(base, 48);
  const pairs = base + load<u32>(base, 56);
  const shift = 32 - load<u32>(base, 52);
  const text = s.text;
  const len = s.len;
  let i: u32 = 0;
  for (; i + 8 <= len; i += 4) {
    const raw = load<u64>(text + i);
    let hits = bloom(words, shift, <u32>raw | FOLD) | (bloom(words, shift, <u32>(raw >>> 16) | FOLD) << 2)
      | (pair(pairs, <u32>raw & 0xffff) << 4) | (pair(pairs, <u32>(raw >>> 8) & 0xffff) << 5)
      | (pair(pairs, <u32>(raw >>> 16) & 0xffff) << 6) | (pair(pairs, <u32>(raw >>> 24) & 0xffff) << 7);
    if (hits == 0) continue;
    while (hits != 0) {
      const bit = <u32>ctz(hits);
      hits &= hits - 1;
      const key = <u32>(raw >>> ((bit & 3) << 3)) | FOLD;
      if (bit < 4) lookup(s, key, i + bit, 4);
      else lookup(s, key & 0xffff, i + (bit & 3), 2);
    }
    i = skipRun(s, i);
  }
  return i;
}

/**
 * Long runs of one byte (zeros, mostly) are windows of something all the time, and the same again and again. What is found at a
 * position depends on no more than `reach` bytes to both sides: once some such positions inside of a run were looked at, those
 * that
 * follow give nothing new until the run's end comes near. Gives the position to go on from: `i` or a multiple of 8 bytes later.
 */
function skipRun(s: LiteralSet, i: u32): u32 {
  const text = s.text;
  if (i >= s.runEnd) {
    if (i + 16 > s.len) return i;
    const first = i8x16.splat(load<i8>(text + i));
    let stop = i;
    while (stop + 16 <= s.len && i8x16.all_true(i8x16.eq(v128.load(text + stop), first))) stop += 16;
    s.runStart = i;
    s.runEnd = max<u32>(stop, i + 1);
    return i;
  }
  const reach = s.reach;
  if (i < s.runStart + reach + 16 || s.runEnd < i + reach + 32) return i;
  return i + ((s.runEnd - reach - 16 - i) & ~7);
}

/** The last positions (all of them: it does no harm), without reading behind the text. */
function scanEnd(s: LiteralSet, from: u32, two: bool): void {
  const base = s.base;
  const words = base + load<u32>(base, 48);
  const pairs = base + load<u32>(base, 56);
  const shift = 32 - load<u32>(base, 52);
  const len = s.len;
  for (let i = from; i < len; i++) {
    const left = len - i;
    let raw: u32 = 0;
    if (left >= 4) raw = load<u32>(s.text + i);
    else for (let k: u32 = 0; k < left; k++) raw |= <u32>load<u8>(s.text + i + k) << (k << 3);
    const key = raw | FOLD;
    if (left >= 4 && bloom(words, shift, key) != 0) lookup(s, key, i, 4);
    if (two && left >= 2 && pair(pairs, raw & 0xffff) != 0) lookup(s, key & 0xffff, i, 2);
  }
}

/** Finds the bucket of a key, if there is one and the bytes around the window fit, and compares its patterns. */
function lookup(s: LiteralSet, key: u32, at: u32, width: u32): void {
  const base = s.base;
  const log2 = load<u32>(base, 44);
  const slots = base + load<u32>(base, 40);
  const mask = (<u32>1 << log2) - 1;
  let slot = (key * MIX_SLOT) >>> (32 - log2);
  while (true) {
    const place = slots + (slot << 4);
    const entry = load<u32>(place, 4);
    if (entry == 0) return;
    if (load<u32>(place) == key) {
      const text = s.text + at;
      const before: u32 = at > 0 ? 1 << (<u32>load<u8>(text - 1) & 31) : 0xffffffff;
      const behind: u32 = at + width < s.len ? 1 << (<u32>load<u8>(text + width) & 31) : 0xffffffff;
      if ((load<u32>(place, 8) & before) != 0 && (load<u32>(place, 12) & behind) != 0) verifyBucket(s, entry - 1, at);
      return;
    }
    slot = (slot + 1) & mask;
  }
}
