// Going over bytes that cannot begin a match, 16 at a time: membership of any set of bytes by two table look-ups (the method that
// Hyperscan calls "truffle").

/** Offset of the first byte at or after `p` that is in the set, or `end`. `table` is two times 16 bytes. */
export function skipTo(table: usize, start: usize, end: usize): usize {
  let p = start;
  const below = v128.load(table);
  const above = v128.load(table, 16);
  const bit = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  const low = i8x16.splat(-113);
  const high = i8x16.splat(-128);
  while (p + 16 <= end) {
    const bytes = v128.load(p);
    const at = v128.and(bytes, low);
    const rows = v128.or(i8x16.swizzle(below, at), i8x16.swizzle(above, v128.xor(at, high)));
    const hits = v128.and(rows, i8x16.swizzle(bit, i8x16.shr_u(bytes, 4)));
    if (v128.any_true(hits)) {
      const none = i8x16.bitmask(i8x16.eq(hits, i8x16.splat(0)));
      return p + <usize>ctz(~none & 0xffff);
    }
    p += 16;
  }
  while (p < end && !startsAt(table, load<u8>(p))) p++;
  return p;
}

/** Whether the byte is in the set. */
// @ts-ignore: decorator
@inline export function startsAt(table: usize, byte: u32): bool {
  return ((<u32>load<u8>(table + ((byte >> 7) << 4) + (byte & 15)) >> ((byte >> 4) & 7)) & 1) != 0;
}
