// IPv6 header and extension headers (RFC 8200).

import { defrag } from "../ip/defrag";
import { be16, be32, u8at } from "./bytes";
import { invalid, layerAllowed } from "./decode";
import {
  D_IPV6_DATA_AFTER_NONE_HEADER, D_IPV6_DSTOPTS_ONLY_PADDING, D_IPV6_DSTOPTS_UNKNOWN_OPT,
  D_IPV6_EXTHDR_AH_RES_NOT_NULL, D_IPV6_EXTHDR_DUPL_AH, D_IPV6_EXTHDR_DUPL_DH, D_IPV6_EXTHDR_DUPL_FH,
  D_IPV6_EXTHDR_DUPL_HH, D_IPV6_EXTHDR_DUPL_RH, D_IPV6_EXTHDR_INVALID_OPTLEN, D_IPV6_EXTHDR_USELESS_FH,
  D_IPV6_FH_NON_ZERO_RESERVED_FIELD, D_IPV6_FRAG_INVALID_LENGTH, D_IPV6_HOPOPTS_ONLY_PADDING,
  D_IPV6_HOPOPTS_UNKNOWN_OPT, D_IPV6_PKT_TOO_SMALL, D_IPV6_RH_TYPE_0, D_IPV6_TRUNC_EXTHDR, D_IPV6_TRUNC_PKT,
  D_IPV6_UNKNOWN_NEXT_HEADER, D_IPV6_WRONG_IP_VERSION, D_IPV6_ZERO_LEN_PADN, setEvent,
} from "./events";
import { PF_FRAGMENT, PF_MF, PF_TRUNCATED, Packet } from "./packet";
import { decodeTransport } from "./transport";

const SEEN_HOP: u32 = 1;
const SEEN_ROUTING: u32 = 2;
const SEEN_FRAGMENT: u32 = 4;
const SEEN_DESTINATION: u32 = 8;
const SEEN_AUTH: u32 = 16;
const SEEN_OTHER: u32 = 64;

/** Destination options seen once already. */
const SEEN_DESTINATION2: u32 = 256;

export function decodeIpv6(p: Packet, at: usize, len: u32): void {
  if (!layerAllowed(p)) return;
  if (len < 40) return invalid(p, D_IPV6_PKT_TOO_SMALL);
  const word = be32(at);
  if (word >>> 28 != 6) return invalid(p, D_IPV6_WRONG_IP_VERSION);
  const said = be16(at + 4);
  if (said + 40 > len) {
    if ((p.flags & PF_TRUNCATED) == 0) return invalid(p, D_IPV6_TRUNC_PKT);
  } else {
    p.flags &= ~PF_TRUNCATED;
  }
  p.family = 6;
  p.ip = at;
  p.tos = (word >>> 20) & 255;
  p.ttl = u8at(at + 7);
  p.src0 = load<u64>(at + 8);
  p.src1 = load<u64>(at + 16);
  p.dst0 = load<u64>(at + 24);
  p.dst1 = load<u64>(at + 32);
  p.ipLen = min(said + 40, len);
  extensions(p, u8at(at + 6), said);
}

/** Walks the extension headers and hands on what follows them. Lengths count from the end of the fixed header. */
function extensions(p: Packet, next: u32, said: u32): void {
  const base = p.ip + 40;
  const have = p.ipLen - 40;
  let at: u32 = 0;
  let seen: u32 = 0;
  while (true) {
    p.proto = next;
    p.ipHeaderLen = 40 + at;
    p.ipv6Extensions = seen & 127;
    p.payload = base + at;
    p.payloadLen = have - at;
    p.payloadWireLen = said - at;
    if (next == 59) {
      if (have > at) setEvent(p, D_IPV6_DATA_AFTER_NONE_HEADER);
      return;
    }
    if (next != 0 && next != 43 && next != 44 && next != 51 && next != 60 && next != 135 && next != 139 && next != 140) {
      return decodeTransport(p, next, base + at, have - at, said - at);
    }
    if (have - at < 8) return invalid(p, D_IPV6_TRUNC_EXTHDR);
    if (!layerAllowed(p)) return;
    const header = base + at;
    let size: u32 = 8;
    if (next == 51) size = (u8at(header + 1) + 2) << 2;
    else if (next != 44) size = (u8at(header + 1) + 1) << 3;
    if (size > have - at || size < 8) return invalid(p, D_IPV6_TRUNC_EXTHDR);
    if (next == 44) {
      if ((seen & SEEN_FRAGMENT) != 0) return invalid(p, D_IPV6_EXTHDR_DUPL_FH);
      seen |= SEEN_FRAGMENT;
      if (fragment(p, header, have - at - 8, seen)) return;
    } else if (next == 0) {
      if ((seen & SEEN_HOP) != 0) setEvent(p, D_IPV6_EXTHDR_DUPL_HH);
      seen |= SEEN_HOP;
      options(p, header + 2, size - 2, D_IPV6_HOPOPTS_UNKNOWN_OPT, D_IPV6_HOPOPTS_ONLY_PADDING);
    } else if (next == 60) {
      if ((seen & SEEN_DESTINATION2) != 0) setEvent(p, D_IPV6_EXTHDR_DUPL_DH);
      seen |= (seen & SEEN_DESTINATION) != 0 ? SEEN_DESTINATION2 : SEEN_DESTINATION;
      options(p, header + 2, size - 2, D_IPV6_DSTOPTS_UNKNOWN_OPT, D_IPV6_DSTOPTS_ONLY_PADDING);
    } else if (next == 43) {
      if ((seen & SEEN_ROUTING) != 0) setEvent(p, D_IPV6_EXTHDR_DUPL_RH);
      seen |= SEEN_ROUTING;
      if (u8at(header + 2) == 0) setEvent(p, D_IPV6_RH_TYPE_0);
    } else if (next == 51) {
      if ((seen & SEEN_AUTH) != 0) setEvent(p, D_IPV6_EXTHDR_DUPL_AH);
      seen |= SEEN_AUTH;
      if (be16(header + 2) != 0) setEvent(p, D_IPV6_EXTHDR_AH_RES_NOT_NULL);
    } else {
      seen |= SEEN_OTHER;
    }
    next = u8at(header);
    at += size;
  }
}

/** True when the packet is a fragment: the rest is not of it. */
function fragment(p: Packet, header: usize, rest: u32, seen: u32): bool {
  const word = be16(header + 2);
  if ((word & 6) != 0 || u8at(header + 1) != 0) setEvent(p, D_IPV6_FH_NON_ZERO_RESERVED_FIELD);
  p.fragOffset = word & 0xfff8;
  p.ipId = be32(header + 4);
  const more = (word & 1) != 0;
  if (!more && p.fragOffset == 0) { // an "atomic" fragment
    setEvent(p, D_IPV6_EXTHDR_USELESS_FH);
    return false;
  }
  p.flags |= more ? PF_FRAGMENT | PF_MF : PF_FRAGMENT;
  p.ipv6Extensions = seen & 127;
  p.proto = u8at(header);
  p.ipHeaderLen = <u32>(header + 8 - p.ip);
  p.payload = header + 8;
  p.payloadLen = rest;
  p.payloadWireLen = rest;
  if (more && (rest & 7) != 0) {
    setEvent(p, D_IPV6_FRAG_INVALID_LENGTH);
    return true;
  }
  if ((p.flags & PF_TRUNCATED) == 0) defrag(p, header + 8, rest, more);
  return true;
}

function options(p: Packet, at: usize, len: u32, unknown: u32, padding: u32): void {
  let i: u32 = 0;
  let other = false;
  while (i < len) {
    const kind = u8at(at + i);
    if (kind == 0) {
      i++;
      continue;
    }
    if (i + 1 >= len) return setEvent(p, D_IPV6_EXTHDR_INVALID_OPTLEN);
    const size = u8at(at + i + 1);
    if (size + 2 > len - i) return setEvent(p, D_IPV6_EXTHDR_INVALID_OPTLEN);
    if (kind == 1) {
      if (size == 0) setEvent(p, D_IPV6_ZERO_LEN_PADN);
    } else {
      other = true;
      // Jumbo payload, router alert, home address, tunnel limit, quick start, CALIPSO, RPL, MPL, ILNP.
      if (kind == 5 && size != 2) setEvent(p, D_IPV6_EXTHDR_INVALID_OPTLEN);
      else if (kind == 0xc2 && size != 4) setEvent(p, D_IPV6_EXTHDR_INVALID_OPTLEN);
      else if (kind == 0xc9 && size != 16) setEvent(p, D_IPV6_EXTHDR_INVALID_OPTLEN);
      else if (kind != 5 && kind != 0xc2 && kind != 0xc9 && kind != 4 && kind != 0x26 && kind != 7 && kind != 0x63 &&
        kind != 0x6d && kind != 0x8b) setEvent(p, unknown);
    }
    i += size + 2;
  }
  if (!other) setEvent(p, padding);
}

/** A protocol number that is none: 255 is reserved, 253 and 254 are for experiments. */
export function unknownNextHeader(p: Packet): void {
  setEvent(p, D_IPV6_UNKNOWN_NEXT_HEADER);
}
