// SSH (RFC 4253): the banners and the first key exchange message of both sides, with HASSH (salesforce/hassh) fingerprints.
// What follows is encrypted.

import { arenaCopy, arenaTake } from "../core/arena";
import { Buffer, bufferAppend, bufferFree } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { PROTO_SSH, TX_COMPLETE } from "../core/tx";
import { findByte } from "../../sdk/assembly/bytes";
import { be32, putBytes, starts } from "./bytes";
import { AppConn, AppTx, txArena, txEvent, txNew, txProgress } from "./conn";
import { md5Hex } from "./hash";
import { lineCut, lineFree, lineLen, linePtr, LineReader, lineUsed, nextLine } from "./line";

export const SSH_BANNER: u8 = 1;
export const SSH_KEX: u8 = 2;

const EV_INVALID_BANNER: u32 = 0;
const EV_LONG_BANNER: u32 = 1;
const EV_INVALID_RECORD: u32 = 2;
const EV_LONG_KEX: u32 = 3;

/** RFC 4253: 255 bytes with the line end. */
const BANNER: u32 = 255;
const MAX_BANNER_LINES: u32 = 64;
const MAX_KEX: u32 = 35000;

/** One side. Pointers are into the transaction's arena. */
@unmanaged
export class SshSide {
  proto: usize;
  protoLen: u32;
  software: usize;
  softwareLen: u32;
  hassh: usize;
  hasshString: usize;
  hasshStringLen: u32;
}

@unmanaged
export class SshTx extends AppTx {}

@unmanaged
class SshStream {
  linePtr: usize;
  lineLen: u32;
  lineCapacity: u32;
  lineSkipping: bool;
  lineGiven: bool;
  bannerDone: bool;
  /** The key exchange is behind: nothing is read any more. */
  closed: bool;
  lines: u32;
  /** The packet that is being collected (Buffer). */
  packet: usize;
  packetLen: u32;
  packetCapacity: u32;
  skip: u32;
}

@unmanaged
class SshConn {
  tx: usize;
}

// @ts-ignore: decorator
@inline export function sshSide(tx: usize, dir: u32): SshSide {
  return changetype<SshSide>(tx + ((offsetof<SshTx>() + 7) & ~7) + <usize>dir * offsetof<SshSide>());
}

// @ts-ignore: decorator
@inline function streamOf(state: usize, dir: u32): SshStream {
  return changetype<SshStream>(state + ((offsetof<SshConn>() + 7) & ~7) + <usize>dir * offsetof<SshStream>());
}

// @ts-ignore: decorator
@inline function packetOf(stream: SshStream): Buffer {
  return changetype<Buffer>(changetype<usize>(stream) + offsetof<SshStream>("packet"));
}

export function sshFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  if (conn.state == 0) {
    conn.state = takeZeroed(((offsetof<SshConn>() + 7) & ~7) + 2 * offsetof<SshStream>());
    if (conn.state == 0) return false;
    const made = txNew(conn, PROTO_SSH, ((offsetof<SshTx>() + 7) & ~7) + 2 * offsetof<SshSide>());
    if (made == 0) return false;
    changetype<SshConn>(conn.state).tx = made;
  }
  const txAt = changetype<SshConn>(conn.state).tx;
  const stream = streamOf(conn.state, dir);
  if (txAt == 0 || stream.closed) return true;
  const tx = changetype<SshTx>(txAt);
  let at = ptr;
  let left = len;
  while (left != 0 && !stream.bannerDone) {
    const whole = nextLine(changetype<LineReader>(stream), at, left, BANNER);
    const used = whole ? lineUsed : left;
    if (whole) bannerLine(tx, stream, dir);
    at += used;
    left -= used;
  }
  if (left != 0 && !stream.closed) packets(conn, tx, stream, dir, at, left);
  return true;
}

/** Lines before "SSH-" are for people. */
function bannerLine(tx: SshTx, stream: SshStream, dir: u32): void {
  const ptr = linePtr;
  const len = lineLen;
  if (!starts(ptr, len, "SSH-")) {
    if (dir == 0 || ++stream.lines > MAX_BANNER_LINES) txEvent(tx, EV_INVALID_BANNER);
    return;
  }
  stream.bannerDone = true;
  if (lineCut) {
    txEvent(tx, EV_LONG_BANNER);
    // The rest of the line is not a packet.
    stream.closed = true;
  }
  const side = sshSide(changetype<usize>(tx), dir);
  const dash = findByte(ptr, len, 45, 4);
  if (dash < 0) txEvent(tx, EV_INVALID_BANNER);
  const protoEnd = dash < 0 ? len : <u32>dash;
  side.proto = arenaCopy(txArena(tx), ptr + 4, protoEnd - 4);
  side.protoLen = side.proto == 0 ? 0 : protoEnd - 4;
  if (dash >= 0) {
    const from = protoEnd + 1;
    const space = findByte(ptr, len, 32, from);
    const end = space < 0 ? len : <u32>space;
    side.software = arenaCopy(txArena(tx), ptr + from, end - from);
    side.softwareLen = side.software == 0 ? 0 : end - from;
  }
  txProgress(tx, dir, SSH_BANNER);
  if (stream.closed) close(tx, stream, dir);
}

function close(tx: SshTx, stream: SshStream, dir: u32): void {
  stream.closed = true;
  bufferFree(packetOf(stream));
  lineFree(changetype<LineReader>(stream));
  txProgress(tx, dir, TX_COMPLETE);
  tx.done = tx.progressToServer == TX_COMPLETE && tx.progressToClient == TX_COMPLETE;
}

/** Packets until NEWKEYS (21): length, padding length, type. */
function packets(conn: AppConn, tx: SshTx, stream: SshStream, dir: u32, ptr: usize, len: u32): void {
  const held = packetOf(stream);
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
    const wanted: u32 = held.len < 6 ? 6 : 4 + be32(held.ptr);
    const n = min(wanted - held.len, left);
    if (!bufferAppend(held, at, n, MAX_KEX + 4)) {
      close(tx, stream, dir);
      return;
    }
    at += n;
    left -= n;
    if (held.len < 6) return;
    const size = be32(held.ptr);
    const type: u32 = load<u8>(held.ptr, 5);
    if (size < 2 || size > 0x100000) {
      txEvent(tx, EV_INVALID_RECORD);
      close(tx, stream, dir);
      break;
    }
    if (type == 21) {
      close(tx, stream, dir);
      break;
    }
    if (type != 20 || size > MAX_KEX) {
      if (type == 20) txEvent(tx, EV_LONG_KEX);
      stream.skip = 4 + size - held.len;
      bufferFree(held);
      continue;
    }
    if (held.len < 4 + size) continue;
    keyExchange(tx, dir, held.ptr + 6, size - 2);
    bufferFree(held);
    txProgress(tx, dir, SSH_KEX);
  }
  if (tx.done) conn.bypass = true;
}

/** KEXINIT behind its type: cookie, ten name lists. HASSH is md5 of "kex;encryption;mac;compression" of one direction. */
function keyExchange(tx: SshTx, dir: u32, ptr: usize, len: u32): void {
  const side = sshSide(changetype<usize>(tx), dir);
  if (side.hassh != 0) return;
  let pos: u32 = 16;
  let total: u32 = 0;
  const text = arenaTake(txArena(tx), len + 4);
  const hash = arenaTake(txArena(tx), 32);
  if (text == 0 || hash == 0) return;
  let to = text;
  // kex, host keys, encryption c→s, s→c, mac c→s, s→c, compression c→s, s→c
  for (let i: u32 = 0; i < 8; i++) {
    if (pos + 4 > len) return;
    const size = be32(ptr + pos);
    if (size > len || pos + 4 + size > len) {
      txEvent(tx, EV_INVALID_RECORD);
      return;
    }
    if (i == 0 || (i >= 2 && (i & 1) == (dir == 0 ? 0 : 1))) {
      if (total++ != 0) store<u8>(to++, 59);
      to = putBytes(to, ptr + pos + 4, size);
    }
    pos += 4 + size;
  }
  side.hasshString = text;
  side.hasshStringLen = <u32>(to - text);
  md5Hex(text, side.hasshStringLen, hash);
  side.hassh = hash;
}

export function sshGap(conn: AppConn, dir: u32): void {
  sshEnd(conn, dir);
}

export function sshEnd(conn: AppConn, dir: u32): void {
  if (conn.state == 0) return;
  const tx = changetype<SshConn>(conn.state).tx;
  if (tx != 0) close(changetype<SshTx>(tx), streamOf(conn.state, dir), dir);
}

export function sshForget(conn: AppConn, tx: usize): void {
  if (conn.state != 0 && changetype<SshConn>(conn.state).tx == tx) changetype<SshConn>(conn.state).tx = 0;
}

export function sshFree(conn: AppConn): void {
  if (conn.state == 0) return;
  for (let dir: u32 = 0; dir < 2; dir++) {
    bufferFree(packetOf(streamOf(conn.state, dir)));
    lineFree(changetype<LineReader>(streamOf(conn.state, dir)));
  }
  give(conn.state);
  conn.state = 0;
}
