// TCP reassembly for each direction of a flow. Bytes are delivered once, in order. Policies, which later versions may make
// configurable: of overlapping segments the bytes that came FIRST win; a flow first seen in the middle starts at its first
// segment; a closing flag never stops inspection; a hole is given up after HOLE_SECONDS, or when more than MAX_HELD blocks wait
// behind it, or when the publisher says that packets are missing.

import { RECORD_FLAG_GAP, RECORD_FLAG_SAMPLED, recordFlags } from "../../abi/assembly/abi";
import { TCP_FIN, TCP_RST, TCP_SYN, now, payloadAt, payloadCaptured, payloadOnWire, record, tcpFlags, tcpSeq } from "./batch";
import { reserve } from "./bytes";
import { FLOW_CLOSING, Flow, HALF_STARTED, Half, half } from "./flow";

/** Bytes in order. They lie in the batch or in a held block, and are gone after the call. */
export type StreamFunction = (flow: Flow, dir: u32, ptr: usize, len: u32) => void;
/** `missing` bytes will not come; 0 when nobody knows how many. */
export type GapFunction = (flow: Flow, dir: u32, missing: u32) => void;
/** The direction is sent to its end (FIN or RST). */
export type EndFunction = (flow: Flow, dir: u32) => void;

/** A piece of a segment that waits for a hole to fill. */
@unmanaged
class Block {
  link: usize;
  seq: u32;
  len: u32;
}

const BLOCK_DATA: u32 = 1520;
/** Blocks that one direction may hold. */
const MAX_HELD: u32 = 64;
/** Segments further ahead than this are not believed. */
const MAX_AHEAD: i32 = 1 << 20;
/** So many of those in a row, and they are believed after all. */
const MAX_STRANGE: u32 = 8;
const HOLE_SECONDS: u64 = 3;

let freeBlocks: usize = 0;
let onData: StreamFunction = (flow: Flow, dir: u32, ptr: usize, len: u32): void => {};
let onGap: GapFunction = (flow: Flow, dir: u32, missing: u32): void => {};
let onEnd: EndFunction = (flow: Flow, dir: u32): void => {};

/** Call once at start-up. `blocks` segments of up to 1,520 bytes can wait, over all flows. */
export function initTcp(blocks: u32, data: StreamFunction, gap: GapFunction, end: EndFunction): void {
  const size = offsetof<Block>() + BLOCK_DATA;
  const area = reserve(size * blocks);
  for (let i: u32 = 0; i < blocks; i++) {
    const block = area + i * size;
    store<usize>(block, freeBlocks);
    freeBlocks = block;
  }
  onData = data;
  onGap = gap;
  onEnd = end;
}

/** Gives a flow's waiting segments back; call it when the flow is forgotten. */
export function releaseHeld(flow: Flow): void {
  for (let dir: u32 = 0; dir < 2; dir++) dropHeld(half(flow, dir));
}

function dropHeld(part: Half): void {
  while (part.held != 0) popHeld(part);
}

function popHeld(part: Half): void {
  const block = changetype<Block>(part.held);
  part.held = block.link;
  part.heldBlocks--;
  block.link = freeBlocks;
  freeBlocks = changetype<usize>(block);
}

function deliver(flow: Flow, dir: u32, part: Half, ptr: usize, len: u32): void {
  onData(flow, dir, ptr, len);
  part.next += len;
  part.position += len;
}

function skip(flow: Flow, dir: u32, part: Half, missing: u32): void {
  onGap(flow, dir, missing);
  part.next += missing;
  part.position += missing;
}

/** Delivers what waited and fits now. */
function drain(flow: Flow, dir: u32, part: Half): void {
  while (part.held != 0) {
    const block = changetype<Block>(part.held);
    const before = <i32>(part.next - block.seq);
    if (before < 0) {
      part.holeSince = now;
      return;
    }
    if (<u32>before < block.len) {
      deliver(flow, dir, part, part.held + offsetof<Block>() + before, block.len - <u32>before);
    }
    popHeld(part);
  }
}

/** Gives up the hole in front of what waits. */
function giveUp(flow: Flow, dir: u32, part: Half): void {
  if (part.held == 0) return;
  skip(flow, dir, part, changetype<Block>(part.held).seq - part.next);
  drain(flow, dir, part);
}

/** Stores those bytes of a segment that do not wait yet. False when there is no room for all of them. */
function hold(part: Half, seq: u32, ptr: usize, len: u32): bool {
  let at = seq;
  const end = seq + len;
  let link = changetype<usize>(part) + offsetof<Half>("held");
  while (<i32>(end - at) > 0) {
    const found = load<usize>(link);
    if (found != 0) {
      const block = changetype<Block>(found);
      const blockEnd = block.seq + block.len;
      if (<i32>(at - block.seq) >= 0) {
        // At or behind the start of this block: what it covers is there already.
        if (<i32>(blockEnd - at) > 0) at = blockEnd;
        link = found;
        continue;
      }
    }
    const limit = found != 0 && <i32>(changetype<Block>(found).seq - end) < 0 ? changetype<Block>(found).seq : end;
    const size = min(limit - at, BLOCK_DATA);
    if (freeBlocks == 0 || part.heldBlocks >= MAX_HELD) return false;
    const fresh = freeBlocks;
    freeBlocks = load<usize>(fresh);
    const block = changetype<Block>(fresh);
    block.link = found;
    block.seq = at;
    block.len = size;
    memory.copy(fresh + offsetof<Block>(), ptr + (at - seq), size);
    store<usize>(link, fresh);
    part.heldBlocks++;
    at += size;
    link = fresh;
  }
  return true;
}

/** Takes the current record's TCP segment (after `parseTransport`). */
export function feedTcp(flow: Flow, dir: u32): void {
  const part = half(flow, dir);
  const flags = tcpFlags;
  const captured = payloadCaptured;
  const onWire = payloadOnWire;
  let seq = tcpSeq;
  if ((flags & TCP_SYN) != 0) {
    seq++;
    // A SYN starts the direction; once there is data, only a flow that was closing may start anew, else anybody could blind
    // the inspection with one forged packet.
    if ((part.flags & HALF_STARTED) == 0 || part.position == 0 || (flow.state & FLOW_CLOSING) != 0) {
      if ((part.flags & HALF_STARTED) != 0 && part.next != seq) restart(flow);
      part.next = seq;
      part.flags |= HALF_STARTED;
    }
  }
  if (onWire > 0) {
    if ((part.flags & HALF_STARTED) == 0) {
      part.flags |= HALF_STARTED;
      part.next = seq;
    }
    takeData(flow, dir, part, seq, captured, onWire);
  }
  if ((flags & (TCP_FIN | TCP_RST)) != 0) {
    flow.state |= FLOW_CLOSING;
    if (part.held == 0 && (flags & TCP_FIN) != 0 && seq + onWire == part.next) onEnd(flow, dir);
  }
}

/** A new connection between the same endpoints. */
function restart(flow: Flow): void {
  flushTcp(flow);
  for (let dir: u32 = 0; dir < 2; dir++) {
    onEnd(flow, dir);
    const part = half(flow, dir);
    part.position = 0;
    part.flags = 0;
    part.strange = 0;
  }
  flow.state &= ~FLOW_CLOSING;
  flow.reported0 = 0;
  flow.reported1 = 0;
}

/** Starts a direction again at `seq`, after packets that nobody saw. */
function resync(flow: Flow, dir: u32, part: Half, seq: u32): void {
  while (part.held != 0) giveUp(flow, dir, part);
  onGap(flow, dir, 0);
  part.next = seq;
}

function takeData(flow: Flow, dir: u32, part: Half, seq: u32, captured: u32, onWire: u32): void {
  const lossy = (recordFlags(record) & (RECORD_FLAG_GAP | RECORD_FLAG_SAMPLED)) != 0;
  let ahead = <i32>(seq - part.next);
  if (ahead > MAX_AHEAD || ahead < -MAX_AHEAD) {
    // Either a forged segment, or this direction was lost sight of for long.
    if (++part.strange < MAX_STRANGE && !lossy) return;
    resync(flow, dir, part, seq);
    ahead = 0;
  }
  part.strange = 0;
  if (ahead > 0 && part.held != 0 && now - part.holeSince > HOLE_SECONDS * 1000000000) {
    giveUp(flow, dir, part);
    ahead = <i32>(seq - part.next);
  }
  if (ahead > 0) {
    if (lossy) {
      // The publisher knows that something is missing: do not wait for it.
      while (part.held != 0 && <i32>(seq - part.next) > 0) giveUp(flow, dir, part);
      ahead = <i32>(seq - part.next);
      if (ahead > 0) skip(flow, dir, part, <u32>ahead);
    } else {
      if (part.held == 0) part.holeSince = now;
      if (captured == onWire && hold(part, seq, payloadAt, captured)) return;
      // No room, or a truncated segment that cannot be held: give up what is missing before it.
      while (part.held != 0 && <i32>(seq - part.next) > 0) giveUp(flow, dir, part);
      ahead = <i32>(seq - part.next);
      if (ahead > 0) skip(flow, dir, part, <u32>ahead);
    }
  }
  const done = part.next - seq;
  if (done >= onWire) return;
  if (done < captured) deliver(flow, dir, part, payloadAt + done, captured - done);
  const missing = seq + onWire - part.next;
  if (missing > 0 && captured < onWire) skip(flow, dir, part, missing);
  drain(flow, dir, part);
}

/** Gives up every hole of a flow, so that what waits is inspected; call it when a flow ends. */
export function flushTcp(flow: Flow): void {
  for (let dir: u32 = 0; dir < 2; dir++) {
    const part = half(flow, dir);
    while (part.held != 0) giveUp(flow, dir, part);
  }
}
