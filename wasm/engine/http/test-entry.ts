// What the tests of this room call.
import { memoryTaken, setMemoryBudget, take, give } from "../core/memory";
import {
  httpBuffer, httpBufferLen, httpCallbacks, httpEnd, httpFeed, httpFileData, httpFileName, httpFirst, httpFree, httpGap,
  httpHeaderCount, httpHeaderLine, httpNew, httpState, httpTunnelOffset, httpTxFree, setBodyLimits, setDecodeLimits,
  setDecodeOptions, setFieldLimits, setTransactionLimit, setWant,
} from "./http";
import { HttpFile, HttpHeader, HttpTx, messageOf } from "./types";

export {
  give, httpBuffer, httpEnd, httpFeed, httpFileData, httpFileName, httpFirst, httpFree, httpGap, httpHeaderCount,
  httpHeaderLine, httpNew, httpState, httpTunnelOffset, httpTxFree, memoryTaken, setBodyLimits, setDecodeLimits, setDecodeOptions,
  setFieldLimits, setMemoryBudget, setTransactionLimit, setWant, take,
};

let news: u32 = 0;
let progresses: u32 = 0;
let bodyBytes: u64 = 0;
httpCallbacks(
  (_tx: usize): void => {
    news++;
  },
  (_tx: usize, _dir: u32): void => {
    progresses++;
  },
  (_tx: usize, _dir: u32, _ptr: usize, len: u32): void => {
    bodyBytes += len;
  },
);
export function seenNew(): u32 {
  return news;
}
export function bufferLen(): u32 {
  return httpBufferLen;
}
export function txNext(tx: usize): usize {
  return changetype<HttpTx>(tx).next;
}
export function txEvents(tx: usize): u64 {
  return changetype<HttpTx>(tx).events;
}
export function txFlags(tx: usize): u32 {
  return changetype<HttpTx>(tx).flags;
}
export function txDone(tx: usize): u32 {
  return changetype<HttpTx>(tx).done ? 1 : 0;
}
export function txProgress(tx: usize, dir: u32): u32 {
  return dir == 0 ? changetype<HttpTx>(tx).progressToServer : changetype<HttpTx>(tx).progressToClient;
}
export function bodySize(tx: usize, dir: u32): u64 {
  return messageOf(tx, dir).bodyBytes;
}
export function firstHeader(tx: usize, dir: u32): usize {
  return messageOf(tx, dir).headers;
}
export function headerNext(h: usize): usize {
  return changetype<HttpHeader>(h).next;
}
export function headerName(h: usize): usize {
  return changetype<HttpHeader>(h).name;
}
export function headerNameLen(h: usize): u32 {
  return changetype<HttpHeader>(h).nameLen;
}
export function headerAt(h: usize): usize {
  return changetype<HttpHeader>(h).value;
}
export function headerLen(h: usize): u32 {
  return changetype<HttpHeader>(h).valueLen;
}
export function firstFile(tx: usize, dir: u32): usize {
  return messageOf(tx, dir).files;
}
export function fileNext(f: usize): usize {
  return changetype<HttpFile>(f).next;
}
export function fileState(f: usize): u32 {
  return changetype<HttpFile>(f).state;
}
