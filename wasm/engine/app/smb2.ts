// SMB2 and SMB3 messages (MS-SMB2 2.2).

import { AppConn, txEvent, txProgress } from "./conn";
import { TX_COMPLETE } from "../core/tx";
import { content, login, pipeData } from "./smb-content";
import {
  ENTRY_FILE, ENTRY_REQUEST, ENTRY_TREE, entryDrop, entryFind, entryName, entryNew, EV_SMB_MALFORMED, EV_SMB_REQUEST_TO_CLIENT,
  EV_SMB_RESPONSE_TO_SERVER, finish, keep, narrowed, narrowLen, SmbConn, SmbEntry, smbTx, SmbTx,
} from "./smb-types";

const NEGOTIATE: u32 = 0;
const SESSION_SETUP: u32 = 1;
const TREE_CONNECT: u32 = 3;
const TREE_DISCONNECT: u32 = 4;
const CREATE: u32 = 5;
const CLOSE: u32 = 6;
const READ: u32 = 8;
const WRITE: u32 = 9;
const IOCTL: u32 = 11;
const PIPE_TRANSCEIVE: u32 = 0x0011c017;
const STATUS_PENDING: u32 = 0x103;

/** The messages of a record, of which `have` of `whole` bytes are here. */
export function smb2Record(conn: AppConn, dir: u32, ptr: usize, have: u32, whole: u32): void {
  let at: u32 = 0;
  while (at + 64 <= have) {
    const next = load<u32>(ptr + at, 20);
    const size = next != 0 && next <= have - at ? next : have - at;
    const all = next != 0 && next <= have - at ? next : whole - at;
    if (load<u32>(ptr + at) != 0x424d53fe) return;
    message(conn, dir, ptr + at, size, all);
    if (next < 64 || next > have - at) return;
    at += next;
  }
}

function message(conn: AppConn, dir: u32, ptr: usize, len: u32, whole: u32): void {
  const state = changetype<SmbConn>(conn.state);
  const command: u32 = load<u16>(ptr, 12);
  const answer = (load<u32>(ptr, 16) & 1) != 0;
  const id = load<u64>(ptr, 24);
  if (answer) {
    if (dir == 0) oddDirection(conn, EV_SMB_RESPONSE_TO_SERVER);
    response(conn, state, command, id, ptr, len, whole);
  } else {
    if (dir == 1) oddDirection(conn, EV_SMB_REQUEST_TO_CLIENT);
    request(conn, state, command, id, ptr, len, whole);
  }
}

function oddDirection(conn: AppConn, event: u32): void {
  const at = smbTx(conn, 2, 0);
  if (at == 0) return;
  txEvent(changetype<SmbTx>(at), event);
  finish(at);
}

function request(conn: AppConn, state: SmbConn, command: u32, id: u64, ptr: usize, len: u32, whole: u32): void {
  const tree = load<u32>(ptr, 36);
  const body = ptr + 64;
  const left = len - 64;
  if (command == WRITE && left >= 48) {
    const file = entryFind(state, ENTRY_FILE, load<u64>(body, 16), load<u64>(body, 24));
    const known = file != 0 && changetype<SmbEntry>(file).isPipe;
    if (!known) {
      write(conn, state, file, id, ptr, len, whole);
      return;
    }
  }
  if (command == READ && left >= 48) {
    const file = entryFind(state, ENTRY_FILE, load<u64>(body, 16), load<u64>(body, 24));
    if (file == 0 || !changetype<SmbEntry>(file).isPipe) {
      const entry = entryNew(state, ENTRY_REQUEST, id, 0, 0, 0);
      if (entry == 0) return;
      const pending = changetype<SmbEntry>(entry);
      pending.command = <u16>READ;
      pending.offset = load<u64>(body, 8);
      pending.fileKey = load<u64>(body, 16);
      pending.fileKey2 = load<u64>(body, 24);
      return;
    }
  }
  const at = smbTx(conn, 2, command);
  if (at == 0) return;
  const tx = changetype<SmbTx>(at);
  tx.session = load<u64>(ptr, 40);
  tx.tree = tree;
  txProgress(tx, 0, TX_COMPLETE);
  const treeAt = entryFind(state, ENTRY_TREE, tree, 0);
  if (treeAt != 0) setShare(tx, changetype<SmbEntry>(treeAt));
  let name: usize = 0;
  let nameLen: u32 = 0;
  if (command == TREE_CONNECT && left >= 8) {
    name = field(ptr, len, load<u16>(body, 4), load<u16>(body, 6));
    nameLen = fieldLen;
    tx.share = keep(tx, name, nameLen);
    tx.shareLen = tx.share == 0 ? 0 : nameLen;
  } else if (command == CREATE && left >= 56) {
    name = field(ptr, len, load<u16>(body, 44), load<u16>(body, 46));
    nameLen = fieldLen;
    tx.name = keep(tx, name, nameLen);
    tx.nameLen = tx.name == 0 ? 0 : nameLen;
  } else if (command == SESSION_SETUP && left >= 24) {
    const offset: u32 = load<u16>(body, 12);
    const size: u32 = load<u16>(body, 14);
    if (offset <= len && size <= len - offset) login(tx, ptr + offset, size);
    else txEvent(tx, EV_SMB_MALFORMED);
  }
  // The name goes into the entry before the next one is narrowed.
  const pendingAt = entryNew(state, ENTRY_REQUEST, id, 0, name, nameLen);
  if (pendingAt == 0) {
    finish(at);
    return;
  }
  const pending = changetype<SmbEntry>(pendingAt);
  pending.tx = at;
  pending.command = <u16>command;
  pending.isPipe = treeAt != 0 && changetype<SmbEntry>(treeAt).isPipe;
  if (command == WRITE || command == READ) {
    pending.fileKey = load<u64>(body, 16);
    pending.fileKey2 = load<u64>(body, 24);
    const file = entryFind(state, ENTRY_FILE, pending.fileKey, pending.fileKey2);
    if (file != 0) {
      setPipe(tx, changetype<SmbEntry>(file));
      if (command == WRITE) {
        const offset: u32 = load<u16>(body, 2);
        const size = load<u32>(body, 4);
        if (offset <= len && size <= len - offset) pipeData(changetype<SmbEntry>(file), tx, 0, ptr + offset, size);
      }
    }
  } else if (command == IOCTL && left >= 56) {
    pending.fileKey = load<u64>(body, 8);
    pending.fileKey2 = load<u64>(body, 16);
    const file = entryFind(state, ENTRY_FILE, pending.fileKey, pending.fileKey2);
    if (file != 0 && load<u32>(body, 4) == PIPE_TRANSCEIVE) {
      setPipe(tx, changetype<SmbEntry>(file));
      const offset = load<u32>(body, 24);
      const size = load<u32>(body, 28);
      if (offset <= len && size <= len - offset) pipeData(changetype<SmbEntry>(file), tx, 0, ptr + offset, size);
    }
  } else if (command == CLOSE && left >= 24) {
    const file = entryFind(state, ENTRY_FILE, load<u64>(body, 8), load<u64>(body, 16));
    if (file != 0) entryDrop(state, file);
  }
}

let fieldLen: u32 = 0;

/** UTF-16 text in the message, narrowed; without the bytes it is 0. */
function field(ptr: usize, len: u32, offset: u32, size: u32): usize {
  fieldLen = 0;
  if (offset > len || size > len - offset || size == 0) return 0;
  const at = narrowed(ptr + offset, size);
  fieldLen = narrowLen;
  return at;
}

function setShare(tx: SmbTx, tree: SmbEntry): void {
  tx.share = keep(tx, entryName(tree), tree.nameLen);
  tx.shareLen = tx.share == 0 ? 0 : tree.nameLen;
}

function setPipe(tx: SmbTx, file: SmbEntry): void {
  if (!file.isPipe) return;
  tx.pipe = keep(tx, entryName(file), file.nameLen);
  tx.pipeLen = tx.pipe == 0 ? 0 : file.nameLen;
}

function write(conn: AppConn, state: SmbConn, known: usize, id: u64, ptr: usize, len: u32, whole: u32): void {
  const body = ptr + 64;
  let file = known;
  if (file == 0) file = entryNew(state, ENTRY_FILE, load<u64>(body, 16), load<u64>(body, 24), 0, 0);
  if (file == 0) return;
  const offset: u32 = load<u16>(body, 2);
  const size = load<u32>(body, 4);
  if (offset > len || offset > whole || size > whole - offset) {
    oddDirection(conn, EV_SMB_MALFORMED);
    return;
  }
  content(conn, changetype<SmbEntry>(file), 0, load<u64>(body, 8), ptr + offset, min(size, len - offset), size, 2);
}

function response(conn: AppConn, state: SmbConn, command: u32, id: u64, ptr: usize, len: u32, whole: u32): void {
  const status = load<u32>(ptr, 8);
  if (status == STATUS_PENDING) return;
  const at = entryFind(state, ENTRY_REQUEST, id, 0);
  if (at == 0) return;
  const pending = changetype<SmbEntry>(at);
  const body = ptr + 64;
  const left = len - 64;
  const named = pending.fileKey != 0 || pending.fileKey2 != 0;
  const file: usize = named ? entryFind(state, ENTRY_FILE, pending.fileKey, pending.fileKey2) : 0;
  if (pending.tx == 0) {
    if (command == READ && status == 0 && left >= 16) read(conn, state, pending, file, ptr, len, whole);
    entryDrop(state, at);
    return;
  }
  const tx = changetype<SmbTx>(pending.tx);
  tx.status = status;
  tx.answered = true;
  if (command == NEGOTIATE && left >= 6 && status == 0) {
    state.dialect = load<u16>(body, 4);
    tx.dialect = state.dialect;
  } else if (command == TREE_CONNECT && status == 0 && left >= 4) {
    const tree = entryNew(state, ENTRY_TREE, load<u32>(ptr, 36), 0, entryName(pending), pending.nameLen);
    if (tree != 0) changetype<SmbEntry>(tree).isPipe = load<u8>(body, 2) == 2;
    tx.tree = load<u32>(ptr, 36);
  } else if (command == CREATE && status == 0 && left >= 80) {
    const isPipe = pending.isPipe;
    const made = entryNew(state, ENTRY_FILE, load<u64>(body, 64), load<u64>(body, 72), entryName(pending), pending.nameLen);
    if (made != 0) {
      changetype<SmbEntry>(made).isPipe = isPipe;
      setPipe(tx, changetype<SmbEntry>(made));
    }
  } else if (command == TREE_DISCONNECT) {
    const tree = entryFind(state, ENTRY_TREE, tx.tree, 0);
    if (tree != 0) entryDrop(state, tree);
  } else if (command == IOCTL && file != 0 && left >= 48) {
    const offset = load<u32>(body, 32);
    const size = load<u32>(body, 36);
    if (offset <= len && size <= len - offset) pipeData(changetype<SmbEntry>(file), tx, 1, ptr + offset, size);
  } else if (command == READ && file != 0 && left >= 16) {
    const offset: u32 = load<u8>(body, 2);
    const size = load<u32>(body, 4);
    if (offset <= len && size <= len - offset) pipeData(changetype<SmbEntry>(file), tx, 1, ptr + offset, size);
  }
  entryDrop(state, at);
}

function read(conn: AppConn, state: SmbConn, pending: SmbEntry, known: usize, ptr: usize, len: u32, whole: u32): void {
  const body = ptr + 64;
  let file = known;
  if (file == 0) file = entryNew(state, ENTRY_FILE, pending.fileKey, pending.fileKey2, 0, 0);
  const offset: u32 = load<u8>(body, 2);
  const size = load<u32>(body, 4);
  if (file == 0 || offset > len || size > whole - offset) return;
  content(conn, changetype<SmbEntry>(file), 1, pending.offset, ptr + offset, min(size, len - offset), size, 2);
}
