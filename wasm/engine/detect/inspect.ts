// The conditions of a rule on one buffer. They hold in order; one that counts from the match before ("relative") is tried at each
// occurrence of what it counts from, so that "a, then b within 5" finds the b after the second a. Semantics are Suricata's
// (its user guide, "Payload Keywords"); a number of steps bounds what a hostile buffer can cost.

import { asn1Check } from "./asn1";
import { decodeBase64, decodedLen } from "./base64";
import { findLiteral, isLiteral } from "./literal";
import {
  B_ALIGN, B_BYTES_VAR, B_DCE, B_FROM_BEGINNING, B_FROM_END, B_LITTLE, B_MASK, B_OFFSET_VAR, B_STRING, B_VALUE_VAR, C_DEPTH,
  C_DEPTH_VAR, C_DISTANCE, C_DISTANCE_VAR, C_ENDS, C_NOCASE, C_OFFSET_VAR, C_STARTS, C_WITHIN, C_WITHIN_VAR, MATCH_ASN1,
  MATCH_BASE64_DECODE, MATCH_BYTES, MATCH_BYTE_EXTRACT, MATCH_BYTE_JUMP, MATCH_BYTE_MATH, MATCH_BYTE_TEST, MATCH_CONTENT,
  MATCH_DATASET, MATCH_ISDATAAT, MATCH_PCRE, MATCH_SIZE, M_NEGATED, M_RELATIVE, M_RETRY, OP_ADD, OP_AND, OP_DIV, OP_EQ, OP_GE,
  OP_GT, OP_LE, OP_LT, OP_MUL, OP_NE, OP_RANGE, OP_SHL, OP_SHR, OP_SUB, VARIABLES,
} from "./layout";
import { readBinary, readBytes, readText, readValue } from "./numbers";
import { regexFind, regexMatchEnd, regexMatchStart } from "./pattern";

/** Tries of one inspection (Suricata's inspection-recursion-limit). */
const STEPS: u32 = 3000;

const NO: i32 = 0;
const YES: i32 = 1;
/** No, and no other occurrence of anything before can change that. */
const NEVER: i32 = 2;

const variables = memory.data(256);
let data: usize = 0;
let matches: usize = 0;
let buffer: usize = 0;
let bufferLen: u32 = 0;
/** Bytes of the stream before the buffer; positions from the start count from the start of the stream. */
let before: u64 = 0;
let position: u32 = 0;
let steps: u32 = 0;

/** Inspections that ran out of steps. */
export let inspectionsCut: u32 = 0;
/** Byte order that `dce` means: set by the DCE/RPC parser's header of the transaction. */
export let dceLittle: bool = true;
/** Where the last match that held ended in the buffer. */
export let lastPosition: u32 = 0;

export function setDceLittle(little: bool): void {
  dceLittle = little;
}

/** Where records and bytes of the image in use are. */
export function useMatches(section: usize, firstMatch: usize): void {
  data = section;
  matches = firstMatch;
}

/** Forgets the values of byte_extract and byte_math: before each rule. */
export function clearVariables(): void {
  memory.fill(variables, 0, VARIABLES * 8);
}

/** Whether matches `first` to `first + count - 1` hold on the buffer, which starts `skipped` bytes into its stream. */
export function inspectBuffer(first: u32, count: u32, ptr: usize, len: u32, skipped: u64): bool {
  buffer = ptr;
  bufferLen = len;
  before = skipped;
  position = 0;
  steps = STEPS;
  const at = matches + (<usize>first * MATCH_BYTES);
  const held = run(at, at + <usize>count * MATCH_BYTES) == YES;
  lastPosition = position;
  return held;
}

function run(from: usize, end: usize): i32 {
  for (let at = from; at < end; at += MATCH_BYTES) {
    if (steps == 0) {
      inspectionsCut++;
      return NEVER;
    }
    steps--;
    const kind = load<u32>(at);
    if (kind == MATCH_CONTENT) {
      const result = content(at, end);
      if (result == YES && (load<u32>(at, 4) & M_RETRY) != 0) return YES;
      if (result != YES) return result;
      continue;
    }
    if (kind == MATCH_PCRE) {
      const result = pcre(at, end);
      if (result == YES && (load<u32>(at, 4) & M_RETRY) != 0) return YES;
      if (result != YES) return result;
      continue;
    }
    if (!simple(kind, at)) return NO;
  }
  return YES;
}

// @ts-ignore: decorator
@inline function variable(index: u32): u64 {
  return load<u64>(variables + ((<usize>index) << 3));
}

/** A number of the rule, or of a variable of it. */
// @ts-ignore: decorator
@inline function operand(at: usize, isVariable: u32): i64 {
  const raw = load<i32>(at);
  return isVariable != 0 ? clampI64(variable(<u32>raw)) : <i64>raw;
}

// @ts-ignore: decorator
@inline function clampI64(value: u64): i64 {
  return value > 0x7fffffff ? 0x7fffffff : <i64>value;
}

/** A content at `at`. With M_RETRY all that follows up to `end` is tried at each occurrence. */
function content(at: usize, end: usize): i32 {
  const flags = load<u32>(at, 4);
  const needle = data + load<u32>(at, 8);
  const n = load<u32>(at, 12);
  const anchor = position;
  const relative = (flags & (C_DISTANCE | C_WITHIN)) != 0;
  let low: i64 = 0;
  let high: i64 = bufferLen;
  const offset = operand(at + 16, flags & C_OFFSET_VAR);
  if (relative) {
    const distance = (flags & C_DISTANCE) != 0 ? operand(at + 24, flags & C_DISTANCE_VAR) : 0;
    low = max<i64>(<i64>anchor + distance, 0);
    if ((flags & C_WITHIN) != 0) high = min<i64>(high, <i64>anchor + distance + operand(at + 28, flags & C_WITHIN_VAR));
    if ((flags & C_DEPTH) != 0) high = min<i64>(high, <i64>anchor + operand(at + 20, flags & C_DEPTH_VAR));
    low = max(low, offset);
  } else {
    low = offset;
    if ((flags & C_DEPTH) != 0) {
      // Depth counts from offset; where both are known the compiler has added them.
      const own = operand(at + 20, flags & C_DEPTH_VAR) + ((flags & (C_DEPTH_VAR | C_OFFSET_VAR)) != 0 ? offset : 0);
      const depth = own - <i64>min<u64>(before, 0x7fffffff);
      high = min(high, depth);
    }
    // Positions from the start of the stream: what is before the buffer cannot match any more.
    if (before != 0) low = max<i64>(low - <i64>min<u64>(before, 0x7fffffff), 0);
  }
  const negated = (flags & M_NEGATED) != 0;
  const nocase = (flags & C_NOCASE) != 0;
  const unable = negated ? YES : relative ? NO : NEVER;
  if (low > high || high <= 0 || <i64>n > high - low) return unable;
  if ((flags & C_STARTS) != 0) {
    if (before != 0) return unable;
    high = min<i64>(high, n);
  }
  if ((flags & C_ENDS) != 0) {
    // Only one place is possible, and it must be within the bounds.
    const place = <i64>bufferLen - <i64>n;
    if (high < <i64>bufferLen || place < low) return unable;
    low = place;
  }
  let from = <u32>low;
  const until = <u32>high;
  const home = buffer;
  const homeLen = bufferLen;
  for (;;) {
    const found = findLiteral(home, until, needle, n, nocase, from);
    if (found < 0) return negated ? YES : relative ? NO : NEVER;
    if (negated) return relative ? NO : NEVER;
    position = <u32>found + n;
    if ((flags & M_RETRY) == 0) return YES;
    const result = run(at + MATCH_BYTES, end);
    if (result == YES) return YES;
    buffer = home;
    bufferLen = homeLen;
    if (result == NEVER) return NEVER;
    if (steps == 0) return NEVER;
    steps--;
    from = <u32>found + 1;
    position = anchor;
  }
  return NEVER;
}

function pcre(at: usize, end: usize): i32 {
  const flags = load<u32>(at, 4);
  const program = load<u32>(at, 8);
  const relative = (flags & M_RELATIVE) != 0;
  const anchor = position;
  const start: u32 = relative ? min(anchor, bufferLen) : 0;
  const home = buffer + start;
  const len = bufferLen - start;
  const keep = buffer;
  const keepLen = bufferLen;
  let from: u32 = 0;
  for (;;) {
    const found = regexFind(program, home, len, from);
    if ((flags & M_NEGATED) != 0) return found ? (relative ? NO : NEVER) : YES;
    if (!found) return relative ? NO : NEVER;
    const first = regexMatchStart;
    position = start + regexMatchEnd;
    if ((flags & M_RETRY) == 0) return YES;
    const result = run(at + MATCH_BYTES, end);
    if (result == YES) return YES;
    buffer = keep;
    bufferLen = keepLen;
    if (result == NEVER || steps == 0) return NEVER;
    steps--;
    from = first + 1;
    position = anchor;
    if (from > len) return relative ? NO : NEVER;
  }
  return NEVER;
}

/** Conditions with one possible place. */
function simple(kind: u32, at: usize): bool {
  if (kind == MATCH_BYTE_TEST) return byteTest(at);
  if (kind == MATCH_BYTE_JUMP) return byteJump(at);
  if (kind == MATCH_ISDATAAT) return isDataAt(at);
  if (kind == MATCH_SIZE) return inRange(at, bufferLen);
  if (kind == MATCH_BYTE_EXTRACT) return byteExtract(at);
  if (kind == MATCH_BYTE_MATH) return byteMath(at);
  if (kind == MATCH_BASE64_DECODE) return base64(at);
  if (kind == MATCH_DATASET) return inSet(at);
  if (kind == MATCH_ASN1) return asn1(at);
  return false;
}

/** A range of numbers, perhaps negated: two u64 at 16 and 24. */
export function inRange(at: usize, value: u64): bool {
  const inside = value >= load<u64>(at, 16) && value <= load<u64>(at, 24);
  return inside != ((load<u32>(at, 4) & M_NEGATED) != 0);
}

let readAt: u32 = 0;

/** Reads the number that a byte_ keyword starts with (operands at 8: bytes, 12: offset, 16: base, 20: mask, 24: shift). */
function readNumber(at: usize, flags: u32): bool {
  const n = operand(at + 8, flags & B_BYTES_VAR);
  let place = operand(at + 12, flags & B_OFFSET_VAR);
  if ((flags & M_RELATIVE) != 0) place += position;
  if (place < 0 || place > <i64>bufferLen || n < 0) return false;
  readAt = <u32>place;
  const ptr = buffer + readAt;
  const left = bufferLen - readAt;
  if ((flags & B_STRING) != 0) {
    if (!readText(ptr, left, <u32>min<i64>(n, 23), load<u32>(at, 16))) return false;
  } else {
    const little = (flags & B_LITTLE) != 0 || ((flags & B_DCE) != 0 && dceLittle);
    if (!readBinary(ptr, left, <u32>n, little)) return false;
  }
  number = readValue;
  if ((flags & B_MASK) != 0) number = (number & load<u32>(at, 20)) >> load<u32>(at, 24);
  return true;
}
let number: u64 = 0;

function byteTest(at: usize): bool {
  const flags = load<u32>(at, 4);
  if (!readNumber(at, flags)) return false;
  const value = (flags & B_VALUE_VAR) != 0 ? variable(load<u32>(at, 32)) : load<u64>(at, 32);
  return compare(load<u32>(at, 28), number, value) != ((flags & M_NEGATED) != 0);
}

export function compare(op: u32, a: u64, b: u64): bool {
  if (op == OP_LT) return a < b;
  if (op == OP_GT) return a > b;
  if (op == OP_EQ) return a == b;
  if (op == OP_LE) return a <= b;
  if (op == OP_GE) return a >= b;
  if (op == OP_NE) return a != b;
  if (op == OP_AND) return (a & b) != 0;
  return (a ^ b) != 0;
}

function byteJump(at: usize): bool {
  const flags = load<u32>(at, 4);
  let value: i64 = 0;
  let here: i64 = 0;
  if ((flags & B_BYTES_VAR) == 0 && load<u32>(at, 8) == 0) {
    here = operand(at + 12, flags & B_OFFSET_VAR) + ((flags & M_RELATIVE) != 0 ? <i64>position : 0);
  } else {
    if (!readNumber(at, flags)) return false;
    here = <i64>readAt + readBytes;
    value = clampI64(number);
  }
  value *= max<i64>(load<i32>(at, 28), 1);
  if ((flags & B_ALIGN) != 0) value = (value + 3) & ~3;
  value += operand(at + 32, load<u32>(at, 36));
  if ((flags & B_FROM_BEGINNING) != 0) here = 0;
  else if ((flags & B_FROM_END) != 0) here = bufferLen;
  const target = here + value;
  if (target < 0 || target >= <i64>bufferLen) return false;
  position = <u32>target;
  return true;
}

function byteExtract(at: usize): bool {
  const flags = load<u32>(at, 4);
  if (!readNumber(at, flags)) return false;
  let value = number * max<u32>(load<u32>(at, 28), 1);
  const align: u64 = load<u32>(at, 36);
  if (align != 0) value = ((value + align - 1) / align) * align;
  store<u64>(variables + ((<usize>load<u32>(at, 32)) << 3), value);
  position = readAt + readBytes;
  return true;
}

function byteMath(at: usize): bool {
  const flags = load<u32>(at, 4);
  if (!readNumber(at, flags)) return false;
  const op = load<u32>(at, 28);
  const right: u64 = (flags & B_VALUE_VAR) != 0 ? variable(load<u32>(at, 36)) : <u64>load<u32>(at, 36);
  let value = number;
  if (op == OP_ADD) value += right;
  else if (op == OP_SUB) value -= right;
  else if (op == OP_MUL) value *= right;
  else if (op == OP_DIV) {
    if (right == 0) return false;
    value /= right;
  } else if (op == OP_SHL) value = right < 64 ? value << right : 0;
  else value = right < 64 ? value >> right : 0;
  store<u64>(variables + ((<usize>load<u32>(at, 32)) << 3), value);
  position = readAt + readBytes;
  return true;
}

function isDataAt(at: usize): bool {
  const flags = load<u32>(at, 4);
  const offset = operand(at + 8, flags & B_OFFSET_VAR);
  const negated = (flags & M_NEGATED) != 0;
  const there = (flags & M_RELATIVE) != 0 ? <i64>position + offset <= <i64>bufferLen : offset < <i64>bufferLen;
  return there != negated;
}

/** At 8: most bytes, 12: offset, 16: first match on the result, 20: how many. */
function base64(at: usize): bool {
  let place = <i64>load<i32>(at, 12);
  if ((load<u32>(at, 4) & M_RELATIVE) != 0) place += position;
  if (place < 0 || place >= <i64>bufferLen) return false;
  const left = bufferLen - <u32>place;
  const limit = load<u32>(at, 8);
  const decoded = decodeBase64(buffer + <usize>place, limit == 0 ? left : min(limit, left));
  if (decodedLen == 0) return false;
  const count = load<u32>(at, 20);
  if (count == 0) return true;
  const keep = buffer;
  const keepLen = bufferLen;
  const keepPosition = position;
  const keepBefore = before;
  buffer = decoded;
  bufferLen = decodedLen;
  position = 0;
  before = 0;
  const first = matches + <usize>load<u32>(at, 16) * MATCH_BYTES;
  const held = run(first, first + <usize>count * MATCH_BYTES) == YES;
  buffer = keep;
  bufferLen = keepLen;
  position = keepPosition;
  before = keepBefore;
  return held;
}

/** At 8: table of (offset, length) in ascending order of the bytes, 12: how many. */
function inSet(at: usize): bool {
  const table = data + load<u32>(at, 8);
  let low: u32 = 0;
  let high = load<u32>(at, 12);
  let found = false;
  while (low < high) {
    const mid = (low + high) >> 1;
    const entry = table + ((<usize>mid) << 3);
    const len = load<u32>(entry, 4);
    let order = memory.compare(buffer, data + load<u32>(entry), min(len, bufferLen));
    if (order == 0) order = <i32>bufferLen - <i32>len;
    if (order == 0) {
      found = true;
      break;
    }
    if (order < 0) high = mid;
    else low = mid + 1;
  }
  return found != ((load<u32>(at, 4) & M_NEGATED) != 0);
}

/** At 8: bits (1 bitstring overflow, 2 double overflow, 4 oversize), 12: offset, 16: oversize length. */
function asn1(at: usize): bool {
  let place = <i64>load<i32>(at, 12);
  if ((load<u32>(at, 4) & M_RELATIVE) != 0) place += position;
  if (place < 0 || place >= <i64>bufferLen) return false;
  return asn1Check(buffer + <usize>place, bufferLen - <u32>place, load<u32>(at, 8), load<u32>(at, 16));
}
