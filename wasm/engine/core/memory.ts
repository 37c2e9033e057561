// Memory that comes and goes: blocks from AssemblyScript's TLSF allocator (constant time, no garbage collection: nothing here
// is a managed object), under one budget, so that a module refuses work before the host's maximum makes it trap.

let budget: usize = 96 << 20;
let taken: usize = 0;
let refusals: u32 = 0;
let exempt: bool = false;

/** Bytes that blocks may take together from now on; what is taken already stays. */
export function setMemoryBudget(bytes: usize): void {
  budget = bytes;
}

/** Bytes that all blocks may take together. */
export function memoryBudget(): usize {
  return budget;
}

/**
 * While on, blocks are given whatever the budget says: for loading rules, which must not fail because flows hold all there is.
 * The blocks count; work that comes later is refused until memory is free again.
 */
export function exemptFromBudget(on: bool): void {
  exempt = on;
}

/** A block of at least `bytes`, 16-aligned and not zeroed, or 0 when the budget does not allow it. */
export function take(bytes: usize): usize {
  if (!exempt && (bytes > budget || taken + bytes > budget)) {
    refusals++;
    return 0;
  }
  const at = heap.alloc(bytes);
  taken += blockBytes(at);
  return at;
}

/** A zeroed block, or 0. */
export function takeZeroed(bytes: usize): usize {
  const at = take(bytes);
  if (at != 0) memory.fill(at, 0, bytes);
  return at;
}

/** Gives a block back. 0 is allowed. */
export function give(at: usize): void {
  if (at == 0) return;
  taken -= blockBytes(at);
  heap.free(at);
}

/** Bytes that the block can hold: TLSF keeps them in the word before it, the lowest two bits are flags. */
export function blockBytes(at: usize): usize {
  return (<usize>load<u32>(at - 4)) & ~(3 as usize);
}

/** Bytes taken now. */
export function memoryTaken(): usize {
  return taken;
}

/** How many blocks were refused since the start. */
export function memoryRefusals(): u32 {
  return refusals;
}
