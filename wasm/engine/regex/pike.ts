// Bounds and groups of linear expressions: all ways to match are followed at the same time in the order of their priority, each
// with the slots it has saved (Rob Pike's method, described by Russ Cox in "Regular Expression Matching: the Virtual Machine
// Approach"). Unlike PCRE, an empty round of a repeat such as (?:\b|a)* does not end it: such a match may end later, as in RE2.
import { give, take } from "../core/memory";
import {
  FLAG_LOOPS, FLAG_SKIP, OP_ANY, OP_ASSERT, OP_BYTE, OP_JUMP, OP_LAZY, OP_MATCH, OP_PEEK, OP_SAVE, OP_SET, OP_SPLIT, Program,
  base, flagsOf, inSet,
} from "./program";
import { skipTo } from "./skip";
import { addSteps, hitEnd, hitFrom, setLimited, setMatch, stepLimit } from "./state";
import { asserts, peeks } from "./test";

const RESTORE: u32 = 0x80000000;

/** Memory of the matcher: kept, and made bigger when a program needs it. */
let block: usize = 0;
let blockSize: u32 = 0;
/** Step at which an instruction was last reached. */
let marks: usize = 0;
let stamp: u32 = 0;
/** Slots of the thread at hand, and those of the best match. */
let current: usize = 0;
let best: usize = 0;
let stack: usize = 0;
/** Threads: instruction, then slots. */
let threads: usize = 0;
let nextThreads: usize = 0;
let threadBytes: u32 = 0;
let slotBytes: u32 = 0;
let work: u32 = 0;

export function dropPike(): void {
  give(block);
  block = 0;
  blockSize = 0;
}

// @ts-ignore: decorator
@inline function copySlots(to: usize, from: usize): void {
  const end = from + slotBytes;
  while (from < end) {
    store<u64>(to, load<u64>(from));
    from += 8;
    to += 8;
  }
}

function prepare(program: Program, slots: u32): bool {
  const count = program.instructions;
  slotBytes = slots << 2;
  threadBytes = slotBytes + 4;
  const bytes = <u64>count * (4 + 16 + 2 * <u64>threadBytes) + 2 * <u64>slotBytes + 64;
  if (bytes > 0x7fffffff) return false;
  if (<u32>bytes > blockSize) {
    give(block);
    block = take(<u32>bytes);
    blockSize = block == 0 ? 0 : <u32>bytes;
    if (block == 0) return false;
  }
  marks = block;
  memory.fill(marks, 0, count << 2);
  stamp = 0;
  current = marks + (count << 2);
  best = current + slotBytes;
  stack = best + slotBytes;
  threads = stack + (count << 4);
  nextThreads = threads + count * threadBytes;
  return true;
}

/** Puts all that `first` leads to without a byte at the end of the list; `current` has the slots. Returns the list's end. */
function add(program: Program, list: usize, first: u32, ptr: usize, len: u32, at: u32, from: u32): usize {
  const code = base(program) + program.code;
  let end = list;
  let top = stack;
  let pc = first;
  let more = true;
  while (more) {
    let walking = load<u32>(marks + (pc << 2)) != stamp;
    while (walking) {
      work++;
      store<u32>(marks + (pc << 2), stamp);
      const word = load<u32>(code + (pc << 3));
      const op = word & 0xff;
      const x = word >> 8;
      if (op == OP_SPLIT) {
        store<u32>(top, load<u32>(code + (pc << 3), 4));
        top += 8;
        pc++;
      } else if (op == OP_LAZY) {
        store<u32>(top, pc + 1);
        top += 8;
        pc = load<u32>(code + (pc << 3), 4);
      } else if (op == OP_JUMP) {
        pc = load<u32>(code + (pc << 3), 4);
      } else if (op == OP_SAVE) {
        if (x << 2 < slotBytes) {
          const slot = current + (x << 2);
          store<u32>(top, RESTORE | x);
          store<u32>(top, load<u32>(slot), 4);
          top += 8;
          store<u32>(slot, at);
        }
        pc++;
      } else if (op == OP_ASSERT) {
        if (!asserts(x, ptr, len, at, from)) break;
        pc++;
      } else if (op == OP_PEEK) {
        if (!peeks(base(program) + program.sets + (x << 5), load<u32>(code + (pc << 3), 4), ptr, len, at)) break;
        pc++;
      } else {
        store<u32>(end, pc);
        copySlots(end + 4, current);
        end += threadBytes;
        break;
      }
      walking = load<u32>(marks + (pc << 2)) != stamp;
    }
    more = false;
    while (top != stack && !more) {
      top -= 8;
      const entry = load<u32>(top);
      if ((entry & RESTORE) == 0) {
        pc = entry;
        more = true;
      } else store<u32>(current + ((entry & ~RESTORE) << 2), load<u32>(top, 4));
    }
  }
  return end;
}

/**
 * Bounds (and `count` - 1 groups) of the first match, which the automaton has found to exist: see state.hitFrom, state.hitEnd.
 * With too many steps or too little memory it gives up: limited, with the automaton's bounds.
 */
export function pike(program: Program, ptr: usize, len: u32, from: u32, count: u32): void {
  const slots = count << 1;
  if (!prepare(program, slots)) return giveUp();
  const code = base(program) + program.code;
  const sets = base(program) + program.sets;
  const searches = (flagsOf(program) & FLAG_LOOPS) != 0;
  const canSkip = searches && (flagsOf(program) & FLAG_SKIP) != 0;
  const most = max<u32>(stepLimit, (len - hitFrom) << 2);
  let at = hitFrom;
  let end = threads;
  let matched = false;
  work = 0;
  stamp = 1;
  for (;;) {
    if (!matched && (searches || at == from)) {
      if (canSkip && end == threads && at > from) {
        const q = <u32>(skipTo(base(program) + program.skip, ptr + at, ptr + len) - ptr);
        if (q != at) {
          at = q;
          stamp++;
        }
      }
      for (let i: u32 = 0; i < slotBytes; i += 8) store<u64>(current + i, ~(0 as u64));
      end = add(program, end, 0, ptr, len, at, from);
    }
    if (end == threads && (matched || !searches || at >= len)) break;
    if (work > most) {
      addSteps(work);
      return giveUp();
    }
    stamp++;
    const byte: u32 = at < len ? <u32>load<u8>(ptr + at) : 256;
    let nextEnd = nextThreads;
    for (let thread = threads; thread < end; thread += threadBytes) {
      work++;
      const pc = load<u32>(thread);
      const word = load<u32>(code + (pc << 3));
      const op = word & 0xff;
      if (op == OP_MATCH) {
        copySlots(best, thread + 4);
        matched = true;
        break;
      }
      if (byte == 256) continue;
      const x = word >> 8;
      if (op == OP_BYTE ? x != byte : op == OP_SET && !inSet(sets + (x << 5), byte)) continue;
      if (load<u32>(marks + ((pc + 1) << 2)) == stamp) continue;
      if ((load<u32>(code + ((pc + 1) << 3)) & 0xff) <= OP_ANY) {
        store<u32>(marks + ((pc + 1) << 2), stamp);
        store<u32>(nextEnd, pc + 1);
        copySlots(nextEnd + 4, thread + 4);
        nextEnd += threadBytes;
        continue;
      }
      copySlots(current, thread + 4);
      nextEnd = add(program, nextEnd, pc + 1, ptr, len, at + 1, from);
    }
    const other = threads;
    threads = nextThreads;
    nextThreads = other;
    end = nextEnd;
    if (at >= len) break;
    at++;
  }
  addSteps(work);
  if (!matched) return giveUp();
  setMatch(load<u32>(best), load<u32>(best, 4), best, count);
}

function giveUp(): void {
  setLimited();
  setMatch(hitFrom, hitEnd, 0, 0);
}
