// SMB over TCP: NetBIOS session records, whole up to a limit; of longer ones the content streams into its file.

import { Buffer, bufferAppend, bufferDrop, bufferFree } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { PROTO_SMB, TX_COMPLETE } from "../core/tx";
import { be24 } from "./bytes";
import { AppConn, txEvent, txProgress } from "./conn";
import { File, fileAppend, fileSkip } from "./file";
import { clearRest, restFile } from "./smb-content";
import { entriesForget, entriesFree, EV_SMB_MALFORMED, finish, SmbConn, SmbTx, smbTx } from "./smb-types";
import { smb1Record } from "./smb1";
import { smb2Record } from "./smb2";

/** Bytes of a record that are held until it is whole. */
const HELD: u32 = 69632;

@unmanaged
class SmbStream {
  /** The Buffer of the record with its 4 bytes of length. */
  ptr: usize;
  len: u32;
  capacity: u32;
  /** Bytes of the record that are still to come once its head was handled, and the file they go to. */
  rest: u32;
  file: usize;
  /** Where records start is not known. */
  lost: bool;
  broken: bool;
}

// @ts-ignore: decorator
@inline function streamOf(state: usize, dir: u32): SmbStream {
  return changetype<SmbStream>(state + ((offsetof<SmbConn>() + 7) & ~7) + <usize>dir * offsetof<SmbStream>());
}

export function smbFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  if (conn.state == 0) conn.state = takeZeroed(((offsetof<SmbConn>() + 7) & ~7) + 2 * offsetof<SmbStream>());
  if (conn.state == 0) return false;
  const stream = streamOf(conn.state, dir);
  const held = changetype<Buffer>(stream);
  let at = ptr;
  let left = len;
  while (left != 0) {
    if (stream.rest != 0) {
      const n = min(stream.rest, left);
      if (stream.file != 0) fileAppend(changetype<File>(stream.file), at, n);
      stream.rest -= n;
      at += n;
      left -= n;
      continue;
    }
    stream.file = 0;
    if (stream.lost) {
      const used = resync(stream, held, at, left);
      at += used;
      left -= used;
      continue;
    }
    if (held.len == 0 && left >= 8 && plausible(at, 8)) {
      const size = be24(at + 1);
      if (left - 4 >= size) {
        record(conn, dir, stream, at + 4, size, size);
        at += 4 + size;
        left -= 4 + size;
        continue;
      }
    }
    // Its first 8 bytes tell whether this is a record, in whatever pieces they come.
    const wanted: u32 = held.len < 4 ? 4 : min<u32>(be24(held.ptr + 1) + 4, held.len < 8 ? 8 : HELD);
    const n = min(wanted - min(wanted, held.len), left);
    if (n != 0 && !bufferAppend(held, at, n, HELD)) return false;
    at += n;
    left -= n;
    if (held.len < wanted) return true;
    if (held.len <= 8 && !plausible(held.ptr, held.len)) {
      malformed(conn);
      stream.lost = true;
      continue;
    }
    const size = be24(held.ptr + 1);
    const whole = min<u32>(size + 4, HELD);
    if (held.len < whole) continue;
    record(conn, dir, stream, held.ptr + 4, held.len - 4, size);
    stream.rest = size - (held.len - 4);
    bufferFree(held);
  }
  return true;
}

function malformed(conn: AppConn): void {
  const at = smbTx(conn, 0, 0);
  if (at == 0) return;
  txEvent(changetype<SmbTx>(at), EV_SMB_MALFORMED);
  finish(at);
}

/** Whether 4 to 8 bytes can start a record: another session message, or one that holds SMB. */
function plausible(at: usize, len: u32): bool {
  const type: u32 = load<u8>(at);
  if (type != 0) return type - 0x81 <= 0x85 - 0x81;
  return len < 8 || be24(at + 1) < 8 || (load<u32>(at, 4) & 0xffffff00) == 0x424d5300;
}

/** Whether 8 bytes are the start of a record with SMB in it. */
// @ts-ignore: decorator
@inline function starts(at: usize): bool {
  return load<u8>(at) == 0 && be24(at + 1) >= 4 && (load<u32>(at, 4) & 0xffffff00) == 0x424d5300 && load<u8>(at, 4) >= 0xfc;
}

/**
 * Looks for the next record in a stream that was lost: `held` keeps the up to 7 last bytes of what came before. When one is found,
 * its first bytes are in `held` or stand at the place that is returned: bytes of the data that are done with.
 */
function resync(stream: SmbStream, held: Buffer, ptr: usize, len: u32): u32 {
  let used: u32 = 0;
  while (held.len != 0) {
    if (held.len >= 8) {
      if (starts(held.ptr)) {
        stream.lost = false;
        return used;
      }
      bufferDrop(held, 1);
      continue;
    }
    if (used == len || used == 8 || !bufferAppend(held, ptr + used, 1, HELD)) break;
    used++;
  }
  // What is held now came from this data, or the data is over.
  if (used == len && held.len < 8) return used;
  used -= min(used, held.len);
  bufferFree(held);
  for (; used + 8 <= len; used++) {
    if (starts(ptr + used)) {
      stream.lost = false;
      return used;
    }
  }
  bufferAppend(held, ptr + used, len - used, HELD);
  return len;
}

function record(conn: AppConn, dir: u32, stream: SmbStream, ptr: usize, have: u32, whole: u32): void {
  clearRest();
  if (have < 4) return;
  const mark = load<u32>(ptr);
  if (mark == 0x424d53fe) smb2Record(conn, dir, ptr, have, whole);
  else if (mark == 0x424d53ff) smb1Record(conn, dir, ptr, have, whole);
  else if (mark == 0x424d53fd) encrypted(conn);
  stream.file = restFile;
}

/** SMB3 encrypted: one transaction says that it was there. */
function encrypted(conn: AppConn): void {
  if (conn.last != 0 && changetype<SmbTx>(conn.last).version == 3) return;
  const at = smbTx(conn, 3, 0);
  if (at != 0) finish(at);
}

export function smbGap(conn: AppConn, dir: u32, bytes: u32): void {
  if (conn.state == 0) return;
  const stream = streamOf(conn.state, dir);
  const held = changetype<Buffer>(stream);
  if (stream.rest > bytes) {
    if (stream.file != 0) fileSkip(changetype<File>(stream.file), bytes);
    stream.rest -= bytes;
    return;
  }
  if (stream.rest != 0 && stream.file != 0) fileSkip(changetype<File>(stream.file), stream.rest);
  stream.rest = 0;
  stream.file = 0;
  stream.lost = true;
  bufferFree(held);
}

export function smbEnd(conn: AppConn, dir: u32): void {
  for (let at = conn.first; at != 0; at = changetype<SmbTx>(at).next) {
    const tx = changetype<SmbTx>(at);
    if (tx.proto != PROTO_SMB) continue;
    txProgress(tx, dir, TX_COMPLETE);
    tx.done = tx.progressToServer == TX_COMPLETE && tx.progressToClient == TX_COMPLETE;
  }
}

export function smbForget(conn: AppConn, tx: usize): void {
  if (conn.state == 0) return;
  entriesForget(changetype<SmbConn>(conn.state), tx);
  const file = changetype<SmbTx>(tx).files;
  for (let dir: u32 = 0; dir < 2; dir++) {
    const stream = streamOf(conn.state, dir);
    if (stream.file == file) stream.file = 0;
  }
}

export function smbFree(conn: AppConn): void {
  if (conn.state == 0) return;
  entriesFree(changetype<SmbConn>(conn.state));
  bufferFree(changetype<Buffer>(streamOf(conn.state, 0)));
  bufferFree(changetype<Buffer>(streamOf(conn.state, 1)));
  give(conn.state);
  conn.state = 0;
}
