// Rules on packets: addresses, events, headers, and payload that is looked at packet by packet.

import { Packet, PF_NO_PAYLOAD_INSPECTION, PF_STREAM_ADDED, PF_STREAM_INVALID, TCPOPT_TFO, TH_SYN } from "../decode/packet";
import { FF_NO_INSPECT, Flow } from "../flow/flow";
import { inlineMode } from "../tcp/settings";
import { matched } from "./alerts";
import { BUFFER_ICMPV6_HEADER, BUFFER_IPV4_HEADER, BUFFER_PAYLOAD } from "./buffers";
import { addCandidate, addList, candidate, candidateCount, clearCandidates, scanSlot } from "./candidates";
import { conditionsHold, flowHolds, setCurrentTx, setInStream } from "./conditions";
import { direction, directionless, dportClass, dstClass, family, flow, proto, sportClass, srcClass } from "./context";
import { FlowState, FS_IP_TO_CLIENT, FS_IP_TO_SERVER, flowState } from "./flow-state";
import { headerHolds } from "./header";
import { clearVariables, inspectBuffer } from "./inspect";
import {
  GROUP_ICMP, GROUP_OTHER, GROUP_STREAM, GROUP_TCP, GROUP_UDP, INSPECTION_BUFFER, INSPECTION_BYTES, INSPECTION_FLAGS,
  INSPECTION_MATCHES, INSPECTION_MATCH_FIRST, INSPECTION_TRANSFORMS, RULE_APP, RULE_FLAGS, RULE_INSPECTIONS,
  RULE_INSPECTION_FIRST, R_TRANSACTIONAL,
} from "./layout";
import {
  inspectionsAt, ipClassAt, ipGeneral, ipGeneralAt, listOfEvent, listOfPackets, listOfPayload, listsAt, payloadSlot, ruleRecord,
} from "./rules";
import { inlineWindow } from "./settings";
import { transformed, transformedLen } from "./transforms";

/** Whether the rule looks at this flow at all: header, direction and state, application protocol. */
export function ruleApplies(rule: usize): bool {
  // Both directions of a transaction: addresses are the request's.
  if (direction == 1 && (load<u32>(rule + RULE_FLAGS) & R_TRANSACTIONAL) != 0) {
    if (!headerHolds(rule, dstClass, srcClass, dportClass, sportClass, family, proto) || !flowHolds(rule)) return false;
  } else if (!headerHolds(rule, srcClass, dstClass, sportClass, dportClass, family, proto) || !flowHolds(rule)) return false;
  const app = load<u8>(rule + RULE_APP);
  return app == 0 || (changetype<usize>(flow) != 0 && flow.app == app);
}

/** The packet in the context against all rules that single packets can match. */
export function detectPacket(p: Packet): void {
  setCurrentTx(0);
  setInStream(false);
  clearCandidates();
  byAddress(p);
  let n = candidateCount();
  for (let i: u32 = 0; i < n; i++) onAddress(candidate(i));
  clearCandidates();
  byEvents(p);
  const group = groupOf(p);
  const look = p.payloadLen != 0 && (p.flags & PF_NO_PAYLOAD_INSPECTION) == 0
    && (changetype<usize>(flow) == 0 || (flow.flags & FF_NO_INSPECT) == 0);
  for (let dir: u32 = 0; dir < 2; dir++) {
    if (dir != direction && !directionless) continue;
    addList(listOfPackets(group, dir));
    if (!look) continue;
    addList(listOfPayload(group, dir));
    const slot = payloadSlot(group, dir);
    if (slot != 0) scanSlot(slot - 1, p.payload, p.payloadLen, 0);
  }
  n = candidateCount();
  for (let i: u32 = 0; i < n; i++) onPacket(candidate(i), p);
  // Data that did not become part of a stream is looked at as if it were one.
  // (A SYN's data is kept for a fast open, but becomes part of a stream only when it was one.)
  if (inItsStream(p)) return;
  const added = (p.flags & PF_STREAM_ADDED) != 0 && ((p.tcpFlags & TH_SYN) == 0 || (p.tcpOptions & TCPOPT_TFO) != 0);
  if (!look || group != GROUP_TCP || added) return;
  clearCandidates();
  for (let dir: u32 = 0; dir < 2; dir++) {
    if (dir != direction && !directionless) continue;
    addList(listOfPayload(GROUP_STREAM, dir));
    const slot = payloadSlot(GROUP_STREAM, dir);
    if (slot != 0) scanSlot(slot - 1, p.payload, p.payloadLen, 0);
  }
  n = candidateCount();
  for (let i: u32 = 0; i < n; i++) onPacket(candidate(i), p);
}

/** Whether inline detection looks at the packet's data together with its stream (a SYN's is not part of it yet). */
export function inItsStream(p: Packet): bool {
  return inlineMode && inlineWindow != 0 && p.payloadLen != 0 && p.flow != 0 && changetype<Flow>(p.flow).session != 0
    && (p.flags & PF_STREAM_INVALID) == 0 && ((p.tcpFlags & TH_SYN) == 0 || (p.tcpOptions & TCPOPT_TFO) != 0);
}

function groupOf(p: Packet): u32 {
  if (p.l4 == 0) return GROUP_OTHER;
  if (p.proto == 6) return GROUP_TCP;
  if (p.proto == 17) return GROUP_UDP;
  return p.proto == 1 || p.proto == 58 ? GROUP_ICMP : GROUP_OTHER;
}

/** Rules on addresses alone: once for a flow and direction, or with each packet that has no flow. */
function byAddress(p: Packet): void {
  if (p.family == 0) return;
  if (changetype<usize>(flow) != 0) {
    const at = flowState(flow);
    if (at != 0) {
      const own = changetype<FlowState>(at);
      const bit = direction == 0 ? FS_IP_TO_SERVER : FS_IP_TO_CLIENT;
      if ((own.flags & bit) != 0) return;
      own.flags |= bit;
    }
  }
  addList(ipClassAt + (<usize>srcClass << 4));
  addList(ipClassAt + (<usize>dstClass << 4) + 8);
  for (let i: u32 = 0; i < ipGeneral; i++) addCandidate(load<u32>(ipGeneralAt + (<usize>i << 2)));
}

function onAddress(number: u32): void {
  const rule = ruleRecord(number);
  if (!ruleApplies(rule) || !conditionsHold(rule)) return;
  matched(number, 0, 0, 0, 0);
}

function byEvents(p: Packet): void {
  if ((p.events0 | p.events1 | p.events2 | p.events3) == 0) return;
  word(p.events0, 0);
  word(p.events1, 64);
  word(p.events2, 128);
  word(p.events3, 192);
}

function word(bits: u64, first: u32): void {
  let rest = bits;
  while (rest != 0) {
    addList(listOfEvent(first + <u32>ctz(rest)));
    rest &= rest - 1;
  }
}

/** One rule on the packet. */
function onPacket(number: u32, p: Packet): void {
  const rule = ruleRecord(number);
  if (!ruleApplies(rule) || !conditionsHold(rule)) return;
  const n: u32 = load<u16>(rule + RULE_INSPECTIONS);
  if (n != 0) {
    clearVariables();
    const first = inspectionsAt + <usize>load<u32>(rule + RULE_INSPECTION_FIRST) * INSPECTION_BYTES;
    for (let i: u32 = 0; i < n; i++) if (!onBuffer(first + i * INSPECTION_BYTES, p)) return;
  }
  matched(number, 0, 0, p.payload, p.payloadLen);
}

function onBuffer(inspection: usize, p: Packet): bool {
  const buffer: u32 = load<u8>(inspection + INSPECTION_BUFFER);
  let ptr: usize = 0;
  let len: u32 = 0;
  if (buffer == BUFFER_PAYLOAD) {
    ptr = p.payload;
    len = p.payloadLen;
  } else if (buffer >= BUFFER_IPV4_HEADER && buffer <= BUFFER_ICMPV6_HEADER && headerBuffer(buffer - BUFFER_IPV4_HEADER, p)) {
    ptr = headerAt;
    len = headerLen;
  }
  if (ptr == 0 || (len == 0 && buffer == BUFFER_PAYLOAD)) return load<u8>(inspection + INSPECTION_FLAGS) == 1;
  const chain = load<u32>(inspection + INSPECTION_TRANSFORMS);
  if (chain != 0) {
    ptr = transformed(chain, ptr, len);
    if (ptr == 0) return false;
    len = transformedLen;
  }
  return inspectBuffer(load<u32>(inspection + INSPECTION_MATCH_FIRST), load<u32>(inspection + INSPECTION_MATCHES), ptr, len, 0);
}

let headerAt: usize = 0;
let headerLen: u32 = 0;

/** ipv4.hdr, ipv6.hdr, tcp.hdr, udp.hdr, icmpv4.hdr, icmpv6.hdr. */
function headerBuffer(which: u32, p: Packet): bool {
  headerAt = which < 2 ? p.ip : p.l4;
  headerLen = which < 2 ? p.ipHeaderLen : p.l4HeaderLen;
  if (headerAt == 0) return false;
  if (which == 0) return p.family == 4;
  if (which == 1) {
    headerLen = min<u32>(headerLen, 40);
    return p.family == 6;
  }
  if (which == 2) return p.proto == 6;
  if (which == 3) return p.proto == 17;
  return p.proto == (which == 4 ? 1 : 58);
}
