// The flow table: a fixed number of flows, found by a hash of both endpoints, given back by timeouts or when it is full.

import {
  DROP_FLOW_MEMCAP, IP_ICMP, IP_ICMPV6, IP_SCTP, IP_TCP, IP_UDP, PF_DROP, PF_ESTABLISHED, PF_FRAGMENT, PF_ICMP_ERROR,
  PF_INVALID, PF_NEW_FLOW, PF_NO_FLOW, PF_PASS, PF_REJECT, PF_TO_CLIENT, PF_TO_SERVER, Packet, TH_SYN,
} from "../decode/packet";
import { onFlowEnd, onSessionEnd, reuses } from "./callbacks";
import {
  END_EVICTED, END_REUSED, END_SHUTDOWN, END_TIMEOUT, FF_BYPASS, FF_ENDING, FF_ESTABLISHED_SEEN, FF_SWAPPED,
  FF_TO_CLIENT_SEEN, FF_TO_SERVER_SEEN, FLOW_CLOSED, FLOW_ESTABLISHED, FLOW_NEW, Flow,
} from "./flow";
import { hashKey } from "./hash";
import {
  GROUP_ICMP, GROUP_OTHER, GROUP_TCP, GROUP_UDP, flowMemcapPolicy, flowSimulateAt, timeoutOf, tunnelFlows, vlanTracking,
} from "./settings";

const CLASSES: u32 = 16;

let flows: usize = 0;
let capacity: u32 = 0;
/** Flows handed out at least once; behind them memory is untouched. */
let used: u32 = 0;
/** Chain (by Flow.chain) of flows given back. */
let free: usize = 0;
let active: u32 = 0;
let buckets: usize = 0;
let bucketMask: u32 = 0;
/** Oldest and newest flow of each timeout class. */
const oldest: usize = memory.data(16 * 4, 8);
const newest: usize = memory.data(16 * 4, 8);
let nextId: u64 = 0;
let packetNumber: u32 = 0;
let created: u64 = 0;
let evicted: u32 = 0;
let expired: u32 = 0;
let refused: u32 = 0;

/** Reserves the table, once, at start. False when memory is short. */
export function flowInit(count: u32): bool {
  if (flows != 0 || count == 0 || count > (1 << 22)) return false;
  let size: u32 = 1024;
  while (size < count) size <<= 1;
  // Not below a budget: fixed, and pages that no flow has used yet cost nothing.
  flows = heap.alloc(<usize>count * offsetof<Flow>());
  buckets = heap.alloc(<usize>size << 2);
  memory.fill(buckets, 0, <usize>size << 2);
  capacity = count;
  bucketMask = size - 1;
  return true;
}

export function flowsActive(): u32 {
  return active;
}
export function flowsCreated(): u64 {
  return created;
}
export function flowsEvicted(): u32 {
  return evicted;
}
export function flowsExpired(): u32 {
  return expired;
}
/** Packets for which there was no flow although they should have one. */
export function flowsRefused(): u32 {
  return refused;
}

/** Order of endpoints, so that both directions have one hash. */
// @ts-ignore: decorator
@inline function before(a0: u64, a1: u64, ap: u32, b0: u64, b1: u64, bp: u32): bool {
  if (a1 != b1) return a1 < b1;
  if (a0 != b0) return a0 < b0;
  return ap <= bp;
}

// @ts-ignore: decorator
@inline function keyHash(family: u32, proto: u32, s0: u64, s1: u64, sp: u32, d0: u64, d1: u64, dp: u32, vlan: u32,
  depth: u32): u32 {
  const rest = (<u64>vlan << 44) ^ (<u64>depth << 40) ^ (<u64>proto << 32);
  return before(s0, s1, sp, d0, d1, dp)
    ? hashKey(family == 4, s0, s1, d0, d1, rest | (<u64>sp << 16) | <u64>dp)
    : hashKey(family == 4, d0, d1, s0, s1, rest | (<u64>dp << 16) | <u64>sp);
}

// @ts-ignore: decorator
@inline function vlanOf(p: Packet): u32 {
  return vlanTracking ? p.vlan0 | (p.vlan1 << 12) : 0;
}

/** Requests and replies of ICMP are one flow: the key has the request's type. */
function icmpKey(proto: u32, type: u32): u32 {
  if (proto == IP_ICMPV6) return type == 129 ? 128 : type;
  if (type == 0) return 8;
  if (type == 14) return 13;
  if (type == 16) return 15;
  if (type == 18) return 17;
  return type;
}

/** The direction when the flow has these endpoints, or 2. */
// @ts-ignore: decorator
@inline function matches(f: Flow, s0: u64, s1: u64, sp: u32, d0: u64, d1: u64, dp: u32): u32 {
  if (f.client1 == s1 && f.server1 == d1 && f.clientPort == sp && f.serverPort == dp && f.client0 == s0 &&
      f.server0 == d0) return 0;
  if (f.server1 == s1 && f.client1 == d1 && f.serverPort == sp && f.clientPort == dp && f.server0 == s0 &&
      f.client0 == d0) return 1;
  return 2;
}

let foundDir: u32 = 0;

function lookup(hash: u32, family: u32, proto: u32, icmp: u32, s0: u64, s1: u64, sp: u32, d0: u64, d1: u64, dp: u32, vlan: u32,
  depth: u32): usize {
  let at = load<usize>(buckets + ((hash & bucketMask) << 2));
  while (at != 0) {
    const f = changetype<Flow>(at);
    if (f.hash == hash && f.proto == proto && f.family == family && f.vlan == vlan && f.depth == depth && f.icmpType == icmp) {
      const dir = matches(f, s0, s1, sp, d0, d1, dp);
      if (dir != 2) {
        foundDir = dir;
        return at;
      }
    }
    at = f.chain;
  }
  return 0;
}

/**
 * The packet's flow, made when there is none, or 0: fragments, broken packets, protocols without flows, or no room
 * (PF_NO_FLOW). Counts the packet, sets p.flow, p.dir and the packet's flow flags.
 */
export function packetFlow(p: Packet): usize {
  packetNumber++;
  const proto = p.proto;
  const tunnel = tunnelFlows && (proto == 4 || proto == 41) && p.family != 0;
  if ((p.l4 == 0 && !tunnel) || (p.flags & (PF_FRAGMENT | PF_INVALID)) != 0) return 0;
  if (!tunnel && proto != IP_TCP && proto != IP_UDP && proto != IP_ICMP && proto != IP_ICMPV6 && proto != IP_SCTP
    && proto != 50) return 0;
  const vlan = vlanOf(p);
  const isIcmp = proto == IP_ICMP || proto == IP_ICMPV6;
  if ((p.flags & PF_ICMP_ERROR) != 0 && ((proto == IP_ICMP && p.icmpType == 3) || (proto == IP_ICMPV6 && p.icmpType == 1))) {
    const quoted = ofQuoted(p, vlan);
    if (quoted != 0) return attach(p, changetype<Flow>(quoted), foundDir ^ 1);
  }
  const icmp: u32 = isIcmp ? icmpKey(proto, p.icmpType) + 1 : 0;
  const hash = keyHash(p.family, proto, p.src0, p.src1, p.sport, p.dst0, p.dst1, p.dport, vlan, p.depth) ^ icmp;
  const at = lookup(hash, p.family, proto, icmp, p.src0, p.src1, p.sport, p.dst0, p.dst1, p.dport, vlan, p.depth);
  if (at != 0) {
    const f = changetype<Flow>(at);
    const timeout = <u64>timeoutOf(f.lruClass) * 1000000000;
    if (p.timeNs > f.lastNs && p.timeNs - f.lastNs > timeout) {
      expired++;
      endFlow(f, END_TIMEOUT);
    } else if (proto == IP_TCP && (p.tcpFlags & TH_SYN) != 0 && reuses(f, changetype<usize>(p), foundDir)) {
      endFlow(f, END_REUSED);
    } else {
      return attach(p, f, foundDir);
    }
  }
  const made = flowSimulateAt != 0 && packetNumber == flowSimulateAt ? <usize>0 : newFlow(p.timeNs);
  if (made == 0) {
    refused++;
    p.flags |= PF_NO_FLOW;
    memcapPolicy(p);
    return 0;
  }
  const f = changetype<Flow>(made);
  f.client0 = p.src0;
  f.client1 = p.src1;
  f.server0 = p.dst0;
  f.server1 = p.dst1;
  f.clientPort = p.sport;
  f.serverPort = p.dport;
  f.proto = proto;
  f.family = p.family;
  f.vlan = vlan;
  f.vlan1 = p.vlan1;
  f.depth = p.depth;
  f.icmpType = icmp;
  f.hash = hash;
  f.startNs = p.timeNs;
  f.lastNs = p.timeNs;
  const bucket = buckets + ((hash & bucketMask) << 2);
  f.chain = load<usize>(bucket);
  store<usize>(bucket, made);
  f.lruClass = classOf(f);
  lruAppend(f, <u32>(p.timeNs / 1000000000));
  p.flags |= PF_NEW_FLOW;
  return attach(p, f, 0);
}

/** Flow of the packet that an ICMP error quotes, if there is one. */
function ofQuoted(p: Packet, vlan: u32): usize {
  const proto = p.innerProto;
  if (proto != IP_TCP && proto != IP_UDP && proto != IP_SCTP) return 0;
  const hash = keyHash(p.family, proto, p.innerSrc0, p.innerSrc1, p.innerSport, p.innerDst0, p.innerDst1, p.innerDport, vlan,
    p.depth);
  return lookup(hash, p.family, proto, 0, p.innerSrc0, p.innerSrc1, p.innerSport, p.innerDst0, p.innerDst1, p.innerDport, vlan,
    p.depth);
}

function attach(p: Packet, f: Flow, dir: u32): usize {
  p.flow = changetype<usize>(f);
  p.dir = dir;
  if (dir == 0) {
    f.packetsToServer++;
    f.bytesToServer += p.wireLen;
    f.flags |= FF_TO_SERVER_SEEN;
    p.flags |= PF_TO_SERVER;
  } else {
    f.packetsToClient++;
    f.bytesToClient += p.wireLen;
    f.flags |= FF_TO_CLIENT_SEEN;
    p.flags |= PF_TO_CLIENT;
  }
  if (p.timeNs > f.lastNs) f.lastNs = p.timeNs;
  if (f.proto != IP_TCP && f.state == FLOW_NEW && (f.flags & (FF_TO_SERVER_SEEN | FF_TO_CLIENT_SEEN)) ==
    (FF_TO_SERVER_SEEN | FF_TO_CLIENT_SEEN)) flowState(f, FLOW_ESTABLISHED);
  if ((f.flags & FF_ESTABLISHED_SEEN) != 0) p.flags |= PF_ESTABLISHED;
  const sec = <u32>(p.timeNs / 1000000000);
  if (sec != f.lruSec) {
    lruRemove(f);
    lruAppend(f, sec);
  }
  return changetype<usize>(f);
}

/** The flow is in this state (FLOW_) now; its timeout changes. */
export function flowState(f: Flow, state: u32): void {
  if (state == FLOW_ESTABLISHED) f.flags |= FF_ESTABLISHED_SEEN;
  f.state = state;
  const lruClass = classOf(f);
  if (lruClass == f.lruClass) return;
  lruRemove(f);
  f.lruClass = lruClass;
  lruAppend(f, f.lruSec);
}

function memcapPolicy(p: Packet): void {
  const policy = flowMemcapPolicy;
  if (policy == 1 || policy == 2 || policy == 6) {
    p.flags |= policy == 6 ? PF_DROP | PF_REJECT : PF_DROP;
    p.dropReason = DROP_FLOW_MEMCAP;
  } else if (policy != 0) {
    p.flags |= PF_PASS;
  }
}

/** Exchanges client and server: what looked like the first packet was an answer. Streams of a TCP session are not touched. */
export function flowSwap(f: Flow): void {
  const a0 = f.client0;
  const a1 = f.client1;
  const port = f.clientPort;
  f.client0 = f.server0;
  f.client1 = f.server1;
  f.clientPort = f.serverPort;
  f.server0 = a0;
  f.server1 = a1;
  f.serverPort = port;
  const packets = f.packetsToServer;
  f.packetsToServer = f.packetsToClient;
  f.packetsToClient = packets;
  const bytes = f.bytesToServer;
  f.bytesToServer = f.bytesToClient;
  f.bytesToClient = bytes;
  const seen = f.flags & (FF_TO_SERVER_SEEN | FF_TO_CLIENT_SEEN);
  f.flags &= ~(FF_TO_SERVER_SEEN | FF_TO_CLIENT_SEEN);
  if ((seen & FF_TO_SERVER_SEEN) != 0) f.flags |= FF_TO_CLIENT_SEEN;
  if ((seen & FF_TO_CLIENT_SEEN) != 0) f.flags |= FF_TO_SERVER_SEEN;
  f.flags ^= FF_SWAPPED;
}

/** The packet's direction after its flow was swapped. */
export function packetSwap(p: Packet): void {
  p.dir ^= 1;
  p.flags ^= PF_TO_SERVER | PF_TO_CLIENT;
}

function classOf(f: Flow): u32 {
  const proto = f.proto;
  const group = proto == IP_TCP ? GROUP_TCP : proto == IP_UDP ? GROUP_UDP : proto == IP_ICMP || proto == IP_ICMPV6 ?
    GROUP_ICMP : GROUP_OTHER;
  return (group << 2) + ((f.flags & FF_BYPASS) != 0 ? 3 : f.state);
}

function lruRemove(f: Flow): void {
  const list = f.lruClass << 2;
  if (f.lruPrev != 0) changetype<Flow>(f.lruPrev).lruNext = f.lruNext;
  else store<usize>(oldest + list, f.lruNext);
  if (f.lruNext != 0) changetype<Flow>(f.lruNext).lruPrev = f.lruPrev;
  else store<usize>(newest + list, f.lruPrev);
}

function lruAppend(f: Flow, sec: u32): void {
  const list = f.lruClass << 2;
  const last = load<usize>(newest + list);
  f.lruSec = sec;
  f.lruNext = 0;
  f.lruPrev = last;
  if (last != 0) changetype<Flow>(last).lruNext = changetype<usize>(f);
  else store<usize>(oldest + list, changetype<usize>(f));
  store<usize>(newest + list, changetype<usize>(f));
}

function newFlow(timeNs: u64): usize {
  let at = free;
  if (at != 0) {
    free = changetype<Flow>(at).chain;
  } else {
    if (used == capacity) {
      if (!evict(timeNs)) return 0;
      at = free;
      free = changetype<Flow>(at).chain;
    } else {
      at = flows + <usize>used * offsetof<Flow>();
      used++;
    }
  }
  memory.fill(at, 0, offsetof<Flow>());
  changetype<Flow>(at).id = ++nextId;
  created++;
  active++;
  return at;
}

/** Gives one flow back: one that timed out, else the oldest closed, new or established one, in this order. */
function evict(timeNs: u64): bool {
  if (flowTick(timeNs, 8) > 0) return true;
  for (let step: u32 = 0; step < 4; step++) {
    const state: u32 = step == 0 ? 3 : step == 1 ? FLOW_CLOSED : step == 2 ? FLOW_NEW : FLOW_ESTABLISHED;
    let best: usize = 0;
    for (let group: u32 = 0; group < 4; group++) {
      const at = load<usize>(oldest + (((group << 2) + state) << 2));
      if (at != 0 && (best == 0 || changetype<Flow>(at).lastNs < changetype<Flow>(best).lastNs)) best = at;
    }
    if (best != 0) {
      evicted++;
      endFlow(changetype<Flow>(best), END_EVICTED);
      return true;
    }
  }
  return false;
}

/** Ends flows that have timed out by `timeNs`, at most `steps`; returns how many. */
export function flowTick(timeNs: u64, steps: u32): u32 {
  let ended: u32 = 0;
  for (let list: u32 = 0; list < CLASSES && ended < steps; list++) {
    const timeout = <u64>timeoutOf(list) * 1000000000;
    while (ended < steps) {
      const at = load<usize>(oldest + (list << 2));
      if (at == 0) break;
      const f = changetype<Flow>(at);
      if (timeNs <= f.lastNs || timeNs - f.lastNs <= timeout) break;
      expired++;
      ended++;
      endFlow(f, END_TIMEOUT);
    }
  }
  return ended;
}

/** Ends flows whatever their age, at most `steps`, oldest first; returns how many are left. */
export function flowEndAll(steps: u32): u32 {
  for (let list: u32 = 0; list < CLASSES; list++) {
    while (steps > 0) {
      const at = load<usize>(oldest + (list << 2));
      if (at == 0) break;
      steps--;
      endFlow(changetype<Flow>(at), END_SHUTDOWN);
    }
  }
  return active;
}

/** Ends a flow: TCP hands on what it still holds, then the engine frees, then the flow is free. */
export function endFlow(f: Flow, reason: u32): void {
  if ((f.flags & FF_ENDING) != 0) return;
  f.flags |= FF_ENDING;
  onSessionEnd(f);
  onFlowEnd(f, reason);
  const me = changetype<usize>(f);
  let link = buckets + ((f.hash & bucketMask) << 2);
  while (load<usize>(link) != me) link = load<usize>(link) + offsetof<Flow>("chain");
  store<usize>(link, f.chain);
  lruRemove(f);
  f.chain = free;
  free = me;
  active--;
}

/** The flow, oldest of its class first, after `f` (0 for the first): for walks over all flows. */
export function flowAfter(f: usize): usize {
  let list: u32 = 0;
  if (f != 0) {
    const next = changetype<Flow>(f).lruNext;
    if (next != 0) return next;
    list = changetype<Flow>(f).lruClass + 1;
  }
  for (; list < CLASSES; list++) {
    const at = load<usize>(oldest + (list << 2));
    if (at != 0) return at;
  }
  return 0;
}
