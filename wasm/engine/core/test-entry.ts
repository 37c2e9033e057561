// What the tests of this room call.
import { Arena, arenaFree, arenaTake } from "./arena";
import { Buffer, bufferAppend, bufferDrop, bufferFree } from "./buffer";
import { give, memoryRefusals, memoryTaken, setMemoryBudget, take } from "./memory";

export { give, memoryRefusals, memoryTaken, setMemoryBudget, take };

export function arenaNew(): usize {
  const at = heap.alloc(offsetof<Arena>());
  memory.fill(at, 0, offsetof<Arena>());
  return at;
}
export function arenaGet(arena: usize, bytes: u32): usize {
  return arenaTake(changetype<Arena>(arena), bytes);
}
export function arenaDrop(arena: usize): void {
  arenaFree(changetype<Arena>(arena));
}
export function bufferNew(): usize {
  const at = heap.alloc(offsetof<Buffer>());
  memory.fill(at, 0, offsetof<Buffer>());
  return at;
}
export function bufferAdd(buffer: usize, ptr: usize, len: u32, limit: u32): bool {
  return bufferAppend(changetype<Buffer>(buffer), ptr, len, limit);
}
export function bufferCut(buffer: usize, count: u32): void {
  bufferDrop(changetype<Buffer>(buffer), count);
}
export function bufferDone(buffer: usize): void {
  bufferFree(changetype<Buffer>(buffer));
}
