// DEFLATE (RFC 1951) with or without the wrappers of zlib (RFC 1950) and gzip (RFC 1952), in pieces cut anywhere. Lenient as
// browsers are: checksums and missing ends do not matter, gzip members may follow each other.
//
// Whatever a step needs (a code, a length, a header field) is taken from the bit buffer only when all of it is there: the state
// between two pieces is the bit buffer, the stage, and the window.

import { Buffer, bufferAppend } from "../core/buffer";
import { give, takeZeroed, take } from "../core/memory";
import { buildTable, DISTANCES, fixedTables, LENGTHS, LENGTH_CODES, LITERALS, ROOT, ROOT_CODES } from "./huffman";

/** What is around the deflate stream. AUTO tells by the first bytes: gzip, zlib or nothing. */
export const INFLATE_RAW: u32 = 0;
export const INFLATE_ZLIB: u32 = 1;
export const INFLATE_GZIP: u32 = 2;
export const INFLATE_AUTO: u32 = 3;

/** All input is used, more is wanted. */
export const INFLATE_MORE: i32 = 0;
/** The stream ended. */
export const INFLATE_END: i32 = 1;
/** The limit of output was reached: all of it is in the buffer. */
export const INFLATE_LIMIT: i32 = 2;
/** Output grew beyond the ratio to the input: a bomb. */
export const INFLATE_BOMB: i32 = -1;
/** The data is broken; what came before is in the buffer. */
export const INFLATE_BROKEN: i32 = -2;
/** Memory is short. */
export const INFLATE_MEMORY: i32 = -3;

/** Output that is always allowed, whatever the ratio. */
const FREE_OUTPUT: u32 = 65536;
const WINDOW: u32 = 32768;
const WINDOW_MOST: u32 = 65536 + 1024;
const WINDOW_FIRST: u32 = 4096;
/** Longest match, and room that the fast loop may write more than it. */
const MATCH: u32 = 258;

const S_START: u32 = 0;
const S_GZIP: u32 = 1;
const S_GZIP_EXTRA_LEN: u32 = 2;
const S_GZIP_EXTRA: u32 = 3;
const S_GZIP_NAME: u32 = 4;
const S_GZIP_COMMENT: u32 = 5;
const S_GZIP_CRC: u32 = 6;
const S_BLOCK: u32 = 7;
const S_STORED: u32 = 8;
const S_DYNAMIC: u32 = 9;
const S_CODE_LENGTHS: u32 = 10;
const S_LENGTHS: u32 = 11;
const S_DATA: u32 = 12;
const S_TRAILER: u32 = 13;
const S_MEMBER: u32 = 14;
const S_DONE: u32 = 15;

@unmanaged
class Inflate {
  bits: u64;
  count: u32;
  stage: u32;
  wrapper: u32;
  /** Result that is repeated once it is not INFLATE_MORE. */
  result: i32;
  limit: u32;
  ratio: u32;
  totalIn: u64;
  totalOut: u32;
  last: u32;
  /** What is left of a stored block, an extra field, a trailer. */
  left: u32;
  flags: u32;
  literals: u32;
  distances: u32;
  codes: u32;
  at: u32;
  /** Tables in use: own or the fixed ones. */
  litTable: usize;
  distTable: usize;
  /** Own tables, taken with the first dynamic block: literals, distances, code lengths, lengths. */
  own: usize;
  window: usize;
  room: u32;
  used: u32;
  /** Bytes of the window that are in the caller's buffer already. */
  flushed: u32;
  /** Bytes of history that distances may reach. */
  history: u32;
}

let consumed: u32 = 0;

/**
 * State of a stream, or 0 when memory is short: a few hundred bytes, and up to 76 KB once it is in use.
 * @param limit most bytes of output in all
 * @param ratio most output per byte of input, once 64 KB are out; 0 for any
 */
export function inflateNew(wrapper: u32, limit: u32, ratio: u32): usize {
  const at = takeZeroed(offsetof<Inflate>());
  if (at == 0) return 0;
  const z = changetype<Inflate>(at);
  z.wrapper = wrapper;
  z.limit = limit;
  z.ratio = ratio;
  z.stage = wrapper == INFLATE_RAW ? S_BLOCK : S_START;
  return at;
}

/** Gives a state back. 0 is allowed. */
export function inflateFree(state: usize): void {
  if (state == 0) return;
  const z = changetype<Inflate>(state);
  give(z.own);
  give(z.window);
  give(state);
}

/** Bytes of the last call's input that belong to the stream. */
export function inflateUsed(): u32 {
  return consumed;
}

/** Bytes of output so far. */
export function inflateTotal(state: usize): u32 {
  return state == 0 ? 0 : changetype<Inflate>(state).totalOut;
}

/**
 * Next piece of the stream; decoded bytes are appended to `out`. Anything but INFLATE_MORE is final: later calls repeat it and
 * use nothing.
 */
export function inflate(state: usize, ptr: usize, len: u32, out: Buffer): i32 {
  consumed = 0;
  if (state == 0) return INFLATE_MEMORY;
  const z = changetype<Inflate>(state);
  if (z.result != INFLATE_MORE) return z.result;
  z.totalIn += len;
  input = ptr;
  end = ptr + len;
  let result = run(z, out);
  const flushed = flush(z, out);
  if (flushed != INFLATE_MORE) result = flushed;
  if (result == INFLATE_END) {
    // Whole bytes in the bit buffer were not part of it.
    const back = min<u32>(z.count >>> 3, <u32>(input - ptr));
    input -= back;
  }
  consumed = <u32>(input - ptr);
  z.result = result;
  return result;
}

let input: usize = 0;
let end: usize = 0;

// @ts-ignore: decorator
@inline function refill(z: Inflate): void {
  let count = z.count;
  let bits = z.bits;
  let p = input;
  while (count <= 56 && p < end) {
    bits |= (<u64>load<u8>(p)) << count;
    count += 8;
    p++;
  }
  input = p;
  z.bits = bits;
  z.count = count;
}

// @ts-ignore: decorator
@inline function has(z: Inflate, n: u32): bool {
  if (z.count < n) refill(z);
  return z.count >= n;
}

// @ts-ignore: decorator
@inline function bitsOf(z: Inflate, n: u32): u32 {
  const value = <u32>z.bits & ((1 << n) - 1);
  z.bits >>= n;
  z.count -= n;
  return value;
}

function run(z: Inflate, out: Buffer): i32 {
  while (true) {
    const stage = z.stage;
    if (stage == S_DATA) {
      const result = decode(z, out);
      if (result != INFLATE_END) return result;
      z.stage = z.last != 0 ? afterData(z) : S_BLOCK;
    } else if (stage == S_STORED) {
      const result = stored(z, out);
      if (result != INFLATE_END) return result;
      z.stage = z.last != 0 ? afterData(z) : S_BLOCK;
    } else if (stage == S_BLOCK) {
      if (!has(z, 3)) return INFLATE_MORE;
      z.last = bitsOf(z, 1);
      const kind = bitsOf(z, 2);
      if (kind == 3) return INFLATE_BROKEN;
      if (kind == 0) {
        bitsOf(z, z.count & 7);
        z.left = 0xffffffff;
        z.stage = S_STORED;
      } else if (kind == 1) {
        const fixed = fixedTables();
        z.litTable = fixed;
        z.distTable = fixed + LITERALS * 4;
        z.stage = S_DATA;
      } else {
        z.stage = S_DYNAMIC;
      }
    } else if (stage == S_DYNAMIC || stage == S_CODE_LENGTHS || stage == S_LENGTHS) {
      const result = dynamic(z);
      if (result != INFLATE_END) return result;
    } else if (stage == S_DONE) {
      return INFLATE_END;
    } else {
      const result = wrapped(z);
      if (result != INFLATE_END) return result;
    }
  }
}

function afterData(z: Inflate): u32 {
  bitsOf(z, z.count & 7);
  if (z.wrapper == INFLATE_GZIP) {
    z.left = 8;
    return S_TRAILER;
  }
  if (z.wrapper == INFLATE_ZLIB) {
    z.left = 4;
    return S_TRAILER;
  }
  return S_DONE;
}

/** One step through headers and trailers. INFLATE_END: go on. */
function wrapped(z: Inflate): i32 {
  const stage = z.stage;
  if (stage == S_START) {
    if (!has(z, 16)) return INFLATE_MORE;
    const first = <u32>z.bits & 0xff;
    const second = (<u32>z.bits >>> 8) & 0xff;
    const zlib = (first & 15) == 8 && ((first << 8) | second) % 31 == 0 && (second & 0x20) == 0;
    const gzip = first == 0x1f && second == 0x8b;
    if (z.wrapper == INFLATE_AUTO) z.wrapper = gzip ? INFLATE_GZIP : zlib ? INFLATE_ZLIB : INFLATE_RAW;
    if (z.wrapper == INFLATE_RAW) {
      z.stage = S_BLOCK;
      return INFLATE_END;
    }
    if (z.wrapper == INFLATE_ZLIB ? !zlib : !gzip) return INFLATE_BROKEN;
    bitsOf(z, 16);
    z.stage = z.wrapper == INFLATE_ZLIB ? S_BLOCK : S_GZIP;
    return INFLATE_END;
  }
  if (stage == S_GZIP) {
    // Method, flags, time, extra flags, system: 8 bytes.
    if (!has(z, 16)) return INFLATE_MORE;
    if (z.left == 0) {
      if ((<u32>z.bits & 0xff) != 8) return INFLATE_BROKEN;
      z.flags = (<u32>z.bits >>> 8) & 0xff;
    }
    bitsOf(z, 16);
    z.left++;
    if (z.left == 4) {
      z.left = 0;
      z.stage = S_GZIP_EXTRA_LEN;
    }
    return INFLATE_END;
  }
  if (stage == S_GZIP_EXTRA_LEN) {
    z.stage = S_GZIP_NAME;
    if ((z.flags & 4) == 0) return INFLATE_END;
    z.stage = stage;
    if (!has(z, 16)) return INFLATE_MORE;
    z.left = bitsOf(z, 16);
    z.stage = S_GZIP_EXTRA;
    return INFLATE_END;
  }
  if (stage == S_GZIP_EXTRA) return skip(z, S_GZIP_NAME);
  if (stage == S_GZIP_NAME) return zeroEnded(z, 8, S_GZIP_COMMENT);
  if (stage == S_GZIP_COMMENT) return zeroEnded(z, 16, S_GZIP_CRC);
  if (stage == S_GZIP_CRC) {
    if ((z.flags & 2) != 0) {
      if (!has(z, 16)) return INFLATE_MORE;
      bitsOf(z, 16);
    }
    z.stage = S_BLOCK;
    return INFLATE_END;
  }
  if (stage == S_TRAILER) return skip(z, z.wrapper == INFLATE_GZIP ? S_MEMBER : S_DONE);
  // Another gzip member, or the end: what follows is not ours. Without more input the stream counts as not ended yet.
  if (!has(z, 8)) return INFLATE_MORE;
  if ((<u32>z.bits & 0xff) == 0x1f) {
    if (!has(z, 16)) return INFLATE_MORE;
    if ((<u32>z.bits & 0xffff) == 0x8b1f) {
      bitsOf(z, 16);
      z.left = 0;
      z.history = 0;
      z.stage = S_GZIP;
      return INFLATE_END;
    }
  }
  z.stage = S_DONE;
  return INFLATE_END;
}

function skip(z: Inflate, next: u32): i32 {
  while (z.left > 0) {
    if (!has(z, 8)) return INFLATE_MORE;
    bitsOf(z, 8);
    z.left--;
  }
  z.stage = next;
  return INFLATE_END;
}

function zeroEnded(z: Inflate, flag: u32, next: u32): i32 {
  if ((z.flags & flag) != 0) {
    while (true) {
      if (!has(z, 8)) return INFLATE_MORE;
      if (bitsOf(z, 8) == 0) break;
    }
  }
  z.stage = next;
  return INFLATE_END;
}

function stored(z: Inflate, out: Buffer): i32 {
  if (z.left == 0xffffffff) {
    if (!has(z, 32)) return INFLATE_MORE;
    const length = bitsOf(z, 16);
    if ((bitsOf(z, 16) ^ 0xffff) != length) return INFLATE_BROKEN;
    z.left = length;
  }
  while (z.left > 0) {
    const ready = space(z, out);
    if (ready != INFLATE_MORE) return ready;
    if (z.count >= 8) {
      store<u8>(z.window + z.used, bitsOf(z, 8));
      z.used++;
      z.left--;
      continue;
    }
    const n = min<u32>(z.left, min<u32>(<u32>(end - input), z.room - z.used));
    if (n == 0) return INFLATE_MORE;
    memory.copy(z.window + z.used, input, n);
    input += n;
    z.used += n;
    z.left -= n;
  }
  return INFLATE_END;
}

/** Order in which lengths of the code length code come. */
const ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

function dynamic(z: Inflate): i32 {
  if (z.own == 0) {
    z.own = take((LITERALS + DISTANCES + LENGTH_CODES) * 4 + LENGTHS);
    if (z.own == 0) return INFLATE_MEMORY;
  }
  const codeTable = z.own + (LITERALS + DISTANCES) * 4;
  const lengths = codeTable + LENGTH_CODES * 4;
  if (z.stage == S_DYNAMIC) {
    if (!has(z, 14)) return INFLATE_MORE;
    z.literals = bitsOf(z, 5) + 257;
    z.distances = bitsOf(z, 5) + 1;
    z.codes = bitsOf(z, 4) + 4;
    if (z.literals > 286) return INFLATE_BROKEN;
    memory.fill(lengths, 0, LENGTHS);
    z.at = 0;
    z.stage = S_CODE_LENGTHS;
  }
  if (z.stage == S_CODE_LENGTHS) {
    while (z.at < z.codes) {
      if (!has(z, 3)) return INFLATE_MORE;
      store<u8>(lengths + load<u8>(ORDER + z.at), bitsOf(z, 3));
      z.at++;
    }
    if (!buildTable(lengths, 19, ROOT_CODES, codeTable, LENGTH_CODES, 0)) return INFLATE_BROKEN;
    memory.fill(lengths, 0, LENGTHS);
    z.at = 0;
    z.stage = S_LENGTHS;
  }
  const total = z.literals + z.distances;
  while (z.at < total) {
    refill(z);
    const entry = load<u32>(codeTable + ((<u32>z.bits & 127) << 2));
    const size = entry & 15;
    const symbol = entry >>> 16;
    if (entry == 0) return z.count >= 7 ? INFLATE_BROKEN : INFLATE_MORE;
    if (symbol < 16) {
      if (z.count < size) return INFLATE_MORE;
      bitsOf(z, size);
      store<u8>(lengths + z.at, symbol);
      z.at++;
      continue;
    }
    const extra: u32 = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    if (z.count < size + extra) return INFLATE_MORE;
    bitsOf(z, size);
    const times = bitsOf(z, extra) + (symbol == 18 ? 11 : 3);
    if (z.at + times > total || (symbol == 16 && z.at == 0)) return INFLATE_BROKEN;
    memory.fill(lengths + z.at, symbol == 16 ? load<u8>(lengths + z.at - 1) : 0, times);
    z.at += times;
  }
  if (load<u8>(lengths + 256) == 0) return INFLATE_BROKEN;
  z.litTable = z.own;
  z.distTable = z.own + LITERALS * 4;
  if (!buildTable(lengths, z.literals, ROOT, z.litTable, LITERALS, 1)) return INFLATE_BROKEN;
  if (!buildTable(lengths + z.literals, z.distances, ROOT, z.distTable, DISTANCES, 2)) return INFLATE_BROKEN;
  z.stage = S_DATA;
  return INFLATE_END;
}

/** An entry of a two-level table for the bits at hand. */
// @ts-ignore: decorator
@inline function entryOf(table: usize, bits: u64): u32 {
  const entry = load<u32>(table + ((<u32>bits & ((1 << ROOT) - 1)) << 2));
  if ((entry & 0x80) == 0) return entry;
  // Second level: where it starts, and how many bits it is looked up by.
  return load<u32>(table + (((entry >>> 16) + ((<u32>bits >>> ROOT) & ((1 << (entry & 15)) - 1))) << 2));
}

/**
 * Decodes literals and matches until the block ends (INFLATE_END). Entries: bits 0 to 3 and 4 (value 16) length of the code,
 * bit 5
 * literal, bit 6 end of block, bit 7 second level, bits 8 to 12 extra bits, bits 16 to 31 value.
 */
function decode(z: Inflate, out: Buffer): i32 {
  const lit = z.litTable;
  const dist = z.distTable;
  let result = space(z, out);
  while (result == INFLATE_MORE) {
    let bits = z.bits;
    let count = z.count;
    let at = z.window + z.used;
    const start = z.window;
    const stop = z.window + z.room - MATCH - 8;
    const reach = z.history;
    const used = z.used;
    let p = input;
    const safe = end - p >= 8 ? end - 8 : 0;
    let status: i32 = INFLATE_MORE;
    let full = true;
    while (at <= stop) {
      if (p <= safe && safe != 0) {
        bits |= load<u64>(p) << count;
        p += (63 - count) >>> 3;
        count |= 56;
      } else {
        while (count <= 56 && p < end) {
          bits |= (<u64>load<u8>(p)) << count;
          count += 8;
          p++;
        }
      }
      const entry = entryOf(lit, bits);
      const size = entry & 31;
      if ((entry & 32) != 0) {
        if (size > count) {
          full = false;
          break;
        }
        store<u8>(at, entry >>> 16);
        at++;
        bits >>= size;
        count -= size;
        // A second literal without refilling, when there is one.
        const next = entryOf(lit, bits);
        if ((next & 32) != 0 && (next & 31) <= count) {
          store<u8>(at, next >>> 16);
          at++;
          bits >>= next & 31;
          count -= next & 31;
        }
        continue;
      }
      if (entry == 0) {
        status = count >= 15 ? INFLATE_BROKEN : INFLATE_MORE;
        full = false;
        break;
      }
      if ((entry & 64) != 0) {
        full = false;
        if (size > count) break;
        bits >>= size;
        count -= size;
        status = INFLATE_END;
        break;
      }
      // A match: nothing is taken before all of it is there.
      let b = bits;
      const extra = (entry >>> 8) & 31;
      b >>= size;
      const length = (entry >>> 16) + (<u32>b & ((1 << extra) - 1));
      b >>= extra;
      const far = entryOf(dist, b);
      const farSize = far & 31;
      const farExtra = (far >>> 8) & 31;
      const need = size + extra + farSize + farExtra;
      if (far == 0) {
        status = count >= size + extra + 15 ? INFLATE_BROKEN : INFLATE_MORE;
        full = false;
        break;
      }
      if (need > count) {
        full = false;
        break;
      }
      b >>= farSize;
      const distance = (far >>> 16) + (<u32>b & ((1 << farExtra) - 1));
      bits = b >> farExtra;
      count -= need;
      if (distance > reach + (<u32>(at - start) - used)) {
        status = INFLATE_BROKEN;
        full = false;
        break;
      }
      copyMatch(at, distance, length);
      at += length;
    }
    const made = <u32>(at - start) - used;
    z.bits = count < 64 ? bits & (((<u64>1) << count) - 1) : bits;
    z.count = count;
    input = p;
    z.used = used + made;
    z.history = min<u32>(reach + made, WINDOW);
    if (!full) return status;
    result = space(z, out);
  }
  return result;
}

/** Copies a match that may overlap itself; up to 7 bytes behind it may be overwritten. */
// @ts-ignore: decorator
@inline function copyMatch(at: usize, distance: u32, length: u32): void {
  const from = at - distance;
  if (distance >= 8) {
    for (let i: u32 = 0; i < length; i += 8) store<u64>(at + i, load<u64>(from + i));
  } else if (distance == 1) {
    memory.fill(at, load<u8>(from), length);
  } else {
    for (let i: u32 = 0; i < length; i++) store<u8>(at + i, load<u8>(from + i));
  }
}

/** Makes sure that a match fits into the window: grows it, or moves the last 32 KB to its start. */
function space(z: Inflate, out: Buffer): i32 {
  if (z.used + MATCH + 8 <= z.room) return INFLATE_MORE;
  const flushed = flush(z, out);
  if (flushed != INFLATE_MORE) return flushed;
  if (z.room < WINDOW_MOST) {
    const room = z.room == 0 ? WINDOW_FIRST : min<u32>(z.room * 2, WINDOW_MOST);
    const window = take(room);
    if (window == 0) return INFLATE_MEMORY;
    memory.copy(window, z.window, z.used);
    give(z.window);
    z.window = window;
    z.room = room;
    return INFLATE_MORE;
  }
  memory.copy(z.window, z.window + z.used - WINDOW, WINDOW);
  z.used = WINDOW;
  z.flushed = WINDOW;
  return INFLATE_MORE;
}

/** Hands new output to the caller, up to the limit and the ratio. */
function flush(z: Inflate, out: Buffer): i32 {
  let fresh = z.used - z.flushed;
  if (fresh == 0) return INFLATE_MORE;
  let result = INFLATE_MORE;
  const room = z.limit - z.totalOut;
  if (fresh > room) {
    fresh = room;
    result = INFLATE_LIMIT;
  }
  if (!bufferAppend(out, z.window + z.flushed, fresh, 0xffffffff)) return INFLATE_MEMORY;
  z.flushed += fresh;
  z.totalOut += fresh;
  if (z.ratio != 0 && z.totalOut > FREE_OUTPUT && <u64>z.totalOut > z.totalIn * z.ratio) return INFLATE_BOMB;
  return result;
}
