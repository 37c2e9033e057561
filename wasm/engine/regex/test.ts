// Conditions on a place in the subject, as both matchers check them.
import { inSet } from "./program";

// @ts-ignore: decorator
@inline function isWordByte(c: u32): bool {
  return (c | 32) - 97 < 26 || c - 48 < 10 || c == 95;
}

function wordEdge(ptr: usize, len: u32, at: u32): bool {
  const before = at > 0 && isWordByte(load<u8>(ptr + at - 1));
  const behind = at < len && isWordByte(load<u8>(ptr + at));
  return before != behind;
}

/** Whether the assertion (an index of ASSERTS in packages/regex) holds before offset `at`. */
export function asserts(kind: u32, ptr: usize, len: u32, at: u32, from: u32): bool {
  switch (kind) {
    case 0: return at == 0;
    case 1: return at == len;
    case 2: return at == len || (at + 1 == len && load<u8>(ptr + at) == 10);
    case 3: return at == 0 || (at < len && load<u8>(ptr + at - 1) == 10);
    case 4: return at == len || load<u8>(ptr + at) == 10;
    case 5: return wordEdge(ptr, len, at);
    case 6: return !wordEdge(ptr, len, at);
    default: return at == from;
  }
}

/** Whether the byte behind (flags & 1) or before is in the set; at the edge of the subject flags & 2 decides. */
export function peeks(set: usize, flags: u32, ptr: usize, len: u32, at: u32): bool {
  if ((flags & 1) != 0) return at < len ? inSet(set, load<u8>(ptr + at)) : (flags & 2) != 0;
  return at > 0 ? inSet(set, load<u8>(ptr + at - 1)) : (flags & 2) != 0;
}
