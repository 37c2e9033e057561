// Shapes of ASN.1 (BER) that old exploits had: a bit string whose unused bits do not fit, a double that is too long, a length
// that
// is too large.

const BITSTRING: u32 = 1;
const DOUBLE: u32 = 2;
const OVERSIZE: u32 = 4;
/** Elements looked at, nested ones included. */
const ELEMENTS: u32 = 256;

/** Whether one of the wanted shapes is in the elements at `ptr`. */
export function asn1Check(ptr: usize, len: u32, wanted: u32, oversize: u32): bool {
  let at: u32 = 0;
  for (let n: u32 = 0; n < ELEMENTS && at + 2 <= len; n++) {
    const tag: u32 = load<u8>(ptr + at);
    at++;
    if ((tag & 31) == 31) {
      while (at < len && (load<u8>(ptr + at) & 128) != 0) at++;
      at++;
      if (at >= len) return false;
    }
    let size: u64 = load<u8>(ptr + at);
    at++;
    if (size > 128) {
      const bytes = <u32>size & 127;
      if (bytes > 8 || at + bytes > len) return (wanted & OVERSIZE) != 0;
      size = 0;
      for (let i: u32 = 0; i < bytes; i++) size = (size << 8) | load<u8>(ptr + at + i);
      at += bytes;
    } else if (size == 128) {
      size = 0;
    }
    if ((wanted & OVERSIZE) != 0 && oversize != 0 && size > oversize) return true;
    const primitive = (tag & 32) == 0;
    const number = tag & 31;
    if ((wanted & BITSTRING) != 0 && primitive && number == 3 && at < len) {
      const unused: u64 = load<u8>(ptr + at);
      if (size > 0 && (size - 1) * 8 < unused) return true;
    }
    if ((wanted & DOUBLE) != 0 && primitive && number == 9 && at < len && size > 0) {
      const head: u32 = load<u8>(ptr + at);
      if ((head & 0xc0) == 0 && (size > 255 || size + 1 > 256)) return true;
    }
    // What is constructed is looked into: its elements follow.
    if (primitive) {
      if (size > <u64>(len - at)) return false;
      at += <u32>size;
    }
  }
  return false;
}
