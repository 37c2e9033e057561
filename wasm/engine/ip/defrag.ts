// Reassembly of IPv4 and IPv6 fragments. A tracker holds one datagram: its bytes, at their places, and which fragment each
// range of them came from (pieces that do not overlap), so that the policy of the receiver can be applied to what comes later.

import { give, take, takeZeroed } from "../core/memory";
import { keepDatagram, packetInside } from "../decode/decode";
import {
  D_IPV4_FRAG_DIFFERENT_DATA, D_IPV4_FRAG_IGNORED, D_IPV4_FRAG_OVERLAP, D_IPV4_FRAG_PKT_TOO_LARGE,
  D_IPV4_FRAG_TIMEOUT, D_IPV6_FRAG_DIFFERENT_DATA, D_IPV6_FRAG_IGNORED, D_IPV6_FRAG_OVERLAP,
  D_IPV6_FRAG_PKT_TOO_LARGE, D_IPV6_FRAG_TIMEOUT, setEvent,
} from "../decode/events";
import { decodeIpv4 } from "../decode/ipv4";
import { decodeIpv6 } from "../decode/ipv6";
import { DROP_DEFRAG_MEMCAP, PF_DROP, PF_PASS, PF_REASSEMBLED, PF_REJECT, Packet, packetDst } from "../decode/packet";
import { fragmentPolicy, fragmentWins } from "./policy";
import {
  checksumOkForFragments, defragBytesMax, defragPolicyOnMemcap, defragSimulateAt, defragTimeoutSec,
  defragTrackersMax, piecesMax,
} from "./settings";
import { ipChecksumOk } from "./checksum";

/** A range of the datagram, and the fragment that its bytes came from. */
@unmanaged
class Piece {
  next: usize;
  start: u32;
  end: u32;
  /** The fragment's own borders. */
  fragStart: u32;
  fragEnd: u32;
}

@unmanaged
class Tracker {
  src0: u64;
  src1: u64;
  dst0: u64;
  dst1: u64;
  ipId: u32;
  proto: u32;
  vlans: u32;
  depth: u32;
  family: u32;
  hash: u32;
  firstSec: u32;
  policy: u32;
  chain: usize;
  next: usize;
  prev: usize;
  pieces: usize;
  last: usize;
  count: u32;
  /** Length once the last fragment came, or 0xffffffff. */
  total: u32;
  /** Bytes at hand (no byte counts twice). */
  have: u32;
  buf: usize;
  cap: u32;
  /** Headers before the fragmentable part, of the fragment at 0: in memory of their own. */
  header: usize;
  headerLen: u32;
}

const BUCKETS: u32 = 1024;
const UNKNOWN: u32 = 0xffffffff;
/** Room before the payload in the datagram's block: list word, headers. */
const HEADROOM: u32 = 16;

const table: usize = memory.data(1024 * 4, 8);
/** Oldest and newest tracker. */
let oldest: usize = 0;
let newest: usize = 0;
let trackers: u32 = 0;
let bytes: u32 = 0;
let seen: u32 = 0;
let timeouts: u32 = 0;
let evicted: u32 = 0;
let completed: u32 = 0;

export function defragTrackers(): u32 {
  return trackers;
}
export function defragTimeouts(): u32 {
  return timeouts;
}
export function defragEvicted(): u32 {
  return evicted;
}
export function defragCompleted(): u32 {
  return completed;
}

/** Takes in a fragment: `len` bytes at `data` for p.fragOffset. A datagram that it completes becomes a packet of the frame. */
export function defrag(p: Packet, data: usize, len: u32, more: bool): void {
  const four = p.family == 4;
  if (checksumOkForFragments && !ipChecksumOk(p)) return;
  const sec = <u32>(p.timeNs / 1000000000);
  expire(sec);
  let start = p.fragOffset;
  if (more) len &= ~7; // hosts cut or refuse what is no multiple of 8
  const end = start + len;
  if (end + (four ? p.ipHeaderLen : 0) > 65535) {
    setEvent(p, four ? D_IPV4_FRAG_PKT_TOO_LARGE : D_IPV6_FRAG_PKT_TOO_LARGE);
    return;
  }
  const ignored = four ? D_IPV4_FRAG_IGNORED : D_IPV6_FRAG_IGNORED;
  if (len == 0 && more) {
    setEvent(p, ignored);
    return;
  }
  seen++;
  const found = seen == defragSimulateAt ? <usize>0 : find(p, sec);
  if (found == 0) {
    setEvent(p, ignored);
    applyMemcapPolicy(p);
    return;
  }
  const t = changetype<Tracker>(found);
  if (!more) {
    if (t.total == UNKNOWN && (t.last == 0 || end >= changetype<Piece>(t.last).end)) t.total = end;
    else if (t.total != end) setEvent(p, four ? D_IPV4_FRAG_OVERLAP : D_IPV6_FRAG_OVERLAP);
  }
  // What lies behind the end is no part of the datagram.
  const stop = min(end, t.total);
  if (start > stop || (start == stop && len != 0)) {
    setEvent(p, ignored);
    return;
  }
  if (len != 0 && !place(t, p, data, start, stop, end)) {
    setEvent(p, ignored);
    return;
  }
  if (start == 0 && t.header == 0) keepHeader(t, p);
  if (t.total != UNKNOWN && t.have == t.total && t.header != 0) {
    finish(t, p);
  }
}

/** Frees everything, for the end and for tests. */
export function defragClear(): void {
  while (oldest != 0) drop(changetype<Tracker>(oldest));
}

/** Drops trackers that are older than the timeout: time passes without fragments. */
export function defragTick(sec: u32): void {
  expire(sec);
}

function expire(sec: u32): void {
  while (oldest != 0 && <i32>(sec - changetype<Tracker>(oldest).firstSec) > <i32>(defragTimeoutSec * 4)) {
    timeouts++;
    drop(changetype<Tracker>(oldest));
  }
}

function applyMemcapPolicy(p: Packet): void {
  const policy = defragPolicyOnMemcap;
  if (policy == 1 || policy == 2) {
    p.flags |= PF_DROP;
    p.dropReason = DROP_DEFRAG_MEMCAP;
  } else if (policy == 6) {
    p.flags |= PF_DROP | PF_REJECT;
    p.dropReason = DROP_DEFRAG_MEMCAP;
  } else if (policy != 0) {
    p.flags |= PF_PASS;
  }
}

function hashOf(p: Packet): u32 {
  let h = p.src0 ^ (p.src1 * 0x9e3779b97f4a7c15);
  h = (h ^ (h >>> 29)) * 0xbf58476d1ce4e5b9;
  h ^= p.dst0 ^ (p.dst1 * 0x94d049bb133111eb) ^ (<u64>p.ipId << 17) ^ <u64>(p.family == 4 ? p.proto : 0);
  h = (h ^ (h >>> 32)) * 0xd6e8feb86659fd93;
  return <u32>(h ^ (h >>> 32));
}

function vlanKey(p: Packet): u32 {
  return p.vlan0 | (p.vlan1 << 12) | (p.vlans << 24);
}

/** The datagram's tracker, a new one when needed; 0 when memory is short. */
function find(p: Packet, sec: u32): usize {
  const hash = hashOf(p);
  const bucket = table + ((hash & (BUCKETS - 1)) << 2);
  let at = load<usize>(bucket);
  while (at != 0) {
    const t = changetype<Tracker>(at);
    // IPv6 does not count the protocol: it is only known from the first fragment.
    if (t.hash == hash && t.src0 == p.src0 && t.src1 == p.src1 && t.dst0 == p.dst0 && t.dst1 == p.dst1 && t.ipId == p.ipId &&
      t.family == p.family && (p.family == 6 || t.proto == p.proto) && t.vlans == vlanKey(p) && t.depth == p.depth) {
      if (<i32>(sec - t.firstSec) <= <i32>defragTimeoutSec) return at;
      timeouts++;
      setEvent(p, p.family == 4 ? D_IPV4_FRAG_TIMEOUT : D_IPV6_FRAG_TIMEOUT);
      drop(t);
      break;
    }
    at = t.chain;
  }
  while (trackers >= defragTrackersMax && oldest != 0) {
    evicted++;
    drop(changetype<Tracker>(oldest));
  }
  const block = takeZeroed(offsetof<Tracker>());
  if (block == 0) return 0;
  const t = changetype<Tracker>(block);
  t.src0 = p.src0;
  t.src1 = p.src1;
  t.dst0 = p.dst0;
  t.dst1 = p.dst1;
  t.ipId = p.ipId;
  t.family = p.family;
  t.proto = p.proto;
  t.vlans = vlanKey(p);
  t.depth = p.depth;
  t.hash = hash;
  t.firstSec = sec;
  t.policy = fragmentPolicy(packetDst(p));
  t.total = UNKNOWN;
  t.chain = load<usize>(bucket);
  store<usize>(bucket, block);
  t.prev = newest;
  if (newest != 0) changetype<Tracker>(newest).next = block;
  else oldest = block;
  newest = block;
  trackers++;
  return block;
}

function drop(t: Tracker): void {
  const me = changetype<usize>(t);
  let link = table + ((t.hash & (BUCKETS - 1)) << 2);
  while (load<usize>(link) != me) link = load<usize>(link) + offsetof<Tracker>("chain");
  store<usize>(link, t.chain);
  if (t.prev != 0) changetype<Tracker>(t.prev).next = t.next;
  else oldest = t.next;
  if (t.next != 0) changetype<Tracker>(t.next).prev = t.prev;
  else newest = t.prev;
  let piece = t.pieces;
  while (piece != 0) {
    const next = changetype<Piece>(piece).next;
    give(piece);
    piece = next;
  }
  bytes -= t.cap;
  give(t.buf);
  give(t.header);
  give(me);
  trackers--;
}

/** Room for the datagram's bytes up to `end`. */
function room(t: Tracker, end: u32): bool {
  if (end <= t.cap) return true;
  let cap = max<u32>(t.cap * 2, 2048);
  while (cap < end) cap *= 2;
  cap = min<u32>(cap, 65536);
  while (bytes + cap > defragBytesMax && oldest != 0 && oldest != changetype<usize>(t)) {
    evicted++;
    drop(changetype<Tracker>(oldest));
  }
  if (bytes + cap - t.cap > defragBytesMax) return false;
  const at = take(cap);
  if (at == 0) return false;
  memory.copy(at, t.buf, t.cap);
  give(t.buf);
  bytes += cap - t.cap;
  t.buf = at;
  t.cap = cap;
  return true;
}

function newPiece(t: Tracker, start: u32, end: u32, fragStart: u32, fragEnd: u32, next: usize): usize {
  const at = take(offsetof<Piece>());
  if (at == 0) return 0;
  const piece = changetype<Piece>(at);
  piece.next = next;
  piece.start = start;
  piece.end = end;
  piece.fragStart = fragStart;
  piece.fragEnd = fragEnd;
  t.count++;
  if (next == 0) t.last = at;
  return at;
}

/**
 * Puts bytes [start, stop) of the fragment [start, end) where they belong, except where older ones win. One walk over the
 * pieces: what lies between them is new, what overlaps is decided one by one.
 */
function place(t: Tracker, p: Packet, data: usize, start: u32, stop: u32, end: u32): bool {
  if (t.count + 2 > piecesMax) return false;
  if (!room(t, stop)) return false;
  const base = data - start;
  // In order, the usual case.
  if (t.last == 0 || changetype<Piece>(t.last).end <= start) {
    const last = t.last;
    const made = newPiece(t, start, stop, start, end, 0);
    if (made == 0) return false;
    if (last == 0) t.pieces = made;
    else changetype<Piece>(last).next = made;
    memory.copy(t.buf + start, data, stop - start);
    t.have += stop - start;
    return true;
  }
  const four = t.family == 4;
  let link = changetype<usize>(t) + offsetof<Tracker>("pieces");
  let at = start;
  while (at < stop) {
    const here = load<usize>(link);
    if (here != 0 && changetype<Piece>(here).end <= at) {
      link = here;
      continue;
    }
    const old = changetype<Piece>(here);
    if (here == 0 || old.start > at) { // a hole
      const to = here == 0 ? stop : min(stop, old.start);
      const made = newPiece(t, at, to, start, end, here);
      if (made == 0) return false;
      store<usize>(link, made);
      memory.copy(t.buf + at, base + at, to - at);
      t.have += to - at;
      link = made;
      at = to;
      continue;
    }
    // An overlap: [at, to) of an older piece.
    const to = min(stop, old.end);
    setEvent(p, four ? D_IPV4_FRAG_OVERLAP : D_IPV6_FRAG_OVERLAP);
    if (memory.compare(t.buf + at, base + at, to - at) != 0) {
      setEvent(p, four ? D_IPV4_FRAG_DIFFERENT_DATA : D_IPV6_FRAG_DIFFERENT_DATA);
    }
    if (fragmentWins(t.policy, start, end, old.fragStart, old.fragEnd)) {
      if (!own(t, link, at, to, start, end)) return false;
      memory.copy(t.buf + at, base + at, to - at);
    }
    at = to;
  }
  return true;
}

/** Makes [at, to) of the piece at `link` the new fragment's, cutting it in up to three. */
function own(t: Tracker, link: usize, at: u32, to: u32, start: u32, end: u32): bool {
  const here = load<usize>(link);
  const old = changetype<Piece>(here);
  if (old.end > to) {
    const rest = newPiece(t, to, old.end, old.fragStart, old.fragEnd, old.next);
    if (rest == 0) return false;
    old.next = rest;
    old.end = to;
    if (t.last == here) t.last = rest;
  }
  if (old.start < at) {
    const mine = newPiece(t, at, to, start, end, old.next);
    if (mine == 0) return false;
    old.next = mine;
    old.end = at;
    return true;
  }
  old.fragStart = start;
  old.fragEnd = end;
  return true;
}

/** Headers of the first fragment: for IPv6 without the fragment header, whose next header goes where it was announced. */
function keepHeader(t: Tracker, p: Packet): void {
  const len = p.family == 4 ? p.ipHeaderLen : p.ipHeaderLen - 8;
  const at = take(max<u32>(len, 16));
  if (at == 0) return;
  memory.copy(at, p.ip, len);
  t.header = at;
  t.headerLen = len;
  t.proto = p.proto;
}

/** Builds the datagram and has it decoded. */
function finish(t: Tracker, p: Packet): void {
  const four = t.family == 4;
  const total = t.headerLen + t.total;
  if (total > 65535 + (four ? 0 : 40)) {
    setEvent(p, four ? D_IPV4_FRAG_PKT_TOO_LARGE : D_IPV6_FRAG_PKT_TOO_LARGE);
    drop(t);
    return;
  }
  const block = take(HEADROOM + total);
  if (block == 0) {
    setEvent(p, four ? D_IPV4_FRAG_IGNORED : D_IPV6_FRAG_IGNORED);
    drop(t);
    return;
  }
  const ip = block + HEADROOM;
  memory.copy(ip, t.header, t.headerLen);
  memory.copy(ip + t.headerLen, t.buf, t.total);
  if (four) {
    store<u16>(ip, bswap<u16>(<u16>total), 2);
    store<u16>(ip, 0, 6);
  } else {
    store<u16>(ip, bswap<u16>(<u16>(total - 40)), 4);
    unlinkFragmentHeader(ip, t.headerLen, t.proto);
  }
  drop(t);
  completed++;
  keepDatagram(block);
  const whole = packetInside(p, PF_REASSEMBLED);
  if (whole == null) return;
  if (four) decodeIpv4(whole, ip, total);
  else decodeIpv6(whole, ip, total);
}

/** Replaces the next-header value 44 of the last header kept. */
function unlinkFragmentHeader(ip: usize, len: u32, proto: u32): void {
  let slot = ip + 6;
  let at: u32 = 40;
  while (at + 8 <= len && load<u8>(slot) != 44) {
    const next: u32 = load<u8>(slot);
    slot = ip + at;
    at += next == 51 ? (<u32>load<u8>(slot + 1) + 2) << 2 : (<u32>load<u8>(slot + 1) + 1) << 3;
  }
  store<u8>(slot, <u8>proto);
}
