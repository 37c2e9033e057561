// PPP, on serial links, in PPPoE and in GRE.

import { be16, u8at } from "./bytes";
import { invalid } from "./decode";
import { decodeEthertype } from "./ethernet";
import {
  D_PPP_IP4_PKT_TOO_SMALL, D_PPP_IP6_PKT_TOO_SMALL, D_PPP_PKT_TOO_SMALL, D_PPP_UNSUP_PROTO, D_PPP_VJU_PKT_TOO_SMALL,
  D_PPP_WRONG_TYPE,
} from "./events";
import { decodeIpv4 } from "./ipv4";
import { decodeIpv6 } from "./ipv6";
import { Packet } from "./packet";

/** With or without address and control bytes, and with the protocol in one byte or two (RFC 1661, 1662). */
export function decodePpp(p: Packet, at: usize, len: u32): void {
  if (len < 2) return invalid(p, D_PPP_PKT_TOO_SMALL);
  if (u8at(at) == 0xff && u8at(at + 1) == 0x03) {
    at += 2;
    len -= 2;
    if (len < 2) return invalid(p, D_PPP_PKT_TOO_SMALL);
  }
  if ((u8at(at) & 1) != 0) return decodePppProtocol(p, u8at(at), at + 1, len - 1);
  decodePppProtocol(p, be16(at), at + 2, len - 2);
}

export function decodePppProtocol(p: Packet, protocol: u32, at: usize, len: u32): void {
  if (protocol == 0x21) {
    if (len < 20) return invalid(p, D_PPP_IP4_PKT_TOO_SMALL);
    return decodeIpv4(p, at, len);
  }
  if (protocol == 0x57) {
    if (len < 40) return invalid(p, D_PPP_IP6_PKT_TOO_SMALL);
    return decodeIpv6(p, at, len);
  }
  if (protocol == 0x2f) { // Van Jacobson, uncompressed: the IP protocol byte holds the slot
    if (len < 20) return invalid(p, D_PPP_VJU_PKT_TOO_SMALL);
    return decodeIpv4(p, at, len);
  }
  if (protocol == 0x281) return decodeEthertype(p, 0x8847, at, len);
  if (protocol == 0x283) return decodeEthertype(p, 0x8848, at, len);
  const high = protocol >>> 12;
  invalid(p, protocol != 0 && (high == 0 || high == 4 || high == 8 || high == 12) ? D_PPP_UNSUP_PROTO : D_PPP_WRONG_TYPE);
}
