// Collections that outlive a transaction (IP, GLOBAL, SESSION, USER, RESOURCE): bounded tables of named values, bound to a
// transaction by initcol. When a table is full, what was used longest ago goes.

import { give, take, takeZeroed } from "../core/memory";
import { HOW_ADD, HOW_SET, HOW_SUBTRACT, HOW_UNSET, S_TIMEOUT } from "./layout";
import { settings } from "./program";
import { Transaction, Value, addTo, decimal, decimalLen, hashName, listOf, numberOf, txCopy } from "./transaction";

const BUCKETS: u32 = 1024;
/** Most variables in all collections together, and longest name and value. */
const LIMIT: u32 = 8192;
const LONGEST: u32 = 1024;

@unmanaged
class Entry {
  /** Next of its bucket; next and previous by last use. */
  next: usize;
  newer: usize;
  older: usize;
  hash: u32;
  collection: u32;
  keyLen: u32;
  nameLen: u32;
  len: u32;
  expires: f64;
}

let buckets: usize = 0;
let newest: usize = 0;
let oldest: usize = 0;
let count: u32 = 0;

/** Binds the collection to a key for the rest of the transaction, and brings its variables. */
export function bindCollection(tx: Transaction, collection: u32, key: usize, keyLen: u32): void {
  const list = listOf(tx, collection);
  list.first = 0;
  list.last = 0;
  list.count = 0;
  const length = min<u32>(keyLen, LONGEST);
  const copy = txCopy(tx, key, length);
  if (copy == 0) return;
  addTo(tx, KEY_LIST, collection, copy, 0, copy, length);
  if (buckets == 0) return;
  for (let at = newest; at != 0; at = changetype<Entry>(at).older) {
    const entry = changetype<Entry>(at);
    if (entry.collection != collection || entry.keyLen != length || entry.expires <= tx.now) continue;
    if (memory.compare(keyOf(at), copy, length) != 0) continue;
    mirror(tx, at);
  }
}

/** List of the keys that a transaction has bound: values whose variable is the collection. */
const KEY_LIST: u32 = 35;

/** The newest key that the transaction bound for the collection, or 0. */
function keyFor(tx: Transaction, collection: u32): usize {
  let last: usize = 0;
  for (let at = listOf(tx, KEY_LIST).first; at != 0; at = changetype<Value>(at).next) {
    if (changetype<Value>(at).variable == collection) last = at;
  }
  return last;
}

// @ts-ignore: decorator
@inline function keyOf(entry: usize): usize {
  return entry + offsetof<Entry>();
}
// @ts-ignore: decorator
@inline function nameOf(entry: usize): usize {
  return keyOf(entry) + changetype<Entry>(entry).keyLen;
}
// @ts-ignore: decorator
@inline function dataOf(entry: usize): usize {
  return nameOf(entry) + changetype<Entry>(entry).nameLen;
}

/** Copies a variable into the transaction. */
function mirror(tx: Transaction, at: usize): void {
  const entry = changetype<Entry>(at);
  const name = txCopy(tx, nameOf(at), entry.nameLen);
  const data = txCopy(tx, dataOf(at), entry.len);
  if (name != 0 && data != 0) addTo(tx, entry.collection, entry.collection, name, entry.nameLen, data, entry.len);
}

/** Setvar on a collection that is bound; on others it does nothing. */
export function assignPersistent(tx: Transaction, collection: u32, name: usize, nameLen: u32, how: u32, data: usize,
  len: u32): void {
  const key = keyFor(tx, collection);
  if (key == 0 || nameLen > LONGEST) return;
  const k = changetype<Value>(key);
  const before = find(collection, k.data, k.len, name, nameLen);
  const old = before == 0 || changetype<Entry>(before).expires <= tx.now ? 0 : numberOf(dataOf(before),
    changetype<Entry>(before).len);
  let text = data;
  let n = min<u32>(len, LONGEST);
  if (how == HOW_ADD || how == HOW_SUBTRACT) {
    const amount = numberOf(data, len);
    text = decimal(tx, how == HOW_ADD ? old + amount : old - amount);
    n = decimalLen;
    if (text == 0) return;
  } else if (how == HOW_SET) {
    text = txCopy(tx, data, n);
    if (text == 0) return;
  }
  const expires = before == 0 ? tx.now + <f64>load<u32>(settings + S_TIMEOUT) * 1000 : changetype<Entry>(before).expires;
  if (before != 0) drop(before);
  if (how != HOW_UNSET) insert(collection, k.data, k.len, name, nameLen, text, n, expires);
  rebind(tx, collection, key);
}

/** Makes the transaction see the collection as it is now. */
function rebind(tx: Transaction, collection: u32, key: usize): void {
  const list = listOf(tx, collection);
  list.first = 0;
  list.last = 0;
  list.count = 0;
  const k = changetype<Value>(key);
  for (let at = newest; at != 0; at = changetype<Entry>(at).older) {
    const entry = changetype<Entry>(at);
    if (entry.collection == collection && entry.keyLen == k.len && entry.expires > tx.now && memory.compare(keyOf(at), k.data,
      k.len) == 0) {
      mirror(tx, at);
    }
  }
}

/** Expirevar: the variable goes away after so many seconds. */
export function expirePersistent(tx: Transaction, collection: u32, name: usize, nameLen: u32, seconds: u32): void {
  const key = keyFor(tx, collection);
  if (key == 0) return;
  const at = find(collection, changetype<Value>(key).data, changetype<Value>(key).len, name, nameLen);
  if (at != 0) changetype<Entry>(at).expires = tx.now + <f64>seconds * 1000;
}

function hashOf(collection: u32, key: usize, keyLen: u32, name: usize, nameLen: u32): u32 {
  return (hashName(key, keyLen) * 31 + hashName(name, nameLen)) * 31 + collection;
}

function find(collection: u32, key: usize, keyLen: u32, name: usize, nameLen: u32): usize {
  if (buckets == 0) return 0;
  const hash = hashOf(collection, key, keyLen, name, nameLen);
  for (let at = load<usize>(buckets + (hash & BUCKETS - 1) * sizeof<usize>()); at != 0; at = changetype<Entry>(at).next) {
    const entry = changetype<Entry>(at);
    if (entry.hash == hash && entry.collection == collection && entry.keyLen == keyLen && entry.nameLen == nameLen
      && memory.compare(keyOf(at), key, keyLen) == 0 && memory.compare(nameOf(at), name, nameLen) == 0) return at;
  }
  return 0;
}

function insert(collection: u32, key: usize, keyLen: u32, name: usize, nameLen: u32, data: usize, len: u32, expires: f64): void {
  if (buckets == 0) buckets = takeZeroed(BUCKETS * sizeof<usize>());
  if (buckets == 0) return;
  if (count >= LIMIT && oldest != 0) drop(oldest);
  const at = take(offsetof<Entry>() + keyLen + nameLen + len);
  if (at == 0) return;
  const entry = changetype<Entry>(at);
  entry.hash = hashOf(collection, key, keyLen, name, nameLen);
  entry.collection = collection;
  entry.keyLen = keyLen;
  entry.nameLen = nameLen;
  entry.len = len;
  entry.expires = expires;
  memory.copy(keyOf(at), key, keyLen);
  memory.copy(nameOf(at), name, nameLen);
  memory.copy(dataOf(at), data, len);
  const bucket = buckets + (entry.hash & BUCKETS - 1) * sizeof<usize>();
  entry.next = load<usize>(bucket);
  store<usize>(bucket, at);
  entry.older = newest;
  entry.newer = 0;
  if (newest != 0) changetype<Entry>(newest).newer = at;
  else oldest = at;
  newest = at;
  count++;
}

function drop(at: usize): void {
  const entry = changetype<Entry>(at);
  let link = buckets + (entry.hash & BUCKETS - 1) * sizeof<usize>();
  while (load<usize>(link) != 0 && load<usize>(link) != at) link = load<usize>(link) + offsetof<Entry>("next");
  if (load<usize>(link) == at) store<usize>(link, entry.next);
  if (entry.newer != 0) changetype<Entry>(entry.newer).older = entry.older;
  else newest = entry.older;
  if (entry.older != 0) changetype<Entry>(entry.older).newer = entry.newer;
  else oldest = entry.newer;
  give(at);
  count--;
}
