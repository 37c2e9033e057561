// A candidate of a literal scan: the patterns of its bucket are compared with the text.

@unmanaged
export class LiteralSet {
  base: usize;
  /** Two u32 for each distinct pattern: stamp of the scan that found it last, and where its first occurrence ended. */
  stamps: usize;
  hits: usize;
  records: usize;
  entries: usize;
  text: usize;
  len: u32;
  stamp: u32;
  found: u32;
  distinct: u32;
  /** Bytes of the longest pattern. */
  reach: u32;
  /** Run of equal bytes that the scan is in: see skipRun in windows.ts. */
  runStart: u32;
  runEnd: u32;
}

const LAST: u32 = 0x80000000;
const NOWHERE: u32 = 0xffff;
const ENTRY: u32 = 20;

let compared: u64 = 0;

/** Bytes of patterns compared since the start. */
export function comparedBytes(): u64 {
  return compared;
}

/** A new scan: what was found before does not count any more. */
export function nextStamp(s: LiteralSet): void {
  s.stamp++;
  if (s.stamp != 0) return;
  memory.fill(s.stamps, 0, s.distinct << 3);
  s.stamp = 1;
}

/** Notes a distinct pattern, once a scan, with all its indexes. */
export function foundHere(s: LiteralSet, number: u32, end: u32): void {
  const stamp = s.stamps + (number << 3);
  if (load<u32>(stamp) == s.stamp) return;
  store<u32>(stamp, s.stamp);
  store<u32>(stamp, end, 4);
  const record = s.records + (number << 4);
  const first = s.base + load<u32>(s.base, 24) + (load<u32>(record, 8) << 2);
  const count = load<u32>(record, 12);
  let found = s.found;
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(s.hits + (found << 2), load<u32>(first + (i << 2)));
    found++;
  }
  s.found = found;
}

/** Compares all patterns of the bucket that starts at `entry`, whose window is at `at` of the text. */
export function verifyBucket(s: LiteralSet, entry: u32, at: u32): void {
  let e = s.entries + entry * ENTRY;
  const len = s.len;
  while (true) {
    const id = load<u32>(e);
    const window: u32 = load<u16>(e, 4);
    const length: u32 = load<u16>(e, 6);
    const start = at - window;
    if (at >= window && start < len && length <= len - start) {
      const from = s.text + start;
      const check: u32 = load<u16>(e, 8);
      if (check == NOWHERE || (load<u32>(from + check) | load<u32>(e, 16)) == load<u32>(e, 12)) {
        const number = id & ~LAST;
        if (load<u32>(s.stamps + (number << 3)) != s.stamp) {
          const data = s.base + load<u32>(s.records + (number << 4));
          if (equals(from, data, data + ((length + 15) & ~15), length)) foundHere(s, number, start + length);
        }
      }
    }
    if ((id & LAST) != 0) return;
    e += ENTRY;
  }
}

/** Whether (text | mask) == value for all bytes; reads nothing outside of the text. */
function equals(text: usize, value: usize, mask: usize, length: u32): bool {
  compared += length;
  if (length >= 16) {
    let i: u32 = 0;
    for (; i + 16 <= length; i += 16) if (!equal16(text + i, value + i, mask + i)) return false;
    return i == length || equal16(text + length - 16, value + length - 16, mask + length - 16);
  }
  if (length >= 8) {
    const tail = length - 8;
    return (load<u64>(text) | load<u64>(mask)) == load<u64>(value)
      && (load<u64>(text + tail) | load<u64>(mask + tail)) == load<u64>(value + tail);
  }
  if (length >= 4) {
    const tail = length - 4;
    return (load<u32>(text) | load<u32>(mask)) == load<u32>(value)
      && (load<u32>(text + tail) | load<u32>(mask + tail)) == load<u32>(value + tail);
  }
  for (let i: u32 = 0; i < length; i++) {
    if ((load<u8>(text + i) | load<u8>(mask + i)) != load<u8>(value + i)) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline function equal16(text: usize, value: usize, mask: usize): bool {
  const differs = v128.xor(v128.or(v128.load(text), v128.load(mask)), v128.load(value));
  return !v128.any_true(differs);
}
