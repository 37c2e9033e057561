// The coarse test for UNION-based SQL injection, for modules without a SQL tokenizer.

import { findFold, isDigit, isWord, startsFold } from "./bytes";

/**
 * Whether text (decoded, white space and comments collapsed) has `union [all|distinct] select` followed by what a select list
 * begins with and prose does not: a number, a quote, null, @, *, a bracket, or a name followed by a comma or bracket.
 * Returns the offset, or -1.
 */
export function findUnionSelect(ptr: usize, len: u32): i32 {
  let from: u32 = 0;
  while (true) {
    const at = findFold(ptr, len, "union", from);
    if (at < 0) return -1;
    from = <u32>at + 5;
    if (at > 0 && isWord(load<u8>(ptr + at - 1)) && !isDigit(load<u8>(ptr + at - 1))) continue;
    let i = skipOpen(ptr, len, from);
    if (startsFold(ptr + i, len - i, "all")) i = skipOpen(ptr, len, i + 3);
    else if (startsFold(ptr + i, len - i, "distinct")) i = skipOpen(ptr, len, i + 8);
    if (!startsFold(ptr + i, len - i, "select")) continue;
    i += 6;
    if (i < len && isWord(load<u8>(ptr + i)) && !isDigit(load<u8>(ptr + i))) continue;
    i = skipOpen(ptr, len, i);
    if (i >= len) continue;
    const c: u32 = load<u8>(ptr + i);
    if (isDigit(c) || c == 39 || c == 34 || c == 64 || c == 42 || c == 45) return at;
    if (startsFold(ptr + i, len - i, "null")) return at;
    while (i < len && (isWord(load<u8>(ptr + i)) || load<u8>(ptr + i) == 46)) i++;
    while (i < len && load<u8>(ptr + i) == 32) i++;
    if (i < len && (load<u8>(ptr + i) == 44 || load<u8>(ptr + i) == 40)) return at;
  }
}

function skipOpen(ptr: usize, len: u32, from: u32): u32 {
  let i = from;
  while (i < len && (load<u8>(ptr + i) == 32 || load<u8>(ptr + i) == 40)) i++;
  return i;
}
