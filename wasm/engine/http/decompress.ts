// Content encodings of a body: layers of gzip, deflate and zlib, decoded as browsers do it, which is more than the header says.
// A layer whose first bytes are not what was announced is tried as the other formats and at last passed on as it is; checksums,
// odd header fields and what follows the stream's end are not looked at.

import { Buffer, bufferAppend, bufferFree } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { INFLATE_END, INFLATE_MORE, INFLATE_RAW, inflate, inflateFree, inflateNew } from "../codec/inflate";
import { LZMA_LIMIT, LZMA_MORE, lzma, lzmaFree, lzmaNew } from "./lzma";

export const CODE_DEFLATE: u32 = 1;
export const CODE_ZLIB: u32 = 2;
export const CODE_GZIP: u32 = 3;
export const CODE_LZMA: u32 = 4;

const MAX_RESTARTS: u32 = 3;
/** Input is decoded in pieces, so that a piece's output is bounded. */
const PIECE: u32 = 2048;
/** First bytes of input that are kept for another try. */
const PROBE: u32 = 512;
const ANY: u32 = 0xffffffff;

const GZ_START: u32 = 0;
const GZ_EXTRA_LENGTH: u32 = 1;
const GZ_EXTRA: u32 = 2;
const GZ_NAME: u32 = 3;
const GZ_COMMENT: u32 = 4;
const GZ_CRC: u32 = 5;
const GZ_DATA: u32 = 6;

/** One layer; `out` and `probe` are core Buffers in place. */
@unmanaged
class Layer {
  /** Layer that decodes this one's output, 0 when it is the body. */
  next: usize;
  code: u32;
  restarts: u32;
  /** 1: bytes are passed on as they are. 2: nothing is passed on any more. */
  mode: u32;
  state: usize;
  header: u32;
  headerFlags: u32;
  headerCount: u32;
  out: usize;
  outLen: u32;
  outCapacity: u32;
  probe: usize;
  probeLen: u32;
  probeCapacity: u32;
  /** 1 once something came out, after which the input is what it claims to be. */
  proven: u32;
}

/** Takes decoded bytes; false stops the decoding. */
export type DecodedSink = (ptr: usize, len: u32) => bool;
let sink: DecodedSink = (_ptr: usize, _len: u32): bool => true;

/** What went wrong in the last decoderFeed: the data was not what it was said to be, or the limit of LZMA was reached. */
export let decoderBroken: bool = false;
export let decoderOverLimit: bool = false;

/** Puts a layer before the chain (it is decoded first). The new chain, or 0 when memory is short (the old one is freed). */
export function decoderAdd(chain: usize, code: u32): usize {
  const at = takeZeroed(offsetof<Layer>());
  if (at == 0) {
    decoderFree(chain);
    return 0;
  }
  const layer = changetype<Layer>(at);
  layer.next = chain;
  begin(layer, code);
  return at;
}

export function decoderFree(chain: usize): void {
  while (chain != 0) {
    const layer = changetype<Layer>(chain);
    const next = layer.next;
    closeState(layer);
    bufferFree(outOf(layer));
    bufferFree(probeOf(layer));
    give(chain);
    chain = next;
  }
}

/** Decodes the next bytes of a body into `to`. False: the sink wanted no more. */
export function decoderFeed(chain: usize, ptr: usize, len: u32, to: DecodedSink): bool {
  sink = to;
  decoderBroken = false;
  decoderOverLimit = false;
  const layer = changetype<Layer>(chain);
  for (let i: u32 = 0; i < len; i += PIECE) {
    if (!feed(layer, ptr + i, min(PIECE, len - i))) return false;
  }
  return true;
}

/** The body has ended: what a layer still holds back is decoded. False: the sink wanted no more. */
export function decoderEnd(chain: usize, to: DecodedSink): bool {
  sink = to;
  while (chain != 0) {
    const layer = changetype<Layer>(chain);
    if (layer.code == CODE_LZMA && layer.mode == 0) {
      const out = outOf(layer);
      out.len = 0;
      lzma(layer.state, 0, 0, out, true);
      if (!pass(layer, out.ptr, out.len)) return false;
    }
    chain = layer.next;
  }
  return true;
}

// @ts-ignore: decorator
@inline function outOf(layer: Layer): Buffer {
  return changetype<Buffer>(changetype<usize>(layer) + offsetof<Layer>("out"));
}

// @ts-ignore: decorator
@inline function probeOf(layer: Layer): Buffer {
  return changetype<Buffer>(changetype<usize>(layer) + offsetof<Layer>("probe"));
}

function begin(layer: Layer, code: u32): void {
  closeState(layer);
  layer.code = code;
  layer.header = code == CODE_GZIP ? GZ_START : GZ_DATA;
  layer.headerCount = 0;
  layer.headerFlags = 0;
  layer.state = code == CODE_LZMA ? lzmaNew() : inflateNew(INFLATE_RAW, ANY, 0);
  if (layer.state == 0) layer.mode = 1;
}

function closeState(layer: Layer): void {
  if (layer.code == CODE_LZMA) lzmaFree(layer.state);
  else if (layer.state != 0) inflateFree(layer.state);
  layer.state = 0;
}

/** Hands bytes to the next layer, or to the sink. */
function pass(layer: Layer, ptr: usize, len: u32): bool {
  if (len == 0) return true;
  if (layer.next == 0) return sink(ptr, len);
  const next = changetype<Layer>(layer.next);
  for (let i: u32 = 0; i < len; i += PIECE) {
    if (!feed(next, ptr + i, min(PIECE, len - i))) return false;
  }
  return true;
}

function feed(layer: Layer, ptr: usize, len: u32): bool {
  if (layer.mode == 1) return pass(layer, ptr, len);
  if (layer.mode == 2) return true;
  if (!layer.proven) {
    const probe = probeOf(layer);
    if (!bufferAppend(probe, ptr, len, PROBE + PIECE)) layer.proven = 1;
  }
  const out = outOf(layer);
  out.len = 0;
  let failed = !decode(layer, ptr, len, out);
  while (failed) {
    if (out.len > 0 && layer.restarts == 0) {
      // It was what it claimed to be, and then broke: what came out counts, the rest is lost.
      layer.mode = 2;
      decoderBroken = true;
      return pass(layer, out.ptr, out.len);
    }
    if (layer.proven || layer.restarts >= MAX_RESTARTS) return giveUp(layer, ptr, len);
    layer.restarts++;
    begin(layer, layer.code == CODE_GZIP ? CODE_DEFLATE : layer.code == CODE_DEFLATE ? CODE_ZLIB
      : layer.code == CODE_ZLIB ? CODE_GZIP : CODE_DEFLATE);
    if (layer.mode == 1) return giveUp(layer, ptr, len);
    out.len = 0;
    const probe = probeOf(layer);
    failed = !decode(layer, probe.ptr, probe.len, out);
  }
  if (out.len > 0 || (!layer.proven && probeOf(layer).len > PROBE)) {
    layer.proven = 1;
    bufferFree(probeOf(layer));
  }
  return pass(layer, out.ptr, out.len);
}

/** Nothing fits: bytes are passed on as they came, in the layers below as well. */
function giveUp(layer: Layer, ptr: usize, len: u32): bool {
  decoderBroken = true;
  let at = changetype<usize>(layer);
  while (at != 0) {
    changetype<Layer>(at).mode = 1;
    at = changetype<Layer>(at).next;
  }
  closeState(layer);
  if (layer.proven) return pass(layer, ptr, len);
  const probe = probeOf(layer);
  const more = pass(layer, probe.ptr, probe.len);
  bufferFree(probe);
  return more;
}

/** Decodes into `out`; false when the input is broken. */
function decode(layer: Layer, ptr: usize, len: u32, out: Buffer): bool {
  let at = ptr;
  const end = ptr + len;
  if (layer.code == CODE_LZMA) {
    const result = lzma(layer.state, ptr, len, out, false);
    if (result == LZMA_LIMIT) decoderOverLimit = true;
    return result >= LZMA_MORE;
  }
  if (layer.code == CODE_GZIP && layer.header != GZ_DATA) {
    at = gzipHeader(layer, at, end);
    if (at == 0) return false;
  } else if (layer.code == CODE_ZLIB && layer.headerCount < 2) {
    while (at < end && layer.headerCount < 2) {
      layer.headerFlags = (layer.headerFlags << 8) | load<u8>(at++);
      layer.headerCount++;
    }
    if (layer.headerCount == 2) {
      const two = layer.headerFlags;
      if (((two >> 8) & 15) != 8 || two >> 12 > 7 || two % 31 != 0 || (two & 32) != 0) return false;
    }
  }
  if (at == end) return true;
  const result = inflate(layer.state, at, <u32>(end - at), out);
  return result == INFLATE_MORE || result == INFLATE_END;
}

/** Goes through the header of a gzip member; where the data starts (or `end`), 0 when it is none. */
function gzipHeader(layer: Layer, at: usize, end: usize): usize {
  while (at < end && layer.header != GZ_DATA) {
    const c: u32 = load<u8>(at);
    if (layer.header == GZ_START) {
      const n = layer.headerCount;
      if ((n == 0 && c != 0x1f) || (n == 1 && c != 0x8b) || (n == 2 && c != 8)) return 0;
      if (n == 3) layer.headerFlags = c;
      at++;
      if (++layer.headerCount == 10) nextField(layer, GZ_EXTRA_LENGTH);
    } else if (layer.header == GZ_EXTRA_LENGTH) {
      at++;
      const n = layer.headerCount;
      if (n == 0) layer.headerCount = 0x10000 | c;
      else {
        layer.headerCount = (n & 0xff) | (c << 8);
        layer.header = GZ_EXTRA;
        if (layer.headerCount == 0) nextField(layer, GZ_NAME);
      }
    } else if (layer.header == GZ_EXTRA) {
      const n = min(<u32>(end - at), layer.headerCount);
      at += n;
      layer.headerCount -= n;
      if (layer.headerCount == 0) nextField(layer, GZ_NAME);
    } else if (layer.header == GZ_CRC) {
      at++;
      if (++layer.headerCount == 2) layer.header = GZ_DATA;
    } else {
      at++;
      if (c == 0) nextField(layer, layer.header + 1);
    }
  }
  return at;
}

/** The first header field from `field` on that the flags announce. */
function nextField(layer: Layer, field: u32): void {
  const flags = layer.headerFlags;
  layer.headerCount = 0;
  if (field == GZ_EXTRA_LENGTH && !(flags & 4)) field = GZ_NAME;
  if (field == GZ_NAME && !(flags & 8)) field = GZ_COMMENT;
  if (field == GZ_COMMENT && !(flags & 16)) field = GZ_CRC;
  if (field == GZ_CRC && !(flags & 2)) field = GZ_DATA;
  layer.header = field;
}
