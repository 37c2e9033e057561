// Transformations of plain text: case, white space, NULs, comments, command lines, paths. Each works in place and gives the new
// length.

import { firstOf, put, setChanged, space } from "./in-place";

/** ASCII letters to small ones (or to capitals): sixteen bytes a step. */
export function changeCase(p: usize, len: u32, upper: bool): u32 {
  const first: u32 = upper ? 97 : 65;
  const low = i8x16.splat(<i8>first);
  const span = i8x16.splat(26);
  const bit = i8x16.splat(32);
  let i: u32 = 0;
  let any = i8x16.splat(0);
  for (; i + 16 <= len; i += 16) {
    const v = v128.load(p + i);
    const letters = i8x16.lt_u(i8x16.sub(v, low), span);
    any = v128.or(any, letters);
    v128.store(p + i, v128.xor(v, v128.and(letters, bit)));
  }
  if (v128.any_true(any)) setChanged(true);
  for (; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    if (c - first < 26) put(p + i, c ^ 32);
  }
  return len;
}

/** Suricata's header_lowercase: names of headers (up to the colon of each line). */
export function headerLowercase(p: usize, len: u32): u32 {
  let name = true;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    if (!name) name = c == 10;
    else if (c == 0x3a) name = false;
    else if (c - 65 < 26) put(p + i, c | 32);
  }
  return len;
}

/** Suricata's strip_pseudo_headers: drops lines that start with a colon. */
export function stripPseudoHeaders(p: usize, len: u32): u32 {
  let o: u32 = 0;
  let start = true;
  let drop = false;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    if (start) drop = c == 0x3a;
    start = c == 10;
    if (drop) continue;
    put(p + o, c);
    o++;
  }
  return o;
}

/** Runs of white space (also U+0085 and U+00A0 as one byte) become one blank. */
export function compressWhitespace(p: usize, len: u32): u32 {
  let o: u32 = 0;
  let before = false;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    const white = space(c) || c == 0x85 || c == 0xa0;
    if (!white || !before) {
      put(p + o, white ? 32 : c);
      o++;
    }
    before = white;
  }
  return o;
}

/** Suricata's compress_whitespace: of a run of white space the first byte stays, as it is. */
export function squeezeWhitespace(p: usize, len: u32): u32 {
  let o: u32 = 0;
  let before = false;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    const white = space(c);
    if (!white || !before) {
      put(p + o, c);
      o++;
    }
    before = white;
  }
  return o;
}

/** Drops white space; with `unicode` also that of Unicode in UTF-8, and a lone byte 0xA0 (no-break space of Latin-1). */
export function removeWhitespace(p: usize, len: u32, unicode: bool): u32 {
  let o: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    let n: u32 = space(c) ? 1 : 0;
    if (c >= 0x80 && unicode) n = wideSpace(p + i, len - i, i > 0 ? load<u8>(p + i - 1) : 0);
    if (n == 0) {
      put(p + o, c);
      o++;
      i++;
    } else {
      i += n;
    }
  }
  return o;
}

/** Bytes of a white space character of Unicode that is not ASCII, or 0. `before`: the byte in front. */
function wideSpace(p: usize, left: u32, before: u32): u32 {
  const a: u32 = load<u8>(p);
  if (a == 0xa0) return before < 0x80 ? 1 : 0;
  if (a == 0xc2 && left > 1) {
    const b: u32 = load<u8>(p, 1);
    return b == 0x85 || b == 0xa0 ? 2 : 0;
  }
  if (left < 3 || a - 0xe1 > 2) return 0;
  const code = ((a & 15) << 12) | ((<u32>load<u8>(p, 1) & 63) << 6) | (<u32>load<u8>(p, 2) & 63);
  const is = code == 0x1680 || code - 0x2000 < 11 || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f
    || code == 0x3000;
  return is ? 3 : 0;
}

/** Drops NULs, or makes blanks of them. */
export function nulls(p: usize, len: u32, replace: bool): u32 {
  let i = firstOf(p, len, 0, 0);
  let o = i;
  for (; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    if (c == 0 && !replace) continue;
    put(p + o, c == 0 ? 32 : c);
    o++;
  }
  return o;
}

/** Drops white space in front and behind. */
export function trim(p: usize, len: u32, left: bool, right: bool): u32 {
  let from: u32 = 0;
  let to = len;
  if (left) while (from < to && space(load<u8>(p + from))) from++;
  if (right) while (to > from && space(load<u8>(p + to - 1))) to--;
  if (to - from != len) setChanged(true);
  if (from > 0) memory.copy(p, p + from, to - from);
  return to - from;
}

// @ts-ignore: decorator
@inline function at(p: usize, i: u32, len: u32): u32 {
  return i < len ? <u32>load<u8>(p + i) : 256;
}

/** Each C comment becomes a blank, also one that does not end. */
export function replaceComments(p: usize, len: u32): u32 {
  let o: u32 = 0;
  let i: u32 = 0;
  let inside = false;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    const next = at(p, i + 1, len);
    if (!inside && c == 0x2f && next == 0x2a) {
      inside = true;
      i += 2;
    } else if (inside && c == 0x2a && next == 0x2f) {
      inside = false;
      i += 2;
      put(p + o, 32);
      o++;
    } else {
      if (!inside) {
        put(p + o, c);
        o++;
      }
      i++;
    }
  }
  if (inside) {
    put(p + o, 32);
    o++;
  }
  return o;
}

/**
 * Drops comments of C, HTML and SQL. As in ModSecurity, the byte behind a comment's end is taken as it is (a NUL at the end of
 * the
 * text), and a comment that does not end leaves a blank.
 */
export function removeComments(p: usize, len: u32): u32 {
  let o: u32 = 0;
  let i: u32 = 0;
  let inside = false;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    const next = at(p, i + 1, len);
    let over: u32 = 0;
    if (inside) {
      if (c == 0x2a && next == 0x2f) over = 2;
      else if (c == 0x2d && next == 0x2d && at(p, i + 2, len) == 0x3e) over = 3;
      if (over == 0) {
        i++;
        continue;
      }
      inside = false;
      i += over;
      put(p + o, i < len ? load<u8>(p + i) : 0);
      o++;
      i++;
      continue;
    }
    if (c == 0x2f && next == 0x2a) over = 2;
    else if (c == 0x3c && next == 0x21 && at(p, i + 2, len) == 0x2d && at(p, i + 3, len) == 0x2d) over = 4;
    if (over != 0) {
      inside = true;
      i += over;
      continue;
    }
    if (c == 0x23 || (c == 0x2d && next == 0x2d)) break;
    put(p + o, c);
    o++;
    i++;
  }
  if (inside) {
    put(p + o, 32);
    o++;
  }
  return o;
}

/** Drops the characters that start and end comments. */
export function removeCommentsChar(p: usize, len: u32): u32 {
  let o: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(p + i);
    const next = at(p, i + 1, len);
    let over: u32 = 0;
    if ((c == 0x2f && next == 0x2a) || (c == 0x2a && next == 0x2f)) over = 2;
    else if (c == 0x3c && next == 0x21 && at(p, i + 2, len) == 0x2d && at(p, i + 3, len) == 0x2d) over = 4;
    else if (c == 0x2d && next == 0x2d) over = at(p, i + 2, len) == 0x3e ? 3 : 2;
    else if (c == 0x23) over = 1;
    if (over == 0) {
      put(p + o, c);
      o++;
      over = 1;
    }
    i += over;
  }
  return o;
}

/** ModSecurity's cmdLine: drops quotes, carets and backslashes, one blank for separators, none before / and (, small letters. */
export function cmdLine(p: usize, len: u32): u32 {
  let o: u32 = 0;
  let blank = false;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i);
    if (c == 0x22 || c == 0x27 || c == 0x5c || c == 0x5e) continue;
    if (c == 32 || c == 0x2c || c == 0x3b || c == 9 || c == 10 || c == 13) {
      if (blank) continue;
      put(p + o, 32);
      o++;
      blank = true;
      continue;
    }
    if (blank && (c == 0x2f || c == 0x28)) o--;
    blank = false;
    put(p + o, c - 65 < 26 ? c | 32 : c);
    o++;
  }
  return o;
}

/** Takes /./, /../ and // out of a path; with `windows`, backslashes become slashes first. Never above its start. */
export function normalizePath(p: usize, len: u32, windows: bool): u32 {
  if (len == 0) return 0;
  if (windows) for (let i: u32 = 0; i < len; i++) if (load<u8>(p + i) == 0x5c) put(p + i, 0x2f);
  const rooted: u32 = load<u8>(p) == 0x2f ? 1 : 0;
  const open = load<u8>(p + len - 1) == 0x2f;
  let o = rooted;
  let i = rooted;
  /** Parts before this cannot be taken back. */
  let floor = rooted;
  while (i < len) {
    let stop = i;
    while (stop < len && load<u8>(p + stop) != 0x2f) stop++;
    const size = stop - i;
    const dots = size > 0 && size <= 2 && load<u8>(p + i) == 0x2e && load<u8>(p + stop - 1) == 0x2e;
    if (dots && size == 2) {
      if (o > floor) {
        o--;
        while (o > floor && load<u8>(p + o) != 0x2f) o--;
      } else if (rooted == 0) {
        if (o > 0) {
          put(p + o, 0x2f);
          o++;
        }
        put(p + o, 0x2e);
        put(p + o + 1, 0x2e);
        o += 2;
        floor = o;
      }
    } else if (size > 0 && !dots) {
      if (o > rooted) {
        put(p + o, 0x2f);
        o++;
      }
      for (let k: u32 = 0; k < size; k++) put(p + o + k, load<u8>(p + i + k));
      o += size;
    }
    i = stop + 1;
  }
  if (open && o > rooted) {
    put(p + o, 0x2f);
    o++;
  }
  return o;
}

/** The bytes from the last to the first. */
export function reverse(p: usize, len: u32): u32 {
  for (let i: u32 = 0; i < len >>> 1; i++) {
    const a: u32 = load<u8>(p + i);
    put(p + i, load<u8>(p + len - 1 - i));
    put(p + len - 1 - i, a);
  }
  return len;
}

/** Bit 7 of each byte: cleared (0), or set so that the number of ones is even (1) or odd (2). */
export function parity(p: usize, len: u32, kind: u32): u32 {
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(p + i) & 127;
    const odd = popcnt(c) & 1;
    put(p + i, kind != 0 && odd == (kind == 1 ? 1 : 0) ? c | 128 : c);
  }
  return len;
}
