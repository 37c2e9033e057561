// What detection keeps of a flow: in Flow.user0, taken when it is first needed.

import { give, take, takeZeroed } from "../core/memory";
import { Flow } from "../flow/flow";

/** FlowState.flags. */
export const FS_IP_TO_SERVER: u32 = 1; // rules on addresses were tried in this direction
export const FS_IP_TO_CLIENT: u32 = 2;
export const FS_ALERTED: u32 = 4;
export const FS_CLASSES: u32 = 8; // classes are of `generation`
export const FS_DROP_REPORTED: u32 = 16;
export const FS_MESSAGE_TO_SERVER: u32 = 32; // the stream is due for a look, however short
export const FS_MESSAGE_TO_CLIENT: u32 = 64;

@unmanaged
export class FlowState {
  flags: u32;
  /** Image that the classes, and what is pending, are of. */
  generation: u32;
  clientClass: u32;
  serverClass: u32;
  clientPort: u32;
  serverPort: u32;
  /** Flow bits that are set: hashes of their names. */
  bits: usize;
  bitCount: u32;
  bitCapacity: u32;
  /** Flow integers: pairs (hash, value). */
  ints: usize;
  intCount: u32;
  intCapacity: u32;
  /** Rules of the stream that wait for more bytes, by direction: entries of 16 bytes. */
  waiting0: usize;
  waiting1: usize;
  waitingCount0: u32;
  waitingCount1: u32;
  /** The application layer's connection (AppConn), or 0. */
  app: usize;
  /** Alerts made in the flow. */
  alerts: u32;
  /** Packets still to be tagged, and until when (unix ns). */
  tagPackets: u32;
  tagUntil: u64;
  /** Sid of the rule that dropped the flow. */
  dropSid: u32;
  /** Stream rules need no look any more: bit per direction. */
  quiet: u32;
  /** Directions (bits) in which there is something new for transactions. */
  fed: u32;
  /** FF_SWAPPED when the classes were found. */
  swapped: u32;
  /** Stream offset up to which the rules on streams have looked, by direction. */
  looked0: u64;
  looked1: u64;
  /** Newest transaction and its progress for which a stream was looked at, by direction. */
  steps0: u32;
  steps1: u32;
}

/** The flow's state, or 0 when memory is short. */
// @ts-ignore: decorator
@inline export function flowState(flow: Flow): usize {
  return flow.user0 != 0 ? flow.user0 : makeState(flow);
}

function makeState(flow: Flow): usize {
  const at = takeZeroed(offsetof<FlowState>());
  flow.user0 = at;
  return at;
}

/** Gives it back; the parsers' connections must be gone. */
export function freeFlowState(flow: Flow): void {
  if (flow.user0 == 0) return;
  const state = changetype<FlowState>(flow.user0);
  give(state.bits);
  give(state.ints);
  give(state.waiting0);
  give(state.waiting1);
  give(flow.user0);
  flow.user0 = 0;
}

/** Flow bits of one flow at most, and flow integers. */
const MAX_BITS: u32 = 256;

export function hasBit(at: usize, hash: u32): bool {
  if (at == 0) return false;
  const state = changetype<FlowState>(at);
  for (let i: u32 = 0; i < state.bitCount; i++) if (load<u32>(state.bits + (<usize>i << 2)) == hash) return true;
  return false;
}

export function setBit(at: usize, hash: u32): void {
  if (at == 0 || hasBit(at, hash)) return;
  const state = changetype<FlowState>(at);
  if (state.bitCount == state.bitCapacity) {
    if (state.bitCount >= MAX_BITS) return;
    const capacity: u32 = state.bitCapacity == 0 ? 4 : state.bitCapacity * 2;
    const made = take(capacity * 4);
    if (made == 0) return;
    memory.copy(made, state.bits, state.bitCount * 4);
    give(state.bits);
    state.bits = made;
    state.bitCapacity = capacity;
  }
  store<u32>(state.bits + (<usize>state.bitCount << 2), hash);
  state.bitCount++;
}

export function clearBit(at: usize, hash: u32): void {
  if (at == 0) return;
  const state = changetype<FlowState>(at);
  for (let i: u32 = 0; i < state.bitCount; i++) {
    if (load<u32>(state.bits + (<usize>i << 2)) != hash) continue;
    state.bitCount--;
    store<u32>(state.bits + (<usize>i << 2), load<u32>(state.bits + (<usize>state.bitCount << 2)));
    return;
  }
}

/** Value of a flow integer, or -1 when it is not set. */
export function intOf(at: usize, hash: u32): i64 {
  const slot = intSlot(at, hash);
  return slot == 0 ? -1 : <i64>load<u32>(slot, 4);
}

export function setInt(at: usize, hash: u32, value: u32): void {
  if (at == 0) return;
  const slot = intSlot(at, hash);
  if (slot != 0) {
    store<u32>(slot, value, 4);
    return;
  }
  const state = changetype<FlowState>(at);
  if (state.intCount == state.intCapacity) {
    if (state.intCount >= MAX_BITS) return;
    const capacity: u32 = state.intCapacity == 0 ? 4 : state.intCapacity * 2;
    const made = take(capacity * 8);
    if (made == 0) return;
    memory.copy(made, state.ints, state.intCount * 8);
    give(state.ints);
    state.ints = made;
    state.intCapacity = capacity;
  }
  const place = state.ints + (<usize>state.intCount << 3);
  store<u32>(place, hash);
  store<u32>(place, value, 4);
  state.intCount++;
}

function intSlot(at: usize, hash: u32): usize {
  if (at == 0) return 0;
  const state = changetype<FlowState>(at);
  for (let i: u32 = 0; i < state.intCount; i++) {
    const place = state.ints + (<usize>i << 3);
    if (load<u32>(place) == hash) return place;
  }
  return 0;
}
