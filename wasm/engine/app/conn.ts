// What the application layer keeps of a connection (a TCP flow or a UDP flow), the list of its transactions, and the hooks that
// the engine sets. Parsers add transactions at the end; the engine takes them away when they are done and evaluated.

import { Arena, arenaFree } from "../core/arena";
import { Buffer } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { PROTO_UNKNOWN, Tx } from "../core/tx";

/** Transactions that one connection may have at the same time; beyond, the oldest done ones go, then new ones are refused. */
export const MAX_LIVE_TX: u32 = 512;

/** Bits of `AppConn.events`; names: APP_EVENTS in wasm/src/engine/app/app-events.ts. */
export const APP_MISMATCH: u32 = 0;
export const APP_WRONG_DIRECTION: u32 = 1;
export const APP_ONE_DIRECTION: u32 = 2;
export const APP_SKIPPED: u32 = 3;
export const APP_NO_TLS_AFTER_STARTTLS: u32 = 4;
export const APP_UNEXPECTED_PROTOCOL: u32 = 5;

@unmanaged
export class AppConn {
  /** Transactions, oldest first (`Tx.next`). */
  first: usize;
  last: usize;
  live: u32;
  nextId: u32;
  /** Transactions refused because of a limit or for want of memory. */
  refused: u32;
  /** What is spoken: PROTO_UNKNOWN until it is known, PROTO_FAILED when it never will be. */
  proto: u8;
  /** What each direction's own bytes look like. */
  protoToServer: u8;
  protoToClient: u8;
  /** 6 or 17. */
  l4: u8;
  sport: u16;
  dport: u16;
  /** Events of the connection, not of a transaction (bits APP_*); the engine clears what it has reported. */
  events: u32;
  /** Protocol spoken before STARTTLS or CONNECT, or PROTO_UNKNOWN. */
  protoBefore: u8;
  /** A protocol that must come now (STARTTLS), or PROTO_UNKNOWN. */
  expected: u8;
  /** Direction of the first data, plus 1; 0 before. */
  firstDirection: u8;
  /** Set by the engine: the connection's start was not seen, so which side is the client is a guess. */
  midstream: bool;
  /**
   * The guess was wrong (content says so): the engine turns its flow around and passes directions the other way from the next
   * call on. Ports here, and the transactions of the data just fed, are already right.
   */
  reversed: bool;
  /** The parser wants no more bytes: encrypted, or given up. */
  bypass: bool;
  /** The parser's own state. */
  state: usize;
  /** HTTP's own connection (engine/http), which keeps its transactions itself. */
  http: usize;
  /** The parser asks for a change of protocol behind the data being fed. */
  upgrade: bool;
  /** Datagrams looked at without finding a protocol. */
  tried: u8;
  /** Time of the data being fed, in ms since 1970. */
  now: f64;
  /** Stream position of the next byte of each direction. */
  offsetToServer: u64;
  offsetToClient: u64;
  /** Bytes that came before the protocol was known (a Buffer each). */
  heldToServer: usize;
  heldToClient: usize;
  /** Room for the engine: the flow this belongs to. */
  owner: usize;
}

/** What transactions of this room start with: the head, and an arena for all that belongs to them. */
@unmanaged
export class AppTx extends Tx {
  conn: usize;
  arenaBlock: usize;
  arenaAt: usize;
  arenaEnd: usize;
  arenaBytes: u32;
  /** Files, see file.ts: the first one. */
  files: usize;
}

type OnTxFree = (tx: usize) => void;
type OnExpectation = (conn: usize, tx: usize, address: usize, port: u32, toServer: u32) => void;

let onTxFree: OnTxFree = (tx: usize): void => {};
let onExpectation: OnExpectation = (conn: usize, tx: usize, address: usize, port: u32, toServer: u32): void => {};

/** Called just before a transaction is freed: the engine gives back `tx.detect`. */
export function setOnTxFree(hook: OnTxFree): void {
  onTxFree = hook;
}

/**
 * Called when a connection announces another one (FTP's PORT, PASV, EPRT, EPSV): `address` points at 16 bytes (IPv4 as
 * ::ffff:a.b.c.d, all zero when it is the address of the connection), `port` in host order, `toServer` 1 when the client will
 * connect to the server (PASV). The engine makes a connection of PROTO_FTP_DATA and gives it the name by ftpDataAdopt().
 */
export function setOnExpectation(hook: OnExpectation): void {
  onExpectation = hook;
}

export function expect(conn: AppConn, tx: usize, address: usize, port: u32, toServer: u32): void {
  onExpectation(changetype<usize>(conn), tx, address, port, toServer);
}

/** The transaction's arena. */
// @ts-ignore: decorator
@inline export function txArena(tx: AppTx): Arena {
  return changetype<Arena>(changetype<usize>(tx) + offsetof<AppTx>("arenaBlock"));
}

/** A zeroed transaction of `bytes` at the end of the list, or 0. */
export function txNew(conn: AppConn, proto: u8, bytes: usize): usize {
  if (conn.live >= MAX_LIVE_TX) {
    conn.refused++;
    return 0;
  }
  const at = takeZeroed(bytes);
  if (at == 0) {
    conn.refused++;
    return 0;
  }
  txLink(conn, proto, at);
  return at;
}

/** Puts a transaction that is made already at the end of the list. */
export function txLink(conn: AppConn, proto: u8, at: usize): void {
  const tx = changetype<AppTx>(at);
  tx.proto = proto;
  tx.conn = changetype<usize>(conn);
  tx.id = conn.nextId++;
  tx.startToServer = conn.offsetToServer;
  tx.startToClient = conn.offsetToClient;
  if (conn.last == 0) conn.first = at;
  else changetype<Tx>(conn.last).next = at;
  conn.last = at;
  conn.live++;
}

/** Raises the progress of one direction (0 to the server, 1 to the client); it never falls. */
export function txProgress(tx: Tx, dir: u32, stage: u8): void {
  if (dir == 0) tx.progressToServer = max(tx.progressToServer, stage);
  else tx.progressToClient = max(tx.progressToClient, stage);
}

/** Sets event number `event` of the protocol. */
// @ts-ignore: decorator
@inline export function txEvent(tx: Tx, event: u32): void {
  tx.events |= (<u64>1) << event;
}

/** Takes a transaction out of the list. False when it is not there. */
export function txUnlink(conn: AppConn, at: usize): bool {
  let before: usize = 0;
  let here = conn.first;
  while (here != 0 && here != at) {
    before = here;
    here = changetype<Tx>(here).next;
  }
  if (here == 0) return false;
  const next = changetype<Tx>(at).next;
  if (before == 0) conn.first = next;
  else changetype<Tx>(before).next = next;
  if (conn.last == at) conn.last = before;
  conn.live--;
  return true;
}

/** Tells the engine, then gives back the arena and the transaction itself. Files are freed by appTxFree. */
export function txRelease(at: usize): void {
  onTxFree(at);
  arenaFree(txArena(changetype<AppTx>(at)));
  give(at);
}

/** A zeroed Buffer, or 0. */
export function bufferNew(): usize {
  return takeZeroed(offsetof<Buffer>());
}

export function connNew(proto: u8): usize {
  const at = takeZeroed(offsetof<AppConn>());
  if (at != 0) {
    const conn = changetype<AppConn>(at);
    conn.proto = proto;
    conn.l4 = 6;
    conn.protoBefore = PROTO_UNKNOWN;
  }
  return at;
}
