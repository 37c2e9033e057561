// What comes above IP: TCP, UDP, ICMP, SCTP, and the ways into tunnels.

import { be16, be32, u8at } from "./bytes";
import { invalid } from "./decode";
import {
  D_ESP_PKT_TOO_SMALL, D_IPV4_ICMPV6, D_IPV6_ICMPV4, D_SCTP_PKT_TOO_SMALL, D_TCP_HLEN_TOO_SMALL,
  D_TCP_INVALID_OPTLEN, D_TCP_OPT_DUPLICATE, D_TCP_OPT_INVALID_LEN, D_TCP_PKT_TOO_SMALL, D_UDP_HLEN_INVALID,
  D_UDP_HLEN_TOO_SMALL, D_UDP_LEN_INVALID, D_UDP_PKT_TOO_SMALL, setEvent,
} from "./events";
import { decodeIcmp4, decodeIcmp6 } from "./icmp";
import { unknownNextHeader } from "./ipv6";
import {
  IP_ICMP, IP_ICMPV6, IP_SCTP, IP_TCP, IP_UDP, PF_TRUNCATED, Packet, TCPOPT_AO, TCPOPT_MD5, TCPOPT_MSS, TCPOPT_OTHER,
  TCPOPT_SACK, TCPOPT_SACK_OK, TCPOPT_TFO, TCPOPT_TS, TCPOPT_WSCALE,
} from "./packet";
import { decodeGre, ipInIp, udpTunnel } from "./tunnel";

/** `wire` is the length as the headers say, at least `len`. */
export function decodeTransport(p: Packet, proto: u32, at: usize, len: u32, wire: u32): void {
  if (proto == IP_TCP) return tcp(p, at, len, wire);
  if (proto == IP_UDP) return udp(p, at, len, wire);
  switch (proto) {
    case IP_ICMP:
      if (p.family == 6) {
        setEvent(p, D_IPV6_ICMPV4);
        return;
      }
      return decodeIcmp4(p, at, len, wire);
    case IP_ICMPV6:
      if (p.family == 4) {
        setEvent(p, D_IPV4_ICMPV6);
        return;
      }
      return decodeIcmp6(p, at, len, wire);
    case IP_SCTP:
      if (len < 12) return invalid(p, D_SCTP_PKT_TOO_SMALL);
      ports(p, at, 12, len, wire);
      return;
    case 4:
    case 41:
      return ipInIp(p, proto, at, len);
    case 47:
      return decodeGre(p, at, len);
    case 50:
      if (len < 8) return invalid(p, D_ESP_PKT_TOO_SMALL);
      above(p, at, 8, len, wire);
      return;
    default:
      if (p.family == 6 && proto == 255) unknownNextHeader(p);
  }
}

function above(p: Packet, at: usize, header: u32, len: u32, wire: u32): void {
  p.l4 = at;
  p.l4HeaderLen = header;
  p.payload = at + header;
  p.payloadLen = len - header;
  p.payloadWireLen = wire - header;
}

function ports(p: Packet, at: usize, header: u32, len: u32, wire: u32): void {
  above(p, at, header, len, wire);
  p.sport = be16(at);
  p.dport = be16(at + 2);
}

function udp(p: Packet, at: usize, len: u32, wire: u32): void {
  if (len < 8) return invalid(p, D_UDP_PKT_TOO_SMALL);
  const said = be16(at + 4);
  if (said < 8) return invalid(p, D_UDP_HLEN_TOO_SMALL);
  if (said > wire) return invalid(p, D_UDP_HLEN_INVALID);
  if (said < wire) setEvent(p, D_UDP_LEN_INVALID);
  ports(p, at, 8, min(len, said), said);
  udpTunnel(p);
}

function tcp(p: Packet, at: usize, len: u32, wire: u32): void {
  if (len < 20) return invalid(p, D_TCP_PKT_TOO_SMALL);
  const header = (u8at(at + 12) >>> 4) << 2;
  if (header < 20) return invalid(p, D_TCP_INVALID_OPTLEN);
  if (header > wire || (header > len && (p.flags & PF_TRUNCATED) == 0)) return invalid(p, D_TCP_HLEN_TOO_SMALL);
  ports(p, at, min(header, len), len, wire);
  p.tcpSeq = be32(at + 4);
  p.tcpAck = be32(at + 8);
  p.tcpFlags = u8at(at + 13);
  p.tcpWindow = be16(at + 14);
  p.tcpUrgent = be16(at + 18);
  if (header > 20) tcpOptions(p, at + 20, min(header, len) - 20);
}

/** RFC 9293 3.2, 7323, 2018, 7413 (and its experimental form, RFC 6994). */
function tcpOptions(p: Packet, at: usize, len: u32): void {
  let seen: u32 = 0;
  let i: u32 = 0;
  // The usual one of data segments: two no-ops and timestamps.
  if (len == 12 && load<u32>(at) == 0x0a080101) {
    p.tcpOptions = TCPOPT_TS;
    p.tcpTsVal = be32(at + 4);
    p.tcpTsEcr = be32(at + 8);
    return;
  }
  while (i < len) {
    const kind = u8at(at + i);
    if (kind == 0) break;
    if (kind == 1) {
      i++;
      continue;
    }
    if (i + 1 >= len) {
      setEvent(p, D_TCP_OPT_INVALID_LEN);
      break;
    }
    const size = u8at(at + i + 1);
    if (size < 2 || size > len - i) {
      setEvent(p, D_TCP_OPT_INVALID_LEN);
      break;
    }
    const value = at + i + 2;
    let bit: u32 = TCPOPT_OTHER;
    let fits = true;
    switch (kind) {
      case 2:
        bit = TCPOPT_MSS;
        fits = size == 4;
        if (fits && (seen & bit) == 0) p.tcpMss = be16(value);
        break;
      case 3:
        bit = TCPOPT_WSCALE;
        fits = size == 3;
        if (fits && (seen & bit) == 0) p.tcpWscale = u8at(value);
        break;
      case 4:
        bit = TCPOPT_SACK_OK;
        fits = size == 2;
        break;
      case 5:
        bit = TCPOPT_SACK;
        fits = size >= 10 && size <= 34 && (size - 2) % 8 == 0;
        break;
      case 8:
        bit = TCPOPT_TS;
        fits = size == 10;
        if (fits && (seen & bit) == 0) {
          p.tcpTsVal = be32(value);
          p.tcpTsEcr = be32(value + 4);
        }
        break;
      case 19:
        bit = TCPOPT_MD5;
        fits = size == 18;
        break;
      case 29:
        bit = TCPOPT_AO;
        fits = size >= 4;
        break;
      case 34:
        bit = TCPOPT_TFO;
        fits = size == 2 || (size >= 6 && size <= 18 && (size & 1) == 0);
        p.tcpTfoLen = size - 2;
        break;
      case 254:
        if (size >= 4 && be16(value) == 0xf989) {
          bit = TCPOPT_TFO;
          p.tcpTfoLen = size - 4;
        }
        break;
      default:
        break;
    }
    if (!fits) {
      setEvent(p, D_TCP_OPT_INVALID_LEN);
    } else {
      if (bit != TCPOPT_OTHER && (seen & bit) != 0) setEvent(p, D_TCP_OPT_DUPLICATE);
      seen |= bit;
    }
    i += size;
  }
  p.tcpOptions = seen;
}
