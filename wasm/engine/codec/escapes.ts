// Decoders of escapes: URLs, JavaScript, C. Each works in place and gives the new length.

import { bestFit } from "./best-fit";
import { firstOf, hex, hexFour, hexPair, put } from "./in-place";

/** %HH and + as HTML forms have them; what is not valid stays. */
export function urlDecode(p: usize, len: u32): u32 {
  return url(p, len, false);
}

/** The same, and %uHHHH as IIS takes it: the closest ASCII character, or the low byte (full width forms: of their ASCII twin). */
export function urlDecodeUni(p: usize, len: u32): u32 {
  return url(p, len, true);
}

function url(p: usize, len: u32, unicode: bool): u32 {
  let i = firstOf(p, len, 0x25, 0x2b);
  let o = i;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    if (c != 0x25) {
      put(p + o, c == 0x2b ? 0x20 : c);
      i++;
    } else if (i + 2 < len && hexPair(p + i + 1) < 256) {
      put(p + o, hexPair(p + i + 1));
      i += 3;
    } else if (unicode && i + 5 < len && (<u32>load<u8>(p + i + 1) | 32) == 0x75 && hexFour(p + i + 2) < 0x10000) {
      put(p + o, oneByte(hexFour(p + i + 2), true));
      i += 6;
    } else {
      put(p + o, c);
      i++;
    }
    o++;
  }
  return o;
}

/** A code of 16 bits as one byte. */
function oneByte(code: u32, fit: bool): u32 {
  const close = fit ? bestFit(code) : 0;
  if (close != 0) return close;
  const low = code & 0xff;
  return code >>> 8 == 0xff && low > 0 && low < 0x5f ? low + 0x20 : low;
}

/** Suricata's url_decode: as {@link urlDecode}, but a % that starts nothing valid takes the next byte along as it is. */
export function urlDecodePlus(p: usize, len: u32): u32 {
  let i = firstOf(p, len, 0x25, 0x2b);
  let o = i;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    if (c != 0x25) {
      put(p + o, c == 0x2b ? 0x20 : c);
      i++;
      o++;
      continue;
    }
    if (i + 2 < len && hexPair(p + i + 1) < 256) {
      put(p + o, hexPair(p + i + 1));
      i += 3;
      o++;
      continue;
    }
    // The %, a digit if one follows, and the byte that is no digit.
    const digits: u32 = i + 1 < len && hex(load<u8>(p + i + 1)) < 16 ? 1 : 0;
    const stop = min<u32>(len, i + 2 + digits);
    for (; i < stop; i++) {
      put(p + o, load<u8>(p + i));
      o++;
    }
  }
  return o;
}

// @ts-ignore: decorator
@inline function octal(c: u32): bool {
  return c - 48 < 8;
}

/** What a letter stands for behind a backslash: a b f n r t v; else the letter. */
function control(c: u32): u32 {
  if (c == 0x61) return 7;
  if (c == 0x62) return 8;
  if (c == 0x66) return 12;
  if (c == 0x6e) return 10;
  if (c == 0x72) return 13;
  if (c == 0x74) return 9;
  if (c == 0x76) return 11;
  return c;
}

/** How many of the bytes at `i` are octal digits, at most three, and two if three were more than a byte and `small`. */
function octalDigits(p: usize, i: u32, len: u32, small: bool): u32 {
  let n: u32 = 0;
  while (n < 3 && i + n < len && octal(load<u8>(p + i + n))) n++;
  return small && n == 3 && load<u8>(p + i) > 0x33 ? 2 : n;
}

function octalValue(p: usize, n: u32): u32 {
  let value: u32 = 0;
  for (let k: u32 = 0; k < n; k++) value = (value << 3) | (<u32>load<u8>(p + k) - 48);
  return value;
}

/** JavaScript: \uHHHH (as one byte), \xHH, \OOO and \c. */
export function jsDecode(p: usize, len: u32): u32 {
  let i = firstOf(p, len, 0x5c, 0x5c);
  let o = i;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    const next: u32 = i + 1 < len ? load<u8>(p + i + 1) : 0;
    if (c != 0x5c || i + 1 >= len) {
      put(p + o, c);
      i++;
    } else if (next == 0x75 && i + 5 < len && hexFour(p + i + 2) < 0x10000) {
      put(p + o, oneByte(hexFour(p + i + 2), false));
      i += 6;
    } else if (next == 0x78 && i + 3 < len && hexPair(p + i + 2) < 256) {
      put(p + o, hexPair(p + i + 2));
      i += 4;
    } else if (octal(next)) {
      const n = octalDigits(p, i + 1, len, true);
      put(p + o, octalValue(p + i + 1, n));
      i += 1 + n;
    } else {
      put(p + o, control(next));
      i += 2;
    }
    o++;
  }
  return o;
}

/** ANSI C: \a and so on, \xHH, \OOO; a backslash before anything else is dropped. */
export function escapeSeqDecode(p: usize, len: u32): u32 {
  let i = firstOf(p, len, 0x5c, 0x5c);
  let o = i;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    if (c != 0x5c || i + 1 >= len) {
      put(p + o, c);
      i++;
    } else {
      const next: u32 = load<u8>(p + i + 1);
      if ((next | 32) == 0x78 && i + 3 < len && hexPair(p + i + 2) < 256) {
        put(p + o, hexPair(p + i + 2));
        i += 4;
      } else if (octal(next)) {
        const n = octalDigits(p, i + 1, len, false);
        put(p + o, octalValue(p + i + 1, n));
        i += 1 + n;
      } else {
        put(p + o, control(next));
        i += 2;
      }
    }
    o++;
  }
  return o;
}

/** Pairs of hexadecimal digits; nothing at all when the text is anything else. */
export function hexDecode(p: usize, len: u32): u32 {
  if ((len & 1) != 0) return 0;
  for (let i: u32 = 0; i < len; i++) if (hex(load<u8>(p + i)) > 15) return 0;
  for (let i: u32 = 0; i < len; i += 2) put(p + (i >>> 1), hexPair(p + i));
  return len >>> 1;
}

/** 0x and pairs of digits, as databases read them, wherever they are. */
export function sqlHexDecode(p: usize, len: u32): u32 {
  let i: u32 = 0;
  let o: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    if (c == 0x30 && i + 3 < len && (<u32>load<u8>(p + i + 1) | 32) == 0x78 && hexPair(p + i + 2) < 256) {
      i += 2;
      while (i + 1 < len && hexPair(p + i) < 256) {
        put(p + o, hexPair(p + i));
        o++;
        i += 2;
      }
      continue;
    }
    put(p + o, c);
    o++;
    i++;
  }
  return o;
}
