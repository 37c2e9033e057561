import { ByteSource } from "./byte-source.js";
import { CaptureError } from "./errors.js";
import type { CapturedPacket } from "./packet.js";
import { readPcap } from "./pcap.js";
import { readPcapng } from "./pcapng.js";

const PCAPNG = 0x0a0d0d0a;

/**
 * Packets of a pcap (microseconds or nanoseconds, either byte order) or pcapng file, in order.
 * Formats: IETF draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
 * @param chunks the file's bytes in pieces of any size
 * @throws CaptureError where the file is no capture, is damaged, or was cut off; packets before that were given out
 */
export function* readCapture(chunks: Iterable<Uint8Array>): Generator<CapturedPacket> {
  const source = new ByteSource(chunks);
  if (source.ended) throw new CaptureError("the file is empty", 0);
  const start = source.take(4, "the file's magic number");
  const magic = new DataView(start.buffer, start.byteOffset).getUint32(0, true);
  if (magic === PCAPNG) yield* readPcapng(source);
  else yield* readPcap(source, magic);
}
