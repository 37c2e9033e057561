// What all transformations in place share: bytes are written one behind the other, never ahead of what is read; whether anything
// changed is seen by comparing each byte with the one that was there.

export let changed: bool = false;

export function setChanged(value: bool): void {
  changed = value;
}

/** Writes byte `c` where position `at` of the result is. */
// @ts-ignore: decorator
@inline export function put(at: usize, c: u32): void {
  if (<u32>load<u8>(at) != (c & 0xff)) {
    changed = true;
    store<u8>(at, c);
  }
}

/** Where one of two bytes is first, or `len`. */
export function firstOf(ptr: usize, len: u32, a: u32, b: u32): u32 {
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

/** 0 to 15, or 4,096 when it is no hexadecimal digit. */
// @ts-ignore: decorator
@inline export function hex(c: u32): u32 {
  if (c - 48 < 10) return c - 48;
  const l = c | 32;
  return l - 97 < 6 ? l - 87 : 4096;
}

/** Value of two hexadecimal digits, or 256 and more. */
// @ts-ignore: decorator
@inline export function hexPair(p: usize): u32 {
  return (hex(load<u8>(p)) << 4) | hex(load<u8>(p, 1));
}

/** Value of four hexadecimal digits, or 65,536 and more. */
export function hexFour(p: usize): u32 {
  const high = hexPair(p);
  const low = hexPair(p + 2);
  return high > 255 || low > 255 ? 0x10000 : (high << 8) | low;
}

/** White space of C's locale. */
// @ts-ignore: decorator
@inline export function space(c: u32): bool {
  return c == 32 || c - 9 < 5;
}

/** Writes a code point in UTF-8; the number of bytes. Surrogates and what is no code point become U+FFFD. */
export function putUtf8(at: usize, code: u32): u32 {
  let c = code;
  if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
  if (c < 0x80) {
    put(at, c);
    return 1;
  }
  if (c < 0x800) {
    put(at, 0xc0 | (c >>> 6));
    put(at + 1, 0x80 | (c & 63));
    return 2;
  }
  if (c < 0x10000) {
    put(at, 0xe0 | (c >>> 12));
    put(at + 1, 0x80 | ((c >>> 6) & 63));
    put(at + 2, 0x80 | (c & 63));
    return 3;
  }
  put(at, 0xf0 | (c >>> 18));
  put(at + 1, 0x80 | ((c >>> 12) & 63));
  put(at + 2, 0x80 | ((c >>> 6) & 63));
  put(at + 3, 0x80 | (c & 63));
  return 4;
}
