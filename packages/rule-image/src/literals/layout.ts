// Layout of a literal set, shared with wasm/engine/match/literals.ts. Offsets count from the start of the set; all sections are
// 16-aligned.
//
// header, 96 bytes of u32: 0 magic, 4 bytes in all, 8 pattern indexes, 12 distinct patterns, 16 MODE bits, 20 records, 24
// indexes,
// 28 distinct number of each index, 32 entries, 36 number of entries, 40 slots, 44 log2 of their number, 48 bloom words,
// 52 log2 of their number, 56 pairs (0: none), 60 flags, 64 single bytes, 68 number of them, 72 nibble masks, 76 entry of each
// bucket (8 u32, plus one; 0: empty), 80 to 92 zero
//
// record of a distinct pattern, 16: bytes (values; masks follow at the next multiple of 16), length, first of its indexes, count.
// A text byte t matches when (t | mask) == value: the mask is 0x20 for letters in any case, else 0.
// entry, 20: u32 distinct number (bit 31: last of its bucket), u16 where the window is in the pattern, u16 length of the pattern,
// u16 where four bytes to check first are (0xffff: nowhere), u16 zero, u32 their value, u32 their mask
// slot, 16: key of a window, entry plus one (0: empty), bits of the bytes (& 31) that may be before it, and behind it; linear
// probing from (key * MIX_SLOT) >>> (32 - log2)
// single byte, 8: u32 distinct number, u8 byte, u8 the same in the other case, u16 zero

export const MAGIC = 0x5354494c; // "LITS"
export const HEADER = 96;
/** Parts of a set. */
export const MODE = { nibbles: 1, windows: 2 } as const;
/** There are windows of four bytes (looked up at every second position); of two bytes (at every position). */
export const FLAG = { four: 1, two: 2 } as const;
export const MIX_BLOOM = 0x9e3779b1;
export const MIX_SLOT = 0x85ebca6b;
export const LAST = 0x80000000;
export const NOWHERE = 0xffff;
/** Positions of a pattern's window that the nibble masks look at. */
export const NIBBLE_WIDTH = 3;
export const MAX_LENGTH = 8192;
