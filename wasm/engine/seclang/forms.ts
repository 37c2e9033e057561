// Values after transformations, each computed once per transaction: chains of transformations share their beginnings, and what
// changes nothing shares the form before it.

import { T_LOWERCASE, T_UPPERCASE } from "../codec/ids";
import { transform, transformBound, transformChanged } from "../codec/transform";
import { literalHits, literalScan } from "../match/literals";
import { spend } from "./budget";
import { classesOf } from "./classes";
import { CHAIN_BYTES, H_REQUEST_LITERALS, H_REQUEST_LITERAL_COUNT, H_RESPONSE_LITERALS,
  H_RESPONSE_LITERAL_COUNT } from "./layout";
import { chainCount, chains, requestSet, responseSet, rules, words } from "./program";
import { Form, Transaction, txTake, Value } from "./transaction";

/** What a value is when memory is short: empty. */
const EMPTY = memory.data(96, 16);

function newForm(tx: Transaction, data: usize, len: u32): usize {
  const at = txTake(tx, offsetof<Form>());
  if (at == 0) return EMPTY;
  const form = changetype<Form>(at);
  form.data = data;
  form.len = len;
  form.classes = classesOf(data, len);
  form.candidates = 0;
  form.scanned = 0;
  form.folded = 0;
  form.forms = 0;
  form.next = 0;
  form.stamp = 0;
  return at;
}

const BUCKETS: u32 = 512;
/** Longer values are hardly equal to others. */
const LONGEST_SHARED: u32 = 128;

/** The value as it is. */
export function ownForm(tx: Transaction, value: Value): usize {
  if (value.own == 0) value.own = value.len <= LONGEST_SHARED ? sharedForm(tx, value.data, value.len) : newForm(tx, value.data,
    value.len);
  return value.own;
}

/** The form of other values with the same bytes, or a new one. */
function sharedForm(tx: Transaction, data: usize, len: u32): usize {
  if (tx.interned == 0) {
    tx.interned = txTake(tx, BUCKETS * sizeof<usize>());
    if (tx.interned == 0) return newForm(tx, data, len);
    memory.fill(tx.interned, 0, BUCKETS * sizeof<usize>());
  }
  let hash: u32 = len;
  for (let i: u32 = 0; i < len; i++) hash = (hash ^ load<u8>(data + i)) * 0x01000193;
  const bucket = tx.interned + (hash >> 7 & BUCKETS - 1) * sizeof<usize>();
  let at = load<usize>(bucket);
  // A request made to collide only loses the sharing.
  for (let steps = 0; at != 0 && steps < 32; steps++) {
    const form = changetype<Form>(at);
    if (form.hash == hash && form.len == len && memory.compare(form.data, data, len) == 0) return at;
    at = form.next;
  }
  const made = newForm(tx, data, len);
  if (made != EMPTY) {
    changetype<Form>(made).hash = hash;
    changetype<Form>(made).next = load<usize>(bucket);
    store<usize>(bucket, made);
  }
  return made;
}

/** The value after a chain of transformations. */
export function formOf(tx: Transaction, value: Value, chain: u32): usize {
  const own = ownForm(tx, value);
  const record = chains + chain * CHAIN_BYTES;
  if ((changetype<Form>(own).classes & load<u64>(record, 8)) == 0) return own;
  const form = changetype<Form>(own);
  if (form.forms == 0) {
    form.forms = txTake(tx, chainCount * sizeof<usize>());
    if (form.forms == 0) return EMPTY;
    memory.fill(form.forms, 0, chainCount * sizeof<usize>());
  }
  const place = form.forms + chain * sizeof<usize>();
  const known = load<usize>(place);
  if (known != 0) return known;
  const made = applied(tx, formOf(tx, value, load<u32>(record)), record);
  store<usize>(place, made);
  return made;
}

/** A form after one more transformation: that of the chain's record. */
function applied(tx: Transaction, before: usize, record: usize): usize {
  const form = changetype<Form>(before);
  if ((form.classes & load<u64>(record, 16)) == 0) return before;
  const id = load<u32>(record, 4);
  spend(form.len + 16);
  const out = txTake(tx, max<u32>(transformBound(id, form.len), 1));
  if (out == 0) return EMPTY;
  const len = transform(id, form.data, form.len, out);
  if (!transformChanged()) return before;
  const made = newForm(tx, out, len);
  if ((id == T_LOWERCASE || id == T_UPPERCASE) && made != EMPTY) changetype<Form>(made).folded = before;
  return made;
}

/** Looks for the literals of requests (0) or responses (1) once. */
export function scanForm(tx: Transaction, form: Form, side: u32): void {
  const bit = (1 as u32) << side;
  if ((form.scanned & bit) != 0) return;
  form.scanned |= bit;
  if (form.folded != 0) {
    const same = changetype<Form>(form.folded);
    scanForm(tx, same, side);
    form.candidates = same.candidates;
    return;
  }
  const set = side == 0 ? requestSet : responseSet;
  if (set == 0 || form.len == 0) return;
  spend(form.len);
  const hits = literalScan(set, form.data, form.len);
  if (hits == 0) return;
  if (form.candidates == 0) {
    form.candidates = txTake(tx, words * 4);
    if (form.candidates == 0) return;
    memory.fill(form.candidates, 0, words * 4);
  }
  const list = literalHits();
  const table = rules + load<u32>(rules + (side == 0 ? H_REQUEST_LITERALS : H_RESPONSE_LITERALS));
  const known = load<u32>(rules + (side == 0 ? H_REQUEST_LITERAL_COUNT : H_RESPONSE_LITERAL_COUNT));
  for (let i: u32 = 0; i < hits; i++) {
    const index = load<u32>(list + i * 4);
    if (index >= known) continue;
    const entry = table + index * 8;
    let at = rules + load<u32>(entry);
    const end = at + load<u32>(entry, 4) * 4;
    for (; at < end; at += 4) {
      const item = load<u32>(at);
      const word = form.candidates + (item >> 5) * 4;
      store<u32>(word, load<u32>(word) | (1 << (item & 31)));
    }
  }
}

/** Whether an item's literals occur in the form. */
// @ts-ignore: decorator
@inline export function isCandidate(form: Form, item: u32): bool {
  return form.candidates != 0 && (load<u32>(form.candidates + (item >> 5) * 4) >> (item & 31) & 1) != 0;
}
