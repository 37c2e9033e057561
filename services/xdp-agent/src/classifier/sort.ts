/**
 * The order of `count` keys by a stable radix sort on bytes, passes in which all keys agree left out.
 * @param words the keys' 32-bit words, most significant first, one array each
 * @returns indexes of the keys, smallest key first
 */
export function sortedOrder(count: number, words: readonly (Uint32Array | Uint8Array)[]): Uint32Array {
  let order = new Uint32Array(count).map((_, i) => i);
  let spare = new Uint32Array(count);
  const starts = new Uint32Array(257);
  for (const word of words.toReversed()) {
    for (let shift = 0; shift < word.BYTES_PER_ELEMENT * 8; shift += 8) {
      starts.fill(0);
      for (let i = 0; i < count; i++) starts[((word[i]! >>> shift) & 255) + 1]!++;
      if (starts.includes(count, 1)) continue;
      for (let i = 0; i < 256; i++) starts[i + 1]! += starts[i]!;
      for (let i = 0; i < count; i++) {
        const at = order[i]!;
        spare[starts[(word[at]! >>> shift) & 255]!++] = at;
      }
      [order, spare] = [spare, order];
    }
  }
  return order;
}
