// Rules on the bytes of TCP streams. New bytes are searched once (with as much before them as the longest literal needs); a rule
// whose literal was found but whose other conditions do not hold yet waits while what was found is still in the window.

import { take } from "../core/memory";
import { Packet } from "../decode/packet";
import { Flow, FF_BYPASS, FF_ENDING, FF_NO_INSPECT, FF_PASS } from "../flow/flow";
import { StreamView, packetWindow, streamKeep, streamWindow, tcpEnding } from "../tcp/window";
import { IN_STREAM, matched } from "./alerts";
import { BUFFER_PAYLOAD } from "./buffers";
import { addList, candidate, candidateCount, clearCandidates, scanSlot } from "./candidates";
import { conditionsHold, setCurrentTx, setInStream } from "./conditions";
import { lookAtFlow } from "./context";
import { FS_MESSAGE_TO_CLIENT, FS_MESSAGE_TO_SERVER, FlowState, flowState } from "./flow-state";
import { clearVariables, inspectBuffer } from "./inspect";
import {
  GROUP_STREAM, INSPECTION_BUFFER, INSPECTION_BYTES, INSPECTION_MATCHES, INSPECTION_MATCH_FIRST, INSPECTION_TRANSFORMS,
  RULE_INSPECTIONS, RULE_INSPECTION_FIRST,
} from "./layout";
import { ruleApplies } from "./packet-detect";
import { inspectionsAt, listOfPayload, payloadSlot, ruleRecord, section } from "./rules";
import { rawChunk } from "./settings";
import { transformed, transformedLen } from "./transforms";

/** Longest literal that prefilters search for. */
const LITERAL: u32 = 32;
/** Rules that wait in one direction, and how often one is tried again. */
const WAITING: u32 = 32;
const TRIES: u32 = 12;
/** Bytes behind a find in which the rest of the rule must be. */
const REACH: u64 = 4096;
const ENTRY: u32 = 16;
/** In place of the tries: the rule has matched. */
const TOLD: u32 = 0xffffffff;

const bare = memory.data(24, 8);

/** New bytes up to this many wait for a packet of their direction; the window certainly has more. */
const PATIENCE: u32 = 2048;

/** New bytes of a direction: looked at now, or with the next packet of the direction when they are few. */
export function streamArrived(f: Flow, dir: u32, ptr: usize, len: u32, offset: u64, later: bool): void {
  const at = flowState(f);
  if (at == 0) {
    detectStream(f, dir, ptr, len, offset);
    return;
  }
  const own = changetype<FlowState>(at);
  const looked = dir == 0 ? own.looked0 : own.looked1;
  const view = streamWindow(f, dir);
  // What a gap separates, or the window does not hold, is not looked at together.
  const joined = looked < offset && looked >= view.offset && ptr + len == view.ptr + view.len && view.len >= len;
  const from = joined ? looked : offset;
  if (later && ptr + len == view.ptr + view.len && offset + len - from < <u64>max<u32>(PATIENCE, rawChunk)) {
    if (dir == 0) own.looked0 = from;
    else own.looked1 = from;
    return;
  }
  if (dir == 0) own.looked0 = offset + len;
  else own.looked1 = offset + len;
  const extra = <u32>(offset - from);
  detectStream(f, dir, ptr - extra, len + extra, from);
}

/** Looks at what waits in the direction. */
export function streamDue(f: Flow, dir: u32): void {
  if (f.user0 == 0 || f.session == 0) return;
  const own = changetype<FlowState>(f.user0);
  const looked = dir == 0 ? own.looked0 : own.looked1;
  const view = streamWindow(f, dir);
  const end = view.offset + view.len;
  if (view.len == 0 || looked >= end) return;
  if (rawChunk != 0 && !due(f, own, dir, <u32>min<u64>(end - looked, 0xffffffff))) return;
  const from = max<u64>(looked, view.offset);
  if (dir == 0) own.looked0 = end;
  else own.looked1 = end;
  detectStream(f, dir, view.ptr + <u32>(from - view.offset), <u32>(end - from), from);
}

/** Whether `waiting` bytes are enough, or nothing else will come soon. */
function due(f: Flow, own: FlowState, dir: u32, waiting: u32): bool {
  const bit = dir == 0 ? FS_MESSAGE_TO_SERVER : FS_MESSAGE_TO_CLIENT;
  const message = (own.flags & bit) != 0;
  own.flags &= ~bit;
  return message || waiting >= rawChunk || (f.flags & FF_ENDING) != 0 || tcpEnding(f);
}

/** New bytes of a direction, in order; `offset` is their place in the stream. */
export function detectStream(f: Flow, dir: u32, ptr: usize, len: u32, offset: u64): void {
  if (section == 0 || len == 0 || (f.flags & (FF_PASS | FF_NO_INSPECT | FF_BYPASS)) != 0) return;
  const slot = payloadSlot(GROUP_STREAM, dir);
  const always = listOfPayload(GROUP_STREAM, dir);
  if (slot == 0 && load<u32>(always, 4) == 0) {
    streamKeep(f, dir, 0);
    return;
  }
  flowState(f);
  lookAtFlow(f, dir);
  setCurrentTx(0);
  setInStream(true);
  let view = streamWindow(f, dir);
  // Without memory the bytes are not in the window: they are looked at alone.
  if (view.len < len || view.ptr > ptr || ptr + len > view.ptr + view.len) {
    view = changetype<StreamView>(bare);
    view.ptr = ptr;
    view.len = len;
    view.offset = offset;
  }
  again(f, dir, view);
  clearCandidates();
  if (slot != 0) {
    scanSlot(slot - 1, ptr, len, 0);
    // What begins in the old bytes and ends in the new ones; what ends in the old ones was found before.
    const back = min<u32>(<u32>(ptr - view.ptr), LITERAL - 1);
    if (back != 0) scanSlot(slot - 1, ptr - back, back + min<u32>(len, LITERAL - 1), back);
  }
  const found = candidateCount();
  for (let i: u32 = 0; i < found; i++) {
    const number = candidate(i);
    const rule = ruleRecord(number);
    if (!ruleApplies(rule)) continue;
    const from = told(f, dir, number, view);
    if (conditionsHold(rule) && onWindow(rule, from)) {
      matched(number, IN_STREAM, 0, 0, 0);
      note(f, dir, number, TOLD, offset + len);
    } else note(f, dir, number, 0, offset + len);
  }
  if (load<u32>(always, 4) == 0) {
    setInStream(false);
    return;
  }
  // Nothing says where these may match: they see the new bytes only, so that what matched once is not told again.
  clearCandidates();
  addList(always);
  const fresh = changetype<StreamView>(bare);
  fresh.ptr = ptr;
  fresh.len = len;
  fresh.offset = offset;
  const n = candidateCount();
  for (let i: u32 = 0; i < n; i++) {
    const number = candidate(i);
    const rule = ruleRecord(number);
    if (ruleApplies(rule) && conditionsHold(rule) && onWindow(rule, fresh)) matched(number, IN_STREAM, 0, 0, 0);
  }
  setInStream(false);
}

/** Inline, a packet with data and the bytes of its stream around it; everything is looked at anew. */
export function detectInline(f: Flow, p: Packet, most: u32): void {
  if (section == 0 || (f.flags & (FF_PASS | FF_NO_INSPECT | FF_BYPASS)) != 0) return;
  const slot = payloadSlot(GROUP_STREAM, p.dir);
  const always = listOfPayload(GROUP_STREAM, p.dir);
  if (slot == 0 && load<u32>(always, 4) == 0) return;
  flowState(f);
  setCurrentTx(0);
  setInStream(true);
  const view = packetWindow(p, f, most);
  const window = changetype<StreamView>(bare);
  window.ptr = view.ptr;
  window.len = view.len;
  window.offset = view.offset;
  clearCandidates();
  addList(always);
  if (slot != 0) scanSlot(slot - 1, window.ptr, window.len, 0);
  const n = candidateCount();
  for (let i: u32 = 0; i < n; i++) {
    const rule = ruleRecord(candidate(i));
    if (ruleApplies(rule) && conditionsHold(rule) && onWindow(rule, window)) matched(candidate(i), IN_STREAM, 0, 0, 0);
  }
  setInStream(false);
}

function onWindow(rule: usize, view: StreamView): bool {
  const n: u32 = load<u16>(rule + RULE_INSPECTIONS);
  const first = inspectionsAt + <usize>load<u32>(rule + RULE_INSPECTION_FIRST) * INSPECTION_BYTES;
  clearVariables();
  for (let i: u32 = 0; i < n; i++) {
    const at = first + i * INSPECTION_BYTES;
    if (<u32>load<u8>(at + INSPECTION_BUFFER) != BUFFER_PAYLOAD) return false;
    let ptr = view.ptr;
    let len = view.len;
    const chain = load<u32>(at + INSPECTION_TRANSFORMS);
    if (chain != 0) {
      ptr = transformed(chain, ptr, len);
      if (ptr == 0) return false;
      len = transformedLen;
    }
    const match = load<u32>(at + INSPECTION_MATCH_FIRST);
    if (!inspectBuffer(match, load<u32>(at + INSPECTION_MATCHES), ptr, len, view.offset)) return false;
  }
  return true;
}

/** Tries again what waits; entries are rule, tries (or TOLD), and the offset behind the find. */
function again(f: Flow, dir: u32, view: StreamView): void {
  if (f.user0 == 0) return;
  const own = changetype<FlowState>(f.user0);
  const list = dir == 0 ? own.waiting0 : own.waiting1;
  const count = dir == 0 ? own.waitingCount0 : own.waitingCount1;
  if (count == 0) return;
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const entry = list + i * ENTRY;
    const number = load<u32>(entry);
    const rule = ruleRecord(number);
    let tries = load<u32>(entry, 4);
    if (view.offset + view.len > load<u64>(entry, 8) + REACH) continue;
    if (tries != TOLD) {
      if (conditionsHold(rule) && onWindow(rule, view)) {
        matched(number, IN_STREAM, 0, 0, 0);
        tries = TOLD;
        store<u64>(entry, view.offset + view.len, 8);
      } else if (++tries >= TRIES) continue;
      store<u32>(entry, tries, 4);
    }
    if (kept != i) memory.copy(list + kept * ENTRY, entry, ENTRY);
    kept++;
  }
  if (dir == 0) own.waitingCount0 = kept;
  else own.waitingCount1 = kept;
}

/** Bytes in which a rule has matched already are not looked at again: the part of the window behind them. */
function told(f: Flow, dir: u32, number: u32, view: StreamView): StreamView {
  if (f.user0 == 0) return view;
  const own = changetype<FlowState>(f.user0);
  const list = dir == 0 ? own.waiting0 : own.waiting1;
  const count = dir == 0 ? own.waitingCount0 : own.waitingCount1;
  for (let i: u32 = 0; i < count; i++) {
    const entry = list + i * ENTRY;
    if (load<u32>(entry) != number || load<u32>(entry, 4) != TOLD) continue;
    const behind = load<u64>(entry, 8);
    if (behind <= view.offset || behind >= view.offset + view.len) return view;
    const rest = changetype<StreamView>(tail);
    const skip = <u32>(behind - view.offset);
    rest.ptr = view.ptr + skip;
    rest.len = view.len - skip;
    rest.offset = behind;
    return rest;
  }
  return view;
}
const tail = memory.data(24, 8);

/** Notes that a rule waits (`tries`), or has been told, as of `behind`. */
function note(f: Flow, dir: u32, number: u32, tries: u32, behind: u64): void {
  if (f.user0 == 0) return;
  const own = changetype<FlowState>(f.user0);
  let list = dir == 0 ? own.waiting0 : own.waiting1;
  let count = dir == 0 ? own.waitingCount0 : own.waitingCount1;
  if (list == 0) {
    list = take(WAITING * ENTRY);
    if (list == 0) return;
    if (dir == 0) own.waiting0 = list;
    else own.waiting1 = list;
  }
  for (let i: u32 = 0; i < count; i++) {
    if (load<u32>(list + i * ENTRY) == number) {
      if (tries == 0 && load<u32>(list + i * ENTRY, 4) == TOLD) return;
      store<u32>(list + i * ENTRY, tries, 4);
      store<u64>(list + i * ENTRY, behind, 8);
      return;
    }
  }
  if (count == WAITING) {
    memory.copy(list, list + ENTRY, (WAITING - 1) * ENTRY);
    count--;
  }
  const entry = list + count * ENTRY;
  store<u32>(entry, number);
  store<u32>(entry, tries, 4);
  store<u64>(entry, behind, 8);
  count++;
  if (dir == 0) own.waitingCount0 = count;
  else own.waitingCount1 = count;
}
