// What the tests of this room call.
import { memoryTaken, setMemoryBudget, take } from "../core/memory";
import { checksumOk, ipChecksumOk } from "../ip/checksum";
import { defragClear, defragTick, defragTimeouts, defragTrackers } from "../ip/defrag";
import { addFragmentPolicy, clearFragmentPolicies, setFragmentPolicy } from "../ip/policy";
import { setDefragLimits, setDefragMemcapPolicy, setFragmentChecksums } from "../ip/settings";
import { packetAt, packetDecode } from "./decode";
import { hasEvent } from "./events";
import { Packet, packetDst, packetSrc } from "./packet";
import { setLinkType, setTunnelPorts } from "./settings";

export { addFragmentPolicy, clearFragmentPolicies, defragClear, defragTick, defragTimeouts, defragTrackers, memoryTaken,
  packetDecode,
  setDefragLimits, setDefragMemcapPolicy, setFragmentChecksums, setFragmentPolicy, setLinkType, setMemoryBudget, setTunnelPorts,
  take };

function at(n: u32): Packet {
  return packetAt(n);
}
export function event(n: u32, number: u32): bool {
  return hasEvent(at(n), number);
}
export function checksums(n: u32): u32 {
  return (ipChecksumOk(at(n)) ? 1 : 0) | (checksumOk(at(n)) ? 2 : 0);
}
export function src(n: u32): usize {
  return packetSrc(at(n));
}
export function dst(n: u32): usize {
  return packetDst(at(n));
}
/** A field by its place in the test's list. */
export function field(n: u32, which: u32): u32 {
  const p = at(n);
  switch (which) {
    case 0: return p.family;
    case 1: return p.proto;
    case 2: return p.sport;
    case 3: return p.dport;
    case 4: return <u32>p.payload;
    case 5: return p.payloadLen;
    case 6: return p.flags;
    case 7: return p.ttl;
    case 8: return p.tcpSeq;
    case 9: return p.tcpAck;
    case 10: return p.tcpFlags;
    case 11: return p.vlan0;
    case 12: return p.vlan1;
    case 13: return p.vlans;
    case 14: return p.icmpType;
    case 15: return p.icmpCode;
    case 16: return p.innerProto;
    case 17: return p.innerSport;
    case 18: return p.innerDport;
    case 19: return p.ipOptions;
    case 20: return p.tcpOptions;
    case 21: return p.tcpMss;
    case 22: return p.tcpWscale;
    case 23: return p.ipId;
    case 24: return p.depth;
    case 25: return p.tcpTsVal;
    case 26: return p.fragOffset;
    case 27: return p.ipv6Extensions;
    case 28: return p.payloadWireLen;
    default: return 0;
  }
}
