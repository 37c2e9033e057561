// Suricata's `domain` and `tld`: which part of a host name can be registered, and what it is registered under. Without the public
// suffix list: under a country's two letters, the usual second levels (co, com, ac …) belong to the suffix; else the last
// label is it.

const SECOND = " co com net org edu gov gob mil ac ne or go nom id sch ltd plc me web gen firm ";

/** The registrable domain, moved to the start; nothing when there is none. */
export function domainOf(p: usize, len: u32): u32 {
  const suffix = suffixStart(p, len);
  if (suffix < 2) return 0;
  let from = suffix - 1;
  while (from > 0 && load<u8>(p + from - 1) != 0x2e) from--;
  return from == suffix - 1 ? 0 : moved(p, from, len);
}

/** What it is under, moved to the start; nothing when nothing is registered under it. */
export function tldOf(p: usize, len: u32): u32 {
  const suffix = suffixStart(p, len);
  return suffix < 2 || load<u8>(p + suffix - 2) == 0x2e ? 0 : moved(p, suffix, len);
}

function moved(p: usize, from: u32, len: u32): u32 {
  if (from > 0) memory.copy(p, p + from, len - from);
  return len - from;
}

/** Where the suffix starts; 0 when it is all there is. */
function suffixStart(p: usize, len: u32): u32 {
  const last = labelStart(p, len);
  if (last == 0 || last == len || len - last != 2) return last == len ? 0 : last;
  const before = labelStart(p, last - 1);
  return isSecond(p + before, last - 1 - before) ? before : last;
}

function labelStart(p: usize, end: u32): u32 {
  let i = end;
  while (i > 0 && load<u8>(p + i - 1) != 0x2e) i--;
  return i;
}

function isSecond(p: usize, n: u32): bool {
  if (n < 2 || n > 4) return false;
  const text = changetype<usize>(SECOND);
  for (let i: u32 = 0; i + n + 1 < <u32>SECOND.length; i++) {
    if (load<u16>(text + (i << 1)) != 32) continue;
    let k: u32 = 0;
    while (k < n && <u32>load<u16>(text + ((i + 1 + k) << 1)) == (<u32>load<u8>(p + k) | 32)) k++;
    if (k == n && load<u16>(text + ((i + 1 + n) << 1)) == 32) return true;
  }
  return false;
}
