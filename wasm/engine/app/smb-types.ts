// SMB's transactions and what a connection remembers: requests without answers, trees, open files.

import { arenaCopy } from "../core/arena";
import { give, take } from "../core/memory";
import { PROTO_SMB, TX_COMPLETE } from "../core/tx";
import { AppConn, txArena, txNew, txProgress } from "./conn";
import { DcerpcTx } from "./dcerpc";

export const EV_SMB_MALFORMED: u32 = 1;
export const EV_SMB_OVERFLOW: u32 = 2;
export const EV_SMB_FILE_OVERLAP: u32 = 7;
export const EV_SMB_RESPONSE_TO_SERVER: u32 = 8;
export const EV_SMB_REQUEST_TO_CLIENT: u32 = 9;

const MAX_ENTRIES: u32 = 512;

@unmanaged
export class SmbTx extends DcerpcTx {
  /** 1, 2 (also for SMB3); 3 for an encrypted message. */
  version: u8;
  /** It carries a file instead of one command. */
  isFile: bool;
  answered: bool;
  command: u16;
  dialect: u16;
  status: u32;
  tree: u32;
  session: u64;
  share: usize;
  shareLen: u32;
  pipe: usize;
  pipeLen: u32;
  name: usize;
  nameLen: u32;
  user: usize;
  userLen: u32;
  domain: usize;
  domainLen: u32;
}

/** A request without an answer (kind 0), a tree (1), an open file or pipe (2). Its name follows it. */
@unmanaged
export class SmbEntry {
  next: usize;
  /** Message id, tree id, or the first half of the file id. */
  key: u64;
  key2: u64;
  tx: usize;
  /** Transaction of the content to the server, to the client. */
  fileToServer: usize;
  fileToClient: usize;
  context: usize;
  offset: u64;
  fileKey: u64;
  fileKey2: u64;
  command: u16;
  kind: u8;
  isPipe: bool;
  nameLen: u32;
}

export const ENTRY_REQUEST: u8 = 0;
export const ENTRY_TREE: u8 = 1;
export const ENTRY_FILE: u8 = 2;

@unmanaged
export class SmbConn {
  entries: usize;
  count: u32;
  dialect: u16;
}

// @ts-ignore: decorator
@inline export function entryName(entry: SmbEntry): usize {
  return changetype<usize>(entry) + offsetof<SmbEntry>();
}

/** A new entry with a copy of the name; the oldest goes when there are too many. 0 when memory is short. */
export function entryNew(conn: SmbConn, kind: u8, key: u64, key2: u64, name: usize, nameLen: u32): usize {
  const at = take(offsetof<SmbEntry>() + nameLen);
  if (at == 0) return 0;
  memory.fill(at, 0, offsetof<SmbEntry>());
  const entry = changetype<SmbEntry>(at);
  entry.kind = kind;
  entry.key = key;
  entry.key2 = key2;
  entry.nameLen = nameLen;
  memory.copy(at + offsetof<SmbEntry>(), name, nameLen);
  entry.next = conn.entries;
  conn.entries = at;
  if (++conn.count > MAX_ENTRIES) dropOldest(conn);
  return at;
}

function dropOldest(conn: SmbConn): void {
  let at = conn.entries;
  while (changetype<SmbEntry>(at).next != 0) at = changetype<SmbEntry>(at).next;
  entryDrop(conn, at);
}

export function entryFind(conn: SmbConn, kind: u8, key: u64, key2: u64): usize {
  for (let at = conn.entries; at != 0; at = changetype<SmbEntry>(at).next) {
    const entry = changetype<SmbEntry>(at);
    if (entry.key == key && entry.key2 == key2 && entry.kind == kind) return at;
  }
  return 0;
}

export function entryDrop(conn: SmbConn, at: usize): void {
  let before: usize = 0;
  let here = conn.entries;
  while (here != 0 && here != at) {
    before = here;
    here = changetype<SmbEntry>(here).next;
  }
  if (here == 0) return;
  const entry = changetype<SmbEntry>(at);
  if (before == 0) conn.entries = entry.next;
  else changetype<SmbEntry>(before).next = entry.next;
  if (entry.fileToServer != 0) finish(entry.fileToServer);
  if (entry.fileToClient != 0) finish(entry.fileToClient);
  if (entry.kind == ENTRY_REQUEST && entry.tx != 0) finish(entry.tx);
  give(entry.context);
  give(at);
  conn.count--;
}

/** All that comes of the transaction is there. */
export function finish(at: usize): void {
  const tx = changetype<SmbTx>(at);
  txProgress(tx, 0, TX_COMPLETE);
  txProgress(tx, 1, TX_COMPLETE);
  tx.done = true;
}

/** Nobody points at the transaction any more. */
export function entriesForget(conn: SmbConn, tx: usize): void {
  for (let at = conn.entries; at != 0; at = changetype<SmbEntry>(at).next) {
    const entry = changetype<SmbEntry>(at);
    if (entry.tx == tx) entry.tx = 0;
    if (entry.fileToServer == tx) entry.fileToServer = 0;
    if (entry.fileToClient == tx) entry.fileToClient = 0;
  }
}

export function entriesFree(conn: SmbConn): void {
  while (conn.entries != 0) entryDrop(conn, conn.entries);
}

/** A transaction of one command. */
export function smbTx(conn: AppConn, version: u8, command: u32): usize {
  const at = txNew(conn, PROTO_SMB, offsetof<SmbTx>());
  if (at == 0) return 0;
  const tx = changetype<SmbTx>(at);
  tx.version = version;
  tx.command = <u16>command;
  tx.opnum = -1;
  tx.dialect = conn.state == 0 ? 0 : changetype<SmbConn>(conn.state).dialect;
  return at;
}

/** Puts a copy of a name into the transaction's arena. */
export function keep(tx: SmbTx, ptr: usize, len: u32): usize {
  return len == 0 ? 0 : arenaCopy(txArena(tx), ptr, len);
}

const narrow: usize = memory.data(1024, 16);
export let narrowLen: u32 = 0;

/** UTF-16 text as bytes: characters beyond Latin-1 lose their upper half, as in Suricata. At most 1,024 of them. */
export function narrowed(ptr: usize, len: u32): usize {
  let n: u32 = 0;
  for (let i: u32 = 0; i + 1 < len && n < 1024; i += 2) {
    const c: u32 = load<u16>(ptr + i);
    if (c == 0) break;
    store<u8>(narrow + n++, c);
  }
  narrowLen = n;
  return narrow;
}
