// Segments to ordered bytes. A stream has one buffer, in which every byte has its place (there may be holes), and a list of the
// segments that are not yet both delivered and acknowledged: with their own borders, because overlap policies compare those.

import { give, memoryBudget, take } from "../core/memory";
import {
  S_REASSEMBLY_DEPTH_REACHED, S_REASSEMBLY_INSERT_LIMIT, S_REASSEMBLY_INSERT_MEMCAP,
  S_REASSEMBLY_OVERLAP_DIFFERENT_DATA, S_REASSEMBLY_SEGMENT_BEFORE_BASE_SEQ, S_REASSEMBLY_SEQ_GAP, setEvent,
} from "../decode/events";
import { PF_OVERLAP_DIFFERENT, PF_REWRITTEN, PF_STREAM_ADDED, Packet, packetDst } from "../decode/packet";
import { FF_ENDED_TO_CLIENT, FF_ENDED_TO_SERVER, FF_NO_STREAM, Flow } from "../flow/flow";
import { onData, onGap, onStreamEnd } from "./callbacks";
import { segmentWins } from "./overlap";
import {
  TCP_ESTABLISHED, TF_DEPTH, TF_ENDED, TF_FIN, TF_GAP, TF_POLICY, TF_STOPPED, TcpSession, TcpStream, seqGeq, seqGt,
  seqLeq, seqLt,
} from "./session";
import { hostPolicy, inlineMode, maxBuffered, maxSegments, reassemblyDepth } from "./settings";

@unmanaged
class Segment {
  next: usize;
  seq: u32;
  len: u32;
  pad: u32;
}

const NO_ROOM: u32 = 0xffffffff;
const POOL: u32 = 4096;
let pool: usize = 0;
let poolFree: usize = 0;
/** Where a segment's bytes are merged with older ones. */
let scratch: usize = 0;
let gaps: u32 = 0;
let overlapsDifferent: u32 = 0;
let lostForMemory: u32 = 0;

/** Reserves fixed memory, once. */
export function reassemblyInit(): void {
  if (pool != 0) return;
  pool = heap.alloc(POOL * 16);
  scratch = heap.alloc(65536);
  for (let i: u32 = 0; i < POOL; i++) {
    store<usize>(pool + (i << 4), poolFree);
    poolFree = pool + (i << 4);
  }
}

export function streamGaps(): u32 {
  return gaps;
}
export function streamOverlaps(): u32 {
  return overlapsDifferent;
}
export function streamMemoryLosses(): u32 {
  return lostForMemory;
}

/** Bytes that the buffers of all streams take. */
let buffered: usize = 0;

function newSegment(seq: u32, len: u32, next: usize): usize {
  let at = poolFree;
  if (at != 0) poolFree = load<usize>(at);
  else at = take(16);
  if (at == 0) return 0;
  const s = changetype<Segment>(at);
  s.next = next;
  s.seq = seq;
  s.len = len;
  return at;
}

function freeSegment(at: usize): void {
  if (at - pool < POOL * 16) {
    store<usize>(at, poolFree);
    poolFree = at;
  } else {
    give(at);
  }
}

/** The stream starts (or is picked up) with `seq` as its first byte. */
export function streamStart(s: TcpStream, seq: u32): void {
  s.deliverSeq = seq;
  s.contigSeq = seq;
  s.rightEdge = seq;
}

/** Frees what the stream holds. */
export function streamFree(s: TcpStream): void {
  let at = s.segHead;
  while (at != 0) {
    const next = changetype<Segment>(at).next;
    freeSegment(at);
    at = next;
  }
  s.segHead = 0;
  s.segTail = 0;
  s.segCount = 0;
  buffered -= s.bufCap;
  give(s.buf);
  s.buf = 0;
  s.bufCap = 0;
  s.bufEnd = 0;
  s.bufStart = s.delivered;
}

/** Takes in `len` payload bytes of the packet for sequence number `seq`. What can be handed on is not yet: see deliver. */
export function insert(p: Packet, flow: Flow, s: TcpStream, seq: u32, ptr: usize, len: u32): void {
  if ((s.flags & (TF_DEPTH | TF_STOPPED)) != 0 || (flow.flags & FF_NO_STREAM) != 0) return skip(s, seq + len);
  if ((s.flags & TF_POLICY) == 0) {
    s.flags |= TF_POLICY;
    s.policy = hostPolicy(packetDst(p));
  }
  let end = seq + len;
  if (seqLeq(end, s.deliverSeq)) {
    const floor = s.segHead != 0 ? changetype<Segment>(s.segHead).seq : s.deliverSeq;
    if (seqLeq(end, floor)) setEvent(p, S_REASSEMBLY_SEGMENT_BEFORE_BASE_SEQ);
    compareDelivered(p, s, seq, ptr, len);
    return;
  }
  p.flags |= PF_STREAM_ADDED;
  if (seqLt(seq, s.deliverSeq)) {
    const cut = s.deliverSeq - seq;
    compareDelivered(p, s, seq, ptr, cut);
    if (s.segHead == 0 || inlineMode) {
      // The part before is settled: what is left counts as a segment that starts here.
      seq += cut;
      ptr += cut;
      len -= cut;
    }
  }
  const room = depthLeft(s, seq);
  if (room < len) {
    setEvent(p, S_REASSEMBLY_DEPTH_REACHED);
    if (room == 0) return;
    len = room;
    end = seq + len;
    if (seqLeq(end, s.deliverSeq)) return;
  }
  if (s.segCount >= maxSegments) {
    prune(s, true);
    if (s.segCount >= maxSegments) {
      setEvent(p, S_REASSEMBLY_INSERT_LIMIT);
      return;
    }
  }
  // Bytes before what was delivered are only there for the policy.
  const skipped = seqLt(seq, s.deliverSeq) ? s.deliverSeq - seq : 0;
  let at = reserve(s, placeOf(s, seq + skipped), len - skipped);
  if (at == NO_ROOM && s.segHead != 0) {
    // What was delivered need not wait for its ACK.
    prune(s, true);
    at = reserve(s, placeOf(s, seq + skipped), len - skipped);
  }
  if (at == NO_ROOM) {
    lostForMemory++;
    setEvent(p, S_REASSEMBLY_INSERT_MEMCAP);
    if (s.segHead == 0 && seq + skipped == s.deliverSeq) direct(flow, s, p, ptr + skipped, len - skipped);
    return;
  }
  if (s.segTail == 0 || seqGeq(seq, s.rightEdge)) {
    const made = newSegment(seq, len, 0);
    if (made == 0) return;
    if (s.segTail != 0) changetype<Segment>(s.segTail).next = made;
    else s.segHead = made;
    s.segTail = made;
    memory.copy(s.buf + at, ptr, len);
    if (seq == s.contigSeq) s.contigSeq = end;
  } else {
    if (!overlapping(p, s, seq, ptr, len, skipped, at)) return;
    extendContig(s);
  }
  s.segCount++;
  s.segBytes += len;
  if (seqGt(end, s.rightEdge)) s.rightEdge = end;
  s.bufEnd = max(s.bufEnd, at + len - skipped);
}

/** Where in the buffer a sequence number from deliverSeq on belongs. */
function placeOf(s: TcpStream, seq: u32): u32 {
  return <u32>(s.delivered - s.bufStart) + (seq - s.deliverSeq);
}

/** Nothing is kept of this stream any more; offsets go on. */
function skip(s: TcpStream, end: u32): void {
  if (seqLeq(end, s.deliverSeq)) return;
  s.delivered += end - s.deliverSeq;
  s.bufStart = s.delivered;
  s.bufEnd = 0;
  streamStart(s, end);
}

/** Bytes of a segment at `seq` that the depth still allows. */
function depthLeft(s: TcpStream, seq: u32): u32 {
  if (reassemblyDepth == 0) return 0xffffffff;
  const offset = <i64>s.delivered + <i64><i32>(seq - s.deliverSeq);
  return offset >= <i64>reassemblyDepth ? 0 : <u32>(<i64>reassemblyDepth - offset);
}

/** A repetition of what was handed on: it must be the same as far as we still have it. */
function compareDelivered(p: Packet, s: TcpStream, seq: u32, ptr: usize, len: u32): void {
  const have = <u32>(s.delivered - s.bufStart);
  const back = s.deliverSeq - seq;
  if (s.buf == 0 || have == 0) return;
  const skipped = back > have ? back - have : 0;
  if (skipped >= len) return;
  const old = s.buf + have - (back - skipped);
  if (memory.compare(old, ptr + skipped, len - skipped) == 0) return;
  different(p);
  if (inlineMode) rewrite(p, ptr + skipped, old, len - skipped);
}

function different(p: Packet): void {
  overlapsDifferent++;
  p.flags |= PF_OVERLAP_DIFFERENT;
  setEvent(p, S_REASSEMBLY_OVERLAP_DIFFERENT_DATA);
}

/** Inline, what has passed already counts: the packet gets the same bytes. */
function rewrite(p: Packet, at: usize, from: usize, len: u32): void {
  memory.copy(at, from, len);
  p.flags |= PF_REWRITTEN;
}

/**
 * Inserts where older segments are near: byte by byte the new one wins only where no older segment that covers the byte says
 * otherwise. Inline, the older bytes always win: they may have passed already.
 */
function overlapping(p: Packet, s: TcpStream, seq: u32, ptr: usize, len: u32, skipped: u32, at: u32): bool {
  const end = seq + len;
  const first = seq + skipped;
  let place = changetype<usize>(s) + offsetof<TcpStream>("segHead");
  let before: usize = 0;
  let merged = false;
  let same = false;
  let touched = false;
  let here = s.segHead;
  while (here != 0) {
    const old = changetype<Segment>(here);
    if (seqGeq(old.seq, end)) break;
    const oldEnd = old.seq + old.len;
    if (seqLt(old.seq, seq) || (old.seq == seq && old.len <= len)) {
      place = here;
      before = here;
    }
    const from = seqGt(old.seq, first) ? old.seq : first;
    const to = seqLt(oldEnd, end) ? oldEnd : end;
    if (seqLt(from, to)) {
      touched = true;
      if (old.seq == seq && old.len == len) same = true;
      const n = to - from;
      const have = s.buf + at + (from - first);
      const news = ptr + (from - seq);
      if (memory.compare(have, news, n) != 0) {
        different(p);
        if (inlineMode || !segmentWins(s.policy, 0, <i32>len, <i32>(old.seq - seq), <i32>(oldEnd - seq))) {
          if (!merged) {
            merged = true;
            memory.copy(scratch, ptr, min<u32>(len, 65536));
          }
          memory.copy(scratch + (from - seq), have, n);
          if (inlineMode) rewrite(p, news, have, n);
        }
      }
    }
    here = old.next;
  }
  memory.copy(s.buf + at, (merged ? scratch : ptr) + skipped, len - skipped);
  if (touched && same) return false;
  const made = newSegment(seq, len, load<usize>(place));
  if (made == 0) return false;
  store<usize>(place, made);
  if (s.segTail == before) s.segTail = made;
  if (changetype<Segment>(made).next == 0) s.segTail = made;
  return true;
}

/** After a hole may have been filled. */
function extendContig(s: TcpStream): void {
  let here = s.segHead;
  let contig = s.contigSeq;
  while (here != 0) {
    const seg = changetype<Segment>(here);
    if (seqGt(seg.seq, contig)) break;
    const end = seg.seq + seg.len;
    if (seqGt(end, contig)) contig = end;
    here = seg.next;
  }
  s.contigSeq = contig;
}

/** Room in the buffer for [rel, rel + len); returns where it is after moving things, or NO_ROOM. */
function reserve(s: TcpStream, rel: u32, len: u32): u32 {
  const need = rel + len;
  if (need < rel || need > maxBuffered + s.keep) return NO_ROOM;
  if (need <= s.bufCap) return rel;
  // What nobody needs any more is in front.
  const have = <u32>(s.delivered - s.bufStart);
  let floor = have > s.keep ? have - s.keep : 0;
  if (s.segHead != 0) {
    const back = s.deliverSeq - changetype<Segment>(s.segHead).seq;
    if (<i32>back > 0) floor = min(floor, have > back ? have - back : 0);
  }
  const left = need - floor;
  const data = s.bufEnd - floor;
  if (left <= s.bufCap && floor >= (s.bufCap >>> 1)) {
    memory.copy(s.buf, s.buf + floor, data);
  } else {
    let cap = max<u32>(s.bufCap, 2048);
    while (cap < left + (left >>> 1)) cap <<= 1;
    // A buffer that is mostly holes is no honest sender's: memory for far-off bytes must be earned.
    if (cap > 131072 && s.segBytes + len < (cap >>> 4)) return NO_ROOM;
    // Buffers may have half of the memory: what one attacker parks behind gaps must not blind the module for everybody else.
    if (buffered + cap - s.bufCap > memoryBudget() >> 1) return NO_ROOM;
    const at = take(cap);
    if (at == 0) return NO_ROOM;
    buffered += cap - s.bufCap;
    memory.copy(at, s.buf + floor, data);
    give(s.buf);
    s.buf = at;
    s.bufCap = cap;
  }
  s.bufStart += floor;
  s.bufEnd = data;
  return rel - floor;
}

/** Without memory, what is in order is handed on from the packet itself. */
function direct(flow: Flow, s: TcpStream, p: Packet, ptr: usize, len: u32): void {
  const offset = s.delivered;
  skip(s, s.deliverSeq + len);
  onData(flow, p.dir, ptr, len, offset);
}

/** Lets go of segments at the front that are delivered and (or, when forced, not) acknowledged. */
function prune(s: TcpStream, force: bool): void {
  while (s.segHead != 0) {
    const seg = changetype<Segment>(s.segHead);
    const end = seg.seq + seg.len;
    if (seqGt(end, s.deliverSeq) || (!force && seqGt(end, s.lastAck))) break;
    const next = seg.next;
    s.segBytes -= seg.len;
    s.segCount--;
    freeSegment(s.segHead);
    s.segHead = next;
  }
  if (s.segHead != 0) return;
  s.segTail = 0;
  s.segBytes = 0;
  if (s.keep == 0) {
    s.bufStart = s.delivered;
    s.bufEnd = 0;
    // Thousands of idle connections should not hold a buffer each.
    buffered -= s.bufCap;
    give(s.buf);
    s.buf = 0;
    s.bufCap = 0;
  }
}

/**
 * Hands on what may be: inline all that has no hole before it, else what the receiver acknowledged (`all`: without regard to
 * that, at the end of the flow). Where it acknowledged what we never saw, that is a gap.
 */
export function deliver(p: Packet | null, flow: Flow, ssn: TcpSession, s: TcpStream, dir: u32, all: bool): void {
  while (true) {
    if ((s.flags & (TF_STOPPED | TF_DEPTH)) != 0 || (flow.flags & FF_NO_STREAM) != 0) {
      if (s.segHead != 0 || s.buf != 0) dropAll(s);
      break;
    }
    let upto = s.contigSeq;
    if (!all && (!inlineMode || ssn.state < TCP_ESTABLISHED) && seqLt(s.lastAck, upto)) upto = s.lastAck;
    if (seqGt(upto, s.deliverSeq)) {
      const len = upto - s.deliverSeq;
      const offset = s.delivered;
      const ptr = s.buf + <usize>(offset - s.bufStart);
      s.deliverSeq = upto;
      s.delivered += len;
      onData(flow, dir, ptr, len, offset);
      if (reassemblyDepth != 0 && s.delivered >= reassemblyDepth) {
        s.flags |= TF_DEPTH;
        if (p != null) setEvent(p, S_REASSEMBLY_DEPTH_REACHED);
        endOfStream(flow, s, dir);
        dropAll(s);
        break;
      }
      continue;
    }
    if (seqGt(s.lastAck, s.deliverSeq) && gap(p, flow, s, dir, all)) continue;
    break;
  }
  prune(s, false);
  if ((s.flags & TF_FIN) != 0 && seqGt(s.lastAck, s.finSeq) && seqGeq(s.deliverSeq, s.finSeq)) endOfStream(flow, s, dir);
}

/** Tells the engine that nothing more comes, once. */
export function endOfStream(flow: Flow, s: TcpStream, dir: u32): void {
  if ((s.flags & TF_ENDED) != 0) return;
  s.flags |= TF_ENDED;
  flow.flags |= dir == 0 ? FF_ENDED_TO_SERVER : FF_ENDED_TO_CLIENT;
  onStreamEnd(flow, dir);
}

function dropAll(s: TcpStream): void {
  const edge = s.rightEdge;
  streamFree(s);
  skip(s, edge);
}

/**
 * Skips what was acknowledged but never seen; false when there is no such thing. Only when the receiver has also what lies behind
 * the hole (or the FIN): captures may show an ACK before the data that it acknowledges.
 */
function gap(p: Packet | null, flow: Flow, s: TcpStream, dir: u32, all: bool): bool {
  // The first segment behind the hole.
  let here = s.segHead;
  while (here != 0 && seqLeq(changetype<Segment>(here).seq, s.deliverSeq)) here = changetype<Segment>(here).next;
  let to: u32;
  if (here != 0) {
    to = changetype<Segment>(here).seq;
    if (seqLt(s.lastAck, to)) {
      if (!all) return false;
      to = s.lastAck;
    }
  } else {
    if ((s.flags & TF_FIN) == 0 || seqLeq(s.lastAck, s.finSeq)) return false;
    to = s.finSeq;
  }
  if (seqLeq(to, s.deliverSeq)) return false;
  const len = to - s.deliverSeq;
  gaps++;
  s.gaps++;
  s.flags |= TF_GAP;
  if (p != null) setEvent(p, S_REASSEMBLY_SEQ_GAP);
  prune(s, true);
  s.delivered += len;
  s.deliverSeq = to;
  s.contigSeq = to;
  if (seqLt(s.rightEdge, to)) s.rightEdge = to;
  // The window does not reach over the gap.
  const rel = <u32>min<u64>(s.delivered - s.bufStart, 0xffffffff);
  if (s.bufEnd > rel) {
    memory.copy(s.buf, s.buf + rel, s.bufEnd - rel);
    s.bufEnd -= rel;
  } else {
    s.bufEnd = 0;
  }
  s.bufStart = s.delivered;
  s.gapLen = len;
  s.gapEnd = s.delivered;
  extendContig(s);
  onGap(flow, dir, len);
  return true;
}
