import { LINKTYPE, MAX_PACKET_BYTES } from "./format.js";

export type PcapWriteOptions = {
  /** Default true; otherwise times are cut to microseconds. */
  nanoseconds?: boolean;
  bigEndian?: boolean;
  /** Longer packets are cut to this. Default 262,144. */
  snapLength?: number;
  /** Default Ethernet. */
  linkType?: number;
};

/** A packet to write. */
export type PcapInput = { data: Uint8Array; /** Nanoseconds since 1970, default 0. */ timeNs?: bigint; wireLength?: number };

/**
 * Writes classic pcap: the pieces of a file, header first, one for each packet, to be joined or written one by one.
 *
 * @throws RangeError for a time that does not fit (before 1970, after 2106).
 */
export function* pcapPieces(packets: Iterable<PcapInput>, options: PcapWriteOptions = {}): Generator<Buffer> {
  const { nanoseconds = true, bigEndian = false, snapLength = MAX_PACKET_BYTES, linkType = LINKTYPE.ethernet } = options;
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => (bigEndian ? bytes.writeUInt32BE(value, 4 * i) : bytes.writeUInt32LE(value, 4 * i)));
    return bytes;
  };
  const version = bigEndian ? 0x00020004 : 0x00040002;
  yield words(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, version, 0, 0, snapLength, linkType);
  for (const { data, timeNs = 0n, wireLength = data.length } of packets) {
    const fraction = timeNs % 1_000_000_000n;
    const kept = data.subarray(0, snapLength);
    const head = words(
      Number(timeNs / 1_000_000_000n),
      Number(nanoseconds ? fraction : fraction / 1_000n),
      kept.length,
      wireLength,
    );
    yield Buffer.concat([head, kept]);
  }
}

/** A whole classic pcap file. */
export const writePcap = (packets: Iterable<PcapInput>, options?: PcapWriteOptions): Buffer =>
  Buffer.concat([...pcapPieces(packets, options)]);
