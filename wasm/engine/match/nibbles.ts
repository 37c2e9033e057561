// Scan of small sets: sixteen positions at once, by tables of the low and the high nibble of three bytes in a row; a bit that is
// left names a bucket whose patterns are compared. The encoder (packages/rule-image, literals/nibbles.ts) says whose idea it is.

import { LiteralSet, verifyBucket } from "./verify";

/** The last bytes of a text, with zeros behind them, so that vectors may be read. */
const END: usize = memory.data(64, 16);

export function scanNibbles(s: LiteralSet): void {
  const len = s.len;
  const text = s.text;
  const masks = s.base + load<u32>(s.base, 72);
  const low0 = v128.load(masks);
  const high0 = v128.load(masks, 16);
  const low1 = v128.load(masks, 32);
  const high1 = v128.load(masks, 48);
  const low2 = v128.load(masks, 64);
  const high2 = v128.load(masks, 80);
  let i: u32 = 0;
  for (; i + 18 <= len; i += 16) {
    const p = text + i;
    const hits = v128.and(
      v128.and(part(v128.load(p), low0, high0), part(v128.load(p, 1), low1, high1)),
      part(v128.load(p, 2), low2, high2),
    );
    if (v128.any_true(hits)) candidates(s, hits, i);
  }
  const left = len - i;
  memory.fill(END, 0, 64);
  memory.copy(END, text + i, left);
  for (let k: u32 = 0; k < left; k += 16) {
    const p = END + k;
    const hits = v128.and(
      v128.and(part(v128.load(p), low0, high0), part(v128.load(p, 1), low1, high1)),
      part(v128.load(p, 2), low2, high2),
    );
    if (v128.any_true(hits)) candidates(s, hits, i + k);
  }
}

/** Buckets that a byte at its position lets through. */
// @ts-ignore: decorator
@inline function part(bytes: v128, low: v128, high: v128): v128 {
  const nibble = i8x16.splat(15);
  return v128.and(
    i8x16.swizzle(low, v128.and(bytes, nibble)),
    i8x16.swizzle(high, v128.and(i16x8.shr_u(bytes, 4), nibble)),
  );
}

function candidates(s: LiteralSet, hits: v128, at: u32): void {
  const low = i64x2.extract_lane(hits, 0);
  if (low != 0) eight(s, low, at);
  const high = i64x2.extract_lane(hits, 1);
  if (high != 0) eight(s, high, at + 8);
}

/** Eight positions, a byte of bucket bits each. */
function eight(s: LiteralSet, hits: u64, at: u32): void {
  const starts = s.base + load<u32>(s.base, 76);
  let rest = hits;
  while (rest != 0) {
    const bit = <u32>ctz(rest);
    rest &= rest - 1;
    const entry = load<u32>(starts + ((bit & 7) << 2));
    if (entry != 0) verifyBucket(s, entry - 1, at + (bit >>> 3));
  }
}
