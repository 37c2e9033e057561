/** One packet of a capture. */
export interface CapturedPacket {
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** See {@link LinkType}. */
  readonly linkType: number;
  /** Bytes on the wire; more than `data` holds when the capture cut it. */
  readonly wireLength: number;
  /** From the link-layer header on; a view, good until the next packet is asked for. */
  readonly data: Uint8Array;
}

/** Longest packet that is believed; what claims more is a damaged file. libpcap's own limit. */
export const MAX_PACKET_BYTES = 262_144;
