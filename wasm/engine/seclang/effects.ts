// What happens whenever a link of a rule matches: setvar, ctl and the like.

import { lower } from "../../sdk/assembly/bytes";
import { assignPersistent, bindCollection, expirePersistent } from "./collections";
import { V_TX } from "./ids";
import {
  EFFECT_BYTES, E_ENGINE, E_EXPIREVAR, E_FORCE_BODY, E_INITCOL, E_PROCESSOR, E_REMOVE_RULES, E_REMOVE_TARGET, E_REQUEST_BODY,
  E_RESPONSE_BODY, E_SETVAR, HOW_ADD, HOW_SET, HOW_SUBTRACT, HOW_UNSET, H_SLOT_HASH, H_SLOT_HASH_SIZE, K_EFFECTS, K_EFFECT_COUNT,
  NONE, SLOT_BYTES, SLOT_SCORE,
} from "./layout";
import { expand, expandCopy, expanded, expandedLen } from "./macro";
import { rules, slots, words } from "./program";
import {
  List, Removal, SLOT_TEXT, SLOT_UNSET, Transaction, Value, addTo, decimal, decimalLen, hashName, listOf, numberOf, setSlotNumber,
  setSlotText, slotOf, txTake,
} from "./transaction";

/** Anomaly points that effects have added since it was set to 0. */
export let points: i32 = 0;

export function resetPoints(): void {
  points = 0;
}

/** Carries out all effects of a link. */
export function runEffects(tx: Transaction, link: usize): void {
  const count = load<u32>(link, K_EFFECT_COUNT);
  let effect = rules + load<u32>(link, K_EFFECTS);
  for (let i: u32 = 0; i < count; i++, effect += EFFECT_BYTES) runEffect(tx, effect);
}

function runEffect(tx: Transaction, effect: usize): void {
  const value = load<u32>(effect, 4);
  switch (<u32>load<u8>(effect)) {
    case E_SETVAR:
      setVariable(tx, effect);
      return;
    case E_EXPIREVAR:
      expand(tx, load<u32>(effect, 8));
      expirePersistent(tx, <u32>load<u8>(effect, 1), expanded, expandedLen, load<u32>(effect, 16));
      return;
    case E_INITCOL:
      expand(tx, load<u32>(effect, 8));
      bindCollection(tx, <u32>load<u8>(effect, 1), expanded, expandedLen);
      return;
    case E_REMOVE_RULES: {
      for (let i: u32 = 0; i < words; i++) {
        const at = tx.removed + i * 4;
        store<u32>(at, load<u32>(at) | load<u32>(rules + value + i * 4));
      }
      tx.anyRemoved = true;
      return;
    }
    case E_REMOVE_TARGET: {
      const at = txTake(tx, offsetof<Removal>());
      if (at == 0) return;
      const removal = changetype<Removal>(at);
      removal.next = tx.removals;
      removal.mask = rules + value;
      removal.target = rules + load<u32>(effect, 8);
      tx.removals = at;
      return;
    }
    case E_ENGINE:
      tx.engine = value;
      return;
    case E_PROCESSOR:
      tx.processor = value;
      return;
    case E_FORCE_BODY:
      tx.forceBody = value != 0;
      return;
    case E_REQUEST_BODY:
      tx.requestBody = value != 0;
      return;
    case E_RESPONSE_BODY:
      tx.responseBody = value != 0;
      return;
    default:
      return;
  }
}

function setVariable(tx: Transaction, effect: usize): void {
  const collection = <u32>load<u8>(effect, 1);
  const how = <u32>load<u8>(effect, 2);
  let slot = load<u32>(effect, 4);
  if (collection == V_TX && slot != NONE) {
    setSlot(tx, effect, slot, how);
    return;
  }
  const name = expandCopy(tx, load<u32>(effect, 8));
  const nameLen = expandedLen;
  if (name == 0) return;
  for (let i: u32 = 0; i < nameLen; i++) store<u8>(name + i, <u8>lower(load<u8>(name + i)));
  if (collection != V_TX) {
    expand(tx, load<u32>(effect, 12));
    assignPersistent(tx, collection, name, nameLen, how, expanded, expandedLen);
    return;
  }
  slot = slotByName(name, nameLen);
  if (slot != NONE) setSlot(tx, effect, slot, how);
  else setDynamic(tx, effect, name, nameLen, how);
}

function setSlot(tx: Transaction, effect: usize, slot: u32, how: u32): void {
  if (how == HOW_UNSET) {
    slotOf(tx, slot).kind = SLOT_UNSET;
    return;
  }
  if (how == HOW_SET) {
    const data = expandCopy(tx, load<u32>(effect, 12));
    if (data != 0) setSlotText(tx, slot, data, expandedLen);
    return;
  }
  const amount = amountOf(tx, effect);
  const target = slotOf(tx, slot);
  const before = target.kind == SLOT_UNSET ? 0 : target.kind == SLOT_TEXT ? numberOf(target.data, target.len) : target.number;
  setSlotNumber(tx, slot, how == HOW_SUBTRACT ? before - amount : before + amount);
  if ((load<u32>(slots + slot * SLOT_BYTES, 20) & SLOT_SCORE) != 0 && how == HOW_ADD) points += amount;
}

function amountOf(tx: Transaction, effect: usize): i32 {
  if (load<u8>(effect, 3) != 0) return load<i32>(effect, 16);
  expand(tx, load<u32>(effect, 12));
  return numberOf(expanded, expandedLen);
}

/** Number of a TX variable that rules name, or NONE. */
function slotByName(name: usize, len: u32): u32 {
  const size = load<u32>(rules + H_SLOT_HASH_SIZE);
  const table = rules + load<u32>(rules + H_SLOT_HASH);
  const hash = hashName(name, len);
  for (let i: u32 = 0; i < size; i++) {
    const entry = load<u32>(table + (hash + i & size - 1) * 4);
    if (entry == 0) return NONE;
    const record = slots + (entry - 1) * SLOT_BYTES;
    if (load<u32>(record, 8) == hash && load<u32>(record, 4) == len && memory.compare(rules + load<u32>(record), name,
      len) == 0) {
      return entry - 1;
    }
  }
  return NONE;
}

/** Most TX variables whose names are made from a request. */
const DYNAMIC_LIMIT: u32 = 4096;
const BUCKETS: u32 = 1024;

/** Where the bucket of a hash is, or 0 when memory is short. */
function bucketOf(tx: Transaction, hash: u32): usize {
  if (tx.dynamic == 0) {
    tx.dynamic = txTake(tx, BUCKETS * sizeof<usize>());
    if (tx.dynamic == 0) return 0;
    memory.fill(tx.dynamic, 0, BUCKETS * sizeof<usize>());
  }
  return tx.dynamic + ((hash * 0x9e3779b1) >>> 22) * sizeof<usize>();
}

function setDynamic(tx: Transaction, effect: usize, name: usize, nameLen: u32, how: u32): void {
  const list = listOf(tx, V_TX);
  const hash = hashName(name, nameLen);
  const bucket = bucketOf(tx, hash);
  if (bucket == 0) return;
  // Link that leads to the variable, if there is one.
  let link = bucket;
  let at = load<usize>(link);
  while (at != 0) {
    const value = changetype<Value>(at);
    if (value.hash == hash && value.nameLen == nameLen && memory.compare(value.name, name, nameLen) == 0) break;
    link = at + offsetof<Value>("chain");
    at = value.chain;
  }
  if (how == HOW_UNSET) {
    if (at == 0) return;
    store<usize>(link, changetype<Value>(at).chain);
    takeOut(list, at);
    return;
  }
  let data: usize;
  let len: u32;
  if (how == HOW_SET) {
    data = expandCopy(tx, load<u32>(effect, 12));
    len = expandedLen;
  } else {
    const old = at == 0 ? 0 : numberOf(changetype<Value>(at).data, changetype<Value>(at).len);
    const amount = amountOf(tx, effect);
    data = decimal(tx, how == HOW_ADD ? old + amount : old - amount);
    len = decimalLen;
  }
  if (data == 0) return;
  if (at == 0) {
    if (list.count < DYNAMIC_LIMIT) store<usize>(link, addTo(tx, V_TX, V_TX, name, nameLen, data, len));
    return;
  }
  // Others may still hold the old value: it gets a new one in its place.
  const value = changetype<Value>(at);
  value.data = data;
  value.len = len;
  value.own = 0;
}

function takeOut(list: List, at: usize): void {
  let before: usize = 0;
  for (let here = list.first; here != at; here = changetype<Value>(here).next) before = here;
  const next = changetype<Value>(at).next;
  if (before == 0) list.first = next;
  else changetype<Value>(before).next = next;
  if (list.last == at) list.last = before;
  list.count--;
}
