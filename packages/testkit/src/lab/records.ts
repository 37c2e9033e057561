/** One captured frame. */
export type CapturedFrame = {
  /** From the Ethernet header on, with the VLAN tags that the kernel took off. */
  data: Buffer;
  /** Bytes on the wire; more than `data` only above 64 KiB. */
  wireLength: number;
  /** Whether the device sent it ("out") or received it ("in"). */
  direction: "in" | "out";
  /** The kernel left the checksum to the hardware: the one in `data` is not yet right. */
  checksumPending: boolean;
  /** Nanoseconds since 1970 by the kernel's clock. */
  timeNs: bigint;
};

const HEAD = 24;
const OUTGOING = 1;
const CHECKSUM_NOT_READY = 2;

/** Reads the records that `frames capture` writes, from pieces of any size. An empty record means: capturing. */
export class RecordReader {
  #pending: Buffer = Buffer.alloc(0);
  /** Whether the first record, the ready mark, has come. */
  ready = false;

  /** Takes the next bytes and returns the frames completed by them. */
  push(chunk: Buffer): CapturedFrame[] {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: CapturedFrame[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const length = bytes.readUInt32LE(at);
      const end = at + HEAD + length;
      if (end > bytes.length) break;
      if (length === 0) this.ready = true;
      else frames.push(decodeRecord(bytes, at, end));
      at = end;
    }
    this.#pending = bytes.subarray(at);
    return frames;
  }
}

function decodeRecord(bytes: Buffer, at: number, end: number): CapturedFrame {
  const flags = bytes.readUInt32LE(at + 8);
  return {
    data: Buffer.from(bytes.subarray(at + HEAD, end)),
    wireLength: bytes.readUInt32LE(at + 4),
    direction: (flags & OUTGOING) !== 0 ? "out" : "in",
    checksumPending: (flags & CHECKSUM_NOT_READY) !== 0,
    timeNs: bytes.readBigUInt64LE(at + 16),
  };
}
