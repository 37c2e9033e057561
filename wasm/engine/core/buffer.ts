// Bytes that grow, such as a body that comes in pieces.

import { blockBytes, give, take } from "./memory";

/** Zero is an empty buffer. */
@unmanaged
export class Buffer {
  ptr: usize;
  len: u32;
  capacity: u32;
}

/** Appends; false, and nothing appended, when memory is short or the buffer would be longer than `limit`. */
export function bufferAppend(buffer: Buffer, ptr: usize, len: u32, limit: u32): bool {
  if (len > limit || buffer.len > limit - len) return false;
  if (!bufferReserve(buffer, len)) return false;
  memory.copy(buffer.ptr + buffer.len, ptr, len);
  buffer.len += len;
  return true;
}

/** Makes room for `more` bytes behind what is there; false when memory is short. */
export function bufferReserve(buffer: Buffer, more: u32): bool {
  const wanted = buffer.len + more;
  if (wanted <= buffer.capacity) return true;
  const at = take(max<u32>(max<u32>(wanted, buffer.capacity * 2), 256));
  if (at == 0) return false;
  memory.copy(at, buffer.ptr, buffer.len);
  give(buffer.ptr);
  buffer.ptr = at;
  buffer.capacity = <u32>blockBytes(at);
  return true;
}

/** Drops the first `count` bytes. */
export function bufferDrop(buffer: Buffer, count: u32): void {
  const n = min(count, buffer.len);
  memory.copy(buffer.ptr, buffer.ptr + n, buffer.len - n);
  buffer.len -= n;
}

export function bufferFree(buffer: Buffer): void {
  give(buffer.ptr);
  buffer.ptr = 0;
  buffer.len = 0;
  buffer.capacity = 0;
}
