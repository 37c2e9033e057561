// Files that transactions carry: mail attachments, what SMB reads and writes, FTP transfers. Of a long one the newest part stays,
// so that rules see every byte once, with some of what was before it.

import { arenaCopy } from "../core/arena";
import { Buffer, bufferAppend, bufferDrop, bufferFree } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { AppTx, txArena } from "./conn";

/** Bytes kept of a file: when there are more, it is cut to FILE_KEEP, and then what is new comes. */
export const FILE_WINDOW: u32 = 262144;
export const FILE_KEEP: u32 = 32768;
/** Files that one transaction may have. */
export const MAX_FILES: u32 = 64;

@unmanaged
export class File {
  next: usize;
  /** In the transaction's arena; 0 when it has none. */
  name: usize;
  nameLen: u32;
  /** 0 to the server, 1 to the client. */
  dir: u8;
  closed: bool;
  /** Bytes are missing. */
  gap: bool;
  /** Memory was short: only a part was kept. */
  short: bool;
  /** Position of data.ptr[0] in the file. */
  base: u64;
  /** Bytes of the file so far. */
  size: u64;
  /** The Buffer. */
  ptr: usize;
  len: u32;
  capacity: u32;
}

// @ts-ignore: decorator
@inline export function fileData(file: File): Buffer {
  return changetype<Buffer>(changetype<usize>(file) + offsetof<File>("ptr"));
}

/** A new file at the end of the transaction's list, or 0 (limit, memory). */
export function fileOpen(tx: AppTx, dir: u32, name: usize, nameLen: u32): usize {
  let last: usize = 0;
  let count: u32 = 0;
  for (let at = tx.files; at != 0; at = changetype<File>(at).next) {
    last = at;
    count++;
  }
  if (count >= MAX_FILES) return 0;
  const at = takeZeroed(offsetof<File>());
  if (at == 0) return 0;
  const file = changetype<File>(at);
  file.dir = <u8>dir;
  if (nameLen != 0) {
    file.name = arenaCopy(txArena(tx), name, nameLen);
    file.nameLen = file.name == 0 ? 0 : nameLen;
  }
  if (last == 0) tx.files = at;
  else changetype<File>(last).next = at;
  return at;
}

/** The file goes on with these bytes. */
export function fileAppend(file: File, ptr: usize, len: u32): void {
  if (file.closed) return;
  const data = fileData(file);
  let at = ptr;
  let left = len;
  while (left != 0) {
    if (data.len >= FILE_WINDOW) {
      const cut = data.len - FILE_KEEP;
      bufferDrop(data, cut);
      file.base += cut;
    }
    const n = min(left, FILE_WINDOW - data.len);
    if (!bufferAppend(data, at, n, FILE_WINDOW)) {
      // Without memory for more, what is there stays and the file is known to be cut.
      file.short = true;
      break;
    }
    at += n;
    left -= n;
  }
  file.size += len;
}

/** Bytes are missing: the content goes on behind them. */
export function fileSkip(file: File, bytes: u64): void {
  file.gap = true;
  file.size += bytes;
}

export function fileSize(at: usize): u64 {
  return changetype<File>(at).size;
}

/** Gives back all files of the transaction. */
export function filesFree(tx: AppTx): void {
  let at = tx.files;
  while (at != 0) {
    const next = changetype<File>(at).next;
    bufferFree(fileData(changetype<File>(at)));
    give(at);
    at = next;
  }
  tx.files = 0;
}

/** The file number `index` of that direction, or 0. */
export function fileAt(tx: AppTx, dir: u32, index: u32): usize {
  let left = index;
  for (let at = tx.files; at != 0; at = changetype<File>(at).next) {
    if (<u32>changetype<File>(at).dir != dir) continue;
    if (left == 0) return at;
    left--;
  }
  return 0;
}
