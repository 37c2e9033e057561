// What the tests of this room call.
import { Buffer, bufferFree } from "../core/buffer";
import { memoryTaken, setMemoryBudget } from "../core/memory";
import { inflate, inflateFree, inflateNew, inflateUsed } from "./inflate";

export { inflateFree, inflateNew, inflateUsed, memoryTaken, setMemoryBudget };

export function room(bytes: usize): usize {
  return heap.alloc(bytes);
}
export function bufferNew(): usize {
  const at = heap.alloc(offsetof<Buffer>());
  memory.fill(at, 0, offsetof<Buffer>());
  return at;
}
export function bufferDone(buffer: usize): void {
  bufferFree(changetype<Buffer>(buffer));
}
export function inflateSome(state: usize, ptr: usize, len: u32, out: usize): i32 {
  return inflate(state, ptr, len, changetype<Buffer>(out));
}

import { base64Decode, base64Encode } from "./base64";
import { transform, transformBound, transformChanged, transformInPlace, transformXor } from "./transform";

export { base64Decode, base64Encode, transform, transformBound, transformChanged, transformInPlace, transformXor };
