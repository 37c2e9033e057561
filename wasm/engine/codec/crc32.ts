// CRC-32 as in zlib (reflected polynomial 0xEDB88320), sixteen bytes a step: M. Kounavis, F. Berry, "Novel table lookup-based
// algorithms for high-performance CRC generation" (2008).

const TABLE: usize = memory.data(16 * 256 * 4, 16);
let ready: bool = false;

function prepare(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c >> 1) ^ (0xedb88320 & (0 - (c & 1)));
    store<u32>(TABLE + (n << 2), c);
  }
  for (let n: u32 = 256; n < 4096; n++) {
    const before = load<u32>(TABLE + ((n - 256) << 2));
    store<u32>(TABLE + (n << 2), (before >> 8) ^ load<u32>(TABLE + ((before & 0xff) << 2)));
  }
  ready = true;
}

// @ts-ignore: decorator
@inline function at(table: u32, byte: u32): u32 {
  return load<u32>(TABLE + (table << 10) + ((byte & 0xff) << 2));
}

// @ts-ignore: decorator
@inline function four(table: u32, word: u32): u32 {
  return at(table + 3, word) ^ at(table + 2, word >> 8) ^ at(table + 1, word >> 16) ^ at(table, word >> 24);
}

/** Checksum of the bytes, continuing from `before` (0 at the start). */
export function crc32(ptr: usize, len: u32, before: u32): u32 {
  if (!ready) prepare();
  let crc = ~before;
  let i: u32 = 0;
  for (; i + 16 <= len; i += 16) {
    const p = ptr + i;
    crc = four(12, load<u32>(p) ^ crc) ^ four(8, load<u32>(p, 4)) ^ four(4, load<u32>(p, 8)) ^ four(0, load<u32>(p, 12));
  }
  for (; i < len; i++) crc = at(0, crc ^ <u32>load<u8>(ptr + i)) ^ (crc >> 8);
  return ~crc;
}
