// A connection from outside: bytes, gaps and ends in; transactions out.

import { bufferAppend, bufferDrop } from "../core/buffer";
import { TO_CLIENT, TO_SERVER, TX_COMPLETE } from "../core/tx";
import { give } from "../core/memory";
import { BodyCallback, bodyEnd, setOnBody } from "./body";
import { NewCallback, progress, ProgressCallback, setOnNew, setOnProgress } from "./progress";
import { runRequest } from "./request";
import { runResponse } from "./response";
import {
  BODY_CLOSE, BODY_LENGTH, CHUNK_DATA, CONNECT_PROBE, CONNECT_WAIT, connTake, directionFree, directionOf, FAILED, FINALIZE,
  HTTP_STATE_ERROR, HTTP_STATE_OK, HTTP_STATE_TUNNEL, HttpConn, HttpDirection, IDLE, IGNORE, pendingOf, TUNNEL, txDrop,
} from "./state";
import { HttpTx, messageOf, TXF_REQ_GAP, TXF_RES_GAP } from "./types";

export { HTTP_STATE_ERROR, HTTP_STATE_OK, HTTP_STATE_TUNNEL };

/**
 * Sets the engine's callbacks, once: a transaction has started; a direction of it has reached a further stage (see
 * `Tx.progressTo...`); decoded body bytes (valid during the call only).
 */
export function httpCallbacks(onNew: NewCallback, onProgress: ProgressCallback, onBody: BodyCallback): void {
  setOnNew(onNew);
  setOnProgress(onProgress);
  setOnBody(onBody);
}

/** State for a connection, or 0 when memory is short. `serverPort` (0: not known) is compared with the one requests name. */
export function httpNew(serverPort: u32): usize {
  const conn = connTake();
  if (conn != 0) changetype<HttpConn>(conn).serverPort = serverPort;
  return conn;
}

/** Frees a connection and its transactions (the engine has freed their `detect` before). */
export function httpFree(conn: usize): void {
  if (conn == 0) return;
  const c = changetype<HttpConn>(conn);
  while (c.first != 0) txDrop(c.first);
  directionFree(directionOf(conn, TO_SERVER));
  directionFree(directionOf(conn, TO_CLIENT));
  give(conn);
}

/** Oldest transaction, 0 without; `tx.next` is the next. */
export function httpFirst(conn: usize): usize {
  return changetype<HttpConn>(conn).first;
}

/** Takes a transaction out of its connection and frees it. Not to be called from a callback about the same transaction. */
export function httpTxFree(tx: usize): void {
  txDrop(tx);
}

/** HTTP_STATE_ of a direction. */
export function httpState(conn: usize, dir: u32): u32 {
  const state = directionOf(conn, dir).state;
  return state == TUNNEL ? HTTP_STATE_TUNNEL : state == FAILED ? HTTP_STATE_ERROR : HTTP_STATE_OK;
}

/** Position in a direction's stream where the protocol after HTTP starts, once httpState is HTTP_STATE_TUNNEL. */
export function httpTunnelOffset(conn: usize, dir: u32): u64 {
  return directionOf(conn, dir).tunnelAt;
}

/**
 * The next bytes of a direction. `streamOffset` is their position in the direction's stream, `nowMs` the time in milliseconds.
 * @returns HTTP_STATE_ of the direction afterwards
 */
export function httpFeed(conn: usize, dir: u32, ptr: usize, len: u32, streamOffset: u64, nowMs: f64): u32 {
  const c = changetype<HttpConn>(conn);
  const d = directionOf(conn, dir);
  c.nowMs = nowMs;
  d.offset = streamOffset + <u64>len;
  if (len > 0 && !d.closed) {
    feed(c, d, dir, ptr, len);
    if (dir == TO_CLIENT) resumeRequest(c);
  }
  return httpState(conn, dir);
}

function feed(c: HttpConn, d: HttpDirection, dir: u32, ptr: usize, len: u32): void {
  const pending = pendingOf(d);
  d.fresh = len;
  if (d.tx != 0) changetype<HttpTx>(d.tx).lastMs = c.nowMs;
  if (pending.len == 0) {
    const used = run(c, d, dir, ptr, len);
    if (used < len && !bufferAppend(pending, ptr + used, len - used, PENDING_LIMIT)) fail(d, dir);
    return;
  }
  if (!bufferAppend(pending, ptr, len, PENDING_LIMIT)) {
    fail(d, dir);
    return;
  }
  bufferDrop(pending, run(c, d, dir, pending.ptr, pending.len));
}

/** More than this never waits: lines and header blocks have their own limits, one call's bytes come on top. */
const PENDING_LIMIT: u32 = 1 << 25;

function run(c: HttpConn, d: HttpDirection, dir: u32, ptr: usize, len: u32): u32 {
  return dir == TO_CLIENT ? runResponse(c, d, ptr, len) : runRequest(c, d, ptr, len);
}

/** Memory is short: nothing more is parsed in this direction. */
function fail(d: HttpDirection, dir: u32): void {
  if (d.tx != 0) bodyEnd(changetype<HttpTx>(d.tx), dir, false);
  d.state = FAILED;
  directionFree(d);
}

/** A CONNECT request that waited for its response goes on. */
function resumeRequest(c: HttpConn): void {
  const d = directionOf(changetype<usize>(c), TO_SERVER);
  if (d.state != CONNECT_WAIT && d.state != CONNECT_PROBE) return;
  const pending = pendingOf(d);
  d.fresh = pending.len;
  bufferDrop(pending, runRequest(c, d, pending.ptr, pending.len));
}

/** `len` bytes of a direction are missing. A body of known length goes on behind them, anything else cannot. */
export function httpGap(conn: usize, dir: u32, len: u32): void {
  const c = changetype<HttpConn>(conn);
  const d = directionOf(conn, dir);
  d.offset += <u64>len;
  if (d.state == TUNNEL || d.state == FAILED || d.state == IGNORE) return;
  if (d.tx == 0) {
    d.state = FAILED;
    return;
  }
  const tx = changetype<HttpTx>(d.tx);
  tx.flags |= dir == TO_CLIENT ? TXF_RES_GAP : TXF_REQ_GAP;
  const message = messageOf(d.tx, dir);
  if (message.decoder != 0) bodyEnd(tx, dir, false);
  if (d.state == BODY_CLOSE) return;
  if ((d.state == BODY_LENGTH || d.state == CHUNK_DATA) && <u64>len <= d.left) {
    message.bodyRawBytes += len;
    d.left -= len;
    if (d.left > 0) return;
    if (d.state == BODY_LENGTH) {
      bodyEnd(tx, dir, false);
      d.state = FINALIZE;
    } else d.left = 0;
    d.fresh = 0;
    const pending = pendingOf(d);
    run(c, d, dir, pending.ptr, 0);
    return;
  }
  bodyEnd(tx, dir, false);
  d.state = FAILED;
  directionFree(d);
}

/** The direction has ended (FIN, RST, timeout): what is there is all there is. */
export function httpEnd(conn: usize, dir: u32): void {
  const c = changetype<HttpConn>(conn);
  const d = directionOf(conn, dir);
  if (d.closed) return;
  d.closed = true;
  const pending = pendingOf(d);
  d.fresh = pending.len;
  if (d.state != FAILED && d.state != TUNNEL && !(d.state == IDLE && pending.len == 0)) {
    bufferDrop(pending, run(c, d, dir, pending.ptr, pending.len));
  }
  directionFree(d);
  if (dir == TO_CLIENT) resumeRequest(c);
  // Whatever a transaction still waits for in this direction will not come.
  let at = c.first;
  while (at != 0) {
    const tx = changetype<HttpTx>(at);
    const next = tx.next;
    if (dir == TO_CLIENT || tx.progressToServer != 0 || d.tx == at) {
      if (d.tx == at) {
        bodyEnd(tx, dir, false);
        d.tx = 0;
        d.state = FAILED;
      }
      progress(tx, dir, TX_COMPLETE);
    }
    at = next;
  }
  if (dir == TO_CLIENT) c.awaiting = 0;
}

