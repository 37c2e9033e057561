/** Link types used here (tcpdump.org/linktypes.html). */
export const LINKTYPE = { ethernet: 1, raw: 101 } as const;

/** One packet of a capture file. */
export type PcapPacket = {
  /** Nanoseconds since 1970; 0 in a pcapng Simple Packet Block, which has no time. */
  timeNs: bigint;
  /** The captured bytes, a view into the file's bytes. */
  data: Buffer;
  /** Length on the wire; `data` may be shorter. */
  wireLength: number;
  /** See `LINKTYPE`. */
  linkType: number;
};

/** Why a capture file cannot be read on: cut short, not a capture, a field that cannot be, or more than the limits allow. */
export type PcapErrorCode = "truncated" | "not-a-capture" | "malformed" | "too-large";

/** A capture file is broken; `offset` is the byte where the broken thing begins. Packets before it have been given out. */
export class PcapError extends Error {
  override readonly name = "PcapError";
  constructor(
    readonly code: PcapErrorCode,
    readonly offset: number,
    message: string,
  ) {
    super(`capture file, byte ${offset}: ${message}`);
  }
}

/** Bytes of one packet at most: tcpdump's own limit (MAXIMUM_SNAPLEN). */
export const MAX_PACKET_BYTES = 262_144;

/** Numbers of a file in its byte order, with a check that they are there. */
export class Fields {
  constructor(
    readonly bytes: Buffer,
    readonly bigEndian: boolean,
  ) {}

  u16(at: number): number {
    return this.bigEndian ? this.bytes.readUInt16BE(at) : this.bytes.readUInt16LE(at);
  }

  u32(at: number): number {
    return this.bigEndian ? this.bytes.readUInt32BE(at) : this.bytes.readUInt32LE(at);
  }

  /** @throws {PcapError} "truncated", with the offset of `what`, when fewer than `length` bytes are left. */
  need(what: string, at: number, length: number): void {
    const left = this.bytes.length - at;
    if (left < length) throw new PcapError("truncated", at, `${what} cut short: ${length} bytes needed, ${left} left`);
  }
}
