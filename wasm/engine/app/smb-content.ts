// What SMB1 and SMB2 share: files that are read and written, calls in pipes, NTLM logins.

import { takeZeroed } from "../core/memory";
import { AppConn, txEvent, txProgress } from "./conn";
import {
  DCERPC_CONTEXT_BYTES, DcerpcContext, PDU_REQUEST, PDU_RESPONSE, pduFlags, pduType, readPdu, takeRequest, takeStub,
} from "./dcerpc";
import { File, fileAppend, fileOpen, fileSkip } from "./file";
import { EV_SMB_FILE_OVERLAP, EV_SMB_MALFORMED, entryName, keep, narrowed, narrowLen, SmbEntry, smbTx, SmbTx } from "./smb-types";

/** Where the rest of a long record goes: set when content was longer than what was there. */
export let restFile: usize = 0;

export function clearRest(): void {
  restFile = 0;
}

/** Content of a file at `offset`, of which `have` bytes are here and `whole` in the record. */
export function content(
  conn: AppConn, entry: SmbEntry, dir: u32, offset: u64, ptr: usize, have: u32, whole: u32, version: u8,
): void {
  let at = dir == 0 ? entry.fileToServer : entry.fileToClient;
  if (at == 0) {
    at = smbTx(conn, version, version == 1 ? (dir == 0 ? 0x2f : 0x2e) : dir == 0 ? 9 : 8);
    if (at == 0) return;
    const made = changetype<SmbTx>(at);
    made.isFile = true;
    made.name = keep(made, entryName(entry), entry.nameLen);
    made.nameLen = made.name == 0 ? 0 : entry.nameLen;
    const opened = fileOpen(made, dir, entryName(entry), entry.nameLen);
    if (opened != 0 && offset != 0) fileSkip(changetype<File>(opened), offset);
    if (dir == 0) entry.fileToServer = at;
    else entry.fileToClient = at;
  }
  const tx = changetype<SmbTx>(at);
  txProgress(tx, dir, 1);
  if (tx.files == 0) return;
  const file = changetype<File>(tx.files);
  let from: u32 = 0;
  if (offset > file.size) fileSkip(file, offset - file.size);
  else if (offset < file.size) {
    txEvent(tx, EV_SMB_FILE_OVERLAP);
    const old = file.size - offset;
    from = old > <u64>have ? have : <u32>old;
  }
  fileAppend(file, ptr + from, have - from);
  restFile = whole > have ? changetype<usize>(file) : 0;
}

/** A PDU in a pipe. `tx` is the transaction of the request that carries it. */
export function pipeData(entry: SmbEntry, tx: SmbTx, dir: u32, ptr: usize, len: u32): void {
  if (entry.context == 0) entry.context = takeZeroed(DCERPC_CONTEXT_BYTES);
  if (entry.context == 0 || len < 16) return;
  if (load<u8>(ptr) != 5) {
    // The rest of a PDU that began in another message is not followed.
    return;
  }
  if (!readPdu(changetype<DcerpcContext>(entry.context), ptr, len)) {
    txEvent(tx, EV_SMB_MALFORMED);
    return;
  }
  if (pduType == PDU_REQUEST && dir == 0) takeRequest(tx);
  else if (pduType == PDU_RESPONSE && dir == 1) {
    takeStub(tx, 1);
    if ((pduFlags & 2) != 0) txProgress(tx, 1, 1);
  }
}

/** Looks for an NTLM AUTHENTICATE message (MS-NLMP 2.2.1.3) in a security blob. */
export function login(tx: SmbTx, ptr: usize, len: u32): void {
  for (let i: u32 = 0; i + 64 <= len; i++) {
    if (load<u8>(ptr + i) != 78 || load<u64>(ptr + i) != 0x005053534d4c544e) continue;
    const at = ptr + i;
    const room = len - i;
    if (load<u32>(at, 8) != 3) return;
    const wide = (load<u32>(at, 60) & 1) != 0;
    const domain = text(at, room, 28, wide);
    if (domain != 0) {
      tx.domain = keep(tx, domain, narrowLenOf);
      tx.domainLen = tx.domain == 0 ? 0 : narrowLenOf;
    }
    const user = text(at, room, 36, wide);
    if (user != 0) {
      tx.user = keep(tx, user, narrowLenOf);
      tx.userLen = tx.user == 0 ? 0 : narrowLenOf;
    }
    return;
  }
}

let narrowLenOf: u32 = 0;

/** A security buffer: u16 length, u16 room, u32 offset. */
function text(at: usize, len: u32, field: u32, wide: bool): usize {
  const size: u32 = load<u16>(at + field);
  const offset: u32 = load<u32>(at + field + 4);
  if (size == 0 || offset > len || size > len - offset) return 0;
  if (!wide) {
    narrowLenOf = size;
    return at + offset;
  }
  const ptr = narrowed(at + offset, size);
  narrowLenOf = narrowLen;
  return ptr;
}
