import type { ChecksumOverride } from "./checksum.js";

/** Ethernet types used here (IANA ieee-802-numbers). */
export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const;

/** IP protocol and IPv6 next-header numbers used here (IANA protocol-numbers). */
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  authentication: 51,
  icmpv6: 58,
  noNext: 59,
  destination: 60,
} as const;

export type EthSpec = {
  /** Default 02:00:00:00:00:01. */
  src?: string;
  /** Default 02:00:00:00:00:02. */
  dst?: string;
  /** Default: by what follows. */
  type?: number;
};

export type VlanSpec = { vid: number; pcp?: number; dei?: boolean; /** Default 0x8100. */ tpid?: number };

export type ArpSpec = {
  /** 1 request, 2 reply. */
  op: number;
  senderMac: string;
  senderIp: string;
  /** Default 00:00:00:00:00:00. */
  targetMac?: string;
  targetIp: string;
};

/** Fields that are computed by default can be given, to make packets that lie. */
export type Ipv4Spec = {
  src: string;
  dst: string;
  ttl?: number;
  tos?: number;
  id?: number;
  dontFragment?: boolean;
  moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number;
  /** Default: by what follows, 253 (for experiments) with payload alone. */
  protocol?: number;
  /** Padded with zeros to a multiple of 4; at most 40 bytes. */
  options?: Uint8Array;
  version?: number;
  /** Header length in 4-byte words. */
  ihl?: number;
  totalLength?: number;
  checksum?: ChecksumOverride;
};

export type Ipv6Extension =
  /** `data` is the body after next header and length, padded with zeros (Pad1) to a multiple of 8. */
  | {
      kind: "hopByHop" | "routing" | "destination";
      data?: Uint8Array;
      /** In 8-byte words after the first. */ length?: number;
    }
  | { kind: "fragment"; id: number; /** In bytes, a multiple of 8. */ offset?: number; more?: boolean }
  | {
      kind: "authentication";
      spi?: number;
      sequence?: number;
      /** Padded to a multiple of 8 with 4 over. */ icv?: Uint8Array;
    };

export type Ipv6Spec = {
  src: string;
  dst: string;
  hopLimit?: number;
  trafficClass?: number;
  flowLabel?: number;
  extensions?: readonly Ipv6Extension[];
  /** The last next header. Default: by what follows, 59 (none) with payload alone. */
  nextHeader?: number;
  version?: number;
  payloadLength?: number;
};

export type TcpSpec = {
  srcPort: number;
  dstPort: number;
  seq?: number;
  ack?: number;
  /** Letters of F S R P A U E C, as "SA". Default "A". */
  flags?: string;
  window?: number;
  urgent?: number;
  /** Padded with zeros to a multiple of 4; at most 40 bytes. See `tcpOptions`. */
  options?: Uint8Array;
  /** Header length in 4-byte words. */
  dataOffset?: number;
  checksum?: ChecksumOverride;
};

export type UdpSpec = { srcPort: number; dstPort: number; length?: number; /** 0 means none. */ checksum?: ChecksumOverride };

export type IcmpSpec = {
  type: number;
  code?: number;
  /** The first half of the header's second word: echo's identifier. */
  id?: number;
  /** The second half: echo's sequence number; the MTU in "fragmentation needed". */
  sequence?: number;
  checksum?: ChecksumOverride;
};

/** One frame: the layers it has, outermost first, then its payload. At most one network and one transport layer. */
export type FrameSpec = {
  eth?: EthSpec;
  /** Outermost first; two make QinQ. */
  vlan?: readonly VlanSpec[];
  arp?: ArpSpec;
  ipv4?: Ipv4Spec;
  ipv6?: Ipv6Spec;
  tcp?: TcpSpec;
  udp?: UdpSpec;
  icmp?: IcmpSpec;
  icmpv6?: IcmpSpec;
  /** Text is UTF-8. */
  payload?: string | Uint8Array;
  /** The frame is filled up with zeros to this many bytes; Ethernet's own least is 60. */
  padTo?: number;
};

/** The layers must make sense together; what is said inside one may be a lie. */
export class FrameSpecError extends Error {
  override readonly name = "FrameSpecError";
}
