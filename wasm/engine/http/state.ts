// The state of a connection, and the bookkeeping of its transactions.

import { arenaFree, arenaTake } from "../core/arena";
import { Buffer, bufferFree } from "../core/buffer";
import { give, take, takeZeroed } from "../core/memory";
import { PROTO_HTTP, TO_CLIENT, TO_SERVER, TX_COMPLETE } from "../core/tx";
import { decoderFree } from "./decompress";
import { arenaOf } from "./headers";
import { multipartFree } from "./multipart";
import { HttpFile, HttpMessage, HttpTx, messageOf } from "./types";

// States of a direction.
export const IDLE: u32 = 0;
export const LINE: u32 = 1;
/** After a request line: is it HTTP/0.9? */
export const PROTOCOL: u32 = 2;
export const HEADERS: u32 = 3;
export const CHUNK_LENGTH: u32 = 4;
export const CHUNK_DATA: u32 = 5;
export const CHUNK_END: u32 = 6;
export const BODY_LENGTH: u32 = 7;
export const BODY_CLOSE: u32 = 8;
export const TRAILER: u32 = 9;
export const FINALIZE: u32 = 10;
/** A CONNECT request waits for its response, then looks at what follows. */
export const CONNECT_WAIT: u32 = 11;
export const CONNECT_PROBE: u32 = 12;
/** Behind an HTTP/0.9 request nothing is read. */
export const IGNORE: u32 = 13;
export const TUNNEL: u32 = 14;
export const FAILED: u32 = 15;

/** What httpFeed says about a direction. */
export const HTTP_STATE_OK: u32 = 0;
/** Nothing more is parsed in this direction. */
export const HTTP_STATE_ERROR: u32 = 1;
/** The stream is another protocol from here on (CONNECT, 101): protocol detection starts again. */
export const HTTP_STATE_TUNNEL: u32 = 2;

/** One direction. */
@unmanaged
export class HttpDirection {
  state: u32;
  /** Transaction that bytes belong to, 0 between two. */
  tx: usize;
  /** Bytes that wait for more: a core Buffer in place. */
  pending: usize;
  pendingLen: u32;
  pendingCapacity: u32;
  /** How much of a waiting header block was parsed. */
  parsed: u32;
  /** Bytes at the end of what is being parsed that were not there the time before. */
  fresh: u32;
  /** Body bytes still to come: of the whole body, or of the chunk. */
  left: u64;
  /** Position in the stream of the next byte to parse. */
  offset: u64;
  /** Position in the stream where another protocol starts, once the state is TUNNEL. */
  tunnelAt: u64;
  /** The direction has ended. */
  closed: bool;
  /** A CR right at the start of the body still belongs to the line ending before it. */
  eatCr: bool;
  seen100: bool;
}

@unmanaged
export class HttpConn {
  first: usize;
  last: usize;
  /** Transaction that the next response belongs to. */
  awaiting: usize;
  count: u32;
  nextId: u32;
  serverPort: u32;
  pad: u32;
  nowMs: f64;
}

const TX_BYTES: u32 = 2048;

/** A direction's state. */
// @ts-ignore: decorator
@inline export function directionOf(conn: usize, dir: u32): HttpDirection {
  return changetype<HttpDirection>(conn + 8 + ((offsetof<HttpConn>() + 7) & ~7) + (dir as usize) * directionBytes());
}

// @ts-ignore: decorator
@inline function directionBytes(): usize {
  return (offsetof<HttpDirection>() + 7) & ~7;
}

// @ts-ignore: decorator
@inline export function pendingOf(direction: HttpDirection): Buffer {
  return changetype<Buffer>(changetype<usize>(direction) + offsetof<HttpDirection>("pending"));
}

/** Bytes of a connection with its two directions. */
export function connBytes(): usize {
  return 8 + ((offsetof<HttpConn>() + 7) & ~7) + 2 * directionBytes();
}

/** A new transaction at the end of the list, or 0. */
export function txNew(conn: HttpConn): usize {
  const at = take(TX_BYTES);
  if (at == 0) return 0;
  const head = ((offsetof<HttpTx>() + 2 * offsetof<HttpMessage>()) + 15) & ~15;
  memory.fill(at, 0, head);
  const tx = changetype<HttpTx>(at);
  tx.proto = PROTO_HTTP;
  tx.conn = changetype<usize>(conn);
  tx.id = conn.nextId++;
  tx.arenaAt = at + head;
  tx.arenaEnd = at + TX_BYTES;
  tx.startToServer = directionOf(changetype<usize>(conn), TO_SERVER).offset;
  tx.startToClient = directionOf(changetype<usize>(conn), TO_CLIENT).offset;
  tx.firstMs = conn.nowMs;
  tx.lastMs = conn.nowMs;
  messageOf(at, 0).contentLength = -1;
  messageOf(at, 1).contentLength = -1;
  if (conn.last != 0) changetype<HttpTx>(conn.last).next = at;
  else conn.first = at;
  conn.last = at;
  if (conn.awaiting == 0) conn.awaiting = at;
  conn.count++;
  return at;
}

/** Takes a transaction out of its connection's list and frees all that it has. */
export function txDrop(at: usize): void {
  const tx = changetype<HttpTx>(at);
  const conn = changetype<HttpConn>(tx.conn);
  let before: usize = 0;
  let p = conn.first;
  while (p != 0 && p != at) {
    before = p;
    p = changetype<HttpTx>(p).next;
  }
  if (p == 0) return;
  if (before != 0) changetype<HttpTx>(before).next = tx.next;
  else conn.first = tx.next;
  if (conn.last == at) conn.last = before;
  if (conn.awaiting == at) conn.awaiting = tx.next;
  for (let dir: u32 = 0; dir < 2; dir++) {
    const direction = directionOf(tx.conn, dir);
    if (direction.tx == at) {
      direction.tx = 0;
      if (direction.state != TUNNEL && direction.state != FAILED && direction.state != IGNORE) direction.state = FAILED;
    }
    freeMessage(messageOf(at, dir));
  }
  conn.count--;
  arenaFree(arenaOf(tx));
  give(at);
}

function freeMessage(message: HttpMessage): void {
  decoderFree(message.decoder);
  message.decoder = 0;
  multipartFree(message);
  give(message.body);
  give(message.rawBody);
  let f = message.files;
  while (f != 0) {
    const file = changetype<HttpFile>(f);
    give(file.data);
    f = file.next;
  }
}

/** Both directions have been seen: the engine may free it. */
export function settleDone(tx: HttpTx): void {
  tx.done = tx.progressToServer == TX_COMPLETE && tx.progressToClient == TX_COMPLETE;
}

/** A copy in the transaction's arena; 0 when memory is short. */
export function keep(tx: HttpTx, ptr: usize, len: u32): usize {
  const at = arenaTake(arenaOf(tx), max<u32>(len, 1));
  if (at != 0) memory.copy(at, ptr, len);
  return at;
}

/** Memory for a connection, with room for both directions. */
export function connTake(): usize {
  return takeZeroed(connBytes());
}

/** Frees what a direction keeps. */
export function directionFree(direction: HttpDirection): void {
  bufferFree(pendingOf(direction));
}
