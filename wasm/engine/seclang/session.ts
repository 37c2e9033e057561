// From reassembled streams to transactions: HTTP by content on any port, its transactions fed to the rules.

import { appState, HTTP_NO, HTTP_YES, looksLikeHttp } from "./sniff";
import { TO_CLIENT, TO_SERVER, TX_COMPLETE } from "../core/tx";
import { FF_ENDED_TO_CLIENT, FF_ENDED_TO_SERVER, FF_NO_INSPECT, Flow } from "../flow/flow";
import {
  HDR_LEFT_OUT, HDR_NO_COLON, HDR_TRAILER, HTTP_BODY, HTTP_HEADERS, HTTP_LINE, HttpHeader, HttpTx, TXF_NO_REQUEST, TXF_REQ_GAP,
  TXF_REQ_SPACE_BEFORE_COLON, httpCallbacks, httpEnd,
  httpFeed, httpFirst, httpFree, httpGap, httpNew, httpTxFree, messageOf, setBodyLimits, setDecodeOptions, setWant,
} from "../http/http";
import { HTTP_STATE_OK } from "../http/connection";
import { FAILED, directionOf } from "../http/state";
import { setOnFlowEnd } from "../flow/callbacks";
import { setOnData, setOnGap, setOnStreamEnd } from "../tcp/callbacks";
import { streamRelease, streamStop } from "../tcp/window";
import { reportFindings } from "./report";
import {
  endRequest, endRequestHead, endResponse, endResponseHead, endTransaction, feedConnection, feedRequestBody, feedRequestHeader,
  feedRequestLine, feedResponseBody, feedResponseHeader, feedResponseLine,
} from "./request";
import { Transaction, transactionFree, transactionNew } from "./transaction";

/** Record of the batch that findings are reported on, and its time in milliseconds. */
let record: u32 = 0;
let nowMs: f64 = 0;
let current: Flow = changetype<Flow>(0);

/** Flows that are encrypted (TLS, SSH), of other protocols, and HTTP; transactions inspected. */
export let flowsEncrypted: u64 = 0;
export let flowsOther: u64 = 0;
export let flowsHttp: u64 = 0;
export let inspected: u64 = 0;

/** Hooks everything together; once, after flowInit and tcpInit. */
export function sessionInit(): void {
  setOnData(onData);
  setOnGap(onGap);
  setOnStreamEnd(onStreamEnd);
  setOnFlowEnd(onFlowEnd);
  httpCallbacks(onNew, onProgress, onBody);
  // Bodies are kept with the rules' transactions.
  setWant(0);
  setBodyLimits(0, 0);
  setDecodeOptions(true, false);
}

export function setMoment(index: u32, ns: u64): void {
  record = index;
  nowMs = <f64>(ns / 1000000);
}

export function onData(flow: Flow, dir: u32, ptr: usize, len: u32, offset: u64): void {
  if (flow.appDetect == HTTP_NO || len == 0) return;
  if (flow.appDetect != HTTP_YES) {
    flow.appDetect = looksLikeHttp(ptr, len);
    if (flow.appDetect == HTTP_NO) {
      if (appState == 1) flowsEncrypted++;
      else flowsOther++;
      stop(flow);
      return;
    }
    flow.appState = httpNew(flow.serverPort);
    if (flow.appState == 0) {
      stop(flow);
      return;
    }
    flowsHttp++;
  }
  current = flow;
  if (dir == TO_SERVER && directionOf(flow.appState, dir).state == FAILED && startsRequest(ptr, len) && !restart(flow)) return;
  const state = httpFeed(flow.appState, dir, ptr, len, offset, nowMs);
  sweep(flow);
  if (state != HTTP_STATE_OK && dir == TO_CLIENT) streamStop(flow, dir);
}

/** Whether a request begins here: what was before it was lost, or no HTTP. */
function startsRequest(ptr: usize, len: u32): bool {
  let i: u32 = 0;
  while (i < len && i < 16 && <u32>load<u8>(ptr + i) - 65 < 26) i++;
  return i >= 3 && i + 1 < len && load<u8>(ptr + i) == 32 && load<u8>(ptr + i + 1) == 47;
}

/** Starts the connection anew behind what was lost. */
function restart(flow: Flow): bool {
  onFlowEnd(flow, 0);
  flow.appState = httpNew(flow.serverPort);
  if (flow.appState != 0) return true;
  stop(flow);
  return false;
}

function stop(flow: Flow): void {
  flow.appDetect = HTTP_NO;
  flow.flags |= FF_NO_INSPECT;
  streamStop(flow, TO_SERVER);
  streamStop(flow, TO_CLIENT);
}

export function onGap(flow: Flow, dir: u32, len: u32): void {
  if (flow.appState == 0) return;
  current = flow;
  httpGap(flow.appState, dir, len);
  sweep(flow);
}

export function onStreamEnd(flow: Flow, dir: u32): void {
  if (flow.appState == 0) return;
  current = flow;
  httpEnd(flow.appState, dir);
  sweep(flow);
}

/** Both sides have ended: all that the conversation holds is given back now, not when the flow times out. */
export function closeIfEnded(flow: Flow): void {
  if ((flow.flags & (FF_ENDED_TO_SERVER | FF_ENDED_TO_CLIENT)) != (FF_ENDED_TO_SERVER | FF_ENDED_TO_CLIENT)) return;
  if (flow.appState == 0) return;
  onFlowEnd(flow, 0);
  stop(flow);
  streamRelease(flow);
}

function onFlowEnd(flow: Flow, _reason: u32): void {
  if (flow.appState == 0) return;
  current = flow;
  for (let at = httpFirst(flow.appState); at != 0; at = changetype<HttpTx>(at).next) finish(changetype<HttpTx>(at));
  httpFree(flow.appState);
  flow.appState = 0;
}

/** Frees transactions of which nothing more will come. */
function sweep(flow: Flow): void {
  let at = httpFirst(flow.appState);
  while (at != 0) {
    const http = changetype<HttpTx>(at);
    const next = http.next;
    if (http.done) {
      finish(http);
      httpTxFree(at);
    }
    at = next;
  }
}

/** The rest of the phases, the last findings, and the end of the rules' transaction. */
function finish(http: HttpTx): void {
  if (http.detect == 0) return;
  const tx = changetype<Transaction>(http.detect);
  tx.now = nowMs;
  // Of a header that was cut by a gap, what is there is judged.
  if ((tx.phases & 2) != 0 || ((http.flags & TXF_REQ_GAP) != 0 && (tx.seen & 1) != 0)) endRequest(tx);
  if ((tx.phases & 8) != 0) endResponse(tx);
  endTransaction(tx);
  reportFindings(tx, record);
  transactionFree(http.detect);
  http.detect = 0;
}

function onNew(at: usize): void {
  const http = changetype<HttpTx>(at);
  // A response without a request has nothing that rules could be about.
  if ((http.flags & TXF_NO_REQUEST) != 0) return;
  http.detect = transactionNew(nowMs);
  if (http.detect == 0) return;
  inspected++;
  const flow = changetype<usize>(current);
  feedConnection(changetype<Transaction>(http.detect), flow + offsetof<Flow>("client0"), current.clientPort,
    flow + offsetof<Flow>("server0"),
    current.serverPort);
}

function onProgress(at: usize, dir: u32): void {
  const http = changetype<HttpTx>(at);
  if (http.detect == 0) return;
  const tx = changetype<Transaction>(http.detect);
  tx.now = nowMs;
  const stage: u8 = dir == TO_SERVER ? http.progressToServer : http.progressToClient;
  if (dir == TO_SERVER) request(http, tx, stage);
  else response(http, tx, stage);
  reportFindings(tx, record);
}

function request(http: HttpTx, tx: Transaction, stage: u8): void {
  if (stage >= HTTP_LINE && (tx.seen & 1) == 0) {
    tx.seen |= 1;
    const message = messageOf(changetype<usize>(http), TO_SERVER);
    feedRequestLine(tx, message.line, message.lineLen);
  }
  if (stage >= HTTP_HEADERS && (tx.seen & 2) == 0) {
    tx.seen |= 2;
    headers(http, tx, TO_SERVER);
    endRequestHead(tx);
  }
  if (stage >= HTTP_BODY && (tx.seen & 4) == 0) {
    tx.seen |= 4;
    endRequest(tx);
  }
}

function response(http: HttpTx, tx: Transaction, stage: u8): void {
  if (stage >= HTTP_LINE && (tx.seen & 8) == 0) {
    tx.seen |= 8;
    const message = messageOf(changetype<usize>(http), TO_CLIENT);
    if (message.lineLen != 0) feedResponseLine(tx, message.line, message.lineLen);
  }
  if (stage >= HTTP_HEADERS && (tx.seen & 16) == 0 && (stage != TX_COMPLETE || tx.responseStatus != 0)) {
    tx.seen |= 16;
    headers(http, tx, TO_CLIENT);
    endResponseHead(tx);
  }
  if (stage >= HTTP_BODY && (tx.seen & 48) == 16) {
    tx.seen |= 32;
    endResponse(tx);
  }
}

function headers(http: HttpTx, tx: Transaction, dir: u32): void {
  let at = messageOf(changetype<usize>(http), dir).headers;
  while (at != 0) {
    const header = changetype<HttpHeader>(at);
    // A second Content-Length is left out of what HTTP says, but rules are to see it.
    if ((header.flags & HDR_TRAILER) == 0 && ((header.flags & HDR_LEFT_OUT) == 0 || header.nameLen == 14)) {
      const valueLen: u32 = (header.flags & HDR_NO_COLON) != 0 ? 0 : header.valueLen;
      if (dir == TO_SERVER) feedRequestHeader(tx, header.name, writtenNameLen(http, header), header.value, valueLen);
      else feedResponseHeader(tx, header.name, header.nameLen, header.value, valueLen);
    }
    at = header.next;
  }
}

/** Length of the name with the space before its colon, if there is some: servers disagree about such fields. */
function writtenNameLen(http: HttpTx, header: HttpHeader): u32 {
  let len = header.nameLen;
  if ((http.flags & TXF_REQ_SPACE_BEFORE_COLON) == 0 || (header.flags & HDR_NO_COLON) != 0) return len;
  while (len < header.nameLen + 8 && (load<u8>(header.name + len) == 32 || load<u8>(header.name + len) == 9)) len++;
  return len;
}

function onBody(at: usize, dir: u32, ptr: usize, len: u32): void {
  const detect = changetype<HttpTx>(at).detect;
  if (detect == 0) return;
  const tx = changetype<Transaction>(detect);
  if (dir == TO_SERVER) {
    feedRequestBody(tx, ptr, len);
    // As much as rules will ever see is there: who sends without end does not keep them waiting.
    if (tx.bodyCut && (tx.seen & 6) == 2) {
      tx.seen |= 4;
      tx.now = nowMs;
      endRequest(tx);
      reportFindings(tx, record);
    }
  } else feedResponseBody(tx, ptr, len);
}
