// What happens with a body's bytes: counting, decoding, keeping up to the limit, files, and the engine's callback.

import { Buffer, bufferAppend, bufferReserve } from "../core/buffer";
import { TO_CLIENT, TO_SERVER } from "../core/tx";
import { bombLimit, bombRatio, requestBodyLimit, responseBodyLimit, wantBits } from "./config";
import { decoderBroken, decoderEnd, decoderFeed, decoderFree, decoderOverLimit } from "./decompress";
import { EV_COMPRESSION_BOMB, EV_GZIP_DECOMPRESSION_FAILED, EV_LZMA_MEMLIMIT_REACHED, raise } from "./events";
import { fileData, fileEnd } from "./files";
import { multipartData, multipartEnd } from "./multipart";
import {
  HttpFile, HttpMessage, HttpTx, messageOf, TXF_REQ_BODY_CUT, TXF_RES_BODY_CUT, WANT_FILES, WANT_RAW_BODY, WANT_REQUEST_BODY,
  WANT_RESPONSE_BODY,
} from "./types";

export type BodyCallback = (tx: usize, dir: u32, ptr: usize, len: u32) => void;
let onBody: BodyCallback = (_tx: usize, _dir: u32, _ptr: usize, _len: u32): void => {};

export function setOnBody(callback: BodyCallback): void {
  onBody = callback;
}

// The message being decoded: sinks cannot capture.
let sinkTx: usize = 0;
let sinkDir: u32 = 0;

// @ts-ignore: decorator
@inline function bodyOf(message: HttpMessage): Buffer {
  return changetype<Buffer>(changetype<usize>(message) + offsetof<HttpMessage>("body"));
}

/** Bytes of the body as sent, without the framing. */
export function bodyData(tx: HttpTx, dir: u32, ptr: usize, len: u32): void {
  if (len == 0) return;
  const message = messageOf(changetype<usize>(tx), dir);
  message.bodyRawBytes += len;
  if (message.decoder == 0) {
    decoded(tx, message, dir, ptr, len);
    return;
  }
  const limit = dir == TO_CLIENT ? responseBodyLimit : requestBodyLimit;
  if (wantBits & WANT_RAW_BODY) {
    const raw = changetype<Buffer>(changetype<usize>(message) + offsetof<HttpMessage>("rawBody"));
    if (raw.len < limit) bufferAppend(raw, ptr, min(len, limit - raw.len), limit);
  }
  sinkTx = changetype<usize>(tx);
  sinkDir = dir;
  const more = decoderFeed(message.decoder, ptr, len, sink);
  if (decoderBroken) raise(tx, EV_GZIP_DECOMPRESSION_FAILED);
  if (decoderOverLimit) raise(tx, EV_LZMA_MEMLIMIT_REACHED);
  if (!more) {
    raise(tx, EV_COMPRESSION_BOMB);
    decoderFree(message.decoder);
    message.decoder = 0;
    message.wholeFile = 0;
    message.coding |= BODY_DROPPED;
  }
}

/** Bit of HttpMessage.coding: the body turned out to be a bomb, the rest is not looked at. */
export const BODY_DROPPED: u32 = 0x100;

function sink(ptr: usize, len: u32): bool {
  const tx = changetype<HttpTx>(sinkTx);
  const message = messageOf(sinkTx, sinkDir);
  decoded(tx, message, sinkDir, ptr, len);
  return message.bodyBytes <= bombLimit || message.bodyBytes <= message.bodyRawBytes * bombRatio;
}

function decoded(tx: HttpTx, message: HttpMessage, dir: u32, ptr: usize, len: u32): void {
  if (message.coding & BODY_DROPPED) return;
  message.bodyBytes += len;
  const response = dir == TO_CLIENT;
  if (wantBits & (response ? WANT_RESPONSE_BODY : WANT_REQUEST_BODY)) {
    const limit = response ? responseBodyLimit : requestBodyLimit;
    const body = bodyOf(message);
    const room = limit > body.len ? limit - body.len : 0;
    if (len > room) tx.flags |= response ? TXF_RES_BODY_CUT : TXF_REQ_BODY_CUT;
    if (room > 0) {
      if (body.len == 0 && message.decoder == 0 && message.contentLength > <i64>len) {
        bufferReserve(body, <u32>min<i64>(message.contentLength, min<i64>(<i64>limit, <i64>len * 4)));
      }
      bufferAppend(body, ptr, min(len, room), limit);
    }
  }
  if (wantBits & WANT_FILES) {
    if (message.multipart != 0) multipartData(tx, message, ptr, len);
    else if (message.wholeFile && !response) fileData(tx, dir, message.lastFile, ptr, len);
    else if (message.wholeFile) {
      // The file is the body: no second copy.
      const file = changetype<HttpFile>(message.lastFile);
      file.size += len;
    }
  }
  onBody(changetype<usize>(tx), dir, ptr, len);
}

/** The body has ended; `whole` when all of it was seen. */
export function bodyEnd(tx: HttpTx, dir: u32, whole: bool): void {
  const message = messageOf(changetype<usize>(tx), dir);
  if (message.decoder != 0) {
    sinkTx = changetype<usize>(tx);
    sinkDir = dir;
    decoderEnd(message.decoder, sink);
    decoderFree(message.decoder);
    message.decoder = 0;
    message.coding |= BODY_DROPPED;
  }
  if (dir == TO_SERVER && message.multipart != 0) multipartEnd(tx, message);
  if (message.wholeFile && message.lastFile != 0) fileEnd(message.lastFile, whole);
}
