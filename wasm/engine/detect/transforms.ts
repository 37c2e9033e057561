// Chains of transformations: what a buffer is turned into before it is matched.

import { Buffer, bufferFree } from "../core/buffer";
import { transform, transformBound, transformXor } from "../codec/transform";
import { inflate, inflateFree, inflateNew } from "../codec/inflate";
import { decodeBase64, decodedLen } from "./base64";
import { TRANSFORM_BASE64, TRANSFORM_GUNZIP, TRANSFORM_ZLIB } from "./layout";
import { section } from "./rules";

/** TRANSFORMATION_IDS.XOR of packages/rule-image. */
const XOR: u32 = 45;
/** Longest input that is transformed; what is longer is cut. */
const LONGEST: u32 = 262144;
const WRAPPER_ZLIB: u32 = 1;
const WRAPPER_GZIP: u32 = 2;

let rooms0: usize = 0;
let rooms1: usize = 0;
let size0: u32 = 0;
let size1: u32 = 0;
const inflatedAt = memory.data(16, 8);

/** Length of the last result. */
export let transformedLen: u32 = 0;

/** Runs the chain at `chain` (offset in the section, not 0); the result stays until the next call. 0 when memory is short. */
export function transformed(chain: u32, ptr: usize, len: u32): usize {
  let at = ptr;
  let n = min(len, LONGEST);
  const steps = section + chain;
  const count = load<u32>(steps);
  for (let i: u32 = 0; i < count; i++) {
    const step = steps + 4 + (<usize>i << 4);
    const id = load<u32>(step);
    if (id == TRANSFORM_GUNZIP || id == TRANSFORM_ZLIB) {
      at = unpacked(at, n, id == TRANSFORM_GUNZIP ? WRAPPER_GZIP : WRAPPER_ZLIB, load<u32>(step, 4));
      n = changetype<Buffer>(inflatedAt).len;
      if (at == 0) return 0;
      continue;
    }
    if (id == TRANSFORM_BASE64) {
      const from = min(load<u32>(step, 8), n);
      const most = load<u32>(step, 12);
      at = decodeBase64(at + from, most == 0 ? n - from : min(most, n - from));
      n = decodedLen;
      continue;
    }
    const room = roomFor(i & 1, id == XOR ? n : transformBound(id, n));
    if (room == 0) return 0;
    n = id == XOR ? transformXor(section + load<u32>(step, 4), load<u32>(step, 8), at, n, room) : transform(id, at, n, room);
    at = room;
  }
  transformedLen = n;
  return at;
}

function roomFor(which: u32, bytes: u32): usize {
  const have = which == 0 ? size0 : size1;
  let at = which == 0 ? rooms0 : rooms1;
  if (at != 0 && have >= bytes) return at;
  if (at != 0) heap.free(at);
  const size = max<u32>(bytes, 4096);
  at = heap.alloc(size);
  if (which == 0) {
    rooms0 = at;
    size0 = size;
  } else {
    rooms1 = at;
    size1 = size;
  }
  return at;
}

function unpacked(ptr: usize, len: u32, wrapper: u32, limit: u32): usize {
  const out = changetype<Buffer>(inflatedAt);
  bufferFree(out);
  const state = inflateNew(wrapper, limit == 0 ? 1048576 : limit, 0);
  if (state == 0) return 0;
  inflate(state, ptr, len, out);
  inflateFree(state);
  return out.ptr;
}
