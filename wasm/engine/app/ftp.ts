// FTP (RFC 959, 2428): a transaction is a command and its replies; and the data connections that commands announce.

import { arenaCopy, arenaTake } from "../core/arena";
import { give, takeZeroed } from "../core/memory";
import { PROTO_FTP, PROTO_FTP_DATA, PROTO_TLS, TX_COMPLETE } from "../core/tx";
import { equalsFold, findByte, isDigit } from "../../sdk/assembly/bytes";
import { AppConn, AppTx, expect, txArena, txEvent, txNew, txProgress } from "./conn";
import { File, fileAppend, fileOpen, fileSkip } from "./file";
import { lineCut, lineFree, lineLen, linePtr, LineReader, lineUsed, nextLine } from "./line";
import { noSpan, span } from "./span";

export const EV_FTP_REQUEST_LONG: u32 = 0;
export const EV_FTP_RESPONSE_LONG: u32 = 1;
export const EV_FTP_TOO_MANY: u32 = 2;

export const FTP_DATA_RETR: u32 = 1;
export const FTP_DATA_STOR: u32 = 2;

/** Longest command or reply line; Suricata's default. */
const LINE: u32 = 4096;
const MAX_REPLIES: u32 = 64;

@unmanaged
export class FtpReply {
  next: usize;
  ptr: usize;
  len: u32;
}

@unmanaged
export class FtpTx extends AppTx {
  command: usize;
  commandLen: u32;
  data: usize;
  dataLen: u32;
  replies: usize;
  lastReply: usize;
  replyCount: u32;
  /** Port announced, and its address (16 bytes in the arena; 0 when none was written). */
  port: u16;
  /** 1 active, 2 passive. */
  mode: u8;
  replied: bool;
  address: usize;
}

/** What is transferred, of a data connection. */
@unmanaged
export class FtpDataTx extends AppTx {
  command: u8;
  dir: u8;
}

@unmanaged
class FtpConn {
  toServer: usize;
  toClient: usize;
  /** Oldest transaction without its final reply. */
  waiting: usize;
  /** Announced data connection, until RETR or STOR says what goes over it. */
  port: u16;
  mode: u8;
  authTls: bool;
}

function stateOf(conn: AppConn): FtpConn | null {
  if (conn.state != 0) return changetype<FtpConn>(conn.state);
  const line = <u32>((offsetof<LineReader>() + 7) & ~7);
  const head = <u32>((offsetof<FtpConn>() + 7) & ~7);
  const at = takeZeroed(head + 2 * line);
  if (at == 0) return null;
  const state = changetype<FtpConn>(at);
  state.toServer = at + head;
  state.toClient = at + head + line;
  conn.state = at;
  return state;
}

export function ftpFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  const state = stateOf(conn);
  if (state === null) return false;
  const reader = changetype<LineReader>(dir == 0 ? state.toServer : state.toClient);
  let at = ptr;
  let left = len;
  while (left != 0) {
    const whole = nextLine(reader, at, left, LINE);
    const used = whole ? lineUsed : left;
    if (whole) {
      if (dir == 0) command(conn, state);
      else reply(conn, state);
    }
    at += used;
    left -= used;
    if (dir == 0) conn.offsetToServer += used;
    else conn.offsetToClient += used;
  }
  return true;
}

function command(conn: AppConn, state: FtpConn): void {
  const ptr = linePtr;
  const len = lineLen;
  const at = txNew(conn, PROTO_FTP, offsetof<FtpTx>());
  if (at == 0) {
    if (conn.last != 0) txEvent(changetype<AppTx>(conn.last), EV_FTP_TOO_MANY);
    return;
  }
  const tx = changetype<FtpTx>(at);
  if (lineCut) txEvent(tx, EV_FTP_REQUEST_LONG);
  let end: u32 = 0;
  while (end < len && load<u8>(ptr + end) != 32) end++;
  tx.command = arenaCopy(txArena(tx), ptr, end);
  tx.commandLen = tx.command == 0 ? 0 : end;
  let from = end;
  while (from < len && load<u8>(ptr + from) == 32) from++;
  if (from < len) {
    tx.data = arenaCopy(txArena(tx), ptr + from, len - from);
    tx.dataLen = tx.data == 0 ? 0 : len - from;
  }
  txProgress(tx, 0, TX_COMPLETE);
  if (state.waiting == 0) state.waiting = at;
  const word = ptr;
  if (equalsFold(word, end, "port")) portCommand(conn, state, tx);
  else if (equalsFold(word, end, "eprt")) eprtCommand(conn, state, tx);
  else if (equalsFold(word, end, "auth")) state.authTls = true;
}

/** Digits at `at`; -1 when there are none or the number is too big. Sets `numberEnd`. */
let numberEnd: u32 = 0;
function number(ptr: usize, len: u32, at: u32, most: u32): i32 {
  let value: u32 = 0;
  let i = at;
  while (i < len && isDigit(load<u8>(ptr + i)) && i - at < 6) value = value * 10 + load<u8>(ptr + i++) - 48;
  numberEnd = i;
  return i == at || value > most ? -1 : <i32>value;
}

/** "h1,h2,h3,h4,p1,p2" at `at`: the address goes into the arena, the port comes back, or -1. */
function sixNumbers(tx: FtpTx, ptr: usize, len: u32, from: u32): i32 {
  let at = from;
  let address: u32 = 0;
  let port: u32 = 0;
  for (let i: u32 = 0; i < 6; i++) {
    const value = number(ptr, len, at, 255);
    if (value < 0) return -1;
    at = numberEnd;
    if (i < 4) address = (address << 8) | value;
    else port = (port << 8) | value;
    if (i < 5) {
      if (at >= len || load<u8>(ptr + at) != 44) return -1;
      at++;
    }
  }
  const room = arenaTake(txArena(tx), 16);
  if (room != 0) {
    store<u64>(room, 0);
    store<u32>(room, 0xffff0000, 8);
    store<u32>(room, bswap<u32>(address), 12);
  }
  tx.address = room;
  return port;
}

function portCommand(conn: AppConn, state: FtpConn, tx: FtpTx): void {
  const port = sixNumbers(tx, tx.data, tx.dataLen, 0);
  if (port > 0) announce(conn, state, tx, port, 1);
}

/** EPRT |1|132.235.1.2|6275| and EPRT |2|1080::8:800:200C:417A|5282| */
function eprtCommand(conn: AppConn, state: FtpConn, tx: FtpTx): void {
  const ptr = tx.data;
  const len = tx.dataLen;
  if (len < 7) return;
  const bar: u32 = load<u8>(ptr);
  const family: u32 = load<u8>(ptr, 1);
  const second = findByte(ptr, len, bar, 3);
  if (load<u8>(ptr, 2) != bar || second < 0) return;
  const port = number(ptr, len, <u32>second + 1, 65535);
  if (port <= 0) return;
  if (family == 49) ipv4(tx, ptr, <u32>second, 3);
  announce(conn, state, tx, port, 1);
}

function ipv4(tx: FtpTx, ptr: usize, len: u32, from: u32): void {
  let at = from;
  let address: u32 = 0;
  for (let i = 0; i < 4; i++) {
    const value = number(ptr, len, at, 255);
    if (value < 0) return;
    address = (address << 8) | value;
    at = numberEnd + 1;
  }
  const room = arenaTake(txArena(tx), 16);
  if (room == 0) return;
  store<u64>(room, 0);
  store<u32>(room, 0xffff0000, 8);
  store<u32>(room, bswap<u32>(address), 12);
  tx.address = room;
}

const noAddress: usize = memory.data(16, 16);

function announce(conn: AppConn, state: FtpConn, tx: FtpTx, port: u32, mode: u8): void {
  tx.port = <u16>port;
  tx.mode = mode;
  state.port = <u16>port;
  state.mode = mode;
  expect(conn, changetype<usize>(tx), tx.address == 0 ? noAddress : tx.address, port, mode == 2 ? 1 : 0);
}

function reply(conn: AppConn, state: FtpConn): void {
  const ptr = linePtr;
  const len = lineLen;
  let at = state.waiting;
  if (at == 0) {
    // A greeting, or something nobody asked for: it stands alone.
    at = txNew(conn, PROTO_FTP, offsetof<FtpTx>());
    if (at == 0) return;
    state.waiting = at;
    txProgress(changetype<FtpTx>(at), 0, TX_COMPLETE);
  }
  const tx = changetype<FtpTx>(at);
  if (lineCut) txEvent(tx, EV_FTP_RESPONSE_LONG);
  addReply(tx, ptr, len);
  tx.replied = true;
  const coded = len >= 3 && isDigit(load<u8>(ptr)) && isDigit(load<u8>(ptr, 1)) && isDigit(load<u8>(ptr, 2));
  if (!coded || (len > 3 && load<u8>(ptr, 3) == 45)) return;
  const code = (<u32>load<u8>(ptr) - 48) * 100 + (<u32>load<u8>(ptr, 1) - 48) * 10 + <u32>load<u8>(ptr, 2) - 48;
  if (code == 227) {
    const open = findByte(ptr, len, 40);
    const port = open < 0 ? -1 : sixNumbers(tx, ptr, len, <u32>open + 1);
    if (port > 0) announce(conn, state, tx, port, 2);
  } else if (code == 229) {
    const open = findByte(ptr, len, 40);
    if (open >= 0 && <u32>open + 4 < len) {
      const port = number(ptr, len, <u32>open + 4, 65535);
      if (port > 0) announce(conn, state, tx, port, 2);
    }
  }
  // Replies below 200 are on the way: the final one is to come.
  if (code < 200) return;
  txProgress(tx, 1, TX_COMPLETE);
  tx.done = true;
  state.waiting = nextWaiting(tx.next);
  if (code == 234 && state.authTls) {
    conn.expected = PROTO_TLS;
    conn.upgrade = true;
  }
}

function nextWaiting(from: usize): usize {
  let at = from;
  while (at != 0 && changetype<AppTx>(at).done) at = changetype<AppTx>(at).next;
  return at;
}

function addReply(tx: FtpTx, ptr: usize, len: u32): void {
  if (tx.replyCount >= MAX_REPLIES) return;
  const at = arenaTake(txArena(tx), <u32>offsetof<FtpReply>());
  const text = arenaCopy(txArena(tx), ptr, len);
  if (at == 0 || text == 0) return;
  const item = changetype<FtpReply>(at);
  item.next = 0;
  item.ptr = text;
  item.len = len;
  if (tx.lastReply == 0) tx.replies = at;
  else changetype<FtpReply>(tx.lastReply).next = at;
  tx.lastReply = at;
  tx.replyCount++;
}

export function ftpGap(conn: AppConn, dir: u32): void {
  if (conn.state == 0) return;
  const state = changetype<FtpConn>(conn.state);
  const reader = changetype<LineReader>(dir == 0 ? state.toServer : state.toClient);
  lineFree(reader);
  reader.skipping = true;
}

export function ftpEnd(conn: AppConn, dir: u32): void {
  if (dir == 0) return;
  for (let at = conn.first; at != 0; at = changetype<AppTx>(at).next) {
    const tx = changetype<AppTx>(at);
    if (tx.proto != PROTO_FTP) continue;
    txProgress(tx, 1, TX_COMPLETE);
    tx.done = true;
  }
  if (conn.state != 0) changetype<FtpConn>(conn.state).waiting = 0;
}

export function ftpForget(conn: AppConn, tx: usize): void {
  if (conn.state == 0 || changetype<FtpConn>(conn.state).waiting != tx) return;
  changetype<FtpConn>(conn.state).waiting = nextWaiting(changetype<AppTx>(tx).next);
}

export function ftpFree(conn: AppConn): void {
  if (conn.state == 0) return;
  const state = changetype<FtpConn>(conn.state);
  lineFree(changetype<LineReader>(state.toServer));
  lineFree(changetype<LineReader>(state.toClient));
  give(conn.state);
  conn.state = 0;
}

/** Line number `index` of the replies; `code` asks for its three digits only. */
export function ftpReplyAt(tx: FtpTx, index: u32, code: bool): usize {
  let left = index;
  for (let at = tx.replies; at != 0; at = changetype<FtpReply>(at).next) {
    const item = changetype<FtpReply>(at);
    if (code && (item.len < 3 || !isDigit(load<u8>(item.ptr)))) continue;
    if (left == 0) return code ? span(item.ptr, 3) : span(item.ptr, item.len);
    left--;
  }
  return noSpan();
}

export function ftpDynamicPort(tx: usize): u32 {
  return changetype<FtpTx>(tx).port;
}

/** 16 bytes of the address that PORT, EPRT or the reply to PASV names, or 0. */
export function ftpDynamicAddress(tx: usize): usize {
  return changetype<FtpTx>(tx).address;
}

/** 1 active, 2 passive, 0 neither. */
export function ftpMode(tx: usize): u32 {
  return changetype<FtpTx>(tx).mode;
}

export function ftpReplied(tx: usize): bool {
  return changetype<FtpTx>(tx).replied;
}

/** FTP_DATA_RETR, FTP_DATA_STOR or 0, of a transaction of PROTO_FTP_DATA. */
export function ftpDataCommand(tx: usize): u32 {
  return changetype<FtpDataTx>(tx).command;
}

/**
 * Tells a data connection (a new one of PROTO_FTP_DATA) what it carries, from the control connection that announced it: the
 * newest RETR, STOR, STOU or APPE there. Call it when the first data comes; without it the data is a file without a name.
 */
export function ftpDataAdopt(conn: AppConn, control: AppConn): void {
  let name: usize = 0;
  let nameLen: u32 = 0;
  let kind: u32 = 0;
  for (let at = control.first; at != 0; at = changetype<AppTx>(at).next) {
    if (changetype<AppTx>(at).proto != PROTO_FTP) continue;
    const tx = changetype<FtpTx>(at);
    const retrieve = equalsFold(tx.command, tx.commandLen, "retr");
    const stored = equalsFold(tx.command, tx.commandLen, "stor") || equalsFold(tx.command, tx.commandLen, "stou") ||
      equalsFold(tx.command, tx.commandLen, "appe");
    if (!retrieve && !stored) continue;
    kind = retrieve ? FTP_DATA_RETR : FTP_DATA_STOR;
    name = tx.data;
    nameLen = tx.dataLen;
  }
  if (kind == 0 || conn.state != 0) return;
  const at = txNew(conn, PROTO_FTP_DATA, offsetof<FtpDataTx>());
  if (at == 0) return;
  const tx = changetype<FtpDataTx>(at);
  tx.command = <u8>kind;
  tx.files = 0;
  tx.arenaBytes = 0;
  conn.state = at;
  if (name != 0 && nameLen != 0) {
    const file = fileOpen(tx, 0, name, nameLen);
    if (file != 0) tx.dir = 2;
  }
}

/** Data of a transfer, in the direction in which it goes. */
export function ftpDataFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  let at = conn.first;
  if (at == 0) {
    if (conn.state != 0) return true;
    at = txNew(conn, PROTO_FTP_DATA, offsetof<FtpDataTx>());
    if (at == 0) return false;
    conn.state = at;
  }
  const tx = changetype<FtpDataTx>(at);
  if (tx.files == 0) fileOpen(tx, dir, 0, 0);
  if (tx.files == 0) return false;
  const file = changetype<File>(tx.files);
  if (file.size == 0) file.dir = <u8>dir;
  tx.dir = <u8>dir;
  txProgress(tx, dir, 1);
  if (<u32>file.dir == dir) fileAppend(file, ptr, len);
  return true;
}

export function ftpDataGap(conn: AppConn, bytes: u32): void {
  if (conn.first != 0 && changetype<AppTx>(conn.first).files != 0) {
    fileSkip(changetype<File>(changetype<AppTx>(conn.first).files), bytes);
  }
}

export function ftpDataEnd(conn: AppConn): void {
  if (conn.first == 0) return;
  const tx = changetype<FtpDataTx>(conn.first);
  if (tx.files != 0) changetype<File>(tx.files).closed = true;
  txProgress(tx, 0, TX_COMPLETE);
  txProgress(tx, 1, TX_COMPLETE);
  tx.done = true;
}
