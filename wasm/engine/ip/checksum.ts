// The Internet checksum (RFC 1071), sixteen bytes a step.

import { IP_ICMP, IP_ICMPV6, IP_TCP, IP_UDP, PF_REASSEMBLED, PF_TRUNCATED, Packet, packetSrc } from "../decode/packet";

/** One's complement sum of the bytes as little-endian 16-bit words, not folded; the sum of at most 64 KiB fits. */
export function sumBytes(ptr: usize, len: u32): u64 {
  let sum: u64 = 0;
  let at = ptr;
  const end = ptr + len;
  if (len >= 32) {
    let low = i32x4.splat(0);
    const stop = end - 16;
    // At most 64 KiB: 4,096 steps, each adding less than 2 * 2^16 to a lane.
    while (at <= stop) {
      low = i32x4.add(low, i32x4.extadd_pairwise_i16x8_u(v128.load(at)));
      at += 16;
    }
    sum = <u64><u32>i32x4.extract_lane(low, 0) + <u64><u32>i32x4.extract_lane(low, 1) +
      <u64><u32>i32x4.extract_lane(low, 2) + <u64><u32>i32x4.extract_lane(low, 3);
  }
  while (at + 2 <= end) {
    sum += load<u16>(at);
    at += 2;
  }
  if (at < end) sum += load<u8>(at);
  return sum;
}

/** 16 bits: 0xffff when a sum over data with its checksum is right. */
export function fold(sum: u64): u32 {
  sum = (sum & 0xffffffff) + (sum >>> 32);
  sum = (sum & 0xffff) + ((sum >>> 16) & 0xffff) + (sum >>> 32);
  sum = (sum & 0xffff) + (sum >>> 16);
  return <u32>((sum & 0xffff) + (sum >>> 16));
}

/** Whether the IPv4 header's checksum is right (true for IPv6). */
export function ipChecksumOk(p: Packet): bool {
  if (p.family != 4) return true;
  if (p.ipChecksum == 0) p.ipChecksum = (p.flags & PF_REASSEMBLED) != 0 || fold(sumBytes(p.ip, p.ipHeaderLen)) == 0xffff ? 1 : 2;
  return p.ipChecksum == 1;
}

/**
 * Whether the checksum of TCP, UDP or ICMP is right. What cannot be verified (captured in part, no checksum in UDP over IPv4,
 * other protocols) counts as right.
 */
export function checksumOk(p: Packet): bool {
  if (p.checksum == 0) p.checksum = verify(p) ? 1 : 2;
  return p.checksum == 1;
}

/** Computes a TCP packet's checksum anew: its payload was changed. */
export function renewTcpChecksum(p: Packet): void {
  store<u16>(p.l4, 0, 16);
  const len = p.l4HeaderLen + p.payloadLen;
  const sum = sumBytes(p.l4, len) + sumBytes(packetSrc(p), 32) + <u64>bswap<u16>(<u16>IP_TCP) + <u64>bswap<u16>(<u16>len);
  store<u16>(p.l4, <u16>(~fold(sum) & 0xffff), 16);
}

function verify(p: Packet): bool {
  if (p.l4 == 0 || (p.flags & PF_TRUNCATED) != 0) return true;
  const proto = p.proto;
  const len = p.l4HeaderLen + p.payloadLen;
  if (proto == IP_ICMP) return fold(sumBytes(p.l4, len)) == 0xffff;
  if (proto != IP_TCP && proto != IP_UDP && proto != IP_ICMPV6) return true;
  if (proto == IP_UDP && load<u16>(p.l4, 6) == 0) return p.family == 4;
  let sum = sumBytes(p.l4, len);
  // The pseudo-header: a mapped IPv4 address adds only its four bytes and 0xffff, which is zero in one's complement.
  const src = packetSrc(p);
  sum += sumBytes(src, 32);
  sum += <u64>bswap<u16>(<u16>proto) + <u64>bswap<u16>(<u16>len);
  return fold(sum) == 0xffff;
}
