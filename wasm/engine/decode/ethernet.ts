// What an ethertype says comes next: tags, labels, PPPoE, IP.

import { be16, u8at } from "./bytes";
import { decodeEthernet, invalid, layerAllowed } from "./decode";
import {
  D_ARP_INVALID_HARDWARE_SIZE, D_ARP_INVALID_PROTOCOL_SIZE, D_ARP_PKT_TOO_SMALL, D_ARP_UNSUPPORTED_HARDWARE,
  D_ARP_UNSUPPORTED_OPCODE, D_ARP_UNSUPPORTED_PROTOCOL, D_DCE_PKT_TOO_SMALL, D_ETAG_HEADER_TOO_SMALL,
  D_ETHERNET_UNKNOWN_ETHERTYPE, D_IEEE8021AH_HEADER_TOO_SMALL, D_MPLS_BAD_LABEL_IMPLICIT_NULL,
  D_MPLS_BAD_LABEL_RESERVED, D_MPLS_BAD_LABEL_ROUTER_ALERT, D_MPLS_HEADER_TOO_SMALL, D_MPLS_PKT_TOO_SMALL,
  D_MPLS_UNKNOWN_PAYLOAD_TYPE, D_NSH_BAD_HEADER_LENGTH, D_NSH_HEADER_TOO_SMALL, D_NSH_UNKNOWN_PAYLOAD,
  D_NSH_UNSUPPORTED_VERSION, D_PPPOE_PKT_TOO_SMALL, D_PPPOE_WRONG_CODE, D_VLAN_HEADER_TOO_SMALL,
  D_VLAN_TOO_MANY_LAYERS, D_VNTAG_HEADER_TOO_SMALL, setEvent,
} from "./events";
import { decodeIpv4 } from "./ipv4";
import { decodeIpv6 } from "./ipv6";
import { Packet } from "./packet";
import { decodePppProtocol } from "./ppp";

export function decodeEthertype(p: Packet, type: u32, at: usize, len: u32): void {
  if (!layerAllowed(p)) return;
  p.ethertype = type;
  if (type == 0x0800) return decodeIpv4(p, at, len);
  if (type == 0x86dd) return decodeIpv6(p, at, len);
  switch (type) {
    case 0x8100:
    case 0x88a8:
    case 0x9100:
      return vlan(p, at, len);
    case 0x8847:
    case 0x8848:
      return mpls(p, at, len);
    case 0x8863:
    case 0x8864:
      return pppoe(p, type, at, len);
    case 0x0806:
      return arp(p, at, len);
    case 0x6558:
      return decodeEthernet(p, at, len);
    case 0x88e7: // 802.1ah: I-tag (4 bytes, after it another Ethernet header)
      if (len < 18) return invalid(p, D_IEEE8021AH_HEADER_TOO_SMALL);
      return decodeEthertype(p, be16(at + 16), at + 18, len - 18);
    case 0x8926: // VN-tag
      if (len < 6) return invalid(p, D_VNTAG_HEADER_TOO_SMALL);
      return decodeEthertype(p, be16(at + 4), at + 6, len - 6);
    case 0x893f: // 802.1BR E-tag
      if (len < 8) return invalid(p, D_ETAG_HEADER_TOO_SMALL);
      return decodeEthertype(p, be16(at + 6), at + 8, len - 8);
    case 0x8903: // Cisco FabricPath: a tag, then Ethernet
      if (len < 16) return invalid(p, D_DCE_PKT_TOO_SMALL);
      return decodeEthernet(p, at + 2, len - 2);
    case 0x894f:
      return nsh(p, at, len);
    default:
      setEvent(p, D_ETHERNET_UNKNOWN_ETHERTYPE);
  }
}

function vlan(p: Packet, at: usize, len: u32): void {
  if (len < 4) return invalid(p, D_VLAN_HEADER_TOO_SMALL);
  if (p.vlans >= 3) return invalid(p, D_VLAN_TOO_MANY_LAYERS);
  const id = be16(at) & 0xfff;
  if (p.vlans == 0) p.vlan0 = id;
  else if (p.vlans == 1) p.vlan1 = id;
  else p.vlan2 = id;
  p.vlans++;
  decodeEthertype(p, be16(at + 2), at + 4, len - 4);
}

/** RFC 3032; below the last label the first nibble tells what it is. */
function mpls(p: Packet, at: usize, len: u32): void {
  let label: u32 = 0;
  do {
    if (len < 4) return invalid(p, D_MPLS_HEADER_TOO_SMALL);
    if (!layerAllowed(p)) return;
    const word = bswap<u32>(load<u32>(at));
    label = word >>> 12;
    at += 4;
    len -= 4;
    if ((word & 0x100) != 0) break;
  } while (true);
  if (label == 0) return decodeIpv4(p, at, len);
  if (label == 2) return decodeIpv6(p, at, len);
  if (label == 1) return invalid(p, D_MPLS_BAD_LABEL_ROUTER_ALERT);
  if (label == 3) return invalid(p, D_MPLS_BAD_LABEL_IMPLICIT_NULL);
  if (label < 16) return invalid(p, D_MPLS_BAD_LABEL_RESERVED);
  if (len < 4) return invalid(p, D_MPLS_PKT_TOO_SMALL);
  const nibble = u8at(at) >>> 4;
  if (nibble == 4) return decodeIpv4(p, at, len);
  if (nibble == 6) return decodeIpv6(p, at, len);
  if (nibble == 0) return decodeEthernet(p, at + 4, len - 4); // pseudo-wire control word
  invalid(p, D_MPLS_UNKNOWN_PAYLOAD_TYPE);
}

function pppoe(p: Packet, type: u32, at: usize, len: u32): void {
  if (len < 6) return invalid(p, D_PPPOE_PKT_TOO_SMALL);
  const code = u8at(at + 1);
  if (type == 0x8863) {
    if (code != 0x09 && code != 0x07 && code != 0x19 && code != 0x65 && code != 0xa7) invalid(p, D_PPPOE_WRONG_CODE);
    return;
  }
  if (code != 0) return invalid(p, D_PPPOE_WRONG_CODE);
  if (len < 8) return invalid(p, D_PPPOE_PKT_TOO_SMALL);
  decodePppProtocol(p, be16(at + 6), at + 8, len - 8);
}

function arp(p: Packet, at: usize, len: u32): void {
  if (len < 8) return invalid(p, D_ARP_PKT_TOO_SMALL);
  if (be16(at) != 1) return invalid(p, D_ARP_UNSUPPORTED_HARDWARE);
  if (be16(at + 2) != 0x0800) return invalid(p, D_ARP_UNSUPPORTED_PROTOCOL);
  if (u8at(at + 4) != 6) return invalid(p, D_ARP_INVALID_HARDWARE_SIZE);
  if (u8at(at + 5) != 4) return invalid(p, D_ARP_INVALID_PROTOCOL_SIZE);
  if (len < 28) return invalid(p, D_ARP_PKT_TOO_SMALL);
  const op = be16(at + 6);
  if (op == 0 || op > 9 || op == 5 || op == 6 || op == 7) setEvent(p, D_ARP_UNSUPPORTED_OPCODE);
}

/** RFC 8300: the service path is skipped. */
function nsh(p: Packet, at: usize, len: u32): void {
  if (len < 8) return invalid(p, D_NSH_HEADER_TOO_SMALL);
  if (u8at(at) >>> 6 != 0) return invalid(p, D_NSH_UNSUPPORTED_VERSION);
  const length = (u8at(at + 1) & 63) << 2;
  if (length < 8 || length > len) return invalid(p, D_NSH_BAD_HEADER_LENGTH);
  const next = u8at(at + 3);
  if (next == 1) return decodeIpv4(p, at + length, len - length);
  if (next == 2) return decodeIpv6(p, at + length, len - length);
  if (next == 3) return decodeEthernet(p, at + length, len - length);
  if (next == 5) return mpls(p, at + length, len - length);
  invalid(p, D_NSH_UNKNOWN_PAYLOAD);
}
