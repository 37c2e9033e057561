// Whether there is a match, by a deterministic automaton made as it is needed. Where the text leads to new states all the time,
// the set of positions is moved directly instead, so that the time stays linear with a small factor.
import { Cache, cacheOf, deadOf, intern, loopOf, matchOf } from "./cache";
import { ACCEPT, ALIVE, DEAD, move } from "./nfa";
import { FLAG_SKIP, Program, base, flagsOf } from "./program";
import { setHit } from "./state";
import { skipTo } from "./skip";

/** New moves that a stretch of text may need before the sets are moved directly: this many, and one for 8 bytes. */
const ALLOWED: u32 = 96;
/** Bytes that are then read without the cache, at first and at most. */
const DIRECT: u32 = 1024;
const MOST_DIRECT: u32 = 16384;

const setA: usize = memory.data(1024, 16);
const setB: usize = memory.data(1024, 16);
/** The set that the search is in when it is in no state, and the other one. */
let here: usize = setA;
let there: usize = setB;

/** Kind of the byte before `from`. */
function kindBefore(program: Program, ptr: usize, from: u32): u32 {
  return from == 0 ? 0 : <u32>load<u8>(base(program) + program.kindOf + <usize>load<u8>(ptr + from - 1));
}

function startSet(program: Program, kind: u32): void {
  memory.fill(here, 0, program.setBytes);
  store<u8>(here, <u8>((1 as u32) << kind));
}

function moveHere(program: Program, from: usize, column: u32): u32 {
  const found = move(program, from, column, there);
  const other = here;
  here = there;
  there = other;
  return found;
}

/** What a symbol leads to from `state`, made and noted. The set is in `here`. 0 when there is no room for the state. */
function miss(cache: Cache, state: u32, column: u32): u32 {
  const found = moveHere(cache.program, state + cache.setAt, column);
  let to: u32;
  if (found == ACCEPT) to = matchOf(cache);
  else if (found == DEAD) to = deadOf(cache);
  else {
    const generation = cache.generation;
    to = intern(cache, here);
    if (cache.generation != generation) return to;
  }
  store<u32>(state + (column << 2), to);
  return to;
}

// @ts-ignore: decorator
@inline function next(state: u32, columnOf: usize, p: usize, i: usize): u32 {
  return load<u32>(state + ((<u32>load<u8>(columnOf + <usize>load<u8>(p + i))) << 2));
}

/**
 * Whether a match starts at or after `from`. On a hit, state.hitEnd is not before the end of the match that ends first
 * (assertions may need a byte or two more) and state.hitFrom is not behind the start of the match that starts first.
 */
export function search(program: Program, ptr: usize, len: u32, from: u32): bool {
  if (from > len || len - from < program.minLength) return false;
  const accept = base(program) + program.masks + (program.columns + 4) * program.setBytes;
  const kind = kindBefore(program, ptr, from);
  setHit(from, from);
  if ((<u32>load<u8>(accept) >> kind) & 1) return true;
  const found = cacheOf(program);
  if (found) return searchStates(program, found, ptr, len, from, kind);
  startSet(program, kind);
  const at = direct(program, ptr, from, len);
  if (at == len) return endsHere(program, from, len);
  return at > len ? hitAt(from, at - len) : false;
}

function hitAt(from: u32, end: u32): bool {
  setHit(from, end);
  return true;
}

/** Whether the end of the subject completes a match of the set in `here`. */
function endsHere(program: Program, from: u32, len: u32): bool {
  return moveHere(program, here, program.columns) == ACCEPT ? hitAt(from, len) : false;
}

/**
 * Moves the set in `here` over the bytes from offset `at` to `to`. Returns `to`; when a match completes, the offset behind it
 * plus `to`; 0 (with `to` > 0) when there can be none any more.
 */
function direct(program: Program, ptr: usize, at: u32, to: u32): u32 {
  const columnOf = base(program) + program.columnOf;
  for (let i = at; i < to; i++) {
    const found = moveHere(program, here, load<u8>(columnOf + <usize>load<u8>(ptr + i)));
    if (found == ALIVE) continue;
    return found == ACCEPT ? to + i + 1 : 0;
  }
  return to;
}

function searchStates(program: Program, cache: Cache, ptr: usize, len: u32, from: u32, kind: u32): bool {
  startSet(program, kind);
  let s = startOf(cache, kind);
  if (s == 0) {
    s = intern(cache, here);
    if (s != 0) setStart(cache, kind, s);
  }
  const columnOf = base(program) + program.columnOf;
  const unknown = cache.unknown;
  const special = cache.special;
  const dead = deadOf(cache);
  const match = matchOf(cache);
  const table = base(program) + program.skip;
  const kindOf = base(program) + program.kindOf;
  const end = ptr + len;
  let p = ptr + from;
  let clear = from;
  let skips: i32 = (flagsOf(program) & FLAG_SKIP) != 0 ? 1024 : -1;
  let misses: u32 = 0;
  let since = p;
  let stretch = DIRECT;
  for (;;) {
    if (s == 0 || misses > ALLOWED + <u32>((p - since) >> 3)) {
      if (s != 0) memory.copy(here, s + cache.setAt, program.setBytes);
      const at = <u32>(p - ptr);
      const to = min(at + stretch, len);
      const done = direct(program, ptr, at, to);
      if (done > to) return hitAt(clear, done - to);
      if (done == 0 && to != 0) return false;
      stretch = min(stretch * 2, MOST_DIRECT);
      if (to == len) return endsHere(program, clear, len);
      p = ptr + to;
      since = p;
      misses = 1;
      s = intern(cache, here);
      if (s == 0) misses = ALLOWED * 2;
      continue;
    }
    while (p + 8 <= end) {
      let t = next(s, columnOf, p, 0);
      t = next(t, columnOf, p, 1);
      t = next(t, columnOf, p, 2);
      t = next(t, columnOf, p, 3);
      t = next(t, columnOf, p, 4);
      t = next(t, columnOf, p, 5);
      t = next(t, columnOf, p, 6);
      t = next(t, columnOf, p, 7);
      if (t - unknown >= special) {
        s = t;
        p += 8;
        continue;
      }
      if (t <= match) break;
      s = t;
      p += 8;
      if (skips > 0) {
        const q = skipTo(table, p, end);
        skips += <i32>min<usize>(q - p, 4096) - 16;
        skips = min(skips, 1024);
        if (q != p) {
          p = q;
          s = loopOf(cache, load<u8>(kindOf + <usize>load<u8>(p - 1)));
        }
      }
      clear = <u32>(p - ptr);
    }
    const until = min(p + 8, end);
    while (p < until) {
      const column = <u32>load<u8>(columnOf + <usize>load<u8>(p));
      let t = load<u32>(s + (column << 2));
      if (t - unknown < special) {
        if (t == unknown) {
          misses++;
          t = miss(cache, s, column);
        }
        if (t == match) return hitAt(clear, <u32>(p - ptr) + 1);
        if (t == dead) return false;
        if (t - unknown < special) clear = <u32>(p - ptr) + 1;
      }
      s = t;
      p++;
      if (s == 0) break;
    }
    if (p == end) break;
  }
  if (s == 0) return endsHere(program, clear, len);
  let t = load<u32>(s + (program.columns << 2));
  if (t == unknown) t = miss(cache, s, program.columns);
  return t == match ? hitAt(clear, len) : false;
}

function startOf(cache: Cache, kind: u32): u32 {
  return load<u32>(changetype<usize>(cache) + offsetof<Cache>("start0") + (kind << 2));
}

function setStart(cache: Cache, kind: u32, state: u32): void {
  store<u32>(changetype<usize>(cache) + offsetof<Cache>("start0") + (kind << 2), state);
}
