// The front of the application layer: one connection, whatever it speaks. Finds the protocol by content, holds the bytes until it
// is found, hands them to the parser, and starts over after STARTTLS or CONNECT. README.md tells how the engine uses it.

import { Buffer, bufferAppend, bufferFree } from "../core/buffer";
import { give } from "../core/memory";
import {
  PROTO_DCERPC, PROTO_DNS, PROTO_FAILED, PROTO_FTP, PROTO_FTP_DATA, PROTO_HTTP, PROTO_SMB, PROTO_SMTP, PROTO_SSH, PROTO_TLS,
  PROTO_UNKNOWN, Tx,
} from "../core/tx";
import {
  HTTP_STATE_TUNNEL, httpEnd, httpFeed, httpFirst, httpFree, httpGap, httpNew, httpState, httpTxFree,
} from "../http/connection";
import { EV_FAILED_PROTOCOL_CHANGE, raise } from "../http/events";
import {
  APP_MISMATCH, APP_NO_TLS_AFTER_STARTTLS, APP_ONE_DIRECTION, APP_SKIPPED, APP_UNEXPECTED_PROTOCOL, APP_WRONG_DIRECTION,
  AppConn, AppTx, bufferNew, connNew, txRelease, txUnlink,
} from "./conn";
import { dcerpcEnd, dcerpcFeed, dcerpcForget, dcerpcFree, dcerpcGap } from "./dcerpc";
import { appDetect } from "./detect";
import { dnsFeed, dnsFree, dnsGap, dnsShape } from "./dns";
import { filesFree } from "./file";
import { ftpDataEnd, ftpDataFeed, ftpDataGap, ftpEnd, ftpFeed, ftpForget, ftpFree, ftpGap } from "./ftp";
import { smbEnd, smbFeed, smbForget, smbFree, smbGap } from "./smb";
import { smtpEnd, smtpFeed, smtpForget, smtpFree, smtpGap } from "./smtp";
import { sshEnd, sshFeed, sshForget, sshFree, sshGap } from "./ssh";
import { tlsEnd, tlsFeed, tlsForget, tlsFree, tlsGap } from "./tls";

export { appBuffer, appEve } from "./buffer-of";
export { appDetect } from "./detect";
export { setOnExpectation, setOnTxFree } from "./conn";

/** Bytes of one direction that are held while nothing is known. */
const HOLD: u32 = 65536;
/** Datagrams that are looked at. */
const MAX_TRIES: u32 = 8;

/**
 * What is kept of a connection: 0 when memory is short. `proto` PROTO_UNKNOWN is found by content; `l4` is 6 or 17; the ports are
 * those of the client and of the server.
 */
export function appNew(proto: u8, l4: u32, sport: u32, dport: u32): usize {
  const at = connNew(proto);
  if (at == 0) return 0;
  const conn = changetype<AppConn>(at);
  conn.l4 = <u8>l4;
  conn.sport = <u16>sport;
  conn.dport = <u16>dport;
  return at;
}

/** Whether the protocol has a parser here. */
export function appParsed(proto: u8): bool {
  return proto >= PROTO_HTTP && proto <= PROTO_DCERPC;
}

/**
 * The next bytes of a direction, in order (of a datagram: all of it). `offset` is the stream position of the first, `now` the
 * time in ms. Transactions grow and raise their progress; bytes that accessors return are valid until the transaction is freed.
 */
export function appFeed(at: usize, dir: u32, ptr: usize, len: u32, offset: u64, now: f64): void {
  const conn = changetype<AppConn>(at);
  conn.now = now;
  if (len == 0) return;
  if (conn.firstDirection == 0) conn.firstDirection = <u8>(dir + 1);
  if (conn.bypass || conn.proto == PROTO_FAILED) return;
  if (conn.proto != PROTO_UNKNOWN) {
    if (conn.protoBefore == PROTO_UNKNOWN) otherDirection(conn, dir, ptr, len);
    dispatch(conn, dir, ptr, len, offset);
    return;
  }
  if (conn.l4 == 17) datagram(conn, dir, ptr, len, offset);
  else search(conn, dir, ptr, len, offset);
}

// @ts-ignore: decorator
@inline function seenIn(conn: AppConn, dir: u32): u8 {
  return dir == 0 ? conn.protoToServer : conn.protoToClient;
}

function setSeen(conn: AppConn, dir: u32, proto: u8): void {
  if (dir == 0) conn.protoToServer = proto;
  else conn.protoToClient = proto;
}

/** The protocol is known from one direction: does the other one look the same? */
function otherDirection(conn: AppConn, dir: u32, ptr: usize, len: u32): void {
  if (seenIn(conn, dir) != PROTO_UNKNOWN || conn.l4 == 17) return;
  const found = appDetect(ptr, len, dir, conn.sport, conn.dport, conn.l4);
  if (found == PROTO_UNKNOWN) {
    // One look is enough where the greeting is the same in two protocols.
    setSeen(conn, dir, conn.proto);
    return;
  }
  setSeen(conn, dir, found);
  if (found == PROTO_FAILED) {
    if (bothSpeak(conn.proto)) conn.events |= 1 << APP_ONE_DIRECTION;
  } else if (found != conn.proto) conn.events |= 1 << APP_MISMATCH;
}

/** Protocols that can be told in both directions. */
function bothSpeak(proto: u8): bool {
  return proto == PROTO_HTTP || proto == PROTO_TLS || proto == PROTO_SSH || proto == PROTO_SMB || proto == PROTO_DCERPC;
}

function datagram(conn: AppConn, dir: u32, ptr: usize, len: u32, offset: u64): void {
  const found = appDetect(ptr, len, dir, conn.sport, conn.dport, 17);
  if (found == PROTO_FAILED || found == PROTO_UNKNOWN) {
    if (++conn.tried >= MAX_TRIES) conn.proto = PROTO_FAILED;
    return;
  }
  conn.proto = found;
  let way = dir;
  // An answer that comes first, from the port of name servers: whoever sent it is the server.
  if (found == PROTO_DNS && dir == 0 && conn.tried == 0 && conn.dport != 53 && conn.sport == 53 && dnsShape(ptr, len) == 2) {
    turn(conn);
    way = 1;
  }
  setSeen(conn, way, found);
  dispatch(conn, way, ptr, len, offset);
}

/** What was taken for the client is the server. */
function turn(conn: AppConn): void {
  conn.reversed = !conn.reversed;
  const port = conn.sport;
  conn.sport = conn.dport;
  conn.dport = port;
  const held = conn.heldToServer;
  conn.heldToServer = conn.heldToClient;
  conn.heldToClient = held;
  const seen = conn.protoToServer;
  conn.protoToServer = conn.protoToClient;
  conn.protoToClient = seen;
  const offset = conn.offsetToServer;
  conn.offsetToServer = conn.offsetToClient;
  conn.offsetToClient = offset;
  if (conn.firstDirection != 0) conn.firstDirection = 3 - conn.firstDirection;
}

function search(conn: AppConn, from: u32, ptr: usize, len: u32, offset: u64): void {
  let dir = from;
  if (dir == 0) conn.offsetToServer = offset + len;
  else conn.offsetToClient = offset + len;
  let heldAt = dir == 0 ? conn.heldToServer : conn.heldToClient;
  if (heldAt == 0) {
    heldAt = bufferNew();
    if (dir == 0) conn.heldToServer = heldAt;
    else conn.heldToClient = heldAt;
  }
  if (heldAt == 0 || !bufferAppend(changetype<Buffer>(heldAt), ptr, len, HOLD)) {
    giveUp(conn);
    return;
  }
  const held = changetype<Buffer>(heldAt);
  if (seenIn(conn, dir) == PROTO_FAILED) return;
  let found = appDetect(held.ptr, held.len, dir, conn.sport, conn.dport, conn.l4);
  if (found == PROTO_UNKNOWN) return;
  if (found == PROTO_FAILED && conn.midstream && !conn.reversed) {
    const other = appDetect(held.ptr, held.len, 1 - dir, conn.dport, conn.sport, conn.l4);
    if (other > PROTO_FAILED) {
      turn(conn);
      dir = 1 - dir;
      found = other;
    }
  }
  setSeen(conn, dir, found);
  if (found == PROTO_FAILED) {
    if (conn.expected != PROTO_UNKNOWN) conn.events |= 1 << APP_UNEXPECTED_PROTOCOL;
    if (conn.protoToServer == PROTO_FAILED && conn.protoToClient == PROTO_FAILED) {
      conn.events |= 1 << APP_SKIPPED;
      giveUp(conn);
    }
    return;
  }
  if (conn.expected != PROTO_UNKNOWN && found != conn.expected) {
    conn.events |= 1 << (conn.expected == PROTO_TLS ? APP_NO_TLS_AFTER_STARTTLS : APP_UNEXPECTED_PROTOCOL);
  }
  found = settle(conn, dir, found);
  conn.proto = found;
  release(conn);
}

/** The first protocol of the connection; says what is odd about it. */
function settle(conn: AppConn, dir: u32, found: u8): u8 {
  const other = seenIn(conn, 1 - dir);
  if (other == PROTO_FAILED && bothSpeak(found)) conn.events |= 1 << APP_ONE_DIRECTION;
  const clientFirst = found == PROTO_HTTP || found == PROTO_TLS || found == PROTO_DNS || found == PROTO_DCERPC;
  const start = !conn.midstream && conn.protoBefore == PROTO_UNKNOWN;
  if (clientFirst && start && conn.firstDirection == 2) conn.events |= 1 << APP_WRONG_DIRECTION;
  return found;
}

/** Held bytes go to the parser, the direction that spoke first at first. */
function release(conn: AppConn): void {
  const first: u32 = conn.firstDirection == 2 ? 1 : 0;
  for (let i: u32 = 0; i < 2; i++) {
    const dir = i == 0 ? first : 1 - first;
    const at = dir == 0 ? conn.heldToServer : conn.heldToClient;
    if (dir == 0) conn.heldToServer = 0;
    else conn.heldToClient = 0;
    if (at == 0) continue;
    const held = changetype<Buffer>(at);
    const end = dir == 0 ? conn.offsetToServer : conn.offsetToClient;
    if (held.len != 0 && !conn.bypass && conn.proto > PROTO_FAILED) {
      if (i == 1 && seenIn(conn, dir) == PROTO_UNKNOWN) otherDirection(conn, dir, held.ptr, held.len);
      dispatch(conn, dir, held.ptr, held.len, end - held.len);
    }
    bufferFree(held);
    give(at);
  }
}

function dropHeld(conn: AppConn): void {
  if (conn.heldToServer != 0) bufferFree(changetype<Buffer>(conn.heldToServer));
  if (conn.heldToClient != 0) bufferFree(changetype<Buffer>(conn.heldToClient));
  give(conn.heldToServer);
  give(conn.heldToClient);
  conn.heldToServer = 0;
  conn.heldToClient = 0;
}

function giveUp(conn: AppConn): void {
  conn.proto = PROTO_FAILED;
  dropHeld(conn);
}

/** To the parser. */
function dispatch(conn: AppConn, dir: u32, ptr: usize, len: u32, offset: u64): void {
  if (dir == 0) conn.offsetToServer = offset;
  else conn.offsetToClient = offset;
  let good = true;
  switch (conn.proto) {
    case PROTO_HTTP: {
      http(conn, dir, ptr, len, offset);
      return;
    }
    case PROTO_TLS: {
      good = tlsFeed(conn, dir, ptr, len);
      break;
    }
    case PROTO_DNS: {
      good = dnsFeed(conn, dir, ptr, len);
      break;
    }
    case PROTO_SMTP: {
      good = smtpFeed(conn, dir, ptr, len);
      break;
    }
    case PROTO_FTP: {
      good = ftpFeed(conn, dir, ptr, len);
      break;
    }
    case PROTO_FTP_DATA: {
      good = ftpDataFeed(conn, dir, ptr, len);
      break;
    }
    case PROTO_SSH: {
      good = sshFeed(conn, dir, ptr, len);
      break;
    }
    case PROTO_SMB: {
      good = smbFeed(conn, dir, ptr, len);
      break;
    }
    case PROTO_DCERPC: {
      good = dcerpcFeed(conn, dir, ptr, len);
      break;
    }
    default: break;
  }
  if (dir == 0) conn.offsetToServer = offset + len;
  else conn.offsetToClient = offset + len;
  if (!good) conn.bypass = true;
  if (conn.upgrade) startOver(conn);
}

function http(conn: AppConn, dir: u32, ptr: usize, len: u32, offset: u64): void {
  if (conn.http == 0) conn.http = httpNew(conn.dport);
  if (conn.http == 0) {
    conn.bypass = true;
    return;
  }
  const before = httpState(conn.http, 0) == HTTP_STATE_TUNNEL || httpState(conn.http, 1) == HTTP_STATE_TUNNEL;
  if (!before) httpFeed(conn.http, dir, ptr, len, offset, conn.now);
  if (httpState(conn.http, 0) != HTTP_STATE_TUNNEL && httpState(conn.http, 1) != HTTP_STATE_TUNNEL) return;
  if (conn.protoBefore != PROTO_UNKNOWN && conn.protoBefore != PROTO_HTTP && !before) {
    // One change is on its way (STARTTLS): a second one on top of it cannot be followed.
    let last = httpFirst(conn.http);
    while (last != 0 && changetype<Tx>(last).next != 0) last = changetype<Tx>(last).next;
    if (last != 0) raise(changetype<Tx>(last), EV_FAILED_PROTOCOL_CHANGE);
    conn.bypass = true;
    return;
  }
  const inside = before || (dir == 0 && appDetect(ptr, len, dir, conn.sport, conn.dport, conn.l4) != PROTO_HTTP);
  startOver(conn);
  if (inside) search(conn, dir, ptr, len, offset);
}

/** What comes now is another protocol; transactions stay. */
function startOver(conn: AppConn): void {
  conn.upgrade = false;
  freeParser(conn);
  conn.protoBefore = conn.proto;
  conn.proto = PROTO_UNKNOWN;
  conn.protoToServer = PROTO_UNKNOWN;
  conn.protoToClient = PROTO_UNKNOWN;
  conn.firstDirection = 0;
  conn.bypass = false;
}

/** `bytes` of a direction are missing before what is fed next. */
export function appGap(at: usize, dir: u32, bytes: u32): void {
  const conn = changetype<AppConn>(at);
  switch (conn.proto) {
    case PROTO_UNKNOWN: {
      // Content detection needs the beginning.
      setSeen(conn, dir, PROTO_FAILED);
      const held = dir == 0 ? conn.heldToServer : conn.heldToClient;
      if (held != 0) bufferFree(changetype<Buffer>(held));
      if (conn.protoToServer == PROTO_FAILED && conn.protoToClient == PROTO_FAILED) giveUp(conn);
      break;
    }
    case PROTO_HTTP: {
      if (conn.http != 0) httpGap(conn.http, dir, bytes);
      break;
    }
    case PROTO_TLS: {
      tlsGap(conn, dir);
      break;
    }
    case PROTO_DNS: {
      dnsGap(conn, dir);
      break;
    }
    case PROTO_SMTP: {
      smtpGap(conn, dir, bytes);
      break;
    }
    case PROTO_FTP: {
      ftpGap(conn, dir);
      break;
    }
    case PROTO_FTP_DATA: {
      ftpDataGap(conn, bytes);
      break;
    }
    case PROTO_SSH: {
      sshGap(conn, dir);
      break;
    }
    case PROTO_SMB: {
      smbGap(conn, dir, bytes);
      break;
    }
    case PROTO_DCERPC: {
      dcerpcGap(conn, dir);
      break;
    }
    default: break;
  }
}

/** The direction is over: all that comes is there. Unfinished transactions get their last progress. */
export function appEnd(at: usize, dir: u32): void {
  const conn = changetype<AppConn>(at);
  if (conn.http != 0) httpEnd(conn.http, dir);
  switch (conn.proto) {
    case PROTO_TLS: {
      tlsEnd(conn, dir);
      break;
    }
    case PROTO_SMTP: {
      smtpEnd(conn, dir);
      break;
    }
    case PROTO_FTP: {
      ftpEnd(conn, dir);
      break;
    }
    case PROTO_FTP_DATA: {
      ftpDataEnd(conn);
      break;
    }
    case PROTO_SSH: {
      sshEnd(conn, dir);
      break;
    }
    case PROTO_SMB: {
      smbEnd(conn, dir);
      break;
    }
    case PROTO_DCERPC: {
      dcerpcEnd(conn, dir);
      break;
    }
    default: break;
  }
}

/** Oldest transaction, 0 without. Those of HTTP come before those of what follows it. */
export function appFirst(at: usize): usize {
  const conn = changetype<AppConn>(at);
  const first = conn.http != 0 ? httpFirst(conn.http) : 0;
  return first != 0 ? first : conn.first;
}

/** The transaction after `tx`, 0 at the end. Take it before `tx` is freed. */
export function appNext(at: usize, tx: usize): usize {
  const next = changetype<Tx>(tx).next;
  if (next != 0) return next;
  const conn = changetype<AppConn>(at);
  return changetype<Tx>(tx).proto == PROTO_HTTP && conn.http != 0 ? conn.first : 0;
}

/** Takes a transaction away. The engine does so with those that are `done` and evaluated. */
export function appTxFree(at: usize, tx: usize): void {
  const conn = changetype<AppConn>(at);
  if (changetype<Tx>(tx).proto == PROTO_HTTP) {
    httpTxFree(tx);
    return;
  }
  if (!txUnlink(conn, tx)) return;
  forget(conn, tx);
  freeTx(tx);
}

function forget(conn: AppConn, tx: usize): void {
  const proto = changetype<Tx>(tx).proto;
  if (proto != conn.proto) return;
  if (proto == PROTO_TLS) tlsForget(conn, tx);
  else if (proto == PROTO_SMTP) smtpForget(conn, tx);
  else if (proto == PROTO_FTP) ftpForget(conn, tx);
  else if (proto == PROTO_SSH) sshForget(conn, tx);
  else if (proto == PROTO_SMB) smbForget(conn, tx);
  else if (proto == PROTO_DCERPC) dcerpcForget(conn, tx);
}

function freeTx(tx: usize): void {
  filesFree(changetype<AppTx>(tx));
  txRelease(tx);
}

function freeParser(conn: AppConn): void {
  switch (conn.proto) {
    case PROTO_TLS: {
      tlsFree(conn);
      break;
    }
    case PROTO_DNS: {
      dnsFree(conn);
      break;
    }
    case PROTO_SMTP: {
      smtpFree(conn);
      break;
    }
    case PROTO_FTP: {
      ftpFree(conn);
      break;
    }
    case PROTO_SSH: {
      sshFree(conn);
      break;
    }
    case PROTO_SMB: {
      smbFree(conn);
      break;
    }
    case PROTO_DCERPC: {
      dcerpcFree(conn);
      break;
    }
    default: break;
  }
  conn.state = 0;
}

/** Gives everything back. */
export function appFree(at: usize): void {
  if (at == 0) return;
  const conn = changetype<AppConn>(at);
  freeParser(conn);
  let tx = conn.first;
  while (tx != 0) {
    const next = changetype<Tx>(tx).next;
    freeTx(tx);
    tx = next;
  }
  if (conn.http != 0) httpFree(conn.http);
  dropHeld(conn);
  give(at);
}
