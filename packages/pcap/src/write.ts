import { MAX_PACKET_BYTES } from "./packet.js";
import type { CapturedPacket } from "./packet.js";

const NANOSECONDS = 0xa1b23c4d;

/** Header of a pcap file with nanosecond times. */
export function captureHeader(linkType: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(24));
  header.setUint32(0, NANOSECONDS, true);
  header.setUint16(4, 2, true);
  header.setUint16(6, 4, true);
  header.setUint32(16, MAX_PACKET_BYTES, true);
  header.setUint32(20, linkType, true);
  return new Uint8Array(header.buffer);
}

/**
 * One packet as it stands in such a file.
 * @throws RangeError for more bytes than a reader would believe
 */
export function captureRecord({ timeNs, wireLength, data }: Omit<CapturedPacket, "linkType">): Uint8Array {
  if (data.byteLength > MAX_PACKET_BYTES) throw new RangeError(`a packet of ${data.byteLength} bytes is too long for a capture`);
  const record = new Uint8Array(16 + data.byteLength);
  const view = new DataView(record.buffer);
  view.setUint32(0, Number((timeNs / 1_000_000_000n) & 0xffff_ffffn), true);
  view.setUint32(4, Number(timeNs % 1_000_000_000n), true);
  view.setUint32(8, data.byteLength, true);
  view.setUint32(12, wireLength, true);
  record.set(data, 16);
  return record;
}
