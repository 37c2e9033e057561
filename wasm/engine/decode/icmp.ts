// ICMP, and the packet that its errors quote.

import { be16, be32, u8at } from "./bytes";
import { invalid } from "./decode";
import {
  D_ICMPV4_IPV4_TRUNC_PKT, D_ICMPV4_IPV4_UNKNOWN_VER, D_ICMPV4_PKT_TOO_SMALL, D_ICMPV4_UNKNOWN_CODE,
  D_ICMPV4_UNKNOWN_TYPE, D_ICMPV6_EXPERIMENTATION_TYPE, D_ICMPV6_IPV6_TRUNC_PKT, D_ICMPV6_IPV6_UNKNOWN_VERSION,
  D_ICMPV6_MLD_MESSAGE_WITH_INVALID_HL, D_ICMPV6_PKT_TOO_SMALL, D_ICMPV6_UNASSIGNED_TYPE, D_ICMPV6_UNKNOWN_CODE,
  D_ICMPV6_UNKNOWN_TYPE, setEvent,
} from "./events";
import { IP_SCTP, IP_TCP, IP_UDP, PF_ICMP_ERROR, Packet } from "./packet";

function head(p: Packet, at: usize, len: u32, wire: u32): void {
  p.l4 = at;
  p.l4HeaderLen = 8;
  p.icmpType = u8at(at);
  p.icmpCode = u8at(at + 1);
  p.payload = at + 8;
  p.payloadLen = len - 8;
  p.payloadWireLen = wire - 8;
}

/** Highest code of the IPv4 types 0 to 18 (IANA icmp-parameters), 255 for unassigned types. */
const MAX_CODE = memory.data<u8>([0, 255, 255, 15, 0, 3, 0, 255, 0, 16, 0, 1, 2, 0, 0, 0, 0, 0, 0]);

export function decodeIcmp4(p: Packet, at: usize, len: u32, wire: u32): void {
  if (len < 8) return invalid(p, D_ICMPV4_PKT_TOO_SMALL);
  head(p, at, len, wire);
  const type = p.icmpType;
  if (type == 30 || (type >= 31 && type <= 43)) {
    // deprecated or rare, codes not checked
  } else if (type > 18 || u8at(MAX_CODE + type) == 255) {
    setEvent(p, D_ICMPV4_UNKNOWN_TYPE);
  } else if (p.icmpCode > u8at(MAX_CODE + type)) {
    setEvent(p, D_ICMPV4_UNKNOWN_CODE);
  }
  if (type == 0 || type == 8 || (type >= 13 && type <= 18)) {
    p.icmpId = be16(at + 4);
    p.icmpSeq = be16(at + 6);
  } else if (type == 3 || type == 4 || type == 5 || type == 11 || type == 12) {
    if (len > 8) quoted4(p, at + 8, len - 8);
  }
}

function quoted4(p: Packet, at: usize, len: u32): void {
  if (len < 20) return setEvent(p, D_ICMPV4_IPV4_TRUNC_PKT);
  if (u8at(at) >>> 4 != 4) return setEvent(p, D_ICMPV4_IPV4_UNKNOWN_VER);
  const header = (u8at(at) & 15) << 2;
  if (header < 20 || header > len) return setEvent(p, D_ICMPV4_IPV4_TRUNC_PKT);
  p.innerSrc0 = 0;
  p.innerSrc1 = 0xffff0000 | ((<u64>load<u32>(at + 12)) << 32);
  p.innerDst0 = 0;
  p.innerDst1 = 0xffff0000 | ((<u64>load<u32>(at + 16)) << 32);
  quotedTransport(p, u8at(at + 9), at + header, (be16(at + 6) & 0x1fff) == 0 ? len - header : 0);
}

function quotedTransport(p: Packet, proto: u32, at: usize, len: u32): void {
  p.innerProto = proto;
  p.flags |= PF_ICMP_ERROR;
  if ((proto == IP_TCP || proto == IP_UDP || proto == IP_SCTP) && len >= 4) {
    p.innerSport = be16(at);
    p.innerDport = be16(at + 2);
  }
}

/** RFC 4443, 2710, 3810, 4861, 4620 …; types by IANA icmpv6-parameters. */
export function decodeIcmp6(p: Packet, at: usize, len: u32, wire: u32): void {
  if (len < 8) return invalid(p, D_ICMPV6_PKT_TOO_SMALL);
  head(p, at, len, wire);
  const type = p.icmpType;
  const code = p.icmpCode;
  if (type >= 1 && type <= 4) {
    const most: u32 = type == 1 ? 8 : type == 2 ? 0 : type == 3 ? 1 : 3;
    if (code > most) setEvent(p, D_ICMPV6_UNKNOWN_CODE);
    else if (len > 8) quoted6(p, at + 8, len - 8);
    return;
  }
  if (type == 128 || type == 129) {
    if (code != 0) return setEvent(p, D_ICMPV6_UNKNOWN_CODE);
    p.icmpId = be16(at + 4);
    p.icmpSeq = be16(at + 6);
    return;
  }
  if (type == 100 || type == 101 || type == 200 || type == 201) return setEvent(p, D_ICMPV6_EXPERIMENTATION_TYPE);
  if (type >= 130 && type <= 132) {
    if (p.ttl != 1) setEvent(p, D_ICMPV6_MLD_MESSAGE_WITH_INVALID_HL);
    if (code != 0) setEvent(p, D_ICMPV6_UNKNOWN_CODE);
    return;
  }
  if ((type >= 133 && type <= 137) || (type >= 141 && type <= 143) || (type >= 146 && type <= 150) || type == 153) {
    if (code != 0 && type != 150) setEvent(p, D_ICMPV6_UNKNOWN_CODE);
    return;
  }
  if ((type >= 138 && type <= 140) || (type >= 144 && type <= 161)) return;
  setEvent(p, (type >= 5 && type < 100) || (type >= 102 && type < 127) || (type >= 162 && type < 200) ||
    (type >= 202 && type < 255) ? D_ICMPV6_UNASSIGNED_TYPE : D_ICMPV6_UNKNOWN_TYPE);
}

function quoted6(p: Packet, at: usize, len: u32): void {
  if (len < 40) return setEvent(p, D_ICMPV6_IPV6_TRUNC_PKT);
  if (be32(at) >>> 28 != 6) return setEvent(p, D_ICMPV6_IPV6_UNKNOWN_VERSION);
  p.innerSrc0 = load<u64>(at + 8);
  p.innerSrc1 = load<u64>(at + 16);
  p.innerDst0 = load<u64>(at + 24);
  p.innerDst1 = load<u64>(at + 32);
  quotedTransport(p, u8at(at + 6), at + 40, len - 40);
}
