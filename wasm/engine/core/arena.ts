// Many small things that live and die together, such as all that belongs to one HTTP transaction: taken by moving a pointer,
// given back at once.

import { give, take } from "./memory";

const BLOCK: u32 = 4096;
const HEAD: u32 = 16;

/** First in memory of whatever owns it; zero is an empty arena. */
@unmanaged
export class Arena {
  /** Newest block: its first word is the block before. */
  block: usize;
  /** Where the next thing goes, and where the block ends. */
  at: usize;
  end: usize;
  /** Bytes of all blocks, for limits of the owner's. */
  bytes: u32;
}

/** `bytes` of memory, 8-aligned and not zeroed, or 0 when memory is short. */
export function arenaTake(arena: Arena, bytes: u32): usize {
  const size = (bytes + 7) & ~7;
  if (arena.at + size <= arena.end && arena.at != 0) {
    const at = arena.at;
    arena.at = at + size;
    return at;
  }
  const room = max(BLOCK, size + HEAD);
  const block = take(room);
  if (block == 0) return 0;
  store<usize>(block, arena.block);
  arena.block = block;
  arena.bytes += room;
  const at = block + HEAD;
  arena.at = at + size;
  arena.end = block + room;
  return at;
}

/** A copy of the bytes, or 0. */
export function arenaCopy(arena: Arena, ptr: usize, len: u32): usize {
  const at = arenaTake(arena, max(len, 1));
  if (at != 0) memory.copy(at, ptr, len);
  return at;
}

/** Gives everything back. */
export function arenaFree(arena: Arena): void {
  let block = arena.block;
  while (block != 0) {
    const before = load<usize>(block);
    give(block);
    block = before;
  }
  arena.block = 0;
  arena.at = 0;
  arena.end = 0;
  arena.bytes = 0;
}
