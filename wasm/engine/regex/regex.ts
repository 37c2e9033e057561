// Regular expressions: what the two engines call. Programs come from packages/regex and are only read.
//
// Subjects are `len` bytes at `ptr`; a search starts at offset `from` and sees the bytes before it (for ^, \b, look-behind).
// One thread, no reentrance: results of a call are valid until the next one.
import { backtrack, dropBacktrack } from "./backtrack";
import { cacheBytes, dropCaches } from "./cache";
import { search } from "./dfa";
import { dropPike, pike } from "./pike";
import { FLAG_LINEAR, Program, checkProgram, flagsOf } from "./program";
import { clearResult, limited, limitedCount, matchEnd, matchStart, setLimits, slotCount, slots, steps } from "./state";

/** A group that took no part in the match. */
export const REGEX_NONE: u32 = 0xffffffff;

/** Checks a program from outside once; only programs that passed may be given to the functions below. `program` is 16-aligned. */
export function regexCheck(program: usize, len: u32): bool {
  return checkProgram(program, len);
}

/** Whether the program runs in linear time: regexLimited() is never true after regexTest then. */
export function regexIsLinear(program: usize): bool {
  return (flagsOf(changetype<Program>(program)) & FLAG_LINEAR) != 0;
}

/** Whether there is a match at or after `from`. False with regexLimited() when the step limit was reached. */
export function regexTest(program: usize, ptr: usize, len: u32, from: u32): bool {
  clearResult();
  const p = changetype<Program>(program);
  if (!search(p, ptr, len, from)) return false;
  return (flagsOf(p) & FLAG_LINEAR) != 0 || backtrack(p, ptr, len, from);
}

/** Finds the first match as Perl would (leftmost, then by priority); its bounds are regexStart() and regexEnd(). */
export function regexMatch(program: usize, ptr: usize, len: u32, from: u32): bool {
  return bounds(changetype<Program>(program), ptr, len, from, 1);
}

/** regexMatch with groups: regexGroupStart(n) and regexGroupEnd(n), group 0 being the whole match. */
export function regexCapture(program: usize, ptr: usize, len: u32, from: u32): bool {
  return bounds(changetype<Program>(program), ptr, len, from, changetype<Program>(program).captures);
}

function bounds(program: Program, ptr: usize, len: u32, from: u32, groups: u32): bool {
  clearResult();
  if (!search(program, ptr, len, from)) return false;
  if ((flagsOf(program) & FLAG_LINEAR) == 0) return backtrack(program, ptr, len, from);
  pike(program, ptr, len, from, groups);
  return true;
}

/** Offset of the match's first byte, from the start of the subject. */
export function regexStart(): u32 {
  return matchStart;
}

/** Offset behind the match's last byte. */
export function regexEnd(): u32 {
  return matchEnd;
}

/** Groups known after the last call, with group 0; none when it was limited. */
export function regexGroups(): u32 {
  return slotCount;
}

/** Start of group `n`, or REGEX_NONE. */
export function regexGroupStart(n: u32): u32 {
  if (n >= slotCount || load<u32>(slots + (n << 3), 4) == REGEX_NONE) return REGEX_NONE;
  return load<u32>(slots + (n << 3));
}

/** End of group `n`, or REGEX_NONE. */
export function regexGroupEnd(n: u32): u32 {
  return n < slotCount ? load<u32>(slots + (n << 3), 4) : REGEX_NONE;
}

/**
 * Whether the last call reached its step limit. When it returned false, nobody knows whether there is a match; when it returned
 * true, there is one, but its bounds are those of an approximation and groups are not known.
 */
export function regexLimited(): bool {
  return limited;
}

/** How often a limit was reached since the start. */
export function regexLimitedCount(): u32 {
  return limitedCount;
}

/** Steps (states made, set operations, matcher steps) since the start: for tests of linearity. */
export function regexSteps(): u64 {
  return steps;
}

/** Bytes that automaton caches take now. */
export function regexCacheBytes(): u32 {
  return cacheBytes();
}

/** Bytes that all automaton caches may take together, and one of them at most; steps of one call of a matcher. */
export function regexSetLimits(cacheBytes: u32, programBytes: u32, stepsOfCall: u32): void {
  setLimits(cacheBytes, programBytes, stepsOfCall);
}

/** Forgets all caches: to be called when the programs go away. */
export function regexReset(): void {
  dropCaches();
  dropPike();
  dropBacktrack();
  clearResult();
}
