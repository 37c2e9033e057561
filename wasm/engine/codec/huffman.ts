// Two-level tables for the Huffman codes of DEFLATE (RFC 1951, 3.2). An entry is explained at `decode` in inflate.ts.

/** Bits of the first level. */
export const ROOT: u32 = 10;
export const ROOT_CODES: u32 = 7;
/** Entries of the tables: more than complete codes can need (1,334 and 592 or fewer); what does not fit is refused. */
export const LITERALS: u32 = 1536;
export const DISTANCES: u32 = 1536;
export const LENGTH_CODES: u32 = 128;
/** Bytes for code lengths. */
export const LENGTHS: u32 = 352;

const LENGTH_BASE: usize = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]);
const LENGTH_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const COUNTS: usize = memory.data(16 * 4, 4);
const NEXT: usize = memory.data(16 * 4, 4);

const FIXED: usize = memory.data((1536 + 1536) * 4, 16);
const FIXED_LENGTHS: usize = memory.data(320);
let fixedReady: bool = false;

/** Tables of the fixed codes: literals, then distances. */
export function fixedTables(): usize {
  if (!fixedReady) {
    memory.fill(FIXED_LENGTHS, 8, 144);
    memory.fill(FIXED_LENGTHS + 144, 9, 112);
    memory.fill(FIXED_LENGTHS + 256, 7, 24);
    memory.fill(FIXED_LENGTHS + 280, 8, 8);
    buildTable(FIXED_LENGTHS, 288, ROOT, FIXED, LITERALS, 1);
    memory.fill(FIXED_LENGTHS, 5, 30);
    buildTable(FIXED_LENGTHS, 30, ROOT, FIXED + LITERALS * 4, DISTANCES, 2);
    fixedReady = true;
  }
  return FIXED;
}

/** What a symbol means, without its code's length; 0 when it must not be used. Kinds: 0 code lengths, 1 literals, 2 distances. */
function meaning(symbol: u32, kind: u32): u32 {
  if (kind == 0) return symbol << 16;
  if (kind == 1) {
    if (symbol < 256) return (symbol << 16) | 32;
    if (symbol == 256) return 64;
    if (symbol > 285) return 0;
    const n = symbol - 257;
    return (<u32>load<u16>(LENGTH_BASE + (n << 1)) << 16) | (<u32>load<u8>(LENGTH_EXTRA + n) << 8);
  }
  if (symbol > 29) return 0;
  const extra = symbol < 4 ? 0 : (symbol >>> 1) - 1;
  const base = symbol < 4 ? symbol + 1 : ((2 + (symbol & 1)) << extra) + 1;
  return (base << 16) | (extra << 8);
}

/**
 * Builds the table of a canonical code from its lengths (a byte each, at most 15). False when the code has too many symbols,
 * or does
 * not fit. Codes that are not complete are taken: their gaps are zero entries, which the decoder refuses when they come up.
 */
export function buildTable(lengths: usize, symbols: u32, root: u32, table: usize, entries: u32, kind: u32): bool {
  memory.fill(COUNTS, 0, 64);
  for (let i: u32 = 0; i < symbols; i++) {
    const slot = COUNTS + (<u32>load<u8>(lengths + i) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  store<u32>(COUNTS, 0);
  let code: u32 = 0;
  let left: i32 = 1;
  for (let length: u32 = 1; length < 16; length++) {
    const count = load<u32>(COUNTS + (length << 2));
    left = (left << 1) - <i32>count;
    if (left < 0) return false;
    store<u32>(NEXT + (length << 2), code);
    code = (code + count) << 1;
  }
  memory.fill(table, 0, entries << 2);
  let free: u32 = 1 << root;
  // Short codes first, so that second levels never take places of theirs.
  for (let length: u32 = 1; length < 16; length++) {
    if (load<u32>(COUNTS + (length << 2)) == 0) continue;
    for (let symbol: u32 = 0; symbol < symbols; symbol++) {
      if (<u32>load<u8>(lengths + symbol) != length) continue;
      const next = NEXT + (length << 2);
      const bits = reversed(load<u32>(next), length);
      store<u32>(next, load<u32>(next) + 1);
      const what = meaning(symbol, kind);
      if (what == 0 && kind != 0) continue;
      const entry = what | length;
      if (length <= root) {
        for (let at = bits; at < <u32>1 << root; at += 1 << length) store<u32>(table + (at << 2), entry);
        continue;
      }
      const first = table + ((bits & ((1 << root) - 1)) << 2);
      let link = load<u32>(first);
      if (link == 0) {
        // A second level by as many bits as its longest code can have: simple, and there is room.
        const width = levelBits(length, root);
        if (free + (<u32>1 << width) > entries) return false;
        link = (free << 16) | 0x80 | width;
        store<u32>(first, link);
        free += 1 << width;
      }
      const width = link & 15;
      const start = link >>> 16;
      for (let at = bits >>> root; at < <u32>1 << width; at += 1 << (length - root)) {
        store<u32>(table + ((start + at) << 2), entry);
      }
    }
  }
  return true;
}

/** Bits for a second level that starts with codes of `length`: until the codes that are left fill it (as zlib's tables do). */
function levelBits(length: u32, root: u32): u32 {
  let width = length - root;
  // Codes of this length that were not given yet, of which some start this level.
  let left: i32 = 1 << width;
  let at = length;
  let pending = load<u32>(COUNTS + (at << 2)) - given(at);
  while (width + root < 15) {
    left -= <i32>pending;
    if (left <= 0) break;
    width++;
    left <<= 1;
    at++;
    pending = load<u32>(COUNTS + (at << 2));
  }
  return width;
}

/** How many codes of a length were given before the one that is being given. */
function given(length: u32): u32 {
  let code: u32 = 0;
  for (let n: u32 = 1; n < length; n++) code = (code + load<u32>(COUNTS + (n << 2))) << 1;
  return load<u32>(NEXT + (length << 2)) - 1 - code;
}

function reversed(code: u32, length: u32): u32 {
  let bits: u32 = 0;
  let rest = code;
  for (let i: u32 = 0; i < length; i++) {
    bits = (bits << 1) | (rest & 1);
    rest >>>= 1;
  }
  return bits;
}
