// DCE/RPC 5.0 (C706, MS-RPCE), connection-oriented: over TCP, and the PDUs that SMB carries in named pipes. Binds tell the
// interface of a context, requests the operation and its stub data.

import { arenaCopy, arenaTake } from "../core/arena";
import { Buffer, bufferAppend, bufferFree } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { PROTO_DCERPC, TX_COMPLETE } from "../core/tx";
import { be16, be32 } from "./bytes";
import { AppConn, AppTx, txArena, txEvent, txNew, txProgress } from "./conn";

const EV_MALFORMED: u32 = 0;
const MAX_CONTEXTS: u32 = 16;
const MAX_STUB: u32 = 131072;
const ENTRY: u32 = 24;

export const PDU_REQUEST: u32 = 0;
export const PDU_RESPONSE: u32 = 2;
export const PDU_FAULT: u32 = 3;
export const PDU_BIND: u32 = 11;
export const PDU_BIND_ACK: u32 = 12;
export const PDU_ALTER: u32 = 14;

/** Also the head of an SMB transaction, which may carry a call. */
@unmanaged
export class DcerpcTx extends AppTx {
  callId: u32;
  /** -1 when there is no call. */
  opnum: i32;
  /** 20 bytes: UUID in network order, major and minor version (u16, big-endian); 0 when not known. */
  iface: usize;
  stubToServer: usize;
  stubToServerLen: u32;
  stubToClient: usize;
  stubToClientLen: u32;
  stubRoomToServer: u32;
  stubRoomToClient: u32;
  hasCall: bool;
}

/** Interfaces of the contexts of one association (a TCP connection, or a pipe). */
@unmanaged
export class DcerpcContext {
  count: u32;
  /** Newest request's call id, for the answer. */
  callId: u32;
}

export const DCERPC_CONTEXT_BYTES: usize = offsetof<DcerpcContext>() + 16 * 24;

/** The PDU read last. */
export let pduType: u32 = 0;
export let pduFlags: u32 = 0;
export let pduCallId: u32 = 0;
export let pduOpnum: i32 = -1;
export let pduStub: usize = 0;
export let pduStubLen: u32 = 0;
/** 20 bytes of the interface of a request's context, or 0. */
export let pduInterface: usize = 0;

// @ts-ignore: decorator
@inline function u16of(ptr: usize, little: bool): u32 {
  return little ? <u32>load<u16>(ptr) : be16(ptr);
}

/** Reads a PDU; false when it is damaged. Binds are remembered in the context. */
export function readPdu(context: DcerpcContext, ptr: usize, len: u32): bool {
  if (len < 16 || load<u8>(ptr) != 5) return false;
  const little = (load<u8>(ptr, 4) & 0x10) != 0;
  pduType = load<u8>(ptr, 2);
  pduFlags = load<u8>(ptr, 3);
  pduCallId = little ? load<u32>(ptr, 12) : be32(ptr + 12);
  pduOpnum = -1;
  pduStub = 0;
  pduStubLen = 0;
  pduInterface = 0;
  const size = min<u32>(u16of(ptr + 8, little), len);
  const auth = u16of(ptr + 10, little);
  if (pduType == PDU_BIND || pduType == PDU_ALTER) return bind(context, ptr, size, little);
  if (pduType == PDU_REQUEST) {
    const at: u32 = (pduFlags & 0x80) != 0 ? 40 : 24;
    if (size < at) return false;
    pduOpnum = <i32>u16of(ptr + 22, little);
    pduInterface = interfaceOf(context, u16of(ptr + 20, little));
    context.callId = pduCallId;
    stub(ptr, at, size, auth);
  } else if (pduType == PDU_RESPONSE) {
    if (size < 24) return false;
    stub(ptr, 24, size, auth);
  }
  return true;
}

function stub(ptr: usize, at: u32, size: u32, auth: u32): void {
  const tail = auth != 0 ? auth + 8 : 0;
  pduStub = ptr + at;
  pduStubLen = size - at > tail ? size - at - tail : 0;
}

/** Context elements: id, count of transfer syntaxes, the interface, the syntaxes. */
function bind(context: DcerpcContext, ptr: usize, size: u32, little: bool): bool {
  if (size < 28) return false;
  const count: u32 = load<u8>(ptr, 24);
  let at: u32 = 28;
  for (let i: u32 = 0; i < count; i++) {
    if (at + 24 > size) return false;
    const id = u16of(ptr + at, little);
    const syntaxes: u32 = load<u8>(ptr + at, 2);
    let slot = slotOf(context, id);
    if (slot == 0 && context.count < MAX_CONTEXTS) slot = entryAt(context, context.count++);
    if (slot != 0) {
      store<u16>(slot, <u16>id);
      uuid(slot + 4, ptr + at + 4, little);
      store<u16>(slot, bswap<u16>(<u16>u16of(ptr + at + 20, little)), 20);
      store<u16>(slot, bswap<u16>(<u16>u16of(ptr + at + 22, little)), 22);
    }
    at += 24 + 20 * syntaxes;
  }
  return true;
}

/** A UUID in network order. */
function uuid(to: usize, ptr: usize, little: bool): void {
  memory.copy(to, ptr, 16);
  if (!little) return;
  store<u32>(to, bswap<u32>(load<u32>(to)));
  store<u16>(to, bswap<u16>(load<u16>(to, 4)), 4);
  store<u16>(to, bswap<u16>(load<u16>(to, 6)), 6);
}

// @ts-ignore: decorator
@inline function entryAt(context: DcerpcContext, i: u32): usize {
  return changetype<usize>(context) + offsetof<DcerpcContext>() + <usize>(i * ENTRY);
}

function slotOf(context: DcerpcContext, id: u32): usize {
  for (let i: u32 = 0; i < context.count; i++) {
    if (<u32>load<u16>(entryAt(context, i)) == id) return entryAt(context, i);
  }
  return 0;
}

function interfaceOf(context: DcerpcContext, id: u32): usize {
  const slot = slotOf(context, id);
  return slot == 0 ? 0 : slot + 4;
}

/** Puts the request that was read last into the transaction. */
export function takeRequest(tx: DcerpcTx): void {
  tx.hasCall = true;
  tx.callId = pduCallId;
  tx.opnum = pduOpnum;
  if (tx.iface == 0 && pduInterface != 0) tx.iface = arenaCopy(txArena(tx), pduInterface, 20);
  takeStub(tx, 0);
}

/** Adds the stub data that was read last. */
export function takeStub(tx: DcerpcTx, dir: u32): void {
  const had = dir == 0 ? tx.stubToServerLen : tx.stubToClientLen;
  const before = dir == 0 ? tx.stubToServer : tx.stubToClient;
  let room = dir == 0 ? tx.stubRoomToServer : tx.stubRoomToClient;
  const len = had + pduStubLen;
  if (len > MAX_STUB) return;
  let at = before;
  if (at == 0 || len > room) {
    room = at == 0 ? max<u32>(len, 1) : max<u32>(len, room * 2);
    at = arenaTake(txArena(tx), room);
    if (at == 0) return;
    memory.copy(at, before, had);
  }
  memory.copy(at + had, pduStub, pduStubLen);
  if (dir == 0) {
    tx.stubToServer = at;
    tx.stubToServerLen = len;
    tx.stubRoomToServer = room;
  } else {
    tx.stubToClient = at;
    tx.stubToClientLen = len;
    tx.stubRoomToClient = room;
  }
}

/** Operation number of the call in a transaction (of DCERPC or SMB), or -1. */
export function dcerpcOpnum(tx: usize): i32 {
  const call = changetype<DcerpcTx>(tx);
  return call.hasCall ? call.opnum : -1;
}

/** Interface of the call: UUID (16 bytes in network order), major and minor version (big-endian u16); 0 when not known. */
export function dcerpcInterface(tx: usize): usize {
  return changetype<DcerpcTx>(tx).iface;
}

// ------------------------------------------------------------------------------------------------------------------ over TCP

@unmanaged
class DcerpcConn {
  toServer: usize;
  toServerLen: u32;
  toServerCapacity: u32;
  toClient: usize;
  toClientLen: u32;
  toClientCapacity: u32;
  lostToServer: bool;
  lostToClient: bool;
}

function contextOf(state: usize): DcerpcContext {
  return changetype<DcerpcContext>(state + ((offsetof<DcerpcConn>() + 7) & ~7));
}

function heldOf(state: usize, dir: u32): Buffer {
  return changetype<Buffer>(state + <usize>dir * offsetof<Buffer>());
}

export function dcerpcFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  if (conn.state == 0) conn.state = takeZeroed(((offsetof<DcerpcConn>() + 7) & ~7) + DCERPC_CONTEXT_BYTES);
  if (conn.state == 0) return false;
  const state = changetype<DcerpcConn>(conn.state);
  if (dir == 0 ? state.lostToServer : state.lostToClient) return true;
  const held = heldOf(conn.state, dir);
  let at = ptr;
  let left = len;
  while (left != 0) {
    const head = held.len >= 10 ? held.ptr : at;
    let wanted: u32 = 10;
    if (held.len >= 10 || (held.len == 0 && left >= 10)) {
      wanted = u16of(head + 8, (load<u8>(head, 4) & 0x10) != 0);
      if (load<u8>(head) != 5 || wanted < 16) {
        malformed(conn);
        return false;
      }
    }
    if (held.len == 0 && left >= wanted && wanted >= 16) {
      pdu(conn, dir, at, wanted);
      at += wanted;
      left -= wanted;
      continue;
    }
    const n = min(wanted - held.len, left);
    if (!bufferAppend(held, at, n, 65536)) return false;
    at += n;
    left -= n;
    if (wanted == 10 || held.len < wanted) continue;
    pdu(conn, dir, held.ptr, held.len);
    bufferFree(held);
  }
  return true;
}

function malformed(conn: AppConn): void {
  let at = conn.last;
  if (at == 0) at = txNew(conn, PROTO_DCERPC, offsetof<DcerpcTx>());
  if (at == 0) return;
  const tx = changetype<DcerpcTx>(at);
  txEvent(tx, EV_MALFORMED);
  txProgress(tx, 0, TX_COMPLETE);
  txProgress(tx, 1, TX_COMPLETE);
  tx.done = true;
}

function pdu(conn: AppConn, dir: u32, ptr: usize, len: u32): void {
  if (!readPdu(contextOf(conn.state), ptr, len)) {
    malformed(conn);
    return;
  }
  if (pduType == PDU_REQUEST) {
    let at = (pduFlags & 1) != 0 ? <usize>0 : find(conn, pduCallId);
    if (at == 0) at = txNew(conn, PROTO_DCERPC, offsetof<DcerpcTx>());
    if (at == 0) return;
    const tx = changetype<DcerpcTx>(at);
    takeRequest(tx);
    txProgress(tx, 0, (pduFlags & 2) != 0 ? TX_COMPLETE : 1);
  } else if (pduType == PDU_RESPONSE || pduType == PDU_FAULT) {
    const at = find(conn, pduCallId);
    if (at == 0) return;
    const tx = changetype<DcerpcTx>(at);
    if (pduType == PDU_RESPONSE) takeStub(tx, 1);
    if (pduType == PDU_FAULT || (pduFlags & 2) != 0) {
      txProgress(tx, 0, TX_COMPLETE);
      txProgress(tx, 1, TX_COMPLETE);
      tx.done = true;
    }
  }
}

/** The call without its whole answer. */
function find(conn: AppConn, callId: u32): usize {
  for (let at = conn.first; at != 0; at = changetype<AppTx>(at).next) {
    const tx = changetype<DcerpcTx>(at);
    if (tx.proto == PROTO_DCERPC && !tx.done && tx.callId == callId) return at;
  }
  return 0;
}

export function dcerpcGap(conn: AppConn, dir: u32): void {
  if (conn.state == 0) return;
  bufferFree(heldOf(conn.state, dir));
  if (dir == 0) changetype<DcerpcConn>(conn.state).lostToServer = true;
  else changetype<DcerpcConn>(conn.state).lostToClient = true;
  dcerpcEnd(conn, dir);
}

export function dcerpcEnd(conn: AppConn, dir: u32): void {
  for (let at = conn.first; at != 0; at = changetype<AppTx>(at).next) {
    const tx = changetype<AppTx>(at);
    if (tx.proto != PROTO_DCERPC) continue;
    txProgress(tx, dir, TX_COMPLETE);
    tx.done = tx.progressToServer == TX_COMPLETE && tx.progressToClient == TX_COMPLETE;
  }
}

export function dcerpcForget(conn: AppConn, tx: usize): void {}

export function dcerpcFree(conn: AppConn): void {
  if (conn.state == 0) return;
  bufferFree(heldOf(conn.state, 0));
  bufferFree(heldOf(conn.state, 1));
  give(conn.state);
  conn.state = 0;
}
