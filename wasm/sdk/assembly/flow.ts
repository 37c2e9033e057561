// The flow table: a fixed number of flows, found by hash and 5-tuple, thrown out by age or, when it is full, the one that was
// quiet for longest. Time is the batch's, so that a replay ends the same.

import { recordDport, recordDst, recordFlowId, recordProto, recordSport, recordSrc } from "../../abi/assembly/abi";
import { now, record } from "./batch";
import { reserve } from "./bytes";

/** One direction of a flow. Followed by the module's own bytes. */
@unmanaged
export class Half {
  /** Sequence number that is delivered next. */
  next: u32;
  flags: u32;
  /** Bytes delivered (and missing) so far: the position in the stream. */
  position: u64;
  /** Segments that wait for a hole to fill, sorted; see tcp.ts. */
  held: usize;
  heldBlocks: u32;
  /** Segments in a row that were too far away to believe. */
  strange: u32;
  /** When the hole was seen first. */
  holeSince: u64;
}

@unmanaged
export class Flow {
  id: u64;
  /** The endpoint that sent the first packet seen: address halves and port. */
  aLow: u64;
  aHigh: u64;
  bLow: u64;
  bHigh: u64;
  aPort: u16;
  bPort: u16;
  proto: u8;
  /** Bit 0: used; bit 1: a FIN or RST was seen. */
  state: u8;
  reserved: u16;
  hashNext: u32;
  older: u32;
  newer: u32;
  /** Last packet, unix ns. */
  seen: u64;
  /** Rules already reported, one bit each. */
  reported0: u64;
  reported1: u64;
}

export const HALF_STARTED: u32 = 1;
export const FLOW_USED: u8 = 1;
export const FLOW_CLOSING: u8 = 2;

/** Called before a flow is forgotten. */
export type FlowFunction = (flow: Flow) => void;

const SECOND: u64 = 1000000000;
const NONE: u32 = 0xffffffff;

let slots: usize = 0;
let slotBytes: usize = 0;
let halfBytes: usize = 0;
let slotCount: u32 = 0;
let buckets: usize = 0;
let bucketMask: u32 = 0;
let freeHead: u32 = NONE;
let oldest: u32 = NONE;
let newest: u32 = NONE;
let used: u32 = 0;
let onForget: FlowFunction = (flow: Flow): void => {};

/** Seconds without a packet until a flow is forgotten: open TCP, closing TCP, the rest. */
export let tcpSeconds: u64 = 120;
export let closingSeconds: u64 = 10;
export let otherSeconds: u64 = 30;

/**
 * Makes the table; call it once at start-up.
 * @param count flows at most
 * @param userBytes bytes of the module's own for each direction, zeroed when a flow begins
 */
export function initFlows(count: u32, userBytes: u32, forget: FlowFunction): void {
  halfBytes = (offsetof<Half>() + userBytes + 7) & ~7;
  slotBytes = ((offsetof<Flow>() + 7) & ~7) + 2 * halfBytes;
  slotCount = count;
  slots = reserve(slotBytes * count);
  let size: u32 = 1;
  while (size < count) size <<= 1;
  buckets = reserve(<usize>size * 4);
  bucketMask = size - 1;
  memory.fill(buckets, 0xff, <usize>size * 4);
  for (let i: u32 = count; i > 0; i--) {
    slot(i - 1).hashNext = freeHead;
    freeHead = i - 1;
  }
  onForget = forget;
}

// @ts-ignore: decorator
@inline function slot(index: u32): Flow {
  return changetype<Flow>(slots + <usize>index * slotBytes);
}

// @ts-ignore: decorator
@inline function indexOf(flow: Flow): u32 {
  return <u32>((changetype<usize>(flow) - slots) / slotBytes);
}

/** Direction 0 (sent by the first sender) or 1 of a flow. */
export function half(flow: Flow, dir: u32): Half {
  return changetype<Half>(changetype<usize>(flow) + ((offsetof<Flow>() + 7) & ~7) + dir * halfBytes);
}

/** The module's own bytes of a direction. */
// @ts-ignore: decorator
@inline export function userOf(part: Half): usize {
  return changetype<usize>(part) + offsetof<Half>();
}

/** Flows in the table now. */
export function flowCount(): u32 {
  return used;
}

// @ts-ignore: decorator
@inline function bucketOf(id: u64): usize {
  return buckets + <usize>((<u32>(id >> 6)) & bucketMask) * 4;
}

/** Direction of the current record in the flow: 0 or 1. */
export function directionOf(flow: Flow): u32 {
  const src = recordSrc(record);
  return load<u64>(src) == flow.aLow && load<u64>(src, 8) == flow.aHigh && recordSport(record) == flow.aPort ? 0 : 1;
}

function isSame(flow: Flow): bool {
  const src = recordSrc(record);
  const dst = recordDst(record);
  if (flow.proto != recordProto(record)) return false;
  const sl = load<u64>(src);
  const sh = load<u64>(src, 8);
  const dl = load<u64>(dst);
  const dh = load<u64>(dst, 8);
  const sport = recordSport(record);
  const dport = recordDport(record);
  return (
    (sl == flow.aLow && sh == flow.aHigh && sport == flow.aPort && dl == flow.bLow && dh == flow.bHigh && dport == flow.bPort) ||
    (dl == flow.aLow && dh == flow.aHigh && dport == flow.aPort && sl == flow.bLow && sh == flow.bHigh && sport == flow.bPort)
  );
}

/** Whether the last `flowOfRecord` made a new flow. */
export let flowIsNew: bool = false;

/** The flow of the current record, made when it is not there (or null with `create` false), and marked as just seen. */
export function flowOfRecord(create: bool): Flow | null {
  const id = recordFlowId(record);
  flowIsNew = false;
  let index = load<u32>(bucketOf(id));
  while (index != NONE) {
    const flow = slot(index);
    if (flow.id == id && isSame(flow)) {
      flow.seen = now;
      unlinkAge(flow);
      linkNewest(flow, index);
      return flow;
    }
    index = flow.hashNext;
  }
  if (!create) return null;
  if (freeHead == NONE) forgetFlow(slot(oldest));
  index = freeHead;
  const flow = slot(index);
  freeHead = flow.hashNext;
  memory.fill(changetype<usize>(flow), 0, slotBytes);
  const src = recordSrc(record);
  const dst = recordDst(record);
  flow.id = id;
  flow.aLow = load<u64>(src);
  flow.aHigh = load<u64>(src, 8);
  flow.bLow = load<u64>(dst);
  flow.bHigh = load<u64>(dst, 8);
  flow.aPort = recordSport(record);
  flow.bPort = recordDport(record);
  flow.proto = recordProto(record);
  flow.state = FLOW_USED;
  flow.seen = now;
  const bucket = bucketOf(id);
  flow.hashNext = load<u32>(bucket);
  store<u32>(bucket, index);
  linkNewest(flow, index);
  used++;
  flowIsNew = true;
  return flow;
}

function unlinkAge(flow: Flow): void {
  if (flow.older == NONE) oldest = flow.newer;
  else slot(flow.older).newer = flow.newer;
  if (flow.newer == NONE) newest = flow.older;
  else slot(flow.newer).older = flow.older;
}

function linkNewest(flow: Flow, index: u32): void {
  flow.older = newest;
  flow.newer = NONE;
  if (newest == NONE) oldest = index;
  else slot(newest).newer = index;
  newest = index;
}

/** Forgets a flow, after telling the module. */
export function forgetFlow(flow: Flow): void {
  onForget(flow);
  const index = indexOf(flow);
  unlinkAge(flow);
  let link = bucketOf(flow.id);
  while (load<u32>(link) != index) link = changetype<usize>(slot(load<u32>(link))) + offsetof<Flow>("hashNext");
  store<u32>(link, flow.hashNext);
  flow.state = 0;
  flow.hashNext = freeHead;
  freeHead = index;
  used--;
}

/** Forgets flows that were quiet for too long: at most `most` of them, so that no batch pays for all. */
export function sweepFlows(most: u32): void {
  for (let i: u32 = 0; i < most && oldest != NONE; i++) {
    const flow = slot(oldest);
    const limit = flow.proto != 6 ? otherSeconds : (flow.state & FLOW_CLOSING) != 0 ? closingSeconds : tcpSeconds;
    if (now - flow.seen < limit * SECOND) {
      // Ages are mixed in the list: a long-lived one in front must not keep the others, so only the very oldest decides.
      return;
    }
    forgetFlow(flow);
  }
}

/** Remembers that a rule was reported for this flow; false when it was before. `bit` is 0 to 127. */
export function firstReport(flow: Flow, bit: u32): bool {
  const mask = (1 as u64) << (bit & 63);
  if (bit < 64) {
    if ((flow.reported0 & mask) != 0) return false;
    flow.reported0 |= mask;
  } else {
    if ((flow.reported1 & mask) != 0) return false;
    flow.reported1 |= mask;
  }
  return true;
}
