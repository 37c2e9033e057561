// LZMA in the .lzma file format (5 bytes of properties, 8 bytes of length), after the specification in the public domain LZMA
// SDK.
// A symbol needs at most 20 bytes of input: symbols are decoded while that much is there, the rest when the input has ended.

import { Buffer, bufferAppend, bufferDrop, bufferFree, bufferReserve } from "../core/buffer";
import { give, take, takeZeroed } from "../core/memory";

export const LZMA_MORE: i32 = 0;
export const LZMA_END: i32 = 1;
export const LZMA_BROKEN: i32 = -1;
/** More output than is decoded. */
export const LZMA_LIMIT: i32 = -2;

const HEADER: u32 = 13;
const SYMBOL: u32 = 20;
/** Most bytes of output, which is its own dictionary. */
const OUTPUT_LIMIT: u32 = 1 << 20;
const UNKNOWN: u64 = 0xffffffffffffffff;

// Probabilities, as indexes of 16-bit words.
const IS_MATCH: u32 = 0;
const IS_REP: u32 = 192;
const IS_REP_G0: u32 = 204;
const IS_REP_G1: u32 = 216;
const IS_REP_G2: u32 = 228;
const IS_REP0_LONG: u32 = 240;
const POS_SLOT: u32 = 432;
const POS_SPECIAL: u32 = 688;
const ALIGN: u32 = 816;
const LENGTH: u32 = 832;
const REP_LENGTH: u32 = 1360;
const LITERAL: u32 = 1888;
// Inside a length coder: choice, choice 2, low, mid (16 × 8 each), high (256).
const LOW: u32 = 16;
const MID: u32 = 144;
const HIGH: u32 = 272;

@unmanaged
class Lzma {
  probs: usize;
  range: u32;
  code: u32;
  state: u32;
  rep0: u32;
  rep1: u32;
  rep2: u32;
  rep3: u32;
  lc: u32;
  lpMask: u32;
  pbMask: u32;
  started: bool;
  result: i32;
  left: u64;
  /** Input that waits, and the output so far: core Buffers in place. */
  input: usize;
  inputLen: u32;
  inputCapacity: u32;
  dict: usize;
  dictLen: u32;
  dictCapacity: u32;
}

// The stream being decoded.
let s: Lzma = changetype<Lzma>(0);
let at: usize = 0;
let end: usize = 0;

/** State of a stream, or 0. */
export function lzmaNew(): usize {
  return takeZeroed(offsetof<Lzma>());
}

export function lzmaFree(state: usize): void {
  if (state == 0) return;
  const z = changetype<Lzma>(state);
  give(z.probs);
  bufferFree(inputOf(z));
  bufferFree(dictOf(z));
  give(state);
}

// @ts-ignore: decorator
@inline function inputOf(z: Lzma): Buffer {
  return changetype<Buffer>(changetype<usize>(z) + offsetof<Lzma>("input"));
}

// @ts-ignore: decorator
@inline function dictOf(z: Lzma): Buffer {
  return changetype<Buffer>(changetype<usize>(z) + offsetof<Lzma>("dict"));
}

/** Decodes what it can; new output is appended to `out`. `last`: no input follows. */
export function lzma(state: usize, ptr: usize, len: u32, out: Buffer, last: bool): i32 {
  const z = changetype<Lzma>(state);
  if (z.result != LZMA_MORE) return z.result;
  const input = inputOf(z);
  if (!bufferAppend(input, ptr, len, 1 << 24)) return fail(z);
  at = input.ptr;
  end = at + input.len;
  s = z;
  if (!z.started) {
    if (input.len < HEADER + 5) return LZMA_MORE;
    if (!start(z)) return fail(z);
  }
  const dict = dictOf(z);
  const before = dict.len;
  const result = decode(z, dict, last);
  if (dict.len > before) bufferAppend(out, dict.ptr + before, dict.len - before, OUTPUT_LIMIT);
  bufferDrop(input, min(<u32>(at - input.ptr), input.len));
  z.result = result;
  return result;
}

function fail(z: Lzma): i32 {
  z.result = LZMA_BROKEN;
  return LZMA_BROKEN;
}

/** Reads the header. */
function start(z: Lzma): bool {
  let p: u32 = load<u8>(at);
  if (p >= 225) return false;
  z.lc = p % 9;
  p /= 9;
  const lp = p % 5;
  if (z.lc + lp > 4) return false;
  z.lpMask = (1 << lp) - 1;
  z.pbMask = (1 << (p / 5)) - 1;
  z.left = load<u64>(at + 5);
  if (load<u8>(at + HEADER) != 0) return false;
  const count = LITERAL + (768 << (z.lc + lp));
  z.probs = take(count * 2);
  if (z.probs == 0) return false;
  for (let i: u32 = 0; i < count; i++) store<u16>(z.probs + (i << 1), 1024);
  z.range = 0xffffffff;
  z.code = bswap(load<u32>(at + HEADER + 1));
  at += HEADER + 5;
  z.started = true;
  return true;
}

function bit(prob: u32): u32 {
  const p = s.probs + (prob << 1);
  const value: u32 = load<u16>(p);
  const bound = (s.range >> 11) * value;
  let result: u32 = 0;
  if (s.code < bound) {
    s.range = bound;
    store<u16>(p, value + ((2048 - value) >> 5));
  } else {
    s.range -= bound;
    s.code -= bound;
    store<u16>(p, value - (value >> 5));
    result = 1;
  }
  if (s.range < 0x1000000) refill();
  return result;
}

function refill(): void {
  s.range <<= 8;
  s.code = (s.code << 8) | (at < end ? <u32>load<u8>(at) : 0);
  at++;
}

function tree(probs: u32, bits: u32): u32 {
  let m: u32 = 1;
  for (let i: u32 = 0; i < bits; i++) m = (m << 1) + bit(probs + m);
  return m - (1 << bits);
}

function reverseTree(probs: u32, bits: u32): u32 {
  let m: u32 = 1;
  let value: u32 = 0;
  for (let i: u32 = 0; i < bits; i++) {
    const b = bit(probs + m);
    m = (m << 1) + b;
    value |= b << i;
  }
  return value;
}

function direct(bits: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < bits; i++) {
    s.range >>= 1;
    const b: u32 = s.code >= s.range ? 1 : 0;
    if (b) s.code -= s.range;
    if (s.range < 0x1000000) refill();
    value = (value << 1) | b;
  }
  return value;
}

function length(probs: u32, posState: u32): u32 {
  if (bit(probs) == 0) return 2 + tree(probs + LOW + (posState << 3), 3);
  if (bit(probs + 1) == 0) return 10 + tree(probs + MID + (posState << 3), 3);
  return 18 + tree(probs + HIGH, 8);
}

/** Symbols until input, output or the stream ends. */
function decode(z: Lzma, dict: Buffer, last: bool): i32 {
  while (true) {
    if (z.left == 0) return LZMA_END;
    if (last ? at >= end + 4 : at + SYMBOL > end) return LZMA_MORE;
    if (dict.len + 274 > OUTPUT_LIMIT) return LZMA_LIMIT;
    if (!bufferReserve(dict, 274)) return LZMA_BROKEN;
    const pos = dict.len;
    const posState = pos & z.pbMask;
    let n: u32 = 1;
    if (bit(IS_MATCH + (z.state << 4) + posState) == 0) {
      literal(z, dict);
    } else {
      n = match(z, pos, posState);
      if (z.rep0 == 0xffffffff) return LZMA_END;
      if (z.rep0 >= pos) return LZMA_BROKEN;
      if (z.left != UNKNOWN && <u64>n > z.left) n = <u32>z.left;
      let to = dict.ptr + pos;
      let from = to - z.rep0 - 1;
      for (let i: u32 = 0; i < n; i++) store<u8>(to++, load<u8>(from++));
      dict.len += n;
    }
    if (at > end + 4) {
      dict.len = pos;
      return LZMA_MORE;
    }
    if (z.left != UNKNOWN) z.left -= n;
  }
}

function literal(z: Lzma, dict: Buffer): void {
  const pos = dict.len;
  const before: u32 = pos > 0 ? load<u8>(dict.ptr + pos - 1) : 0;
  const probs = LITERAL + 768 * (((pos & z.lpMask) << z.lc) + (before >> (8 - z.lc)));
  let symbol: u32 = 1;
  if (z.state >= 7 && z.rep0 < pos) {
    let matched: u32 = load<u8>(dict.ptr + pos - z.rep0 - 1);
    while (symbol < 0x100) {
      const expected = (matched >> 7) & 1;
      matched <<= 1;
      const b = bit(probs + ((1 + expected) << 8) + symbol);
      symbol = (symbol << 1) | b;
      if (expected != b) break;
    }
  }
  while (symbol < 0x100) symbol = (symbol << 1) | bit(probs + symbol);
  store<u8>(dict.ptr + pos, symbol);
  dict.len = pos + 1;
  z.state = z.state < 4 ? 0 : z.state < 10 ? z.state - 3 : z.state - 6;
}

/** Length of the match that starts; its distance is in rep0 (0xffffffff marks the end of the stream). */
function match(z: Lzma, _pos: u32, posState: u32): u32 {
  const state = z.state;
  if (bit(IS_REP + state) == 0) {
    z.rep3 = z.rep2;
    z.rep2 = z.rep1;
    z.rep1 = z.rep0;
    const n = length(LENGTH, posState);
    z.state = state < 7 ? 7 : 10;
    const slot = tree(POS_SLOT + (min<u32>(n - 2, 3) << 6), 6);
    z.rep0 = slot;
    if (slot >= 4) {
      const bits = (slot >> 1) - 1;
      z.rep0 = (2 | (slot & 1)) << bits;
      if (slot < 14) z.rep0 += reverseTree(POS_SPECIAL + z.rep0 - slot, bits);
      else {
        z.rep0 += direct(bits - 4) << 4;
        z.rep0 += reverseTree(ALIGN, 4);
      }
    }
    return n;
  }
  if (bit(IS_REP_G0 + state) == 0) {
    if (bit(IS_REP0_LONG + (state << 4) + posState) == 0) {
      z.state = state < 7 ? 9 : 11;
      return 1;
    }
  } else {
    let distance: u32;
    if (bit(IS_REP_G1 + state) == 0) distance = z.rep1;
    else {
      if (bit(IS_REP_G2 + state) == 0) distance = z.rep2;
      else {
        distance = z.rep3;
        z.rep3 = z.rep2;
      }
      z.rep2 = z.rep1;
    }
    z.rep1 = z.rep0;
    z.rep0 = distance;
  }
  z.state = state < 7 ? 8 : 11;
  return length(REP_LENGTH, posState);
}
