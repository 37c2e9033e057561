// Small helpers on raw bytes that the parser's parts share. Text constants are ASCII string literals (UTF-16 in static data).

/** What HTTP software takes for white space: space, tab, CR, LF, VT, FF. */
// @ts-ignore: decorator
@inline export function isSpaceByte(c: u32): bool {
  return c == 32 || c - 9 < 5;
}

/** Space or tab. */
// @ts-ignore: decorator
@inline export function isBlank(c: u32): bool {
  return c == 32 || c == 9;
}

/** Address of the first `c` in [at, end), or `end`. */
export function scan(at: usize, end: usize, c: u32): usize {
  const wanted = i8x16.splat(<i8>c);
  while (at + 16 <= end) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(at), wanted));
    if (mask != 0) return at + ctz(mask);
    at += 16;
  }
  while (at < end && load<u8>(at) != c) at++;
  return at;
}

/** Address of the first `a` or `b` in [at, end), or `end`. */
export function scan2(at: usize, end: usize, a: u32, b: u32): usize {
  const first = i8x16.splat(<i8>a);
  const second = i8x16.splat(<i8>b);
  while (at + 16 <= end) {
    const bytes = v128.load(at);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(bytes, first), i8x16.eq(bytes, second)));
    if (mask != 0) return at + ctz(mask);
    at += 16;
  }
  while (at < end) {
    const c: u32 = load<u8>(at);
    if (c == a || c == b) break;
    at++;
  }
  return at;
}

/** Whether the bytes equal `text` exactly. */
export function equalsText(ptr: usize, len: u32, text: string): bool {
  if (len != <u32>text.length) return false;
  const at = changetype<usize>(text);
  for (let i: u32 = 0; i < len; i++) {
    if (load<u8>(ptr + i) != load<u16>(at + (i << 1))) return false;
  }
  return true;
}

/** Whether the bytes, without NUL bytes and in small letters, equal `text` (in small letters). */
export function equalsFoldNoNul(ptr: usize, len: u32, text: string): bool {
  const n = <u32>text.length;
  const at = changetype<usize>(text);
  let k: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    let c: u32 = load<u8>(ptr + i);
    if (c == 0) continue;
    if (c - 65 < 26) c |= 32;
    if (k == n || c != load<u16>(at + (k << 1))) return false;
    k++;
  }
  return k == n;
}

/** Whether `text` (small letters) is in the bytes when NUL bytes are left out and letters folded. */
export function containsFoldNoNul(ptr: usize, len: u32, text: string): bool {
  const n = <u32>text.length;
  const at = changetype<usize>(text);
  for (let from: u32 = 0; from < len; from++) {
    let k: u32 = 0;
    for (let i = from; i < len && k < n; i++) {
      let c: u32 = load<u8>(ptr + i);
      if (c == 0) continue;
      if (c - 65 < 26) c |= 32;
      if (c != load<u16>(at + (k << 1))) break;
      k++;
    }
    if (k == n) return true;
  }
  return false;
}

/** Whether two names are equal when letters are folded. */
export function sameFold(a: usize, b: usize, len: u32): bool {
  for (let i: u32 = 0; i < len; i++) {
    let x: u32 = load<u8>(a + i);
    let y: u32 = load<u8>(b + i);
    if (x - 65 < 26) x |= 32;
    if (y - 65 < 26) y |= 32;
    if (x != y) return false;
  }
  return true;
}

// FNV-1a, 32 bits.
export const HASH_START: u32 = 0x811c9dc5;
export const HASH_PRIME: u32 = 0x01000193;

/** Hash of a name in small letters, NUL bytes left out. */
export function hashName(ptr: usize, len: u32): u32 {
  let h = HASH_START;
  for (let i: u32 = 0; i < len; i++) {
    let c: u32 = load<u8>(ptr + i);
    if (c == 0) continue;
    if (c - 65 < 26) c |= 32;
    h = (h ^ c) * HASH_PRIME;
  }
  return h;
}

/** The same hash of a text constant in small letters. */
export function hashText(text: string): u32 {
  let h = HASH_START;
  const n = text.length;
  for (let i = 0; i < n; i++) h = (h ^ load<u16>(changetype<usize>(text) + (i << 1))) * HASH_PRIME;
  return h;
}

/** First address in [at, end) that is no white space. */
export function skipSpace(at: usize, end: usize): usize {
  while (at < end && isSpaceByte(load<u8>(at))) at++;
  return at;
}

/** End of [at, end) without white space behind. */
export function trimEnd(at: usize, end: usize): usize {
  while (end > at && isSpaceByte(load<u8>(end - 1))) end--;
  return end;
}
