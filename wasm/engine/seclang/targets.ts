// From a rule's target to the values it means in a transaction.

import { lower } from "../../sdk/assembly/bytes";
import { give, take } from "../core/memory";
import { regexTest } from "../regex/regex";
import {
  L_XML_ATTRIBUTES, V_ARGS, V_ARGS_GET, V_ARGS_GET_NAMES, V_ARGS_NAMES, V_ARGS_POST, V_ARGS_POST_NAMES, V_MATCHED_VAR,
  V_MATCHED_VARS, V_MATCHED_VARS_NAMES, V_MATCHED_VAR_NAME, V_RULE, V_SCALARS, V_TX, V_XML,
} from "./ids";
import { SELECT_ALL, SELECT_ATTRIBUTES, SELECT_KEY, SELECT_REGEX, SELECT_SLOT, SLOT_BYTES } from "./layout";
import { regexAt, rules, slotCount, slots } from "./program";
import { lazyScalar } from "./scalars";
import { Slot, SLOT_UNSET, Transaction, Value, listOf, makeValue, scalarOf, slotOf, slotText } from "./transaction";

/** Values of the last {@link collect}: addresses. */
export let found: usize = 0;
export let foundCount: u32 = 0;
let capacity: u32 = 0;

function push(value: usize): void {
  if (value == 0) return;
  if (foundCount == capacity) {
    const wanted = max<u32>(capacity * 2, 256);
    const at = take(wanted * sizeof<usize>());
    if (at == 0) return;
    memory.copy(at, found, foundCount * sizeof<usize>());
    give(found);
    found = at;
    capacity = wanted;
  }
  store<usize>(found + foundCount * sizeof<usize>(), value);
  foundCount++;
}

let held: usize = 0;
let heldCapacity: u32 = 0;

/** Keeps the values of the last {@link collect} for {@link heldAt} while others are collected; until the next call. */
export function holdFound(): u32 {
  const at = found;
  const room = capacity;
  found = held;
  capacity = heldCapacity;
  held = at;
  heldCapacity = room;
  return foundCount;
}

// @ts-ignore: decorator
@inline export function heldAt(i: u32): Value {
  return changetype<Value>(load<usize>(held + i * sizeof<usize>()));
}

/** The i-th value of the last {@link collect}. */
// @ts-ignore: decorator
@inline export function foundAt(i: u32): Value {
  return changetype<Value>(load<usize>(found + i * sizeof<usize>()));
}

/** Leaves all values that a target record means in {@link found}. */
export function collect(tx: Transaction, target: usize): void {
  foundCount = 0;
  const variable = <u32>load<u8>(target);
  if (variable >= V_SCALARS) {
    if (variable == V_MATCHED_VAR || variable == V_MATCHED_VAR_NAME) pushMatched(tx, variable);
    else {
      const value = scalarOf(tx, variable);
      push(value != 0 ? value : lazyScalar(tx, variable));
    }
    return;
  }
  switch (variable) {
    case V_ARGS:
      collectList(tx, V_ARGS_GET, target);
      collectList(tx, V_ARGS_POST, target);
      return;
    case V_ARGS_NAMES:
      collectList(tx, V_ARGS_GET_NAMES, target);
      collectList(tx, V_ARGS_POST_NAMES, target);
      return;
    case V_XML:
      collectXml(tx, target);
      return;
    case V_TX:
      collectTx(tx, target);
      return;
    case V_MATCHED_VARS_NAMES:
      collectMatchedNames(tx);
      return;
    case V_RULE:
      return;
    default:
      collectList(tx, variable, target);
  }
}

function collectXml(tx: Transaction, target: usize): void {
  const kind = <u32>load<u8>(target, 2);
  if (kind != SELECT_ATTRIBUTES) pushAll(listOf(tx, V_XML).first);
  if (kind == SELECT_ATTRIBUTES || kind == SELECT_ALL) pushAll(listOf(tx, L_XML_ATTRIBUTES).first);
}

function pushAll(first: usize): void {
  for (let at = first; at != 0; at = changetype<Value>(at).next) push(at);
}

function pushMatched(tx: Transaction, variable: u32): void {
  if (tx.matchedName == 0) return;
  if (variable == V_MATCHED_VAR) push(makeValue(tx, variable, 0, 0, tx.matchedVar, tx.matchedVarLen));
  else push(makeValue(tx, variable, 0, 0, tx.matchedName, tx.matchedNameLen));
}

function collectMatchedNames(tx: Transaction): void {
  for (let at = listOf(tx, V_MATCHED_VARS).first; at != 0; at = changetype<Value>(at).next) {
    const value = changetype<Value>(at);
    push(makeValue(tx, V_MATCHED_VARS_NAMES, value.name, value.nameLen, value.name, value.nameLen));
  }
}

function collectList(tx: Transaction, listId: u32, target: usize): void {
  const kind = <u32>load<u8>(target, 2);
  let at = listOf(tx, listId).first;
  if (kind == SELECT_ALL) {
    pushAll(at);
    return;
  }
  for (; at != 0; at = changetype<Value>(at).next) {
    if (selects(target, changetype<Value>(at))) push(at);
  }
}

/** Whether the selector of a target record means the value, by its name. */
export function selects(target: usize, value: Value): bool {
  const kind = <u32>load<u8>(target, 2);
  if (kind == SELECT_KEY) {
    return value.hash == load<u32>(target, 12) && sameName(value.name, value.nameLen, rules + load<u32>(target, 4),
      load<u32>(target, 8));
  }
  if (kind == SELECT_REGEX) return regexTest(regexAt(load<u32>(target, 4)), value.name, value.nameLen, 0);
  if (kind == SELECT_SLOT) {
    const record = slots + load<u32>(target, 4) * SLOT_BYTES;
    return sameName(value.name, value.nameLen, rules + load<u32>(record), load<u32>(record, 4));
  }
  return true;
}

/** `name` in any case, `key` in small letters. */
function sameName(name: usize, nameLen: u32, key: usize, keyLen: u32): bool {
  if (nameLen != keyLen) return false;
  for (let i: u32 = 0; i < nameLen; i++) {
    if (lower(load<u8>(name + i)) != <u32>load<u8>(key + i)) return false;
  }
  return true;
}

function collectTx(tx: Transaction, target: usize): void {
  const kind = <u32>load<u8>(target, 2);
  if (kind == SELECT_SLOT) {
    pushSlot(tx, load<u32>(target, 4));
    return;
  }
  for (let i: u32 = 0; i < slotCount; i++) {
    if (slotOf(tx, i).kind == SLOT_UNSET) continue;
    const record = slots + i * SLOT_BYTES;
    if (kind == SELECT_REGEX && !regexTest(regexAt(load<u32>(target, 4)), rules + load<u32>(record), load<u32>(record, 4),
      0)) continue;
    pushSlot(tx, i);
  }
  collectList(tx, V_TX, target);
}

function pushSlot(tx: Transaction, index: u32): void {
  if (!slotText(tx, index)) return;
  const slot: Slot = slotOf(tx, index);
  const record = slots + index * SLOT_BYTES;
  push(makeValue(tx, V_TX, rules + load<u32>(record), load<u32>(record, 4), slot.data, slot.len));
}

/** Whether an exclusion record takes the value out of a target on `variable`. */
export function excludes(exclusion: usize, variable: u32, value: Value): bool {
  const excluded = <u32>load<u8>(exclusion);
  if (excluded != variable && !covers(excluded, value.variable)) return false;
  return selects(exclusion, value);
}

/** ARGS has the members of ARGS_GET and ARGS_POST, and so have their names. */
function covers(excluded: u32, variable: u32): bool {
  return excluded == variable || (excluded == V_ARGS && (variable == V_ARGS_GET || variable == V_ARGS_POST))
    || (excluded == V_ARGS_NAMES && (variable == V_ARGS_GET_NAMES || variable == V_ARGS_POST_NAMES));
}
