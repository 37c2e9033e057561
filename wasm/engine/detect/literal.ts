// One literal in a buffer: compares its first and last byte at 16 places at a time, the rest only where both agree.

import { lower } from "../../sdk/assembly/bytes";

/** Where the literal first is at or after `from` in the first `len` bytes, or -1. With `nocase` the needle is in small letters. */
export function findLiteral(hay: usize, len: u32, needle: usize, n: u32, nocase: bool, from: u32): i32 {
  if (n > len || from > len - n) return -1;
  if (n == 0) return <i32>from;
  const last = len - n;
  const first: u32 = load<u8>(needle);
  const final: u32 = load<u8>(needle + n - 1);
  let at = from;
  if (nocase) {
    const a = i8x16.splat(<i8>first);
    const b = i8x16.splat(<i8>upper(first));
    const c = i8x16.splat(<i8>final);
    const d = i8x16.splat(<i8>upper(final));
    while (at + 15 <= last) {
      const x = v128.load(hay + at);
      const y = v128.load(hay + at + n - 1);
      const hit = v128.and(v128.or(i8x16.eq(x, a), i8x16.eq(x, b)), v128.or(i8x16.eq(y, c), i8x16.eq(y, d)));
      let mask = <u32>i8x16.bitmask(hit);
      while (mask != 0) {
        const place = at + ctz(mask);
        if (sameFold(hay + place, needle, n)) return <i32>place;
        mask &= mask - 1;
      }
      at += 16;
    }
    for (; at <= last; at++) {
      if (lower(load<u8>(hay + at)) == first && sameFold(hay + at, needle, n)) return <i32>at;
    }
    return -1;
  }
  const a = i8x16.splat(<i8>first);
  const c = i8x16.splat(<i8>final);
  while (at + 15 <= last) {
    const hit = v128.and(i8x16.eq(v128.load(hay + at), a), i8x16.eq(v128.load(hay + at + n - 1), c));
    let mask = <u32>i8x16.bitmask(hit);
    while (mask != 0) {
      const place = at + ctz(mask);
      if (n < 3 || same(hay + place + 1, needle + 1, n - 2)) return <i32>place;
      mask &= mask - 1;
    }
    at += 16;
  }
  for (; at <= last; at++) {
    if (load<u8>(hay + at) == first && same(hay + at, needle, n)) return <i32>at;
  }
  return -1;
}

/** Whether the literal is exactly at `hay`; the caller knows that `n` bytes are there. */
export function isLiteral(hay: usize, needle: usize, n: u32, nocase: bool): bool {
  return nocase ? sameFold(hay, needle, n) : same(hay, needle, n);
}

// @ts-ignore: decorator
@inline function upper(c: u32): u32 {
  return c - 97 < 26 ? c & ~(32 as u32) : c;
}

function same(a: usize, b: usize, n: u32): bool {
  let i: u32 = 0;
  for (; i + 8 <= n; i += 8) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
  }
  for (; i < n; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

function sameFold(a: usize, b: usize, n: u32): bool {
  for (let i: u32 = 0; i < n; i++) {
    if (lower(load<u8>(a + i)) != <u32>load<u8>(b + i)) return false;
  }
  return true;
}
