import { Fields, MAX_PACKET_BYTES, PcapError, type PcapPacket } from "./format.js";
import { readPcapNg, SECTION_HEADER } from "./read-ng.js";

/** Magic numbers of classic pcap (draft-ietf-opsawg-pcap), as read big-endian: [nanoseconds, big-endian]. */
const MAGIC: ReadonlyMap<number, readonly [boolean, boolean]> = new Map([
  [0xa1b2c3d4, [false, true]],
  [0xd4c3b2a1, [false, false]],
  [0xa1b23c4d, [true, true]],
  [0x4d3cb2a1, [true, false]],
]);

/**
 * Reads a capture file packet by packet: classic pcap in both byte orders with micro- or nanoseconds, or pcapng.
 *
 * @throws {PcapError} where the file is cut short or broken, after the packets before that have been given out.
 */
export function* readPcap(file: Uint8Array): Generator<PcapPacket> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  if (bytes.length < 4) throw new PcapError("truncated", 0, `magic number cut short: 4 bytes needed, ${bytes.length} left`);
  const magic = bytes.readUInt32BE(0);
  const classic = MAGIC.get(magic);
  if (classic !== undefined) yield* readClassic(new Fields(bytes, classic[1]), classic[0]);
  else if (magic === SECTION_HEADER) yield* readPcapNg(bytes);
  else
    throw new PcapError(
      "not-a-capture",
      0,
      `magic number 0x${magic.toString(16).padStart(8, "0")} is neither pcap nor pcapng`,
    );
}

function* readClassic(file: Fields, nanoseconds: boolean): Generator<PcapPacket> {
  file.need("file header", 0, 24);
  const major = file.u16(4);
  if (major !== 2) throw new PcapError("malformed", 4, `version ${major}.${file.u16(6)}, only 2.x is known`);
  // The upper bits hold the FCS length.
  const linkType = file.u32(20) & 0xffff;
  const [perSecond, toNs] = nanoseconds ? [1_000_000_000, 1n] : [1_000_000, 1_000n];
  for (let at = 24; at < file.bytes.length;) {
    file.need("packet header", at, 16);
    const length = file.u32(at + 8);
    const fraction = file.u32(at + 4);
    if (length > MAX_PACKET_BYTES)
      throw new PcapError("too-large", at, `packet of ${length} bytes, at most ${MAX_PACKET_BYTES}`);
    if (fraction >= perSecond)
      throw new PcapError("malformed", at, `${fraction} is no fraction of a second in 1/${perSecond}`);
    file.need("packet", at, 16 + length);
    const timeNs = BigInt(file.u32(at)) * 1_000_000_000n + BigInt(fraction) * toNs;
    yield { timeNs, data: file.bytes.subarray(at + 16, at + 16 + length), wireLength: file.u32(at + 12), linkType };
    at += 16 + length;
  }
}
