// SMB1 messages (MS-CIFS, MS-SMB).

import { TX_COMPLETE } from "../core/tx";
import { AppConn, txEvent, txProgress } from "./conn";
import { content, login, pipeData } from "./smb-content";
import {
  ENTRY_FILE, ENTRY_REQUEST, ENTRY_TREE, entryDrop, entryFind, entryName, entryNew, EV_SMB_MALFORMED, EV_SMB_REQUEST_TO_CLIENT,
  EV_SMB_RESPONSE_TO_SERVER, finish, keep, narrowed, narrowLen, SmbConn, SmbEntry, smbTx, SmbTx,
} from "./smb-types";

const CLOSE: u32 = 0x04;
const TRANS: u32 = 0x25;
const READ: u32 = 0x2e;
const WRITE: u32 = 0x2f;
const NEGOTIATE: u32 = 0x72;
const SESSION_SETUP: u32 = 0x73;
const TREE_CONNECT: u32 = 0x75;
const CREATE: u32 = 0xa2;

/** Keys of SMB1's files are marked, so that they are not taken for SMB2's. */
const FID: u64 = 0x534d4231_00000000;

/** A message of which `have` of `whole` bytes are here. */
export function smb1Record(conn: AppConn, dir: u32, ptr: usize, have: u32, whole: u32): void {
  if (have < 35 || load<u32>(ptr) != 0x424d53ff) return;
  const state = changetype<SmbConn>(conn.state);
  const command: u32 = load<u8>(ptr, 4);
  const answer = (load<u8>(ptr, 9) & 0x80) != 0;
  const words: u32 = 2 * <u32>load<u8>(ptr, 32);
  if (words + 35 > have) {
    odd(conn, EV_SMB_MALFORMED);
    return;
  }
  // Process and multiplex ids, of which an answer repeats both.
  const id = (<u64>load<u32>(ptr, 28) & 0xffff0000) << 16 | <u64>load<u16>(ptr, 30) << 16 | <u64>load<u16>(ptr, 26);
  if (answer != (dir == 1)) odd(conn, dir == 0 ? EV_SMB_RESPONSE_TO_SERVER : EV_SMB_REQUEST_TO_CLIENT);
  if (answer) response(conn, state, command, id, ptr, have, whole, words);
  else request(conn, state, command, id, ptr, have, whole, words);
}

function odd(conn: AppConn, event: u32): void {
  const at = smbTx(conn, 1, 0);
  if (at == 0) return;
  txEvent(changetype<SmbTx>(at), event);
  finish(at);
}

/** Text behind the words, at `at`: UTF-16 when the flag says so (aligned from the header's start), else bytes up to a zero. */
let textLen: u32 = 0;
function text(ptr: usize, len: u32, from: u32, most: u32): usize {
  let at = from;
  const wide = (load<u16>(ptr, 10) & 0x8000) != 0;
  if (wide && (at & 1) != 0) at++;
  textLen = 0;
  if (at >= len) return 0;
  const room = min(len - at, most);
  if (wide) {
    const narrow = narrowed(ptr + at, room);
    textLen = narrowLen;
    return narrow;
  }
  while (textLen < room && load<u8>(ptr + at + textLen) != 0) textLen++;
  return ptr + at;
}

function request(conn: AppConn, state: SmbConn, command: u32, id: u64, ptr: usize, len: u32, whole: u32, words: u32): void {
  const body = ptr + 33;
  const bytes = words + 35;
  const tree: u32 = load<u16>(ptr, 24);
  if (command == WRITE && words >= 24) {
    const file = entryFind(state, ENTRY_FILE, FID | load<u16>(body, 4), 0);
    if (file == 0 || !changetype<SmbEntry>(file).isPipe) {
      write(conn, state, file, ptr, len, whole, words);
      return;
    }
  }
  if (command == READ && words >= 20) {
    const file = entryFind(state, ENTRY_FILE, FID | load<u16>(body, 4), 0);
    if (file == 0 || !changetype<SmbEntry>(file).isPipe) {
      const at = entryNew(state, ENTRY_REQUEST, id, 1, 0, 0);
      if (at == 0) return;
      const pending = changetype<SmbEntry>(at);
      pending.command = <u16>READ;
      pending.fileKey = FID | load<u16>(body, 4);
      pending.offset = load<u32>(body, 6);
      if (words >= 24) pending.offset |= <u64>load<u32>(body, 20) << 32;
      return;
    }
  }
  const at = smbTx(conn, 1, command);
  if (at == 0) return;
  const tx = changetype<SmbTx>(at);
  tx.tree = tree;
  tx.session = load<u16>(ptr, 28);
  txProgress(tx, 0, TX_COMPLETE);
  const treeAt = entryFind(state, ENTRY_TREE, tree, 1);
  if (treeAt != 0) {
    const known = changetype<SmbEntry>(treeAt);
    tx.share = keep(tx, entryName(known), known.nameLen);
    tx.shareLen = tx.share == 0 ? 0 : known.nameLen;
  }
  let name: usize = 0;
  let nameLen: u32 = 0;
  if (command == TREE_CONNECT && words >= 8) {
    name = text(ptr, len, bytes + <u32>load<u16>(body, 6), 1024);
    nameLen = textLen;
    tx.share = keep(tx, name, nameLen);
    tx.shareLen = tx.share == 0 ? 0 : nameLen;
  } else if (command == CREATE && words >= 48) {
    name = text(ptr, len, bytes, load<u16>(body, 5));
    nameLen = textLen;
    tx.name = keep(tx, name, nameLen);
    tx.nameLen = tx.name == 0 ? 0 : nameLen;
  } else if (command == SESSION_SETUP && bytes < len) login(tx, ptr + bytes, len - bytes);
  const pendingAt = entryNew(state, ENTRY_REQUEST, id, 1, name, nameLen);
  if (pendingAt == 0) {
    finish(at);
    return;
  }
  const pending = changetype<SmbEntry>(pendingAt);
  pending.tx = at;
  pending.command = <u16>command;
  pending.isPipe = treeAt != 0 && changetype<SmbEntry>(treeAt).isPipe;
  if (command == CLOSE && words >= 2) {
    const file = entryFind(state, ENTRY_FILE, FID | load<u16>(body), 0);
    if (file != 0) entryDrop(state, file);
  } else if (command == TRANS && words >= 32) {
    pending.fileKey = FID | load<u16>(body, 30);
    carry(state, tx, pending.fileKey, 0, ptr, len, load<u16>(body, 24), load<u16>(body, 22));
  } else if (command == WRITE || command == READ) {
    pending.fileKey = FID | load<u16>(body, 4);
    if (command == WRITE) carry(state, tx, pending.fileKey, 0, ptr, len, load<u16>(body, 22), load<u16>(body, 20));
  }
}

/** Data of a pipe. */
function carry(state: SmbConn, tx: SmbTx, key: u64, dir: u32, ptr: usize, len: u32, offset: u32, size: u32): void {
  const at = entryFind(state, ENTRY_FILE, key, 0);
  if (at == 0 || offset > len || size > len - offset) return;
  const file = changetype<SmbEntry>(at);
  if (dir == 0) {
    tx.pipe = keep(tx, entryName(file), file.nameLen);
    tx.pipeLen = tx.pipe == 0 ? 0 : file.nameLen;
  }
  pipeData(file, tx, dir, ptr + offset, size);
}

function write(conn: AppConn, state: SmbConn, known: usize, ptr: usize, len: u32, whole: u32, words: u32): void {
  const body = ptr + 33;
  let file = known;
  if (file == 0) file = entryNew(state, ENTRY_FILE, FID | load<u16>(body, 4), 0, 0, 0);
  if (file == 0) return;
  let position: u64 = load<u32>(body, 6);
  if (words >= 28) position |= <u64>load<u32>(body, 24) << 32;
  const size = <u32>load<u16>(body, 20) | (<u32>load<u16>(body, 18) << 16);
  const offset: u32 = load<u16>(body, 22);
  if (offset > len || offset > whole || size > whole - offset) {
    odd(conn, EV_SMB_MALFORMED);
    return;
  }
  content(conn, changetype<SmbEntry>(file), 0, position, ptr + offset, min(size, len - offset), size, 1);
}

function response(conn: AppConn, state: SmbConn, command: u32, id: u64, ptr: usize, len: u32, whole: u32, words: u32): void {
  const at = entryFind(state, ENTRY_REQUEST, id, 1);
  if (at == 0) return;
  const pending = changetype<SmbEntry>(at);
  const body = ptr + 33;
  const status = load<u32>(ptr, 5);
  if (pending.tx == 0) {
    if (command == READ && words >= 24) read(conn, state, pending, ptr, len, whole);
    entryDrop(state, at);
    return;
  }
  const tx = changetype<SmbTx>(pending.tx);
  tx.status = status;
  tx.answered = true;
  if (command == TREE_CONNECT && status == 0) {
    const service = text8(ptr, len, words + 35);
    const tree = entryNew(state, ENTRY_TREE, load<u16>(ptr, 24), 1, entryName(pending), pending.nameLen);
    if (tree != 0) changetype<SmbEntry>(tree).isPipe = service;
  } else if (command == CREATE && status == 0 && words >= 14) {
    const isPipe = pending.isPipe;
    const made = entryNew(state, ENTRY_FILE, FID | load<u16>(body, 5), 0, entryName(pending), pending.nameLen);
    if (made != 0) {
      changetype<SmbEntry>(made).isPipe = isPipe;
      if (isPipe) {
        tx.pipe = tx.name;
        tx.pipeLen = tx.nameLen;
      }
    }
  } else if (command == TRANS && words >= 16) {
    carry(state, tx, pending.fileKey, 1, ptr, len, load<u16>(body, 14), load<u16>(body, 12));
  } else if (command == READ && words >= 16) {
    carry(state, tx, pending.fileKey, 1, ptr, len, load<u16>(body, 12), load<u16>(body, 10));
  }
  if (command == NEGOTIATE) tx.dialect = 1;
  entryDrop(state, at);
}

/** Whether the service named there is IPC. */
function text8(ptr: usize, len: u32, at: u32): bool {
  return at + 3 <= len && load<u8>(ptr + at) == 73 && load<u8>(ptr + at + 1) == 80 && load<u8>(ptr + at + 2) == 67;
}

function read(conn: AppConn, state: SmbConn, pending: SmbEntry, ptr: usize, len: u32, whole: u32): void {
  const body = ptr + 33;
  let file = entryFind(state, ENTRY_FILE, pending.fileKey, 0);
  if (file == 0) file = entryNew(state, ENTRY_FILE, pending.fileKey, 0, 0, 0);
  const size = <u32>load<u16>(body, 10) | (<u32>load<u16>(body, 14) << 16);
  const offset: u32 = load<u16>(body, 12);
  if (file == 0 || offset > len || offset > whole || size > whole - offset) return;
  content(conn, changetype<SmbEntry>(file), 1, pending.offset, ptr + offset, min(size, len - offset), size, 1);
}
