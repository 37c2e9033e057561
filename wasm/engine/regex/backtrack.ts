// The matcher for what is not linear: back-references, look-around, atomic groups. It tries one way after the other, keeps
// what is left to try on a stack of its own in bounded memory, and gives up after a number of steps.
import { blockBytes, give, take } from "../core/memory";
import {
  FLAG_LOOPS, FLAG_SKIP, OP_ANY, OP_ASSERT, OP_ATOMIC, OP_ATOMIC_END, OP_BACK, OP_BACKREF, OP_BYTE, OP_CHECK, OP_IF_GROUP,
  OP_JUMP, OP_LAZY, OP_LOOK, OP_LOOK_END, OP_MARK, OP_MATCH, OP_PEEK, OP_RUN, OP_SAVE, OP_SET, OP_SPLIT, Program, base, flagsOf,
  inSet,
} from "./program";
import { startsAt } from "./skip";
import { addSteps, hitFrom, setLimited, setMatch, stepLimit } from "./state";
import { asserts, peeks } from "./test";

/** What is on the stack: 16 bytes each. */
const TRY: u32 = 0;
/** A slot's value before. */
const UNDO: u32 = 1;
/** A greedy run: it may end earlier, down to a place. */
const SHORTER: u32 = 2;
/** A lazy run: it may take more, up to a place. */
const LONGER: u32 = 3;
/** Where a look-around or an atomic group was entered. */
const FENCE: u32 = 4;

const UNSET: u32 = 0xffffffff;
const FIRST_STACK: u32 = 16384;
const MOST_STACK: u32 = 4 << 20;

let slots: usize = 0;
let slotsSize: u32 = 0;
let stack: usize = 0;
let stackEnd: usize = 0;
let top: usize = 0;
let failed: bool = false;
let left: i32 = 0;
/** Where failing went back to. */
let pc: u32 = 0;
let at: u32 = 0;

export function dropBacktrack(): void {
  give(slots);
  slots = 0;
  slotsSize = 0;
  give(stack);
  stack = 0;
  stackEnd = 0;
}

function prepare(program: Program): bool {
  const bytes = program.slots << 2;
  if (bytes > slotsSize) {
    give(slots);
    slots = take(bytes);
    slotsSize = slots == 0 ? 0 : bytes;
    if (slots == 0) return false;
  }
  if (stack == 0) {
    stack = take(FIRST_STACK);
    if (stack == 0) return false;
    stackEnd = stack + <usize>FIRST_STACK;
  }
  return true;
}

function push(tag: u32, a: u32, b: u32, c: u32): void {
  if (top + 16 > stackEnd && !grow()) {
    failed = true;
    return;
  }
  store<u32>(top, tag);
  store<u32>(top, a, 4);
  store<u32>(top, b, 8);
  store<u32>(top, c, 12);
  top += 16;
}

function grow(): bool {
  const size = <u32>(stackEnd - stack);
  if (size >= MOST_STACK) return false;
  const bigger = take(size * 2);
  if (bigger == 0 || <u32>blockBytes(bigger) < size * 2) {
    give(bigger);
    return false;
  }
  memory.copy(bigger, stack, top - stack);
  give(stack);
  top = bigger + (top - stack);
  stack = bigger;
  stackEnd = bigger + size * 2;
  return true;
}

function setSlot(n: u32, value: u32): void {
  const slot = slots + (n << 2);
  push(UNDO, n, load<u32>(slot), 0);
  store<u32>(slot, value);
}

/** Goes back to what is left to try; false when nothing is. */
function fail(program: Program, ptr: usize): bool {
  while (top != stack) {
    const entry = top - 16;
    const tag = load<u32>(entry);
    const a = load<u32>(entry, 4);
    const b = load<u32>(entry, 8);
    const c = load<u32>(entry, 12);
    left--;
    top = entry;
    if (tag == TRY) {
      pc = a;
      at = b;
      return true;
    }
    if (tag == UNDO) {
      store<u32>(slots + (a << 2), b);
    } else if (tag == SHORTER) {
      pc = a;
      at = c - 1;
      if (at > b) {
        store<u32>(entry, at, 12);
        top += 16;
      }
      return true;
    } else if (tag == LONGER) {
      const set = base(program) + program.sets + ((load<u32>(base(program) + program.code + (a << 3)) >> 8) << 5);
      if (b < c && inSet(set, load<u8>(ptr + b))) {
        pc = a + 2;
        at = b + 1;
        if (at < c) {
          store<u32>(entry, at, 8);
          top += 16;
        }
        return true;
      }
    } else if (c != 0) {
      // A negative look-around whose inside does not match.
      pc = load<u32>(base(program) + program.code + (a << 3), 4);
      at = b;
      return true;
    }
  }
  return false;
}

/** The inside of the group entered at `open` has matched: nothing of it is tried again, but slots can still be undone. */
function closeFence(open: u32): u32 {
  let fence = top - 16;
  while (fence > stack && (load<u32>(fence) != FENCE || load<u32>(fence, 4) != open)) fence -= 16;
  const place = load<u32>(fence, 8);
  let to = fence;
  for (let entry = fence + 16; entry < top; entry += 16) {
    left--;
    if (load<u32>(entry) != UNDO) continue;
    memory.copy(to, entry, 16);
    to += 16;
  }
  top = to;
  return place;
}

/** The inside of a negative look-around has matched: everything since it was entered is undone. */
function dropFence(open: u32): void {
  while (top != stack) {
    top -= 16;
    left--;
    const tag = load<u32>(top);
    if (tag == UNDO) store<u32>(slots + (load<u32>(top, 4) << 2), load<u32>(top, 8));
    if (tag == FENCE && load<u32>(top, 4) == open) return;
  }
}

function run(program: Program, ptr: usize, len: u32): bool {
  const code = base(program) + program.code + (pc << 3);
  const set = base(program) + program.sets + ((load<u32>(code) >> 8) << 5);
  const least = load<u32>(code, 4);
  const mode = load<u32>(code, 8) >> 8;
  const most = load<u32>(code, 12);
  if (least > len - at) return false;
  const until = at + min(most, len - at);
  const floor = at + least;
  const start = at;
  const stop = mode == 1 ? floor : until;
  let p = at;
  while (p < stop && inSet(set, load<u8>(ptr + p))) p++;
  left -= <i32>((p - start) >> 3);
  if (p < floor) return false;
  if (mode == 1) {
    if (p < until) push(LONGER, pc, p, until);
  } else if (mode == 0 && p > floor) {
    push(SHORTER, pc + 2, floor, p);
  }
  at = p;
  pc += 2;
  return true;
}

function fold(c: u32): u32 {
  return c - 65 < 26 ? c | 32 : c;
}

/** A group that took no part matches nowhere. */
function refers(n: u32, nocase: bool, ptr: usize, len: u32): bool {
  const start = load<u32>(slots + (n << 3));
  const end = load<u32>(slots + (n << 3), 4);
  if (start == UNSET || end == UNSET || end < start || end - start > len - at) return false;
  const size = end - start;
  left -= <i32>(size >> 3);
  for (let i: u32 = 0; i < size; i++) {
    const a = <u32>load<u8>(ptr + start + i);
    const b = <u32>load<u8>(ptr + at + i);
    if (a != b && !(nocase && fold(a) == fold(b))) return false;
  }
  at += size;
  return true;
}

/** One attempt at offset `start`. */
function attempt(program: Program, ptr: usize, len: u32, start: u32, from: u32): bool {
  const code = base(program) + program.code;
  const sets = base(program) + program.sets;
  memory.fill(slots, 0xff, program.slots << 2);
  top = stack;
  pc = 0;
  at = start;
  let going = true;
  while (going) {
    if (--left < 0 || failed) {
      failed = true;
      return false;
    }
    const word = load<u32>(code + (pc << 3));
    const x = word >> 8;
    const y = load<u32>(code + (pc << 3), 4);
    let good = true;
    switch (word & 0xff) {
      case OP_BYTE:
        good = at < len && <u32>load<u8>(ptr + at) == x;
        at++;
        pc++;
        break;
      case OP_SET:
        good = at < len && inSet(sets + (x << 5), load<u8>(ptr + at));
        at++;
        pc++;
        break;
      case OP_ANY:
        good = at < len;
        at++;
        pc++;
        break;
      case OP_SPLIT:
        push(TRY, y, at, 0);
        pc++;
        break;
      case OP_LAZY:
        push(TRY, pc + 1, at, 0);
        pc = y;
        break;
      case OP_JUMP:
        pc = y;
        break;
      case OP_SAVE:
      case OP_MARK:
        setSlot(x, at);
        pc++;
        break;
      case OP_CHECK:
        pc = load<u32>(slots + (x << 2)) == at ? y : pc + 1;
        break;
      case OP_ASSERT:
        good = asserts(x, ptr, len, at, from);
        pc++;
        break;
      case OP_PEEK:
        good = peeks(sets + (x << 5), y, ptr, len, at);
        pc++;
        break;
      case OP_RUN:
        good = run(program, ptr, len);
        break;
      case OP_BACKREF:
        good = refers(x, y != 0, ptr, len);
        pc++;
        break;
      case OP_LOOK:
      case OP_ATOMIC:
        push(FENCE, pc, at, (word & 0xff) == OP_LOOK ? x & 1 : 0);
        pc++;
        break;
      case OP_LOOK_END:
        if ((x & 1) != 0) {
          dropFence(y);
          good = false;
        } else {
          at = closeFence(y);
          pc++;
        }
        break;
      case OP_ATOMIC_END:
        closeFence(y);
        pc++;
        break;
      case OP_BACK:
        good = at >= x;
        at -= x;
        pc++;
        break;
      case OP_IF_GROUP:
        pc = load<u32>(slots + (x << 3), 4) != UNSET ? pc + 1 : y;
        break;
      case OP_MATCH:
        return true;
      default:
        good = false;
    }
    if (!good) going = fail(program, ptr);
  }
  return false;
}

/** Finds the first match at or after state.hitFrom; gives up, limited, after too many steps or when the stack is full. */
export function backtrack(program: Program, ptr: usize, len: u32, from: u32): bool {
  if (!prepare(program)) {
    setLimited();
    return false;
  }
  failed = false;
  left = <i32>min<u32>(stepLimit, 0x7fffffff);
  const before = left;
  const searches = (flagsOf(program) & FLAG_LOOPS) != 0;
  const filter = (flagsOf(program) & FLAG_SKIP) != 0;
  const skip = base(program) + program.skip;
  let found = false;
  for (let start = hitFrom; start <= len; start++) {
    if (filter && start > from && start < len && !startsAt(skip, load<u8>(ptr + start))) continue;
    found = attempt(program, ptr, len, start, from);
    if (found || failed || !searches) break;
  }
  addSteps(<u32>(before - max(left, 0)));
  if (failed) setLimited();
  if (found) setMatch(load<u32>(slots), load<u32>(slots, 4), slots, program.captures);
  return found;
}
