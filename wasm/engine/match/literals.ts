// Many byte strings at once: which of a set's patterns occur in a text. packages/rule-image makes the sets; its
// literals/layout.ts has the layout. What happens at a position that may start something is in verify.ts.

import { give, takeZeroed } from "../core/memory";
import { literalsCheck } from "./literals-check";
import { LiteralSet, foundHere, nextStamp } from "./verify";
import { scanNibbles } from "./nibbles";
import { scanWindows } from "./windows";

export { literalsCheck };

/** The set that was scanned last. */
let last: LiteralSet = changetype<LiteralSet>(0);

/**
 * Checks a set and takes the memory that scanning needs (8 bytes a distinct pattern, 4 an index): a handle for
 * {@link literalScan}, or 0 when it is unsound or memory is short. The bytes must be 16-aligned and stay where they are.
 */
export function literalsAttach(ptr: usize, len: u32): usize {
  if (!literalsCheck(ptr, len)) return 0;
  const count = load<u32>(ptr, 8);
  const distinct = load<u32>(ptr, 12);
  const head = (<u32>offsetof<LiteralSet>() + 15) & ~15;
  const at = takeZeroed(head + distinct * 8 + count * 4);
  if (at == 0) return 0;
  const set = changetype<LiteralSet>(at);
  set.base = ptr;
  set.stamps = at + head;
  set.hits = at + head + distinct * 8;
  set.distinct = distinct;
  set.records = ptr + load<u32>(ptr, 20);
  set.entries = ptr + load<u32>(ptr, 32);
  for (let i: u32 = 0; i < distinct; i++) set.reach = max<u32>(set.reach, load<u32>(set.records + (i << 4), 4));
  return at;
}

/** Gives the handle's memory back. 0 is allowed. */
export function literalsDetach(set: usize): void {
  if (changetype<usize>(last) == set) last = changetype<LiteralSet>(0);
  give(set);
}

/**
 * Number of distinct pattern indexes that occur in the text; they are at {@link literalHits}, in no order. Set 0 finds nothing.
 * The time grows with the length of the text, hardly with the number of patterns.
 */
export function literalScan(set: usize, ptr: usize, len: u32): u32 {
  const s = changetype<LiteralSet>(set);
  last = s;
  if (set == 0) return 0;
  s.found = 0;
  if (len == 0) return 0;
  nextStamp(s);
  s.text = ptr;
  s.len = len;
  const base = s.base;
  scanSingles(s);
  const mode = load<u32>(base, 16);
  if ((mode & 1) != 0) scanNibbles(s);
  if ((mode & 2) != 0) scanWindows(s);
  return s.found;
}

/** Pattern indexes (u32 each) of the last scan; they stay until the same set is scanned again. */
export function literalHits(): usize {
  return changetype<usize>(last) == 0 ? 0 : last.hits;
}

/**
 * Where the first occurrence of a pattern ends (the offset behind its last byte); only for indexes among the last
 * scan's hits.
 */
export function literalFirstEnd(index: u32): u32 {
  if (changetype<usize>(last) == 0) return 0;
  const base = last.base;
  if (index >= load<u32>(base, 8)) return 0;
  const number = load<u32>(base + load<u32>(base, 28) + (index << 2));
  return load<u32>(last.stamps + (number << 3), 4);
}

/** Bytes of patterns compared since the start (whole comparisons, not first checks): to measure the worst case. */
export { comparedBytes } from "./verify";

/** Patterns of one byte: one pass each, over as soon as the byte is found. */
function scanSingles(s: LiteralSet): void {
  const base = s.base;
  const count = load<u32>(base, 68);
  const at = base + load<u32>(base, 64);
  for (let i: u32 = 0; i < count; i++) {
    const single = at + (i << 3);
    const where = findEither(s.text, s.len, load<u8>(single, 4), load<u8>(single, 5));
    if (where < s.len) foundHere(s, load<u32>(single), where + 1);
  }
}

/** Where one of two bytes is first, or `len`. */
function findEither(ptr: usize, len: u32, a: u32, b: u32): u32 {
  const va = i8x16.splat(<i8>a);
  const vb = i8x16.splat(<i8>b);
  let i: u32 = 0;
  for (; i + 16 <= len; i += 16) {
    const v = v128.load(ptr + i);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(v, va), i8x16.eq(v, vb)));
    if (mask != 0) return i + ctz(mask);
  }
  for (; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (c == a || c == b) return i;
  }
  return len;
}
