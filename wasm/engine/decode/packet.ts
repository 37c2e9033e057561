// A decoded packet. There are MAX_LAYERS static ones: tunnels and reassembled fragments make more than one packet of a frame.

/** Packets that one frame can become: itself, tunnelled ones inside, and datagrams that its fragments completed. */
export const MAX_PACKETS: u32 = 8;

/** Packet.flags. */
export const PF_TRUNCATED: u32 = 1; // fewer bytes captured than sent: lengths are the wire's, checksums cannot be verified
export const PF_FRAGMENT: u32 = 2; // an IP fragment: no transport layer, no flow
export const PF_REASSEMBLED: u32 = 4; // made of fragments
export const PF_TUNNELLED: u32 = 8; // came out of a tunnel of the frame
export const PF_INVALID: u32 = 16; // decoding stopped because of an error (its event says which)
export const PF_BAD_CHECKSUM: u32 = 32; // the transport or IPv4 checksum is wrong; TCP tracking ignores it
export const PF_ICMP_ERROR: u32 = 64; // `inner…` hold the packet that an ICMP error quotes
export const PF_TO_SERVER: u32 = 128; // direction in its flow, set by packetFlow
export const PF_TO_CLIENT: u32 = 256;
export const PF_NEW_FLOW: u32 = 512; // first packet of its flow
export const PF_ESTABLISHED: u32 = 1024; // the flow has seen both sides (TCP: the handshake), as `flow:established` means it
export const PF_STREAM_ADDED: u32 = 2048; // its payload went into the stream
export const PF_STREAM_INVALID: u32 = 4096; // TCP tracking refused it: an inline sensor drops it (dropReason)
export const PF_RETRANSMISSION: u32 = 8192;
export const PF_NO_PAYLOAD_INSPECTION: u32 = 16384; // the flow is bypassed, passed or past its depth
export const PF_TEREDO: u32 = 32768;
export const PF_DF: u32 = 65536;
export const PF_MF: u32 = 131072;
export const PF_RESERVED_BIT: u32 = 262144;
export const PF_PASS: u32 = 524288; // an exception policy passes it
export const PF_DROP: u32 = 1048576; // an exception policy, or the engine, drops it (dropReason)
export const PF_REJECT: u32 = 2097152;
export const PF_NO_FLOW: u32 = 4194304; // the flow table refused it
export const PF_REWRITTEN: u32 = 16777216; // inline: its payload was made what the stream has already
export const PF_OVERLAP_DIFFERENT: u32 = 8388608; // brings other bytes for a part of the stream that is already there

/** Packet.dropReason; the names are those of Suricata's EVE `drop.reason`. */
export const DROP_NONE: u32 = 0;
export const DROP_STREAM_ERROR: u32 = 1; // "stream error"
export const DROP_STREAM_MIDSTREAM: u32 = 2; // "stream midstream"
export const DROP_STREAM_MEMCAP: u32 = 3; // "stream memcap"
export const DROP_STREAM_REASSEMBLY: u32 = 4; // "stream reassembly"
export const DROP_FLOW_MEMCAP: u32 = 5; // "flow memcap"
export const DROP_DEFRAG_MEMCAP: u32 = 6; // "defrag memcap"
export const DROP_DEFRAG_ERROR: u32 = 7; // "defrag error"
export const DROP_DECODE_ERROR: u32 = 8; // "decode error"
export const DROP_FLOW_DROP: u32 = 9; // "flow drop"

/** Packet.ipOptions: bit per IPv4 option seen, as the keyword `ipopts` names them. */
export const IPOPT_EOL: u32 = 1;
export const IPOPT_NOP: u32 = 2;
export const IPOPT_RR: u32 = 4;
export const IPOPT_TS: u32 = 8;
export const IPOPT_SEC: u32 = 16;
export const IPOPT_ESEC: u32 = 32;
export const IPOPT_LSRR: u32 = 64;
export const IPOPT_SSRR: u32 = 128;
export const IPOPT_SATID: u32 = 256;
export const IPOPT_CIPSO: u32 = 512;
export const IPOPT_QS: u32 = 1024;
export const IPOPT_RTRALT: u32 = 2048;
export const IPOPT_OTHER: u32 = 4096;

/** Packet.tcpOptions. */
export const TCPOPT_MSS: u32 = 1;
export const TCPOPT_WSCALE: u32 = 2;
export const TCPOPT_SACK_OK: u32 = 4;
export const TCPOPT_SACK: u32 = 8;
export const TCPOPT_TS: u32 = 16;
export const TCPOPT_TFO: u32 = 32;
export const TCPOPT_MD5: u32 = 64;
export const TCPOPT_AO: u32 = 128;
export const TCPOPT_OTHER: u32 = 256;

export const TH_FIN: u32 = 1;
export const TH_SYN: u32 = 2;
export const TH_RST: u32 = 4;
export const TH_PSH: u32 = 8;
export const TH_ACK: u32 = 16;
export const TH_URG: u32 = 32;
export const TH_ECE: u32 = 64;
export const TH_CWR: u32 = 128;

export const IP_ICMP: u32 = 1;
export const IP_TCP: u32 = 6;
export const IP_UDP: u32 = 17;
export const IP_ICMPV6: u32 = 58;
export const IP_SCTP: u32 = 132;

/** All pointers are into the frame (or the reassembled datagram) and hold until the next packetDecode. Numbers are in host
 * order. */
@unmanaged
export class Packet {
  /** Unix time, and the frame it came in. */
  timeNs: u64;
  frame: usize;
  frameLen: u32;
  wireLen: u32;
  flags: u32;
  /** Record that brought it, for findings. */
  record: u32;
  /** 256 event bits, see setEvent. */
  events0: u64;
  events1: u64;
  events2: u64;
  events3: u64;

  /** Addresses as on the wire, 16 bytes each, IPv4 as ::ffff:a.b.c.d. */
  src0: u64;
  src1: u64;
  dst0: u64;
  dst1: u64;
  /** 4, 6, or 0 when not IP; the rest of the network fields is only valid then. */
  family: u32;
  /** Transport protocol; for IPv6 what follows the extension headers. */
  proto: u32;
  sport: u32;
  dport: u32;
  /** IP header, its length (with options or extension headers), and the datagram's captured bytes from there on. */
  ip: usize;
  ipHeaderLen: u32;
  ipLen: u32;
  ttl: u32;
  /** TOS or traffic class. */
  tos: u32;
  /** Identification (IPv6: of the fragment header). */
  ipId: u32;
  /** In bytes. */
  fragOffset: u32;
  ipOptions: u32;
  /** IPv6: bits 1 hop-by-hop, 2 routing, 4 fragment, 8 destination, 16 authentication, 32 esp, 64 other. */
  ipv6Extensions: u32;
  ethertype: u32;
  /** Tags outermost first, and how many (at most 3). */
  vlan0: u32;
  vlan1: u32;
  vlan2: u32;
  vlans: u32;
  /** Tunnel depth, 0 outside. */
  depth: u32;

  /** Transport header; 0 when there is none (fragments, errors). */
  l4: usize;
  l4HeaderLen: u32;
  /** Captured payload above transport (or above IP when the protocol is unknown). */
  payload: usize;
  payloadLen: u32;
  /** Payload as the headers say; more than payloadLen when truncated. */
  payloadWireLen: u32;

  tcpSeq: u32;
  tcpAck: u32;
  tcpFlags: u32;
  tcpWindow: u32;
  tcpUrgent: u32;
  tcpOptions: u32;
  tcpMss: u32;
  tcpWscale: u32;
  tcpTsVal: u32;
  tcpTsEcr: u32;
  /** Bytes of the fast open cookie, when TCPOPT_TFO. */
  tcpTfoLen: u32;

  icmpType: u32;
  icmpCode: u32;
  icmpId: u32;
  icmpSeq: u32;
  /** The packet quoted by an ICMP error, when PF_ICMP_ERROR. */
  innerSrc0: u64;
  innerSrc1: u64;
  innerDst0: u64;
  innerDst1: u64;
  innerProto: u32;
  innerSport: u32;
  innerDport: u32;

  /** Flow of the packet (a Flow), 0 without; and its direction: 0 to the server, 1 to the client. */
  flow: usize;
  dir: u32;
  dropReason: u32;
  /** Transport checksum, and IPv4's: 0 not looked at, 1 right (or not verifiable), 2 wrong. See ip/checksum.ts. */
  checksum: u32;
  ipChecksum: u32;
  /** Headers decoded so far, to bound nesting. */
  layers: u32;
}

const packets: usize = memory.data(MAX_PACKETS * 512, 16);

/** The n-th static packet. */
// @ts-ignore: decorator
@inline export function packetSlot(n: u32): Packet {
  return changetype<Packet>(packets + (n << 9));
}

/** Zeroes the n-th packet: short enough to be faster here than by a call out of the module. */
export function packetClear(n: u32): Packet {
  const at = packets + (n << 9);
  const zero = i64x2.splat(0);
  for (let i: u32 = 0; i < offsetof<Packet>(); i += 32) {
    v128.store(at + i, zero);
    v128.store(at + i, zero, 16);
  }
  return changetype<Packet>(at);
}

/** Where the 16 bytes of the address are. */
// @ts-ignore: decorator
@inline export function packetSrc(p: Packet): usize {
  return changetype<usize>(p) + offsetof<Packet>("src0");
}
// @ts-ignore: decorator
@inline export function packetDst(p: Packet): usize {
  return changetype<usize>(p) + offsetof<Packet>("dst0");
}
