// All that belongs to one HTTP transaction: values of variables, TX variables, what matched. It lives in one block and an arena,
// and goes away at once.

import { Arena, arenaFree, arenaTake } from "../core/arena";
import { Buffer, bufferFree } from "../core/buffer";
import { give, takeZeroed } from "../core/memory";
import { lower } from "../../sdk/assembly/bytes";
import { L_COUNT, V_COUNT, V_SCALARS } from "./ids";
import { BODY_NONE, NONE, SLOT_BYTES, S_ENGINE, S_REQUEST_BODY, S_RESPONSE_BODY } from "./layout";
import { generation, rules, settings, slotCount, slots, words } from "./program";

/** A value in one form: as it is, or transformed. Values whose transformations change nothing share one. */
@unmanaged
export class Form {
  classes: u64;
  data: usize;
  len: u32;
  /** Items whose literals occur (`words` words), or 0 when there are none. */
  candidates: usize;
  /** Bit 0: scanned for the literals of requests; bit 1: for those of responses. */
  scanned: u32;
  /** A form that differs only in the case of letters, which literals do not see; else 0. */
  folded: usize;
  /** Forms that chains of transformations make of this one, `chainCount` addresses; 0 until one is different. */
  forms: usize;
  /** Next of the same bucket, for values as they are; the hash of the bytes; the last group of targets that looked at it. */
  next: usize;
  hash: u32;
  stamp: u32;
}

/** One value of a variable. */
@unmanaged
export class Value {
  /** Next of its list. */
  next: usize;
  name: usize;
  nameLen: u32;
  /** Of the name in small letters. */
  hash: u32;
  data: usize;
  len: u32;
  /** Number of the variable it belongs to. */
  variable: u32;
  /** Form of the value as it is; 0 until it is looked at. */
  own: usize;
  /** Next of its bucket, for TX variables whose names are made from a request. */
  chain: usize;
}

/** Values of a collection in order of arrival. */
@unmanaged
export class List {
  first: usize;
  last: usize;
  count: u32;
}

/** A TX variable. */
@unmanaged
export class Slot {
  kind: u32;
  number: i32;
  data: usize;
  len: u32;
}
export const SLOT_UNSET: u32 = 0;
export const SLOT_NUMBER: u32 = 1;
export const SLOT_TEXT: u32 = 2;

/** A rule that matched, oldest first. */
@unmanaged
export class Finding {
  next: usize;
  item: u32;
  /** Anomaly points that it added. */
  points: u32;
  /** Name of the variable of the first match, such as ARGS:q. */
  location: usize;
  locationLen: u32;
  data: usize;
  dataLen: u32;
  message: usize;
  messageLen: u32;
  detail: usize;
  detailLen: u32;
  /** Transformations of the link that matched first. */
  chain: u32;
}

/** A target that a ctl took out of rules. */
@unmanaged
export class Removal {
  next: usize;
  /** Set of items. */
  mask: usize;
  target: usize;
}

@unmanaged
export class Transaction extends Arena {
  /** Lists, single values, slots and item sets, in the same block. */
  lists: usize;
  values: usize;
  slots: usize;
  removed: usize;
  alive: usize;
  now: f64;
  started: f64;
  number: u64;
  /** Steps used so far, and whether there were too many: see budget.ts. */
  spent: u64;
  exhausted: bool;
  engine: u32;
  /** Rules that its numbers are of. */
  generation: u32;
  requestBody: bool;
  responseBody: bool;
  forceBody: bool;
  /** Some rule was removed by a ctl. */
  anyRemoved: bool;
  processor: u32;
  /** Phases done: bit n is phase n. */
  phases: u32;
  /** Disruptive rule that ended the transaction, as item + 1. */
  interrupted: u32;
  allowed: u32;
  status: u32;
  highest: u32;
  /** Parts of the messages that were fed, for whoever feeds. */
  seen: u32;
  removals: usize;
  /** TX variables whose names are made from a request, by hash: buckets; 0 without. */
  dynamic: usize;
  /** Forms of values as they are, by content: equal values share one. */
  interned: usize;
  findings: usize;
  lastFinding: usize;
  /** Last finding that was told. */
  reported: usize;
  findingCount: u32;
  matchedVar: usize;
  matchedVarLen: u32;
  matchedName: usize;
  matchedNameLen: u32;
  matchedValue: usize;
  /** Request body as it came (a core Buffer), and response body. */
  body: usize;
  bodyLen: u32;
  bodyCapacity: u32;
  response: usize;
  responseLen: u32;
  responseCapacity: u32;
  bodyCut: bool;
  responseCut: bool;
  bodyError: bool;
  urlError: bool;
  multipart: u32;
  responseStatus: u32;
  headBytes: u32;
  argsBytes: u32;
  filesBytes: u32;
  argCount: u32;
  boundaryLen: u32;
  boundary: usize;
  /** Address that a rule needs as bytes: 16, IPv4 mapped; and ports. */
  remote: usize;
  local: usize;
  remotePort: u32;
  localPort: u32;
}

let counter: u64 = 0;
/** Transactions that live. */
export let transactions: u32 = 0;
/** Allocations inside of transactions that were refused. */
export let shortages: u32 = 0;

/** A transaction that has nothing yet, or 0 when no rules are loaded or memory is short. */
export function transactionNew(now: f64): usize {
  if (rules == 0) return 0;
  const head: u32 = (offsetof<Transaction>() + 15) & ~15;
  const lists: u32 = L_COUNT * offsetof<List>();
  const values: u32 = V_COUNT * 4;
  const slotBytes: u32 = slotCount * offsetof<Slot>();
  const total = head + ((lists + values + slotBytes + 15) & ~15) + words * 8;
  const at = takeZeroed(total);
  if (at == 0) return 0;
  const tx = changetype<Transaction>(at);
  tx.lists = at + head;
  tx.values = tx.lists + lists;
  tx.slots = tx.values + values;
  tx.removed = at + total - words * 8;
  tx.alive = tx.removed + words * 4;
  tx.now = now;
  tx.started = now;
  tx.number = ++counter;
  tx.generation = generation;
  tx.engine = load<u32>(settings + S_ENGINE);
  tx.requestBody = load<u32>(settings + S_REQUEST_BODY) != 0;
  tx.responseBody = load<u32>(settings + S_RESPONSE_BODY) != 0;
  tx.processor = BODY_NONE;
  tx.highest = 255;
  for (let i: u32 = 0; i < slotCount; i++) {
    const record = slots + i * SLOT_BYTES;
    const len = load<u32>(record, 16);
    if (len == NONE) continue;
    setSlotText(tx, i, rules + load<u32>(record, 12), len);
  }
  transactions++;
  return at;
}

/** Gives everything back. */
export function transactionFree(at: usize): void {
  const tx = changetype<Transaction>(at);
  bufferFree(changetype<Buffer>(at + offsetof<Transaction>("body")));
  bufferFree(changetype<Buffer>(at + offsetof<Transaction>("response")));
  arenaFree(tx);
  give(at);
  transactions--;
}

/** Memory that lives as long as the transaction, or 0. */
export function txTake(tx: Transaction, bytes: u32): usize {
  const at = arenaTake(tx, bytes);
  if (at == 0) shortages++;
  return at;
}

/** A copy of bytes; 0 when memory is short. */
export function txCopy(tx: Transaction, ptr: usize, len: u32): usize {
  const at = txTake(tx, max<u32>(len, 1));
  if (at != 0) memory.copy(at, ptr, len);
  return at;
}

// @ts-ignore: decorator
@inline export function listOf(tx: Transaction, collection: u32): List {
  return changetype<List>(tx.lists + collection * offsetof<List>());
}

/** FNV-1a of the name in small letters. */
export function hashName(ptr: usize, len: u32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let i: u32 = 0; i < len; i++) hash = (hash ^ lower(load<u8>(ptr + i))) * 0x01000193;
  return hash;
}

/** A value that is in no list, or 0 when memory is short. The bytes must live as long as the transaction. */
export function makeValue(tx: Transaction, variable: u32, name: usize, nameLen: u32, data: usize, len: u32): usize {
  const at = txTake(tx, offsetof<Value>());
  if (at == 0) return 0;
  const value = changetype<Value>(at);
  value.next = 0;
  value.name = name;
  value.nameLen = nameLen;
  value.hash = 0;
  value.data = data;
  value.len = len;
  value.variable = variable;
  value.own = 0;
  value.chain = 0;
  return at;
}

/** Appends a value to the list of a collection. */
export function addTo(tx: Transaction, listId: u32, variable: u32, name: usize, nameLen: u32, data: usize, len: u32): usize {
  const at = makeValue(tx, variable, name, nameLen, data, len);
  if (at == 0) return 0;
  changetype<Value>(at).hash = hashName(name, nameLen);
  const list = listOf(tx, listId);
  if (list.last != 0) changetype<Value>(list.last).next = at;
  else list.first = at;
  list.last = at;
  list.count++;
  return at;
}

/** Sets a variable with one value. The bytes must live as long as the transaction. */
export function setScalar(tx: Transaction, variable: u32, data: usize, len: u32): void {
  const at = makeValue(tx, variable, 0, 0, data, len);
  store<usize>(tx.values + variable * sizeof<usize>(), at);
}

/** The variable's value, or 0 when it has none (so far). */
// @ts-ignore: decorator
@inline export function scalarOf(tx: Transaction, variable: u32): usize {
  return load<usize>(tx.values + variable * sizeof<usize>());
}

/** Text in decimal, in the transaction's memory; its length is left in {@link decimalLen}. */
export function decimal(tx: Transaction, n: i64): usize {
  const at = txTake(tx, 24);
  if (at == 0) {
    decimalLen = 0;
    return 0;
  }
  let i: u32 = 24;
  let rest: u64 = n < 0 ? 0 - <u64>n : <u64>n;
  do {
    store<u8>(at + --i, <u8>(48 + rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (n < 0) store<u8>(at + --i, 45);
  decimalLen = 24 - i;
  return at + i;
}
export let decimalLen: u32 = 0;

export function setScalarNumber(tx: Transaction, variable: u32, n: i64): void {
  const at = decimal(tx, n);
  setScalar(tx, variable, at, decimalLen);
}

// ---- TX variables with a number of their own

// @ts-ignore: decorator
@inline export function slotOf(tx: Transaction, index: u32): Slot {
  return changetype<Slot>(tx.slots + index * offsetof<Slot>());
}

export function setSlotText(tx: Transaction, index: u32, data: usize, len: u32): void {
  const slot = slotOf(tx, index);
  slot.kind = SLOT_TEXT;
  slot.data = data;
  slot.len = len;
  slot.number = numberOf(data, len);
}

export function setSlotNumber(tx: Transaction, index: u32, n: i32): void {
  const slot = slotOf(tx, index);
  slot.kind = SLOT_NUMBER;
  slot.number = n;
}

/** Makes the slot's text; false when it is not set. */
export function slotText(tx: Transaction, index: u32): bool {
  const slot = slotOf(tx, index);
  if (slot.kind == SLOT_UNSET) return false;
  if (slot.kind == SLOT_NUMBER) {
    slot.data = decimal(tx, slot.number);
    slot.len = decimalLen;
    slot.kind = SLOT_TEXT;
  }
  return true;
}

/** Leading digits with a sign, as C's atoi; saturates. */
export function numberOf(ptr: usize, len: u32): i32 {
  let i: u32 = 0;
  while (i < len && (load<u8>(ptr + i) == 32 || <u32>load<u8>(ptr + i) - 9 < 5)) i++;
  let minus = false;
  if (i < len && (load<u8>(ptr + i) == 45 || load<u8>(ptr + i) == 43)) {
    minus = load<u8>(ptr + i) == 45;
    i++;
  }
  let n: i64 = 0;
  for (; i < len; i++) {
    const d = <u32>load<u8>(ptr + i) - 48;
    if (d > 9) break;
    n = min<i64>(n * 10 + d, i32.MAX_VALUE);
  }
  return <i32>(minus ? -n : n);
}

/** Values from {@link V_SCALARS} on have one value. */
// @ts-ignore: decorator
@inline export function isScalar(variable: u32): bool {
  return variable >= V_SCALARS;
}
