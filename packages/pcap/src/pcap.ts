import type { ByteSource } from "./byte-source.js";
import { CaptureError } from "./errors.js";
import { MAX_PACKET_BYTES } from "./packet.js";
import type { CapturedPacket } from "./packet.js";

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;

const swap = (value: number): number =>
  ((value >>> 24) | ((value >>> 8) & 0xff00) | ((value << 8) & 0xff0000) | (value << 24)) >>> 0;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Packets of a classic pcap file whose magic number was read already.
 * @param magic as read in little-endian order
 */
export function* readPcap(source: ByteSource, magic: number): Generator<CapturedPacket> {
  const little = magic === MICROSECONDS || magic === NANOSECONDS;
  const plain = little ? magic : swap(magic);
  if (plain !== MICROSECONDS && plain !== NANOSECONDS) {
    throw new CaptureError("the file is neither pcap nor pcapng (unknown magic number)", 0);
  }
  const unitNs = plain === NANOSECONDS ? 1 : 1_000;
  // Version, zone, accuracy and snap length are not needed; the upper bits of the link type tell of a frame check sequence.
  const linkType = viewOf(source.take(20, "the file header")).getUint32(16, little) & 0xffff;
  while (!source.ended) {
    const at = source.offset;
    const header = viewOf(source.take(16, "a packet header"));
    const seconds = header.getUint32(0, little);
    const fraction = header.getUint32(4, little);
    const captured = header.getUint32(8, little);
    const wireLength = header.getUint32(12, little);
    if (captured > MAX_PACKET_BYTES) throw new CaptureError(`a packet claims ${captured} bytes: the file is damaged`, at);
    const data = source.take(captured, "a packet");
    yield { timeNs: BigInt(seconds) * 1_000_000_000n + BigInt(fraction * unitNs), linkType, wireLength, data };
  }
}
