// Files that messages carry, and the names they have.

import { Buffer, bufferAppend } from "../core/buffer";
import { arenaTake } from "../core/arena";
import { TO_CLIENT } from "../core/tx";
import { isSpaceByte } from "./bytes";
import { fileCountLimit, requestBodyLimit, responseBodyLimit } from "./config";
import { EV_FILE_NAME_TOO_LONG, raise } from "./events";
import { arenaOf } from "./headers";
import { HttpFile, HttpTx, messageOf } from "./types";
import { normalizePath } from "./uri";

const NAME_LIMIT: u32 = 4096;

export const FILE_OPEN: u32 = 0;
export const FILE_COMPLETE: u32 = 1;
export const FILE_CUT: u32 = 2;

/** A new file of the message; 0 when there are too many or memory is short. */
export function fileOpen(tx: HttpTx, dir: u32, name: usize, nameLen: u32): usize {
  const message = messageOf(changetype<usize>(tx), dir);
  let count: u32 = 0;
  for (let f = message.files; f != 0; f = changetype<HttpFile>(f).next) count++;
  if (count >= fileCountLimit) return 0;
  const at = arenaTake(arenaOf(tx), offsetof<HttpFile>());
  if (at == 0) return 0;
  memory.fill(at, 0, offsetof<HttpFile>());
  const file = changetype<HttpFile>(at);
  if (nameLen > NAME_LIMIT) {
    raise(tx, EV_FILE_NAME_TOO_LONG);
    nameLen = NAME_LIMIT;
  }
  file.name = name;
  file.nameLen = nameLen;
  if (message.lastFile != 0) changetype<HttpFile>(message.lastFile).next = at;
  else message.files = at;
  message.lastFile = at;
  return at;
}

/** Bytes of a file; the files of a message together are kept up to the direction's body limit. */
export function fileData(tx: HttpTx, dir: u32, at: usize, ptr: usize, len: u32): void {
  if (at == 0) return;
  const file = changetype<HttpFile>(at);
  file.size += len;
  const limit = dir == TO_CLIENT ? responseBodyLimit : requestBodyLimit;
  const kept = file.dataLen;
  const message = messageOf(changetype<usize>(tx), dir);
  if (message.fileBytes >= limit) return;
  const n = min(len, limit - message.fileBytes);
  message.fileBytes += n;
  // The three words of a core Buffer are in another order here: work on a copy.
  const scratch = changetype<Buffer>(SCRATCH);
  scratch.ptr = file.data;
  scratch.len = kept;
  scratch.capacity = file.dataCapacity;
  bufferAppend(scratch, ptr, n, limit);
  file.data = scratch.ptr;
  file.dataLen = scratch.len;
  file.dataCapacity = scratch.capacity;
}

const SCRATCH = memory.data(16, 8);

/** The file has ended. */
export function fileEnd(at: usize, whole: bool): void {
  if (at == 0) return;
  const file = changetype<HttpFile>(at);
  if (file.state == FILE_OPEN) file.state = whole ? FILE_COMPLETE : FILE_CUT;
}

// What dispositionName found.
export let nameAt: usize = 0;
export let nameLen: u32 = 0;

/**
 * The file name of a Content-Disposition value, as browsers read it: the parameter `filename`, quoted or not.
 * @returns whether there is one
 */
export function dispositionName(ptr: usize, len: u32): bool {
  return parameter(ptr, len, "filename");
}

/** A parameter of a header value (`; name=value` or `; name="value"`), with the name in small letters. */
export function parameter(ptr: usize, len: u32, name: string): bool {
  const end = ptr + len;
  const n = <u32>name.length;
  let at = ptr;
  while (at < end) {
    // To behind the next ";", but not one inside quotes.
    let quoted = false;
    while (at < end) {
      const c: u32 = load<u8>(at++);
      if (c == 34) quoted = !quoted;
      else if (c == 92 && quoted && at < end) at++;
      else if (c == 59 && !quoted) break;
    }
    while (at < end && isSpaceByte(load<u8>(at))) at++;
    let i: u32 = 0;
    while (i < n && at + i < end && (<u32>load<u8>(at + i) | 32) == load<u16>(changetype<usize>(name) + (i << 1))) i++;
    if (i < n) continue;
    let v = at + n;
    while (v < end && isSpaceByte(load<u8>(v))) v++;
    if (v >= end || load<u8>(v) != 61) continue;
    v++;
    while (v < end && isSpaceByte(load<u8>(v))) v++;
    if (v < end && load<u8>(v) == 34) {
      nameAt = ++v;
      while (v < end && load<u8>(v) != 34) v += load<u8>(v) == 92 && v + 1 < end ? 2 : 1;
      nameLen = <u32>(min(v, end) - nameAt);
    } else {
      nameAt = v;
      while (v < end && load<u8>(v) != 59 && !isSpaceByte(load<u8>(v))) v++;
      nameLen = <u32>(v - nameAt);
    }
    return true;
  }
  return false;
}

/** Opens the file that a whole body is; without a name it is called after the request's path (see fileName). */
export function openWholeFile(tx: HttpTx, dir: u32, name: usize, len: u32): void {
  if (fileOpen(tx, dir, name, len) != 0) messageOf(changetype<usize>(tx), dir).wholeFile = 1;
}

/** Address of a file's name, 0 without; its length is in the file afterwards. */
export function fileName(tx: HttpTx, at: usize): usize {
  const file = changetype<HttpFile>(at);
  if (file.name == 0 && tx.uri != 0) {
    const to = arenaTake(arenaOf(tx), tx.uriLen + 1);
    if (to == 0) return 0;
    file.nameLen = min(normalizePath(tx.uri, tx.uriLen, to), NAME_LIMIT);
    file.name = to;
  }
  return file.name;
}
