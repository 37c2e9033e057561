// Where bytes stand, sixteen at a time.

/** Where the first such byte stands, or `end`. */
export function find(ptr: usize, end: usize, byte: u32): usize {
  const wanted = i8x16.splat(<i8>byte);
  while (ptr + 16 <= end) {
    const hits = i8x16.bitmask(i8x16.eq(v128.load(ptr), wanted));
    if (hits != 0) return ptr + ctz(hits);
    ptr += 16;
  }
  while (ptr < end && load<u8>(ptr) != byte) ptr++;
  return ptr;
}

/** Where two bytes stand one after the other, or `end`. */
export function findPair(ptr: usize, end: usize, first: u32, second: u32): usize {
  for (let at = find(ptr, end, first); at + 1 < end; at = find(at + 1, end, first)) {
    if (load<u8>(at, 1) == second) return at;
  }
  return end;
}
