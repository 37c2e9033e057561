// Numbers of message framing, read as leniently as common software does.

import { isBlank } from "./bytes";

/** Junk that the last Content-Length had before or after its digits. */
export let lengthJunk: bool = false;

/** Content-Length: the first run of digits, whatever is around it; -1 without digits or when it does not fit 63 bits. */
export function parseLength(ptr: usize, len: u32): i64 {
  let i: u32 = 0;
  while (i < len && isBlank(load<u8>(ptr + i))) i++;
  const from = i;
  while (i < len && <u32>load<u8>(ptr + i) - 48 > 9) i++;
  lengthJunk = i > from;
  if (i == len) return -1;
  let value: u64 = 0;
  while (i < len) {
    const d = <u32>load<u8>(ptr + i) - 48;
    if (d > 9) break;
    if (value > 922337203685477579) return -1;
    value = value * 10 + <u64>d;
    i++;
  }
  while (i < len && isBlank(load<u8>(ptr + i))) i++;
  if (i < len) lengthJunk = true;
  return <i64>value;
}

/** Results of parseChunkLength that are no length. */
export const CHUNK_NONE: i64 = -1;
export const CHUNK_INVALID: i64 = -2;

/** Whether the last chunk line had an extension. */
export let chunkExtension: bool = false;

/** Control characters that may stand before a chunk's length. */
// @ts-ignore: decorator
@inline export function isChunkControl(c: u32): bool {
  return c == 32 || (c - 9 < 5);
}

/**
 * A chunk's length: hexadecimal, with white space around. CHUNK_NONE when empty or absurd, CHUNK_INVALID when it is no number.
 */
export function parseChunkLength(ptr: usize, len: u32): i64 {
  chunkExtension = false;
  let i: u32 = 0;
  while (i < len && isChunkControl(load<u8>(ptr + i))) i++;
  const from = i;
  let value: u64 = 0;
  let big = false;
  while (i < len) {
    const c: u32 = load<u8>(ptr + i);
    let d = c - 48;
    if (d > 9) {
      d = (c | 32) - 97;
      if (d > 5) break;
      d += 10;
    }
    if (value >> 59 != 0) big = true;
    value = (value << 4) | <u64>d;
    i++;
  }
  const digits = i - from;
  while (i < len && isBlank(load<u8>(ptr + i))) i++;
  if (digits == 0) return i == len ? CHUNK_NONE : CHUNK_INVALID;
  if (big) return CHUNK_INVALID;
  if (value > 0x7fffffff) return CHUNK_NONE;
  for (; i < len; i++) {
    if (load<u8>(ptr + i) == 59) chunkExtension = true;
  }
  return <i64>value;
}
