// Frames to packets: the entry of decoding.

import { give } from "../core/memory";
import { be16, be32, u8at } from "./bytes";
import { decodeEthertype } from "./ethernet";
import {
  D_CHDLC_PKT_TOO_SMALL, D_ETHERNET_PKT_TOO_SMALL, D_IPRAW_INVALID_IP_VERSION, D_LTNULL_PKT_TOO_SMALL,
  D_LTNULL_UNSUPPORTED_TYPE, D_SLL2_PKT_TOO_SMALL, D_SLL_PKT_TOO_SMALL, D_TOO_MANY_LAYERS, setEvent,
} from "./events";
import { decodeIpv4 } from "./ipv4";
import { decodeIpv6 } from "./ipv6";
import { MAX_PACKETS, PF_INVALID, PF_TRUNCATED, PF_TUNNELLED, Packet, packetClear, packetSlot } from "./packet";
import { decodePpp } from "./ppp";
import {
  LINK_CHDLC, LINK_ETHERNET, LINK_IPV4, LINK_IPV6, LINK_LOOP, LINK_NULL, LINK_PPP, LINK_RAW, LINK_RAW_BSD,
  LINK_RAW_OPENBSD, LINK_SLL, LINK_SLL2, linkType, maxTunnels,
} from "./settings";

let count: u32 = 0;
/** Datagrams put together from fragments: chained blocks that live until the next frame. */
let datagrams: usize = 0;

/**
 * Decodes one captured frame. Returns how many packets it makes, at least 1: {@link packetAt} 0 is the frame itself, the
 * others are tunnelled packets inside it and datagrams that it completes. Suricata handles inner ones first: go from the last
 * to 0. They hold until the next call.
 *
 * @param wireLen bytes on the wire; more than `len` when the capture cut it
 * @param record number handed through to Packet.record
 */
export function packetDecode(ptr: usize, len: u32, wireLen: u32, timeNs: u64, record: u32): u32 {
  while (datagrams != 0) {
    const next = load<usize>(datagrams);
    give(datagrams);
    datagrams = next;
  }
  count = 1;
  const p = packetClear(0);
  p.timeNs = timeNs;
  p.frame = ptr;
  p.frameLen = len;
  p.wireLen = max(wireLen, len);
  p.record = record;
  if (wireLen > len) p.flags = PF_TRUNCATED;
  decodeLink(p, ptr, len);
  return count;
}

/** The n-th packet of the last frame. */
// @ts-ignore: decorator
@inline export function packetAt(n: u32): Packet {
  return packetSlot(n);
}

/** A further packet of the same frame, or null when there are too many. */
export function packetInside(outer: Packet, flags: u32): Packet | null {
  if (count >= MAX_PACKETS || outer.depth >= maxTunnels) {
    setEvent(outer, D_TOO_MANY_LAYERS);
    return null;
  }
  const p = packetClear(count++);
  p.timeNs = outer.timeNs;
  p.frame = outer.frame;
  p.frameLen = outer.frameLen;
  p.wireLen = outer.wireLen;
  p.record = outer.record;
  p.flags = flags | (outer.flags & (PF_TRUNCATED | PF_TUNNELLED));
  p.vlan0 = outer.vlan0;
  p.vlan1 = outer.vlan1;
  p.vlan2 = outer.vlan2;
  p.vlans = outer.vlans;
  p.ethertype = outer.ethertype;
  p.layers = outer.layers;
  p.depth = outer.depth + ((flags & PF_TUNNELLED) != 0 ? 1 : 0);
  return p;
}

/** Keeps a block whose first word is free until the next frame. */
export function keepDatagram(block: usize): void {
  store<usize>(block, datagrams);
  datagrams = block;
}

/** Counts a header; false when there are too many in one frame. */
export function layerAllowed(p: Packet): bool {
  if (p.layers++ < 24) return true;
  invalid(p, D_TOO_MANY_LAYERS);
  return false;
}

/** Decoding ends here with this event. */
export function invalid(p: Packet, event: u32): void {
  setEvent(p, event);
  p.flags |= PF_INVALID;
}

function decodeLink(p: Packet, at: usize, len: u32): void {
  if (linkType == LINK_ETHERNET) return decodeEthernet(p, at, len);
  if (linkType == LINK_SLL) {
    if (len < 16) return invalid(p, D_SLL_PKT_TOO_SMALL);
    return decodeEthertype(p, be16(at + 14), at + 16, len - 16);
  }
  if (linkType == LINK_SLL2) {
    if (len < 20) return invalid(p, D_SLL2_PKT_TOO_SMALL);
    return decodeEthertype(p, be16(at), at + 20, len - 20);
  }
  if (linkType == LINK_RAW || linkType == LINK_RAW_BSD || linkType == LINK_RAW_OPENBSD || linkType == LINK_IPV4 ||
    linkType == LINK_IPV6) return decodeRaw(p, at, len);
  if (linkType == LINK_NULL || linkType == LINK_LOOP) return decodeNull(p, at, len);
  if (linkType == LINK_CHDLC) {
    if (len < 4) return invalid(p, D_CHDLC_PKT_TOO_SMALL);
    return decodeEthertype(p, be16(at + 2), at + 4, len - 4);
  }
  if (linkType == LINK_PPP) return decodePpp(p, at, len);
  p.flags |= PF_INVALID;
}

export function decodeEthernet(p: Packet, at: usize, len: u32): void {
  if (len < 14) return invalid(p, D_ETHERNET_PKT_TOO_SMALL);
  decodeEthertype(p, be16(at + 12), at + 14, len - 14);
}

/** IP without anything before it. */
export function decodeRaw(p: Packet, at: usize, len: u32): void {
  const version = len == 0 ? 0 : u8at(at) >>> 4;
  if (version == 4) return decodeIpv4(p, at, len);
  if (version == 6) return decodeIpv6(p, at, len);
  invalid(p, D_IPRAW_INVALID_IP_VERSION);
}

/** BSD loopback: the address family as a word of the capturing host's byte order. */
function decodeNull(p: Packet, at: usize, len: u32): void {
  if (len < 4) return invalid(p, D_LTNULL_PKT_TOO_SMALL);
  const word = load<u32>(at);
  const family = word > 0xffff ? be32(at) : word;
  if (family == 2) return decodeIpv4(p, at + 4, len - 4);
  if (family == 24 || family == 28 || family == 30 || family == 10) return decodeIpv6(p, at + 4, len - 4);
  invalid(p, D_LTNULL_UNSUPPORTED_TYPE);
}
