// TLS (RFC 5246, 8446, 6520) and the SSLv2 hello: records, handshake messages across records, alerts, heartbeats. After the
// handshake only record heads are read; nothing is decrypted.

import { Buffer, bufferAppend, bufferFree } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { PROTO_TLS, TX_COMPLETE } from "../core/tx";
import { be16, be24 } from "./bytes";
import { AppConn, txEvent, txNew, txProgress } from "./conn";
import { readCertificates } from "./tls-certs";
import { readHello, readHelloV2, tlsKnownVersion } from "./tls-hello";
import {
  EV_TLS_ALERT, EV_TLS_DATALEAK_HEARTBEAT, EV_TLS_ERROR, EV_TLS_HANDSHAKE, EV_TLS_HEARTBEAT, EV_TLS_INVALID_HEARTBEAT,
  EV_TLS_OVERFLOW_HEARTBEAT, EV_TLS_RECORD, EV_TLS_RECORD_LENGTH, EV_TLS_RECORD_TYPE, EV_TLS_RECORD_VERSION,
  EV_TLS_SSLV2_HEADER, TLS_CLIENT_CERT, TLS_CLIENT_HANDSHAKE_DONE, TLS_CLIENT_HELLO, TLS_CLIENT_IN_PROGRESS, TLS_SERVER_CERT,
  TLS_SERVER_HANDSHAKE_DONE, TLS_SERVER_HELLO, TLS_SERVER_HELLO_DONE, TLS_STATE_CLIENT_HELLO, TLS_STATE_CLIENT_KEYX,
  TLS_STATE_SERVER_HELLO, TLS_STATE_SERVER_KEYX, TlsSide, tlsSide, TlsTx,
} from "./tls-types";

const MAX_RECORD: u32 = 16384 + 2048;
const MAX_MESSAGE: u32 = 131072;
/** Heartbeats, alerts and SSLv2 records are looked at up to here. */
const MAX_HELD: u32 = 4096;

const CHANGE_CIPHER_SPEC: u32 = 20;
const ALERT: u32 = 21;
const HANDSHAKE: u32 = 22;
const APPLICATION_DATA: u32 = 23;
const HEARTBEAT: u32 = 24;

/** One direction's place in the stream of records. */
@unmanaged
class TlsStream {
  /** Bytes of the record's head, as far as they came. */
  head: u64;
  headLen: u32;
  type: u32;
  /** Bytes of the record that are still to come, and its whole length. */
  left: u32;
  length: u32;
  /** Handshake bytes of a message that is not complete (Buffer). */
  message: usize;
  messageLen: u32;
  messageCapacity: u32;
  /** Bytes of a message that nobody wants. */
  skip: u32;
  /** The record is held as a whole in `message`: an SSLv2 record, an alert, a heartbeat. */
  held: bool;
  changed: bool;
  v2: bool;
  lost: bool;
}

@unmanaged
class TlsConn {
  tx: usize;
  heartbeatFrom: u32;
  heartbeatLen: u32;
  failed: bool;
}

// @ts-ignore: decorator
@inline function streamOf(state: usize, dir: u32): TlsStream {
  return changetype<TlsStream>(state + ((offsetof<TlsConn>() + 7) & ~7) + <usize>dir * offsetof<TlsStream>());
}

// @ts-ignore: decorator
@inline function messageOf(stream: TlsStream): Buffer {
  return changetype<Buffer>(changetype<usize>(stream) + offsetof<TlsStream>("message"));
}

/** Bytes of one direction, in order. False: nothing more can be understood (the events say why), or memory is short. */
export function tlsFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  if (conn.state == 0) {
    conn.state = takeZeroed(((offsetof<TlsConn>() + 7) & ~7) + 2 * offsetof<TlsStream>());
    if (conn.state == 0) return false;
    const at = txNew(conn, PROTO_TLS, ((offsetof<TlsTx>() + 7) & ~7) + 2 * offsetof<TlsSide>());
    if (at == 0) return false;
    changetype<TlsConn>(conn.state).tx = at;
  }
  const state = changetype<TlsConn>(conn.state);
  if (state.failed) return false;
  const stream = streamOf(conn.state, dir);
  const tx = changetype<TlsTx>(state.tx);
  if (state.tx != 0) {
    tx.statesNow = 0;
    txProgress(tx, dir, TLS_CLIENT_IN_PROGRESS);
  }
  if (stream.lost || state.tx == 0) return true;
  let at = ptr;
  let left = len;
  while (left != 0) {
    if (stream.left == 0) {
      const used = readHead(tx, stream, dir, at, left);
      if (used < 0) return giveUp(state, tx);
      at += used;
      left -= used;
      continue;
    }
    const n = min(stream.left, left);
    stream.left -= n;
    if (!recordData(conn, state, tx, stream, dir, at, n)) return giveUp(state, tx);
    at += n;
    left -= n;
  }
  return true;
}

function giveUp(state: TlsConn, tx: TlsTx): bool {
  state.failed = true;
  finish(tx, 0);
  finish(tx, 1);
  return false;
}

function finish(tx: TlsTx, dir: u32): void {
  txProgress(tx, dir, TX_COMPLETE);
  tx.done = tx.progressToServer == TX_COMPLETE && tx.progressToClient == TX_COMPLETE;
}

/** Takes bytes of a record's head; returns how many, or -1 when this is no record. */
function readHead(tx: TlsTx, stream: TlsStream, dir: u32, ptr: usize, len: u32): i32 {
  const first: u32 = stream.headLen == 0 ? load<u8>(ptr) : <u32>(stream.head & 0xff);
  const wanted: u32 = (first & 0xc0) == 0 ? 5 : (first & 0x80) != 0 ? 3 : 4;
  let used: u32 = 0;
  while (stream.headLen < wanted && used < len) {
    stream.head |= (<u64>load<u8>(ptr + used)) << (8 * stream.headLen);
    stream.headLen++;
    used++;
  }
  if (stream.headLen < wanted) return used;
  const head = stream.head;
  const side = tlsSide(changetype<usize>(tx), dir);
  stream.headLen = 0;
  stream.head = 0;
  const b1 = <u32>(head >> 8) & 0xff;
  if (wanted != 5) {
    stream.v2 = true;
    stream.held = true;
    stream.length = ((first & (wanted == 3 ? 0x7f : 0x3f)) << 8) | b1;
    stream.type = <u32>(head >> (8 * (wanted - 1))) & 0xff;
    side.version = 2;
    if (stream.length < 1 || (wanted == 4 && stream.length < 2)) {
      txEvent(tx, EV_TLS_SSLV2_HEADER);
      txEvent(tx, EV_TLS_RECORD);
      return -1;
    }
    stream.left = stream.length - 1;
    return used;
  }
  const version = (b1 << 8) | (<u32>(head >> 16) & 0xff);
  const before: u32 = side.version;
  stream.v2 = false;
  stream.type = first;
  stream.length = ((<u32>(head >> 24) & 0xff) << 8) | (<u32>(head >> 32) & 0xff);
  if (!side.helloSeen) side.version = <u16>version;
  if (first - CHANGE_CIPHER_SPEC > HEARTBEAT - CHANGE_CIPHER_SPEC) {
    txEvent(tx, EV_TLS_RECORD_TYPE);
    if (before != 0x0301 && before != 0x0302) return -1;
    // As decoders do with old versions: the rest of the data is passed over.
    side.version = <u16>before;
    return len;
  }
  if (stream.length == 0 || stream.length > MAX_RECORD) {
    txEvent(tx, EV_TLS_RECORD_LENGTH);
    if (stream.length != 0 || first != APPLICATION_DATA) return -1;
  }
  if (!tlsKnownVersion(version)) {
    txEvent(tx, EV_TLS_RECORD_VERSION);
    return -1;
  }
  stream.left = stream.length;
  stream.held = first == ALERT || first == HEARTBEAT;
  if (first == HANDSHAKE && stream.length < 4 && messageOf(stream).len == 0 && !stream.changed) txEvent(tx, EV_TLS_RECORD);
  return used;
}

/** Some bytes of the current record. */
function recordData(conn: AppConn, state: TlsConn, tx: TlsTx, stream: TlsStream, dir: u32, ptr: usize, len: u32): bool {
  const type = stream.type;
  if (stream.held) {
    const held = messageOf(stream);
    if (held.len < MAX_HELD) bufferAppend(held, ptr, min(len, MAX_HELD - held.len), MAX_HELD);
    if (stream.left != 0) return true;
    let good: bool;
    if (stream.v2) good = recordV2(tx, stream, dir, held);
    else good = type == ALERT ? alert(tx, stream, held) : heartbeat(state, tx, stream, dir, held);
    bufferFree(held);
    stream.held = false;
    return good;
  }
  if (type == CHANGE_CIPHER_SPEC) {
    if (stream.left == 0) changeCipherSpec(tx, stream, dir);
    return true;
  }
  if (type == APPLICATION_DATA) {
    applicationData(conn, tx, dir);
    return true;
  }
  if (!handshakeVisible(conn, tx, stream, dir)) return true;
  return handshake(tx, stream, dir, ptr, len);
}

/** After ChangeCipherSpec handshake records are encrypted; in TLS 1.3 it says nothing, but then only the hellos are clear. */
function handshakeVisible(conn: AppConn, tx: TlsTx, stream: TlsStream, dir: u32): bool {
  if (!streamOf(conn.state, 0).changed && !streamOf(conn.state, 1).changed) return true;
  const client = tlsSide(changetype<usize>(tx), 0);
  const server = tlsSide(changetype<usize>(tx), 1);
  if (stream.changed) return client.helloSeen && client.version > 0x0303 && !server.helloSeen;
  return !server.helloSeen || dir == 1 || tx.clientCertAsked;
}

function changeCipherSpec(tx: TlsTx, stream: TlsStream, dir: u32): void {
  stream.changed = true;
  if (dir == 0) txProgress(tx, 0, TLS_CLIENT_HANDSHAKE_DONE);
  else txProgress(tx, 1, TLS_SERVER_HANDSHAKE_DONE);
}

function applicationData(conn: AppConn, tx: TlsTx, dir: u32): void {
  // 0-RTT data may come before the server's hello.
  if (dir == 0 && !tlsSide(changetype<usize>(tx), 1).helloSeen) return;
  finish(tx, dir);
  if (tx.done) conn.bypass = true;
}

/** An SSLv2 record, whole but for its head and type byte. */
function recordV2(tx: TlsTx, stream: TlsStream, dir: u32, held: Buffer): bool {
  if (stream.type == 0) txEvent(tx, EV_TLS_ERROR);
  else if (stream.type == 1) {
    if (!readHelloV2(tx, held.ptr, held.len)) {
      txEvent(tx, EV_TLS_RECORD);
      return false;
    }
    seen(tx, TLS_STATE_CLIENT_HELLO);
    txProgress(tx, 0, TLS_CLIENT_HELLO);
  } else if (stream.type == 4) {
    tlsSide(changetype<usize>(tx), 1).helloSeen = true;
    seen(tx, TLS_STATE_SERVER_HELLO);
    txProgress(tx, 1, TLS_SERVER_HELLO);
  } else if (stream.type == 8 && dir == 0) {
    seen(tx, TLS_STATE_CLIENT_KEYX);
    txProgress(tx, 0, TLS_CLIENT_CERT);
  }
  return true;
}

function alert(tx: TlsTx, stream: TlsStream, held: Buffer): bool {
  if (stream.length < 2) {
    txEvent(tx, EV_TLS_ALERT);
    return false;
  }
  // Longer ones are encrypted. A fatal one ends the handshake.
  if (stream.length == 2 && held.len == 2 && load<u8>(held.ptr) == 2) {
    finish(tx, 0);
    finish(tx, 1);
  }
  return true;
}

/** Heartbeats, and the ways in which CVE-2014-0160 shows. */
function heartbeat(state: TlsConn, tx: TlsTx, stream: TlsStream, dir: u32, held: Buffer): bool {
  if (held.len < 3) return true;
  txEvent(tx, EV_TLS_HEARTBEAT);
  const encrypted = stream.changed;
  const kind: u32 = load<u8>(held.ptr);
  if (!encrypted && kind - 1 > 1) {
    txEvent(tx, EV_TLS_INVALID_HEARTBEAT);
    return false;
  }
  if (state.heartbeatFrom == 0) {
    state.heartbeatFrom = dir + 1;
    if (encrypted) {
      state.heartbeatLen = stream.length;
      return true;
    }
    const payload = be16(held.ptr + 1);
    if (payload + 3 > stream.length) {
      txEvent(tx, EV_TLS_OVERFLOW_HEARTBEAT);
      return false;
    }
    if (stream.length - payload - 3 < 16) {
      txEvent(tx, EV_TLS_INVALID_HEARTBEAT);
      return false;
    }
    return true;
  }
  if (state.heartbeatFrom == dir + 1) {
    txEvent(tx, EV_TLS_INVALID_HEARTBEAT);
    return false;
  }
  state.heartbeatFrom = 0;
  const asked = state.heartbeatLen;
  state.heartbeatLen = 0;
  if (encrypted && asked != 0 && asked < stream.length) {
    txEvent(tx, EV_TLS_DATALEAK_HEARTBEAT);
    return false;
  }
  return true;
}

/** Bytes of handshake records: messages, whole or in parts. */
function handshake(tx: TlsTx, stream: TlsStream, dir: u32, ptr: usize, len: u32): bool {
  const held = messageOf(stream);
  let at = ptr;
  let left = len;
  while (left != 0) {
    if (stream.skip != 0) {
      const n = min(stream.skip, left);
      stream.skip -= n;
      at += n;
      left -= n;
      continue;
    }
    if (held.len == 0 && left >= 4) {
      const size = be24(at + 1);
      if (!wanted(tx, stream, load<u8>(at), size)) {
        at += 4;
        left -= 4;
        continue;
      }
      if (left - 4 >= size) {
        if (!message(tx, dir, load<u8>(at), at + 4, size)) return false;
        at += 4 + size;
        left -= 4 + size;
        continue;
      }
    }
    const whole = held.len < 4 ? 4 : 4 + be24(held.ptr + 1);
    const n = min(whole - held.len, left);
    if (!bufferAppend(held, at, n, MAX_MESSAGE + 4)) return false;
    at += n;
    left -= n;
    if (held.len < 4) return true;
    const size = be24(held.ptr + 1);
    if (whole == 4 && !wanted(tx, stream, load<u8>(held.ptr), size)) {
      bufferFree(held);
      continue;
    }
    if (held.len < 4 + size) continue;
    const good = message(tx, dir, load<u8>(held.ptr), held.ptr + 4, size);
    bufferFree(held);
    if (!good) return false;
  }
  return true;
}

/** Whether a message of that type is read; if not, its bytes are passed over. */
function wanted(tx: TlsTx, stream: TlsStream, type: u32, size: u32): bool {
  const known = type <= 4 || type == 8 || (type >= 11 && type <= 16) || (type >= 20 && type <= 24) || type == 67;
  if (!known || size > MAX_MESSAGE) {
    txEvent(tx, EV_TLS_HANDSHAKE);
    stream.skip = min(size, stream.left + MAX_RECORD);
    return false;
  }
  if (type == 1 || type == 2 || type == 11) return true;
  // The others say only that they were there.
  if (type == 12) seen(tx, TLS_STATE_SERVER_KEYX);
  else if (type == 13) tx.clientCertAsked = true;
  else if (type == 14) txProgress(tx, 1, TLS_SERVER_HELLO_DONE);
  else if (type == 16) {
    seen(tx, TLS_STATE_CLIENT_KEYX);
    txProgress(tx, 0, TLS_CLIENT_CERT);
  }
  stream.skip = size;
  return false;
}

function seen(tx: TlsTx, state: u32): void {
  tx.statesNow |= state;
  tx.statesSeen |= state;
}

/** A whole handshake message. */
function message(tx: TlsTx, dir: u32, type: u32, body: usize, len: u32): bool {
  if (type == 11) {
    if (!readCertificates(tx, dir, body, len)) txEvent(tx, EV_TLS_HANDSHAKE);
    txProgress(tx, dir, dir == 0 ? TLS_CLIENT_CERT : TLS_SERVER_CERT);
    return true;
  }
  // A hello belongs to its own side, whatever direction it came in.
  const from: u32 = type == 1 ? 0 : 1;
  seen(tx, type == 1 ? TLS_STATE_CLIENT_HELLO : TLS_STATE_SERVER_HELLO);
  const good = readHello(tx, from, body, len);
  txProgress(tx, from, from == 0 ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO);
  if (!good) txEvent(tx, EV_TLS_HANDSHAKE);
  return good;
}

/** Bytes are missing: records cannot be found again, so this direction is over. */
export function tlsGap(conn: AppConn, dir: u32): void {
  if (conn.state == 0) return;
  const stream = streamOf(conn.state, dir);
  stream.lost = true;
  bufferFree(messageOf(stream));
  tlsEnd(conn, dir);
}

export function tlsEnd(conn: AppConn, dir: u32): void {
  if (conn.state == 0) return;
  const tx = changetype<TlsConn>(conn.state).tx;
  if (tx != 0) finish(changetype<TlsTx>(tx), dir);
}

/** The engine frees a transaction: the parser must not use it any more. */
export function tlsForget(conn: AppConn, tx: usize): void {
  if (conn.state != 0 && changetype<TlsConn>(conn.state).tx == tx) changetype<TlsConn>(conn.state).tx = 0;
}

export function tlsFree(conn: AppConn): void {
  if (conn.state == 0) return;
  bufferFree(messageOf(streamOf(conn.state, 0)));
  bufferFree(messageOf(streamOf(conn.state, 1)));
  give(conn.state);
  conn.state = 0;
}
