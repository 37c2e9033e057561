// Lines of text protocols out of a stream in any chunking: straight from the data when a line is whole, else from a buffer.

import { Buffer, bufferAppend, bufferFree } from "../core/buffer";
import { findByte } from "../../sdk/assembly/bytes";

@unmanaged
export class LineReader {
  /** The Buffer of a line that is not whole. */
  ptr: usize;
  len: u32;
  capacity: u32;
  /** The rest of the line is passed over: it was too long. */
  skipping: bool;
  /** The buffer's line was given out: it is dropped at the next call. */
  given: bool;
}

/** The line read last, without its end; whether it was cut at the limit; how many bytes of the data it used. */
export let linePtr: usize = 0;
export let lineLen: u32 = 0;
export let lineCut: bool = false;
export let lineUsed: u32 = 0;
/** Bytes of the line's end: 1 for LF, 2 for CRLF. */
export let lineDelimiter: u32 = 0;

// @ts-ignore: decorator
@inline function held(reader: LineReader): Buffer {
  return changetype<Buffer>(reader);
}

/**
 * The next line; false when the data ends before the line does (then it is kept for later, and lineUsed is all of it). A line
 * longer than `limit` comes out as its first `limit` bytes as soon as they are there, with lineCut; the rest of it is passed
 * over. The bytes stay valid until the next call.
 */
export function nextLine(reader: LineReader, ptr: usize, len: u32, limit: u32): bool {
  lineUsed = 0;
  const kept = held(reader);
  if (reader.given) {
    bufferFree(kept);
    reader.given = false;
  }
  let at = ptr;
  let left = len;
  if (reader.skipping) {
    const end = findByte(at, left, 10);
    if (end < 0) {
      lineUsed = len;
      return false;
    }
    reader.skipping = false;
    lineUsed = <u32>end + 1;
    at += lineUsed;
    left -= lineUsed;
  }
  if (left == 0) return false;
  const end = findByte(at, left, 10);
  const whole = end >= 0;
  const size = whole ? <u32>end + 1 : left;
  if (kept.len == 0) {
    if (whole && size <= limit) {
      lineUsed += size;
      return give(at, size, false);
    }
    if (size > limit) {
      reader.skipping = !whole;
      lineUsed += size;
      return give(at, limit, true);
    }
    if (!bufferAppend(kept, at, size, limit)) reader.skipping = true;
    lineUsed += size;
    return false;
  }
  const room = limit > kept.len ? limit - kept.len : 0;
  const taken = min(size, room);
  const fits = bufferAppend(kept, at, taken, limit);
  lineUsed += size;
  if (!fits) {
    reader.skipping = !whole;
    bufferFree(kept);
    return false;
  }
  if (size > room) {
    reader.skipping = !whole;
    reader.given = true;
    return give(kept.ptr, kept.len, true);
  }
  if (!whole) return false;
  reader.given = true;
  return give(kept.ptr, kept.len, false);
}

function give(ptr: usize, len: u32, cut: bool): bool {
  let n = len;
  lineDelimiter = 0;
  if (!cut) {
    n--;
    lineDelimiter = 1;
    if (n > 0 && load<u8>(ptr + n - 1) == 13) {
      n--;
      lineDelimiter = 2;
    }
  }
  linePtr = ptr;
  lineLen = n;
  lineCut = cut;
  return true;
}

export function lineFree(reader: LineReader): void {
  bufferFree(held(reader));
  reader.given = false;
  reader.skipping = false;
}
