// Rules on transactions: tried whenever a direction has come further. A rule that a prefilter has found is kept with the
// transaction,
// and which of its conditions hold already, until the rest can be decided.

import { give, take, takeZeroed } from "../core/memory";
import { AppTx } from "../app/conn";
import { File } from "../app/file";
import { PROTO_HTTP, TX_COMPLETE, Tx } from "../core/tx";
import { Flow } from "../flow/flow";
import { HttpFile, messageOf } from "../http/types";
import { inlineMode } from "../tcp/settings";
import { StreamView, streamWindow } from "../tcp/window";
import { IN_TX, matched } from "./alerts";
import {
  BUFFER_PAYLOAD, GROWING, NOT_YET, READY, bufferLen, bufferOf, bufferSkipped, stageReady,
} from "./buffers";
import { addList, candidate, candidateCount, clearCandidates, scanSlot } from "./candidates";
import { conditionsHold, setCurrentTx, setInStream } from "./conditions";
import { flow, packet } from "./context";
import { clearVariables, inspectBuffer } from "./inspect";
import {
  INSPECTION_BUFFER, INSPECTION_BYTES, INSPECTION_DIRECTIONS, INSPECTION_FLAGS, INSPECTION_MATCHES, INSPECTION_MATCH_FIRST,
  INSPECTION_STAGE, INSPECTION_TRANSFORMS, RULE_DIRECTIONS, RULE_INSPECTIONS, RULE_INSPECTION_FIRST, SLOT_BUFFER, SLOT_STAGE,
  SLOT_TRANSFORMS, STAGE_BODY, STAGE_COMPLETE, STAGE_START,
} from "./layout";
import { ruleApplies } from "./packet-detect";
import { generation, inspectionsAt, listOfEvents, listOfTransactions, ruleRecord, slotCount, slotOf, slotRecord } from "./rules";
import { transformed, transformedLen } from "./transforms";

const LITERAL: u32 = 32;
/** Instances of a buffer (names of a DNS message, certificates, files) that are looked at. */
const INSTANCES: u32 = 256;
/** A body is looked at when it has grown by so much, or is complete (Suricata's inspect-min-size); inline, whenever it grows. */
let growth: u32 = 32768;

export function setBodyGrowth(bytes: u32): void {
  growth = bytes;
}

/** Bits of a candidate's mask beyond those of inspections. */
const CHECKED: u32 = 0x80000000;
const PENDING: u32 = 0x40000000;
const OVER: u32 = 0xffffffff;

@unmanaged
class TxState {
  generation: u32;
  progress: u32;
  /** Size of what grows in each direction when it was looked at. */
  size0: u64;
  size1: u64;
  /** Slots that are done, and stages whose rules were taken up, by direction. */
  slots0: u64;
  slots1: u64;
  stages: u32;
  count: u32;
  capacity: u32;
  /** Candidates: pairs of (rule, direction in the lowest bit) and the mask of inspections that hold. */
  list: usize;
  /** Events that rules were tried on, by direction. */
  events0: u64;
  events1: u64;
  /** Directions that are over. */
  over: u32;
  pad: u32;
}

/** Gives back what detection keeps of a transaction. */
export function freeTxState(at: usize): void {
  const tx = changetype<Tx>(at);
  if (tx.detect == 0) return;
  give(changetype<TxState>(tx.detect).list);
  give(tx.detect);
  tx.detect = 0;
}

/** Whether nothing more can be found in the transaction. */
export function txOver(at: usize): bool {
  const tx = changetype<Tx>(at);
  return tx.detect == 0 || changetype<TxState>(tx.detect).over == 3;
}

let own: TxState = changetype<TxState>(0);
let ending: bool = false;

/** Tries the transaction's rules in one direction (the context's). `final`: no more will come. */
export function detectTx(at: usize, dir: u32, final: bool): void {
  const tx = changetype<Tx>(at);
  if (tx.detect == 0) tx.detect = takeZeroed(offsetof<TxState>());
  if (tx.detect == 0) return;
  own = changetype<TxState>(tx.detect);
  if (own.generation != generation) restart();
  const bit: u32 = 1 << dir;
  const fresh = tx.events & ~(dir == 0 ? own.events0 : own.events1);
  if ((own.over & bit) != 0 && own.count == 0 && fresh == 0) return;
  const progress = dir == 0 ? tx.progressToServer : tx.progressToClient;
  ending = final || progress == TX_COMPLETE;
  const size = sizeOf(at, dir);
  const last = dir == 0 ? own.size0 : own.size1;
  const shift = dir << 3;
  const stage = (own.progress >>> shift) & 255;
  const grown = size > last && (inlineMode || size - last >= <u64>growth);
  if (<u32>progress == stage && !grown && !ending && fresh == 0) return;
  own.progress = (own.progress & ~(255 << shift)) | (<u32>progress << shift);
  setCurrentTx(at);
  setInStream(false);
  clearCandidates();
  scanSlots(at, tx, dir, progress, grown || ending, last);
  takeUp(tx, dir, progress);
  if (grown || ending) {
    if (dir == 0) own.size0 = size;
    else own.size1 = size;
  }
  if (fresh != 0) {
    addList(listOfEvents(tx.proto));
    if (dir == 0) own.events0 |= fresh;
    else own.events1 |= fresh;
  }
  const n = candidateCount();
  for (let i: u32 = 0; i < n; i++) keep(candidate(i), dir);
  if (own.count != 0) tryAll(at, tx, dir);
  if (ending) own.over |= bit;
  setCurrentTx(0);
}

function restart(): void {
  own.generation = generation;
  own.progress = 0;
  own.size0 = 0;
  own.size1 = 0;
  own.slots0 = 0;
  own.slots1 = 0;
  own.stages = 0;
  own.count = 0;
  own.over = 0;
}

/** Bytes of bodies and files of a direction, so far. */
function sizeOf(at: usize, dir: u32): u64 {
  let size: u64 = 0;
  if (changetype<Tx>(at).proto == PROTO_HTTP) {
    const message = messageOf(at, dir);
    size = message.bodyBytes;
    for (let f = message.files; f != 0; f = changetype<HttpFile>(f).next) size++;
    return size;
  }
  for (let f = changetype<AppTx>(at).files; f != 0; f = changetype<File>(f).next) {
    if (<u32>changetype<File>(f).dir == dir) size += changetype<File>(f).size + 1;
  }
  return size;
}

/** Searches the buffers that can be looked at now and were not yet; of those that grow, the new part. */
function scanSlots(at: usize, tx: Tx, dir: u32, progress: u8, grown: bool, last: u64): void {
  const n = slotCount(tx.proto, dir);
  for (let i: u32 = 0; i < n; i++) {
    const mask = (<u64>1) << i;
    if (((dir == 0 ? own.slots0 : own.slots1) & mask) != 0) continue;
    const slot = slotOf(tx.proto, dir, i);
    const record = slotRecord(slot);
    const buffer = load<u32>(record + SLOT_BUFFER);
    const stage = load<u32>(record + SLOT_STAGE);
    const ready = ending ? READY : stageReady(tx.proto, buffer, stage, dir, progress);
    if (ready == NOT_YET || (ready == GROWING && !grown)) continue;
    const growing = stage == STAGE_BODY;
    const chain = load<u32>(record + SLOT_TRANSFORMS);
    for (let k: u32 = 0; k < INSTANCES; k++) {
      let ptr = bufferOf(at, buffer, dir, k);
      if (ptr == 0) break;
      let len = bufferLen;
      if (chain != 0) {
        ptr = transformed(chain, ptr, len);
        if (ptr == 0) continue;
        len = transformedLen;
      } else if (growing && k == 0 && last > bufferSkipped + LITERAL) {
        const seen = <u32>min<u64>(last - bufferSkipped - LITERAL, len);
        ptr += seen;
        len -= seen;
      }
      scanSlot(slot, ptr, len, 0);
    }
    if (ready != READY) continue;
    if (dir == 0) own.slots0 |= mask;
    else own.slots1 |= mask;
  }
}

/** Rules without a prefilter, once their stage is reached. */
function takeUp(tx: Tx, dir: u32, progress: u8): void {
  for (let stage = STAGE_START; stage <= STAGE_COMPLETE; stage++) {
    const bit: u32 = 1 << (dir * 8 + stage);
    if ((own.stages & bit) != 0) continue;
    if (!ending && stageReady(tx.proto, 0, stage, dir, progress) == NOT_YET) continue;
    own.stages |= bit;
    addList(listOfTransactions(tx.proto, dir, stage));
  }
}

/** Keeps a candidate, in the order of the rules; one that is there already stays as it is. */
function keep(rule: u32, dir: u32): void {
  if (!ruleApplies(ruleRecord(rule))) return;
  const key = (rule << 1) | dir;
  let at = own.count;
  while (at > 0 && load<u32>(own.list + (<usize>(at - 1) << 3)) > key) at--;
  if (at > 0 && load<u32>(own.list + (<usize>(at - 1) << 3)) == key) return;
  if (own.count == own.capacity) {
    const capacity: u32 = own.capacity == 0 ? 8 : own.capacity * 2;
    const made = take(capacity * 8);
    if (made == 0) return;
    memory.copy(made, own.list, own.count * 8);
    give(own.list);
    own.list = made;
    own.capacity = capacity;
  }
  const place = own.list + (<usize>at << 3);
  memory.copy(place + 8, place, <usize>(own.count - at) << 3);
  store<u32>(place, key);
  store<u32>(place, 0, 4);
  own.count++;
}

function tryAll(at: usize, tx: Tx, dir: u32): void {
  let kept: u32 = 0;
  const list = own.list;
  const n = own.count;
  for (let i: u32 = 0; i < n; i++) {
    const entry = list + (<usize>i << 3);
    const key = load<u32>(entry);
    const mask = load<u32>(entry, 4);
    let after = mask;
    if (mask != OVER) after = tryRule(key >> 1, key & 1, mask, at, tx, dir);
    if (after == 0) continue;
    // What matched, or cannot, stays while more may come, so that it is not taken up again.
    if (after == OVER && own.over == 3) continue;
    const place = list + (<usize>kept << 3);
    store<u32>(place, key);
    store<u32>(place, after, 4);
    kept++;
  }
  own.count = kept;
}

/** Mask afterwards: 0 to forget the candidate, OVER when it is decided. */
function tryRule(number: u32, home: u32, before: u32, at: usize, tx: Tx, dir: u32): u32 {
  const rule = ruleRecord(number);
  const n: u32 = load<u16>(rule + RULE_INSPECTIONS);
  // In the other direction, only what holds in part goes on.
  if (home != dir && (before & CHECKED) == 0) return PENDING;
  if ((before & CHECKED) == 0 && !conditionsHold(rule)) return n == 0 && !ending ? PENDING : 0;
  let mask = before | CHECKED;
  const first = inspectionsAt + <usize>load<u32>(rule + RULE_INSPECTION_FIRST) * INSPECTION_BYTES;
  let waits = false;
  clearVariables();
  for (let i: u32 = 0; i < n; i++) {
    const bit: u32 = 1 << i;
    if ((mask & bit) != 0) continue;
    const result = inspectOne(rule, first + i * INSPECTION_BYTES, home, at, tx, dir);
    if (result == FAILS) return OVER;
    if (result == WAITS) waits = true;
    else mask |= bit;
  }
  if (waits) return mask;
  matched(number, IN_TX, at, 0, 0);
  return OVER;
}

const FAILS: u32 = 0;
const HOLDS: u32 = 1;
const WAITS: u32 = 2;

function inspectOne(rule: usize, inspection: usize, home: u32, at: usize, tx: Tx, dir: u32): u32 {
  const buffer: u32 = load<u8>(inspection + INSPECTION_BUFFER);
  const first = load<u32>(inspection + INSPECTION_MATCH_FIRST);
  const count = load<u32>(inspection + INSPECTION_MATCHES);
  if (buffer == BUFFER_PAYLOAD) return onPayload(first, count, dir) ? HOLDS : FAILS;
  const directions: u32 = load<u8>(inspection + INSPECTION_DIRECTIONS) & load<u8>(rule + RULE_DIRECTIONS);
  const side: u32 = directions == 1 ? 0 : directions == 2 ? 1 : home;
  const progress = side == 0 ? tx.progressToServer : tx.progressToClient;
  const stage: u32 = load<u8>(inspection + INSPECTION_STAGE);
  const over = (ending && side == dir) || (own.over & (1 << side)) != 0;
  const ready = over ? READY : stageReady(tx.proto, buffer, stage, side, progress);
  if (ready == NOT_YET) return WAITS;
  const flags: u32 = load<u8>(inspection + INSPECTION_FLAGS);
  const chain = load<u32>(inspection + INSPECTION_TRANSFORMS);
  let i: u32 = 0;
  for (; i < INSTANCES; i++) {
    let ptr = bufferOf(at, buffer, side, i);
    if (ptr == 0) break;
    if ((flags & 1) != 0) return FAILS;
    let len = bufferLen;
    const skipped = bufferSkipped;
    if (chain != 0) {
      ptr = transformed(chain, ptr, len);
      if (ptr == 0) continue;
      len = transformedLen;
    }
    if (inspectBuffer(first, count, ptr, len, skipped)) return HOLDS;
  }
  if (ready == GROWING) return WAITS;
  return i == 0 && (flags & 3) != 0 ? HOLDS : FAILS;
}

/** Contents of a rule on the bare bytes besides those of its buffers: of the stream as far as it is at hand, or of the packet. */
function onPayload(first: u32, count: u32, dir: u32): bool {
  if (changetype<usize>(flow) != 0 && flow.proto == 6) {
    const view: StreamView = streamWindow(changetype<Flow>(changetype<usize>(flow)), dir);
    if (view.len != 0 && inspectBuffer(first, count, view.ptr, view.len, view.offset)) return true;
  }
  return changetype<usize>(packet) != 0 && packet.flow == changetype<usize>(flow) && packet.payloadLen != 0
    && inspectBuffer(first, count, packet.payload, packet.payloadLen, 0);
}
