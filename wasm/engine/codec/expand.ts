// Transformations whose result may be longer than the text: they write somewhere else.

import { hex, put, putUtf8, space } from "./in-place";

const DIGITS = "0123456789abcdef";

// @ts-ignore: decorator
@inline function digit(n: u32): u32 {
  return load<u16>(changetype<usize>(DIGITS) + ((n & 15) << 1));
}

/** Two hexadecimal digits a byte. */
export function hexEncode(p: usize, len: u32, out: usize): u32 {
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    store<u8>(out + (i << 1), digit(c >>> 4));
    store<u8>(out + (i << 1), digit(c), 1);
  }
  return len << 1;
}

/** As HTML forms do it: letters, digits and * stay, blanks become +, the rest %hh. */
export function urlEncode(p: usize, len: u32, out: usize): u32 {
  let o = out;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    if ((c | 32) - 97 < 26 || c - 48 < 10 || c == 0x2a) {
      store<u8>(o, c);
      o++;
    } else if (c == 32) {
      store<u8>(o, 0x2b);
      o++;
    } else {
      store<u8>(o, 0x25);
      store<u8>(o, digit(c >>> 4), 1);
      store<u8>(o, digit(c), 2);
      o += 3;
    }
  }
  return <u32>(o - out);
}

/** %uhhhh for what is not ASCII; bytes that are no UTF-8 count as U+FFFD. */
export function utf8ToUnicode(p: usize, len: u32, out: usize): u32 {
  let o = out;
  let i: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    if (c < 0x80) {
      store<u8>(o, c);
      o++;
      i++;
      continue;
    }
    const size = sequence(p + i, len - i);
    let code: u32 = 0xfffd;
    if (size > 1) {
      code = c & (0x7f >>> size);
      for (let k: u32 = 1; k < size; k++) code = (code << 6) | (<u32>load<u8>(p + i + k) & 63);
    }
    i += size;
    store<u8>(o, 0x25);
    store<u8>(o, 0x75, 1);
    o += 2;
    for (let shift: i32 = code > 0xfffff ? 20 : code > 0xffff ? 16 : 12; shift >= 0; shift -= 4) {
      store<u8>(o, digit(code >>> shift));
      o++;
    }
  }
  return <u32>(o - out);
}

/** Bytes of a valid UTF-8 sequence of more than one byte, or 1. */
function sequence(p: usize, left: u32): u32 {
  const a: u32 = load<u8>(p);
  const size: u32 = a < 0xc2 ? 1 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : a < 0xf5 ? 4 : 1;
  if (size == 1 || size > left) return 1;
  for (let k: u32 = 1; k < size; k++) if ((<u32>load<u8>(p + k) & 0xc0) != 0x80) return 1;
  const b: u32 = load<u8>(p, 1);
  // Too long, surrogates, beyond Unicode.
  if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f)) return 1;
  return size;
}

/**
 * CSS escapes: a backslash with one to six hexadecimal digits is a character (UTF-8), before a line end nothing,
 * else dropped.
 */
export function cssDecode(p: usize, len: u32, out: usize): u32 {
  let o = out;
  let i: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    i++;
    if (c != 0x5c) {
      store<u8>(o, c);
      o++;
      continue;
    }
    if (i >= len) break;
    let code: u32 = 0;
    let n: u32 = 0;
    while (n < 6 && i + n < len && hex(load<u8>(p + i + n)) < 16) {
      code = (code << 4) | hex(load<u8>(p + i + n));
      n++;
    }
    i += n;
    if (n > 0) {
      if (code == 0) code = 0xfffd;
      else if (code - 0xff01 < 0x5e) code -= 0xfee0;
      o += putUtf8(o, code);
      if (i < len && space(load<u8>(p + i))) i++;
      continue;
    }
    const next: u32 = load<u8>(p + i);
    i++;
    if (next == 13 && i < len && load<u8>(p + i) == 10) i++;
    if (next == 10 || next == 12 || next == 13) continue;
    store<u8>(o, next);
    o++;
  }
  return <u32>(o - out);
}

/** A number in decimal. */
export function decimal(value: u32, out: usize): u32 {
  let n: u32 = 1;
  for (let rest = value / 10; rest > 0; rest /= 10) n++;
  let rest = value;
  for (let i = n; i > 0; i--) {
    put(out + i - 1, 48 + (rest % 10));
    rest /= 10;
  }
  return n;
}
