// What a word means, and whether a fingerprint is that of an injection.

import { CODES, HEADS, HEAD_COUNT, KEYWORDS, KEYWORD_SLOTS, SLOTS, TAILS } from "./table";

/** Longest keyword that the table may hold. */
const MAX_KEYWORD: u32 = 31;
const HASH_SHIFT: u64 = 53;

/** A word in capitals, padded with zeros to 32 bytes. */
const word: usize = memory.data(32, 16);

/** In capitals, and zeros from `len` (1 to 31) on. */
function fold(ptr: usize, len: u32): void {
  memory.copy(word, ptr, len);
  memory.fill(word + len, 0, 32 - len);
  v128.store(word, capitals(v128.load(word)));
  v128.store(word, capitals(v128.load(word, 16)), 16);
}

// @ts-ignore: decorator
@inline function capitals(bytes: v128): v128 {
  const small = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(97)), i8x16.splat(26));
  return v128.xor(bytes, v128.and(small, i8x16.splat(32)));
}

// @ts-ignore: decorator
@inline function hashOf(): u32 {
  const mixed = load<u64>(word) ^ (load<u64>(word, 8) * 3) ^ (load<u64>(word, 16) * 5) ^ (load<u64>(word, 24) * 7);
  return <u32>((mixed * 0x9e3779b97f4a7c15) >> HASH_SHIFT);
}

/** Type of the token that a word is, whatever its case; 0: not a keyword. */
export function keywordType(ptr: usize, len: u32): u32 {
  if (len - 1 >= MAX_KEYWORD) return 0;
  fold(ptr, len);
  const words = (len + 7) >> 3;
  let slot = hashOf();
  let found = load<u32>(SLOTS + (slot << 2));
  while (found != 0) {
    if (((found >> 8) & 0xff) == len && same(KEYWORDS + ((found >> 16) << 3), words)) return found & 0xff;
    slot = (slot + 1) & (KEYWORD_SLOTS - 1);
    found = load<u32>(SLOTS + (slot << 2));
  }
  return 0;
}

// @ts-ignore: decorator
@inline function same(keyword: usize, words: u32): bool {
  for (let n: u32 = 0; n < words; n++) {
    if (load<u64>(keyword + (n << 3)) != load<u64>(word + (n << 3))) return false;
  }
  return true;
}

/** Whether injections have this fingerprint (1 to 5 characters). */
export function isKnownFingerprint(ptr: usize, len: u32): bool {
  let head: u32 = 0;
  let tail: u32 = 0;
  for (let n: u32 = 0; n < 5; n++) {
    const code = n < len ? codeOf(load<u8>(ptr + n)) : 0;
    if (code == 0 && n < len) return false;
    if (n == 4) tail = code;
    else head = (head << 5) | code;
  }
  let low: u32 = 0;
  let high = HEAD_COUNT;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(HEADS + (middle << 2)) < head) low = middle + 1;
    else high = middle;
  }
  if (low == HEAD_COUNT || load<u32>(HEADS + (low << 2)) != head) return false;
  return ((load<u32>(TAILS + (low << 2)) >> tail) & 1) != 0;
}

// @ts-ignore: decorator
@inline function codeOf(char: u32): u32 {
  return char < 128 ? load<u8>(CODES + char) : 0;
}
