// A module that lies as it is told: the first record's data says what `inspect` returns and what the output is. For fuzzing the
// host's side of the border.

import { BATCH_BYTES, batchPayloadOffset, recordDataLen, recordDataOffset } from "../../abi/assembly/abi";

/** Marker of the ABI's major version. */
export const secuxflow_abi_1: i32 = 1;

const ROOM: u32 = 1 << 20;
const room: usize = heap.alloc(ROOM);
let at: usize = 0;

export function input(capacity: i32): usize {
  return <u32>capacity <= ROOM ? room : 0;
}

/** Data: u32 what to return, u32 where the output is said to be (0: behind these), then the output. */
export function inspect(ptr: usize, len: i32): i32 {
  const data = ptr + batchPayloadOffset(ptr) + recordDataOffset(ptr + BATCH_BYTES);
  if (recordDataLen(ptr + BATCH_BYTES) < 8) unreachable();
  at = load<u32>(data, 4) == 0 ? data + 8 : load<u32>(data, 4);
  return load<i32>(data);
}

export function output(): usize {
  return at;
}
