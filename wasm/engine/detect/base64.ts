// Base64 for base64_decode: white space is skipped, the first other character that is not in the alphabet ends it.

const LIMIT: u32 = 65536;
const result = heap.alloc(LIMIT);

/** Bytes of the last result. */
export let decodedLen: u32 = 0;

/** Decodes up to `len` characters; the result stays until the next call. */
export function decodeBase64(ptr: usize, len: u32): usize {
  let bits: u32 = 0;
  let have: u32 = 0;
  let out: u32 = 0;
  for (let i: u32 = 0; i < len && out + 3 < LIMIT; i++) {
    const c: u32 = load<u8>(ptr + i);
    const v = value(c);
    if (v == 255) {
      if (c == 32 || c - 9 < 5) continue;
      break;
    }
    bits = (bits << 6) | v;
    have += 6;
    if (have >= 8) {
      have -= 8;
      store<u8>(result + out++, bits >> have);
    }
  }
  decodedLen = out;
  return result;
}

// @ts-ignore: decorator
@inline function value(c: u32): u32 {
  if (c - 65 < 26) return c - 65;
  if (c - 97 < 26) return c - 71;
  if (c - 48 < 10) return c + 4;
  if (c == 43) return 62;
  if (c == 47) return 63;
  return 255;
}
