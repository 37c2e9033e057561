// Base64 (RFC 4648, section 4).

/** With padding, exactly; anything else gives BASE64_INVALID. */
export const BASE64_STRICT: u32 = 0;
/** Bytes that are no base64 characters are skipped; decoding ends at padding. */
export const BASE64_LENIENT: u32 = 1;
/** Decodes up to the first bad byte; line ends do not count. */
export const BASE64_STOP: u32 = 2;
/** As STOP, but white space and dots are skipped (SecLang's base64DecodeExt). */
export const BASE64_EXT: u32 = 3;

export const BASE64_INVALID: u32 = 0xffffffff;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Value of each byte; 64: none. */
const VALUES: usize = memory.data(256);
let ready: bool = false;

function prepare(): void {
  memory.fill(VALUES, 64, 256);
  for (let i: u32 = 0; i < 64; i++) store<u8>(VALUES + <u32>load<u16>(changetype<usize>(ALPHABET) + (i << 1)), i);
  ready = true;
}

/**
 * Bytes written to `out` (at most len / 4 * 3 + 2; it may be the input itself), or BASE64_INVALID in STRICT mode. What is left
 * of a
 * last group gives the whole bytes in it.
 */
export function base64Decode(ptr: usize, len: u32, out: usize, mode: u32): u32 {
  if (!ready) prepare();
  let word: u32 = 0;
  let have: u32 = 0;
  let o: u32 = 0;
  let i: u32 = 0;
  for (; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    const value: u32 = load<u8>(VALUES + c);
    if (value == 64) {
      if (mode == BASE64_STRICT || c == 0x3d) break;
      if (mode == BASE64_LENIENT || c == 10 || c == 13) continue;
      if (mode == BASE64_EXT && (c == 0x20 || c == 0x2e || c - 9 < 5 || c == 0x85 || c == 0xa0)) continue;
      break;
    }
    word = (word << 6) | value;
    have++;
    if (have == 4) {
      store<u8>(out + o, word >>> 16);
      store<u8>(out + o, word >>> 8, 1);
      store<u8>(out + o, word, 2);
      o += 3;
      have = 0;
      word = 0;
    }
  }
  if (mode == BASE64_STRICT && !endsWell(ptr, len, i, have, word)) return BASE64_INVALID;
  if (have == 2) {
    store<u8>(out + o, word >>> 4);
    o++;
  } else if (have == 3) {
    store<u8>(out + o, word >>> 10);
    store<u8>(out + o, word >>> 2, 1);
    o += 2;
  }
  return o;
}

/** Whether what is at `i` is exactly the padding that is due, and the bits that do not count are zero. */
function endsWell(ptr: usize, len: u32, i: u32, have: u32, word: u32): bool {
  if (have == 0) return i == len;
  if (have == 1 || len - i != 4 - have) return false;
  for (let k = i; k < len; k++) if (load<u8>(ptr + k) != 0x3d) return false;
  return (have == 2 ? word & 15 : word & 3) == 0;
}

/** Bytes written to `out`: (len + 2) / 3 * 4; it must not overlap the input. */
export function base64Encode(ptr: usize, len: u32, out: usize): u32 {
  const letters = changetype<usize>(ALPHABET);
  let o: u32 = 0;
  for (let i: u32 = 0; i < len; i += 3) {
    const left = len - i;
    const word = (<u32>load<u8>(ptr + i) << 16) | (left > 1 ? <u32>load<u8>(ptr + i + 1) << 8 : 0)
      | (left > 2 ? <u32>load<u8>(ptr + i + 2) : 0);
    for (let k: u32 = 0; k < 4; k++) {
      const c: u32 = k > left ? 0x3d : <u32>load<u16>(letters + (((word >>> (18 - 6 * k)) & 63) << 1));
      store<u8>(out + o, c);
      o++;
    }
  }
  return o;
}
