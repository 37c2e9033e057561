// Helpers on raw bytes. Text constants are AssemblyScript string literals (UTF-16 in static data, ASCII content), compared in
// place, so that nothing is ever allocated. "Fold" means that the bytes' ASCII capitals count as small letters.

let reserved: usize = 0;

/**
 * Zeroed memory for the life of the module, 16-aligned. Only for start-up: nothing is given back. The stub runtime hands out
 * memory that nobody used before, so it is zero without being touched, and untouched pages cost nothing.
 */
export function reserve(bytes: usize): usize {
  const at = (heap.alloc(bytes + 16) + 15) & ~(15 as usize);
  reserved += bytes;
  return at;
}

/** Bytes reserved so far. */
export function reservedBytes(): usize {
  return reserved;
}

// @ts-ignore: decorator
@inline export function lower(c: u32): u32 {
  return c - 65 < 26 ? c | 32 : c;
}

// @ts-ignore: decorator
@inline export function isDigit(c: u32): bool {
  return c - 48 < 10;
}

// @ts-ignore: decorator
@inline export function isAlpha(c: u32): bool {
  return (c | 32) - 97 < 26;
}

/** Letter, digit or underscore. */
// @ts-ignore: decorator
@inline export function isWord(c: u32): bool {
  return isAlpha(c) || isDigit(c) || c == 95;
}

/** ASCII white space, and the no-break space that databases take for one. */
// @ts-ignore: decorator
@inline export function isSpace(c: u32): bool {
  return c == 32 || c - 9 < 5 || c == 0xa0;
}

/** 0 to 15, or -1. */
export function hexValue(c: u32): i32 {
  if (c - 48 < 10) return <i32>(c - 48);
  const l = c | 32;
  return l - 97 < 6 ? <i32>(l - 87) : -1;
}

// @ts-ignore: decorator
@inline export function textByte(text: string, i: i32): u32 {
  return load<u16>(changetype<usize>(text) + ((<usize>i) << 1));
}

/** Whether the bytes, folded, equal `text` (in small letters). */
export function equalsFold(ptr: usize, len: u32, text: string): bool {
  return len == <u32>text.length && startsFold(ptr, len, text);
}

/** Whether the bytes, folded, start with `text` (in small letters). */
export function startsFold(ptr: usize, len: u32, text: string): bool {
  const n = text.length;
  if (<u32>n > len) return false;
  for (let i = 0; i < n; i++) {
    if (lower(load<u8>(ptr + i)) != textByte(text, i)) return false;
  }
  return true;
}

/** Where `text` (in small letters) first occurs in the folded bytes at or after `from`, or -1. */
export function findFold(ptr: usize, len: u32, text: string, from: u32 = 0): i32 {
  const n = <u32>text.length;
  if (n > len) return -1;
  const first = textByte(text, 0);
  for (let i = from; i + n <= len; i++) {
    if (lower(load<u8>(ptr + i)) == first && startsFold(ptr + i, len - i, text)) return <i32>i;
  }
  return -1;
}

// @ts-ignore: decorator
@inline export function containsFold(ptr: usize, len: u32, text: string): bool {
  return findFold(ptr, len, text) >= 0;
}

/** Where byte `c` first is at or after `from`, or -1. */
export function findByte(ptr: usize, len: u32, c: u32, from: u32 = 0): i32 {
  let i = from;
  const wanted = i8x16.splat(<i8>c);
  for (; i + 16 <= len; i += 16) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(ptr + i), wanted));
    if (mask != 0) return <i32>(i + ctz(mask));
  }
  for (; i < len; i++) {
    if (load<u8>(ptr + i) == c) return <i32>i;
  }
  return -1;
}

/** Whether `word` is one of the space-separated words of `list` (in small letters). */
export function inWords(ptr: usize, len: u32, list: string): bool {
  if (len == 0) return false;
  const n = list.length;
  let at = 0;
  while (at < n) {
    let end = at;
    while (end < n && textByte(list, end) != 32) end++;
    if (<u32>(end - at) == len) {
      let i = 0;
      while (i < <i32>len && lower(load<u8>(ptr + i)) == textByte(list, at + i)) i++;
      if (i == <i32>len) return true;
    }
    at = end + 1;
  }
  return false;
}

/** Reads a decimal number, saturating at 2^53; -1 when a byte is no digit or there is none. */
export function parseDecimal(ptr: usize, len: u32): i64 {
  if (len == 0 || len > 19) return -1;
  let value: i64 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (!isDigit(c)) return -1;
    value = value * 10 + <i64>(c - 48);
    if (value > 0x1fffffffffffff) value = 0x1fffffffffffff;
  }
  return value;
}

/** Start of the bytes without white space in front; see {@link trimmedLen}. */
export function trimStart(ptr: usize, len: u32): usize {
  let i: u32 = 0;
  while (i < len && isSpace(load<u8>(ptr + i))) i++;
  return ptr + i;
}

/** Length without white space in front and behind. */
export function trimmedLen(ptr: usize, len: u32): u32 {
  const start = trimStart(ptr, len);
  let n = len - <u32>(start - ptr);
  while (n > 0 && isSpace(load<u8>(start + n - 1))) n--;
  return n;
}
