// IPv4 header and options.

import { defrag } from "../ip/defrag";
import { be16, u8at } from "./bytes";
import { invalid, layerAllowed } from "./decode";
import {
  D_IPV4_HLEN_TOO_SMALL, D_IPV4_IPLEN_SMALLER_THAN_HLEN, D_IPV4_OPT_DUPLICATE, D_IPV4_OPT_EOL_REQUIRED,
  D_IPV4_OPT_INVALID, D_IPV4_OPT_INVALID_LEN, D_IPV4_OPT_MALFORMED, D_IPV4_OPT_PAD_REQUIRED, D_IPV4_OPT_UNKNOWN,
  D_IPV4_PKT_TOO_SMALL, D_IPV4_TRUNC_PKT, D_IPV4_WRONG_IP_VERSION, setEvent,
} from "./events";
import {
  IPOPT_CIPSO, IPOPT_EOL, IPOPT_ESEC, IPOPT_LSRR, IPOPT_NOP, IPOPT_OTHER, IPOPT_QS, IPOPT_RR, IPOPT_RTRALT,
  IPOPT_SATID, IPOPT_SEC, IPOPT_SSRR, IPOPT_TS, PF_DF, PF_FRAGMENT, PF_INVALID, PF_MF, PF_RESERVED_BIT, PF_TRUNCATED,
  Packet,
} from "./packet";
import { decodeTransport } from "./transport";

export function decodeIpv4(p: Packet, at: usize, len: u32): void {
  if (!layerAllowed(p)) return;
  if (len < 20) return invalid(p, D_IPV4_PKT_TOO_SMALL);
  const first = u8at(at);
  if (first >>> 4 != 4) return invalid(p, D_IPV4_WRONG_IP_VERSION);
  const header = (first & 15) << 2;
  if (header < 20) return invalid(p, D_IPV4_HLEN_TOO_SMALL);
  const total = be16(at + 2);
  if (total < header) return invalid(p, D_IPV4_IPLEN_SMALLER_THAN_HLEN);
  if (total > len) {
    if ((p.flags & PF_TRUNCATED) == 0 || header > len) return invalid(p, D_IPV4_TRUNC_PKT);
  } else {
    p.flags &= ~PF_TRUNCATED; // what was cut is not of this datagram
  }
  p.family = 4;
  p.ip = at;
  p.ipHeaderLen = header;
  p.ipLen = min(total, len);
  p.tos = u8at(at + 1);
  p.ipId = be16(at + 4);
  p.ttl = u8at(at + 8);
  p.proto = u8at(at + 9);
  p.src0 = 0;
  p.src1 = 0xffff0000 | ((<u64>load<u32>(at + 12)) << 32);
  p.dst0 = 0;
  p.dst1 = 0xffff0000 | ((<u64>load<u32>(at + 16)) << 32);
  if (header > 20) options(p, at + 20, header - 20);
  const fragment = be16(at + 6);
  if ((fragment & 0x8000) != 0) p.flags |= PF_RESERVED_BIT;
  if ((fragment & 0x4000) != 0) p.flags |= PF_DF;
  p.fragOffset = (fragment & 0x1fff) << 3;
  p.payload = at + header;
  p.payloadLen = p.ipLen - header;
  p.payloadWireLen = total - header;
  if ((fragment & 0x3fff) != 0) {
    if ((fragment & 0x2000) != 0) p.flags |= PF_MF;
    p.flags |= PF_FRAGMENT;
    if ((p.flags & (PF_TRUNCATED | PF_INVALID)) == 0) defrag(p, p.payload, p.payloadLen, (fragment & 0x2000) != 0);
    return;
  }
  decodeTransport(p, p.proto, p.payload, p.payloadLen, total - header);
}

/** RFC 791 3.1 and the registry; lengths as far as they are fixed. */
function options(p: Packet, at: usize, len: u32): void {
  if ((len & 3) != 0) setEvent(p, D_IPV4_OPT_PAD_REQUIRED);
  let seen: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    const kind = u8at(at + i);
    if (kind == 0) {
      p.ipOptions |= seen | IPOPT_EOL;
      return;
    }
    if (kind == 1) {
      seen |= IPOPT_NOP;
      i++;
      continue;
    }
    if (i + 1 >= len) {
      invalidOption(p, D_IPV4_OPT_MALFORMED, seen);
      return;
    }
    const size = u8at(at + i + 1);
    if (size < 2 || size > len - i) return invalidOption(p, D_IPV4_OPT_INVALID_LEN, seen);
    const bit = optionBit(kind);
    if (bit == IPOPT_OTHER) setEvent(p, D_IPV4_OPT_UNKNOWN);
    else if ((seen & bit) != 0) setEvent(p, D_IPV4_OPT_DUPLICATE);
    if (!sizeFits(kind, size)) return invalidOption(p, D_IPV4_OPT_INVALID_LEN, seen | bit);
    if (!pointerFits(kind, size, at + i)) return invalidOption(p, D_IPV4_OPT_MALFORMED, seen | bit);
    seen |= bit;
    i += size;
  }
  p.ipOptions |= seen;
  if ((seen & ~IPOPT_NOP) != 0 && (seen & IPOPT_EOL) == 0 && (len & 3) != 0) setEvent(p, D_IPV4_OPT_EOL_REQUIRED);
}

function invalidOption(p: Packet, event: u32, seen: u32): void {
  p.ipOptions |= seen;
  setEvent(p, event);
  setEvent(p, D_IPV4_OPT_INVALID);
}

function optionBit(kind: u32): u32 {
  switch (kind) {
    case 7: return IPOPT_RR;
    case 25: return IPOPT_QS;
    case 68: return IPOPT_TS;
    case 130: return IPOPT_SEC;
    case 131: return IPOPT_LSRR;
    case 133: return IPOPT_ESEC;
    case 134: return IPOPT_CIPSO;
    case 136: return IPOPT_SATID;
    case 137: return IPOPT_SSRR;
    case 148: return IPOPT_RTRALT;
    default: return IPOPT_OTHER;
  }
}

function sizeFits(kind: u32, size: u32): bool {
  if (kind == 25) return size == 8;
  if (kind == 136 || kind == 148) return size == 4;
  if (kind == 130 || kind == 133) return size >= 3;
  if (kind == 7 || kind == 131 || kind == 137) return size >= 3;
  if (kind == 68) return size >= 5;
  return true;
}

/** Routes and time stamps have a pointer to the next slot, at least behind it. */
function pointerFits(kind: u32, size: u32, at: usize): bool {
  if (kind == 7 || kind == 131 || kind == 137) {
    const pointer = u8at(at + 2);
    return pointer >= 4 && (pointer & 3) == 0 && pointer <= size + 1;
  }
  if (kind == 68) {
    const pointer = u8at(at + 2);
    const flag = u8at(at + 3) & 15;
    return pointer >= 5 && pointer <= size + 1 && (flag == 0 || flag == 1 || flag == 3);
  }
  return true;
}
