// States of an automaton that were met, for each program, under one budget. A state is a row of the states that each symbol leads
// to (as addresses: 0 is never one), behind it the set of positions that it stands for and the set's hash. States do not move.
//
// Three rows are not states: UNKNOWN, DEAD and MATCH lead only to themselves, so that a caller may go over several symbols and
// look once. They and the states "nothing found yet" lie one behind the other, so that one comparison finds them all.
import { give, take, takeZeroed } from "../core/memory";
import { FLAG_LOOPS, Program, flagsOf } from "./program";
import { addSteps, cacheBudget, programBudget } from "./state";

const CHUNK_HEAD: u32 = 16;
const MOST_CHUNK: u32 = 65536;

@unmanaged
export class Cache {
  program: Program;
  /** Address of the row UNKNOWN, then DEAD, MATCH and the states of "nothing yet": `special` bytes from it on are no others. */
  unknown: u32;
  special: u32;
  stride: u32;
  /** Where the set is in a state. */
  setAt: u32;
  /** Newest block of states: its first word is the block before. */
  chunk: usize;
  at: usize;
  end: usize;
  nextChunk: u32;
  /** Hash table of states. */
  table: usize;
  tableMask: u32;
  states: u32;
  bytes: u32;
  /** Counts how often the states were dropped. */
  generation: u32;
  recent: bool;
  /** Start states by the kind of the byte before; 0 is not made yet. */
  start0: u32;
  start1: u32;
  start2: u32;
  start3: u32;
  start4: u32;
}

/** Caches by address of their program: pairs of (program, cache or 0). */
let table: usize = 0;
let tableSize: u32 = 0;
let entries: u32 = 0;
let hand: u32 = 0;
let total: u32 = 0;
let lastProgram: usize = 0;
let lastCache: usize = 0;

// @ts-ignore: decorator
@inline export function deadOf(cache: Cache): u32 {
  return cache.unknown + cache.stride;
}

// @ts-ignore: decorator
@inline export function matchOf(cache: Cache): u32 {
  return cache.unknown + (cache.stride << 1);
}

/** State of "nothing yet" behind a byte of kind `kind` (from 1). */
// @ts-ignore: decorator
@inline export function loopOf(cache: Cache, kind: u32): u32 {
  return cache.unknown + cache.stride * (2 + kind);
}

/** The cache of a program, or null when memory is short. */
export function cacheOf(program: Program): Cache | null {
  const key = changetype<usize>(program);
  if (key == lastProgram && lastCache != 0) {
    const cache = changetype<Cache>(lastCache);
    cache.recent = true;
    return cache;
  }
  const entry = entryOf(key);
  if (entry == 0) return null;
  let at = load<usize>(entry, 4);
  if (at == 0) {
    at = makeCache(program);
    if (at == 0) return null;
    store<usize>(entry, at, 4);
  }
  lastProgram = key;
  lastCache = at;
  const cache = changetype<Cache>(at);
  cache.recent = true;
  return cache;
}

export function dropCaches(): void {
  for (let i: u32 = 0; i < tableSize; i++) {
    const at = load<usize>(table + (i << 3), 4);
    if (at != 0) freeCache(changetype<Cache>(at));
  }
  give(table);
  table = 0;
  tableSize = 0;
  entries = 0;
  hand = 0;
  lastProgram = 0;
  lastCache = 0;
}

/** Bytes of all caches. */
export function cacheBytes(): u32 {
  return total;
}

function slotOf(key: usize): usize {
  let i = ((<u32>key >> 4) * 0x9e3779b1) & (tableSize - 1);
  let found = load<usize>(table + (i << 3));
  while (found != key && found != 0) {
    i = (i + 1) & (tableSize - 1);
    found = load<usize>(table + (i << 3));
  }
  return table + (i << 3);
}

function entryOf(key: usize): usize {
  if (entries * 2 >= tableSize) {
    const before = table;
    const size = tableSize;
    const bigger = takeZeroed(max(256, size * 2) * 8);
    if (bigger == 0) return 0;
    table = bigger;
    tableSize = max(256, size * 2);
    for (let i: u32 = 0; i < size; i++) {
      const old = before + (i << 3);
      if (load<usize>(old) == 0) continue;
      const slot = slotOf(load<usize>(old));
      store<u64>(slot, load<u64>(old));
    }
    give(before);
    hand = 0;
  }
  const slot = slotOf(key);
  if (load<usize>(slot) == 0) {
    store<usize>(slot, key);
    entries++;
  }
  return slot;
}

/** A block within the budget of all caches, if need be after others were dropped: those first that were not used of late. */
function room(bytes: u32, keep: usize): usize {
  let rounds = tableSize * 2;
  while (total + bytes > cacheBudget) {
    if (rounds-- == 0) return 0;
    const slot = table + (hand << 3);
    hand = (hand + 1) & (tableSize - 1);
    const at = load<usize>(slot, 4);
    if (at == 0 || at == keep) continue;
    const cache = changetype<Cache>(at);
    if (cache.recent) {
      cache.recent = false;
      continue;
    }
    freeCache(cache);
    store<usize>(slot, 0, 4);
    if (at == lastCache) lastCache = 0;
  }
  const at = take(bytes);
  if (at != 0) total += bytes;
  return at;
}

function release(at: usize, bytes: u32): void {
  if (at == 0) return;
  give(at);
  total -= bytes;
}

function freeCache(cache: Cache): void {
  let chunk = cache.chunk;
  while (chunk != 0) {
    const before = load<usize>(chunk);
    release(chunk, load<u32>(chunk, 4));
    chunk = before;
  }
  release(cache.table, (cache.tableMask + 1) << 2);
  release(changetype<usize>(cache), offsetof<Cache>());
}

function makeCache(program: Program): usize {
  const at = room(offsetof<Cache>(), 0);
  if (at == 0) return 0;
  memory.fill(at, 0, offsetof<Cache>());
  const cache = changetype<Cache>(at);
  cache.program = program;
  cache.setAt = (((program.columns + 1) << 2) + 15) & ~15;
  cache.stride = cache.setAt + program.setBytes + 16;
  cache.tableMask = 31;
  cache.table = room((cache.tableMask + 1) << 2, at);
  if (cache.table != 0) {
    memory.fill(cache.table, 0, (cache.tableMask + 1) << 2);
    cache.bytes = (cache.tableMask + 1) << 2;
    const loops: u32 = (flagsOf(program) & FLAG_LOOPS) != 0 ? program.kinds - 1 : 0;
    if (addChunk(cache, (3 + loops + 8) * cache.stride)) {
      cache.nextChunk = (8 + 3 + loops) * cache.stride * 2;
      fillFirst(cache);
      return at;
    }
    release(cache.table, (cache.tableMask + 1) << 2);
  }
  release(at, offsetof<Cache>());
  return 0;
}

function addChunk(cache: Cache, bytes: u32): bool {
  const size = bytes + CHUNK_HEAD;
  if (cache.chunk != 0 && cache.bytes + size > programBudget) return false;
  const at = room(size, changetype<usize>(cache));
  if (at == 0) return false;
  store<usize>(at, cache.chunk);
  store<u32>(at, size, 4);
  cache.chunk = at;
  cache.at = at + CHUNK_HEAD;
  cache.end = at + size;
  cache.bytes += size;
  return true;
}

/** Puts the special rows and the states of "nothing yet" into the first block, which is empty. */
function fillFirst(cache: Cache): void {
  const program = cache.program;
  cache.unknown = <u32>cache.at;
  const loops: u32 = (flagsOf(program) & FLAG_LOOPS) != 0 ? program.kinds - 1 : 0;
  cache.special = (3 + loops) * cache.stride;
  cache.states = 0;
  for (let i: u32 = 0; i < 3; i++) {
    fillRow(cache, cache.at, <u32>cache.at);
    cache.at += cache.stride;
  }
  for (let k: u32 = 1; k <= loops; k++) {
    const state = cache.at;
    cache.at += cache.stride;
    fillRow(cache, state, cache.unknown);
    const set = state + cache.setAt;
    memory.fill(set, 0, program.setBytes);
    const position = program.kinds + k - 1;
    store<u8>(set + (position >> 3), <u8>((1 as u32) << (position & 7)));
    insert(cache, state, hashOf(set, program.setBytes));
  }
}

function fillRow(cache: Cache, row: usize, value: u32): void {
  const v = i32x4.splat(value);
  for (let i: u32 = 0; i < cache.setAt; i += 16) v128.store(row + i, v);
}

/** Drops all states but the special ones. Addresses of states are void then: the generation tells. */
export function flush(cache: Cache): void {
  let chunk = cache.chunk;
  for (let before = load<usize>(chunk); before != 0; before = load<usize>(chunk)) {
    cache.bytes -= load<u32>(chunk, 4);
    release(chunk, load<u32>(chunk, 4));
    chunk = before;
  }
  cache.chunk = chunk;
  cache.at = chunk + CHUNK_HEAD;
  cache.end = chunk + load<u32>(chunk, 4);
  cache.nextChunk = (load<u32>(chunk, 4) - CHUNK_HEAD) * 2;
  cache.generation++;
  cache.start0 = 0;
  cache.start1 = 0;
  cache.start2 = 0;
  cache.start3 = 0;
  cache.start4 = 0;
  memory.fill(cache.table, 0, (cache.tableMask + 1) << 2);
  fillFirst(cache);
}

function hashOf(set: usize, bytes: u32): u32 {
  let h: u64 = 0x9e3779b97f4a7c15;
  for (let i: u32 = 0; i < bytes; i += 8) h = (rotl<u64>(h, 27) ^ load<u64>(set + i)) * 0x9fb21c651e98df25;
  return <u32>(h >> 32);
}

function insert(cache: Cache, state: usize, hash: u32): void {
  store<u32>(state + cache.stride - 16, hash);
  let i = hash & cache.tableMask;
  while (load<u32>(cache.table + (i << 2)) != 0) i = (i + 1) & cache.tableMask;
  store<u32>(cache.table + (i << 2), <u32>state);
  cache.states++;
}

function growTable(cache: Cache): bool {
  const mask = cache.tableMask * 2 + 1;
  const before = cache.table;
  const size = cache.tableMask + 1;
  const bigger = room((mask + 1) << 2, changetype<usize>(cache));
  if (bigger == 0) return false;
  memory.fill(bigger, 0, (mask + 1) << 2);
  cache.table = bigger;
  cache.tableMask = mask;
  cache.bytes += size << 2;
  for (let i: u32 = 0; i < size; i++) {
    const state = load<u32>(before + (i << 2));
    if (state == 0) continue;
    cache.states--;
    insert(cache, state, load<u32>(state + cache.stride - 16));
  }
  release(before, size << 2);
  return true;
}

/** The state of a set; 0 when there is no room even after the states were dropped, which changes the generation. */
export function intern(cache: Cache, set: usize): u32 {
  const bytes = cache.program.setBytes;
  const hash = hashOf(set, bytes);
  addSteps(bytes >> 4);
  let i = hash & cache.tableMask;
  for (let state = load<u32>(cache.table + (i << 2)); state != 0; state = load<u32>(cache.table + (i << 2))) {
    if (load<u32>(state + cache.stride - 16) == hash && memory.compare(state + cache.setAt, set, bytes) == 0) return state;
    i = (i + 1) & cache.tableMask;
  }
  addSteps(cache.setAt >> 4);
  const full = cache.states * 2 > cache.tableMask && !growTable(cache);
  if (full || (cache.at + cache.stride > cache.end && !addStates(cache))) {
    flush(cache);
    if (cache.at + cache.stride > cache.end) return 0;
  }
  const state = cache.at;
  cache.at += cache.stride;
  fillRow(cache, state, cache.unknown);
  memory.copy(state + cache.setAt, set, bytes);
  insert(cache, state, hash);
  return <u32>state;
}

function addStates(cache: Cache): bool {
  const bytes = max(min(cache.nextChunk, MOST_CHUNK), cache.stride);
  if (!addChunk(cache, bytes - (bytes % cache.stride))) return false;
  cache.nextChunk = bytes * 2;
  return true;
}
