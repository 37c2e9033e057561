// Packets inside packets: IP in IP, GRE, Teredo, VXLAN, Geneve. The inner packet is a packet of its own.

import { be16, u8at } from "./bytes";
import { decodeEthernet, decodeRaw, invalid, packetInside } from "./decode";
import { decodeEthertype } from "./ethernet";
import {
  D_ERSPAN_HEADER_TOO_SMALL, D_GENEVE_UNKNOWN_PAYLOAD_TYPE, D_GRE_PKT_TOO_SMALL, D_GRE_VERSION0_FLAGS,
  D_GRE_VERSION0_HDR_TOO_BIG, D_GRE_VERSION0_MALFORMED_SRE_HDR, D_GRE_VERSION0_RECUR, D_GRE_VERSION1_CHKSUM,
  D_GRE_VERSION1_FLAGS, D_GRE_VERSION1_HDR_TOO_BIG, D_GRE_VERSION1_NO_KEY, D_GRE_VERSION1_RECUR,
  D_GRE_VERSION1_ROUTE, D_GRE_VERSION1_SSR, D_GRE_VERSION1_WRONG_PROTOCOL, D_GRE_WRONG_VERSION,
  D_IPV6_IPV4_IN_IPV6_TOO_SMALL, D_IPV6_IPV4_IN_IPV6_WRONG_VERSION, D_IPV6_IPV6_IN_IPV6_TOO_SMALL,
  D_IPV6_IPV6_IN_IPV6_WRONG_VERSION,
} from "./events";
import { PF_TEREDO, PF_TUNNELLED, Packet } from "./packet";
import { decodePpp } from "./ppp";
import { genevePort, teredoPort, vxlanPort, vxlanPort2 } from "./settings";

/** Protocols 4 and 41 (RFC 2003, 2473, 4213). */
export function ipInIp(p: Packet, proto: u32, at: usize, len: u32): void {
  const version: u32 = proto == 4 ? 4 : 6;
  if (p.family == 6) {
    if (len < (version == 4 ? 20 : 40)) {
      return invalid(p, version == 4 ? D_IPV6_IPV4_IN_IPV6_TOO_SMALL : D_IPV6_IPV6_IN_IPV6_TOO_SMALL);
    }
    if (u8at(at) >>> 4 != version) {
      return invalid(p, version == 4 ? D_IPV6_IPV4_IN_IPV6_WRONG_VERSION : D_IPV6_IPV6_IN_IPV6_WRONG_VERSION);
    }
  }
  if (len == 0) return;
  const inner = packetInside(p, PF_TUNNELLED);
  if (inner == null) return;
  decodeRaw(inner, at, len);
}

/** RFC 2784, 2890, and 1701's routing; version 1 is PPTP's (RFC 2637). */
export function decodeGre(p: Packet, at: usize, len: u32): void {
  if (len < 4) return invalid(p, D_GRE_PKT_TOO_SMALL);
  const flags = u8at(at);
  const second = u8at(at + 1);
  const version = second & 7;
  const type = be16(at + 2);
  let header: u32 = 4;
  if (version == 0) {
    if ((flags & 7) != 0) return invalid(p, D_GRE_VERSION0_RECUR);
    if ((second & 0xf8) != 0) return invalid(p, D_GRE_VERSION0_FLAGS);
    if ((flags & 0xc0) != 0) header += 4;
    if ((flags & 0x20) != 0) header += 4;
    if ((flags & 0x10) != 0) header += 4;
    if (header > len) return invalid(p, D_GRE_VERSION0_HDR_TOO_BIG);
    if ((flags & 0x40) != 0) {
      while (true) {
        if (header + 4 > len) return invalid(p, D_GRE_VERSION0_MALFORMED_SRE_HDR);
        const family = be16(at + header);
        const size = u8at(at + header + 3);
        header += 4;
        if (family == 0 && size == 0) break;
        if (size == 0 || header + size > len) return invalid(p, D_GRE_VERSION0_MALFORMED_SRE_HDR);
        header += size;
      }
    }
  } else if (version == 1) {
    if ((flags & 0x80) != 0) return invalid(p, D_GRE_VERSION1_CHKSUM);
    if ((flags & 0x40) != 0) return invalid(p, D_GRE_VERSION1_ROUTE);
    if ((flags & 0x08) != 0) return invalid(p, D_GRE_VERSION1_SSR);
    if ((flags & 7) != 0) return invalid(p, D_GRE_VERSION1_RECUR);
    if ((second & 0x78) != 0) return invalid(p, D_GRE_VERSION1_FLAGS);
    if (type != 0x880b) return invalid(p, D_GRE_VERSION1_WRONG_PROTOCOL);
    if ((flags & 0x20) == 0) return invalid(p, D_GRE_VERSION1_NO_KEY);
    header += 4;
    if ((flags & 0x10) != 0) header += 4;
    if ((second & 0x80) != 0) header += 4;
    if (header > len) return invalid(p, D_GRE_VERSION1_HDR_TOO_BIG);
  } else {
    return invalid(p, D_GRE_WRONG_VERSION);
  }
  p.l4 = at;
  p.l4HeaderLen = header;
  p.payload = at + header;
  p.payloadLen = len - header;
  p.payloadWireLen = p.payloadLen;
  if (len == header) return;
  if (type == 0x88be || type == 0x22eb) return erspan(p, type, (flags & 0x10) != 0, at + header, len - header);
  const inner = packetInside(p, PF_TUNNELLED);
  if (inner == null) return;
  if (type == 0x880b) return decodePpp(inner, at + header, len - header);
  decodeEthertype(inner, type, at + header, len - header);
}

/** Mirrored frames: type I has no header, II 8 bytes, III 12 (and 8 more when its last bit says so). */
function erspan(p: Packet, type: u32, sequence: bool, at: usize, len: u32): void {
  let header: u32 = type == 0x22eb ? 12 : sequence ? 8 : 0;
  if (len < header) return invalid(p, D_ERSPAN_HEADER_TOO_SMALL);
  if (header == 12 && (u8at(at + 11) & 1) != 0) header = 20;
  if (len < header) return invalid(p, D_ERSPAN_HEADER_TOO_SMALL);
  const inner = packetInside(p, PF_TUNNELLED);
  if (inner == null) return;
  decodeEthernet(inner, at + header, len - header);
}

/** A decoded UDP datagram that may carry a tunnel, by its port. */
export function udpTunnel(p: Packet): void {
  const at = p.payload;
  const len = p.payloadLen;
  const to = p.dport;
  const from = p.sport;
  if (to == vxlanPort || (to == vxlanPort2 && to != 0)) return vxlan(p, at, len);
  if (to == genevePort) return geneve(p, at, len);
  if (to == teredoPort || from == teredoPort || teredoPort == 65536) teredo(p, at, len);
}

/** RFC 7348. Reserved bits are not looked at: other dialects use them. */
function vxlan(p: Packet, at: usize, len: u32): void {
  if (len < 8 + 14 || (u8at(at) & 8) == 0) return;
  const type = be16(at + 8 + 12);
  if (type != 0x0800 && type != 0x86dd && type != 0x8100 && type != 0x88a8 && type != 0x0806) return;
  const inner = packetInside(p, PF_TUNNELLED);
  if (inner == null) return;
  decodeEthernet(inner, at + 8, len - 8);
}

/** RFC 8926. */
function geneve(p: Packet, at: usize, len: u32): void {
  if (len < 8 || u8at(at) >>> 6 != 0) return;
  const header: u32 = 8 + ((u8at(at) & 63) << 2);
  if (header >= len) return;
  const type = be16(at + 2);
  if (type != 0x6558 && type != 0x0800 && type != 0x86dd) {
    return invalid(p, D_GENEVE_UNKNOWN_PAYLOAD_TYPE);
  }
  const inner = packetInside(p, PF_TUNNELLED);
  if (inner == null) return;
  if (type == 0x6558) return decodeEthernet(inner, at + header, len - header);
  decodeRaw(inner, at + header, len - header);
}

/** RFC 4380: an origin or authentication header may come first, then IPv6 that must fill the datagram. */
function teredo(p: Packet, at: usize, len: u32): void {
  let i: u32 = 0;
  if (len < 40) return;
  if (u8at(at) == 0 && u8at(at + 1) == 1) { // authentication
    if (len < 53) return;
    i = 13 + u8at(at + 2) + u8at(at + 3);
    if (i + 40 > len) return;
  }
  if (u8at(at + i) == 0 && u8at(at + i + 1) == 0) { // origin
    i += 8;
    if (i + 40 > len) return;
  }
  if (u8at(at + i) >>> 4 != 6) return;
  if (be16(at + i + 4) + 40 != len - i) return;
  const inner = packetInside(p, PF_TUNNELLED | PF_TEREDO);
  if (inner == null) return;
  decodeRaw(inner, at + i, len - i);
}
