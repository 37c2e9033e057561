import { Fields, MAX_PACKET_BYTES, PcapError, type PcapPacket } from "./format.js";

/** Block types (draft-ietf-opsawg-pcapng). The section header's reads the same in both byte orders. */
export const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
const MAX_INTERFACES = 10_000;

type Interface = { linkType: number; snapLength: number; unitsPerSecond: bigint; offsetSeconds: bigint };

/**
 * Reads pcapng: Enhanced and Simple Packet Blocks with their Interface Descriptions, any number of sections in either
 * byte order. Other blocks are stepped over.
 */
export function* readPcapNg(bytes: Buffer): Generator<PcapPacket> {
  let file = new Fields(bytes, false);
  let interfaces: Interface[] = [];
  for (let at = 0; at < bytes.length;) {
    file.need("block header", at, 12);
    if (bytes.readUInt32BE(at) === SECTION_HEADER) {
      file = new Fields(bytes, isBigEndian(bytes, at));
      interfaces = [];
    }
    const length = blockLength(file, at);
    const block = new Fields(bytes.subarray(at, at + length), file.bigEndian);
    switch (file.u32(at)) {
      case SECTION_HEADER:
        checkSection(block, at);
        break;
      case INTERFACE_DESCRIPTION:
        if (interfaces.length === MAX_INTERFACES)
          throw new PcapError("too-large", at, `more than ${MAX_INTERFACES} interfaces`);
        interfaces.push(interfaceOf(block, at));
        break;
      case ENHANCED_PACKET:
        yield enhancedPacket(block, at, interfaces);
        break;
      case SIMPLE_PACKET:
        yield simplePacket(block, at, interfaces);
        break;
    }
    at += length;
  }
}

function isBigEndian(bytes: Buffer, at: number): boolean {
  if (bytes.readUInt32BE(at + 8) === BYTE_ORDER_MAGIC) return true;
  if (bytes.readUInt32LE(at + 8) === BYTE_ORDER_MAGIC) return false;
  throw new PcapError("malformed", at + 8, "a section header without the byte-order magic");
}

/** The length of the block at `at`, checked against the file's end, its own copy at the block's end, and the limits. */
function blockLength(file: Fields, at: number): number {
  const length = file.u32(at + 4);
  if (length < 12 || length % 4 !== 0) throw new PcapError("malformed", at, `block length ${length}`);
  if (length > MAX_BLOCK_BYTES) throw new PcapError("too-large", at, `block of ${length} bytes, at most ${MAX_BLOCK_BYTES}`);
  file.need("block", at, length);
  const again = file.u32(at + length - 4);
  if (again !== length) throw new PcapError("malformed", at, `block length ${length}, but ${again} at the block's end`);
  return length;
}

/** A block must hold its fixed fields; `at` is its place in the file. */
function fixedPart(block: Fields, at: number, name: string, length: number): void {
  const room = block.bytes.length - 12;
  if (room < length) throw new PcapError("malformed", at, `${name} of ${room} bytes, at least ${length} needed`);
}

function checkSection(block: Fields, at: number): void {
  fixedPart(block, at, "section header", 16);
  const major = block.u16(12);
  if (major !== 1) throw new PcapError("malformed", at, `pcapng version ${major}.${block.u16(14)}, only 1.x is known`);
}

function interfaceOf(block: Fields, at: number): Interface {
  fixedPart(block, at, "interface description", 8);
  const found = { linkType: block.u16(8), snapLength: block.u32(12), unitsPerSecond: 1_000_000n, offsetSeconds: 0n };
  const end = block.bytes.length - 4;
  for (let option = 16; option + 4 <= end;) {
    const [code, length] = [block.u16(option), block.u16(option + 2)];
    if (code === 0) break;
    if (option + 4 + length > end)
      throw new PcapError("malformed", at, `option ${code} of ${length} bytes runs over its block`);
    const value = block.bytes.subarray(option + 4, option + 4 + length);
    if (code === 9 && length === 1) found.unitsPerSecond = resolution(value.readUInt8(0));
    if (code === 14 && length === 8)
      found.offsetSeconds = block.bigEndian ? value.readBigInt64BE(0) : value.readBigInt64LE(0);
    option += 4 + Math.ceil(length / 4) * 4;
  }
  return found;
}

/** if_tsresol: a negative power of ten, or of two with the highest bit set. */
function resolution(value: number): bigint {
  return (value & 0x80) === 0 ? 10n ** BigInt(value) : 2n ** BigInt(value & 0x7f);
}

function enhancedPacket(block: Fields, at: number, interfaces: readonly Interface[]): PcapPacket {
  fixedPart(block, at, "packet block", 20);
  const id = block.u32(8);
  const source = interfaces[id];
  if (source === undefined)
    throw new PcapError("malformed", at, `a packet of interface ${id}; ${interfaces.length} are described before it`);
  const units = (BigInt(block.u32(12)) << 32n) | BigInt(block.u32(16));
  const timeNs = (units * 1_000_000_000n) / source.unitsPerSecond + source.offsetSeconds * 1_000_000_000n;
  const data = packetBytes(block, at, 28, block.u32(20));
  return { timeNs, data, wireLength: block.u32(24), linkType: source.linkType };
}

function simplePacket(block: Fields, at: number, interfaces: readonly Interface[]): PcapPacket {
  fixedPart(block, at, "simple packet block", 4);
  const source = interfaces[0];
  if (source === undefined) throw new PcapError("malformed", at, "a simple packet block before any interface description");
  const wireLength = block.u32(8);
  // It has no captured length of its own: that is the wire length, cut to the interface's snapshot length (0: no limit).
  const data = packetBytes(block, at, 12, source.snapLength === 0 ? wireLength : Math.min(wireLength, source.snapLength));
  return { timeNs: 0n, data, wireLength, linkType: source.linkType };
}

function packetBytes(block: Fields, at: number, from: number, length: number): Buffer {
  if (length > MAX_PACKET_BYTES)
    throw new PcapError("too-large", at, `packet of ${length} bytes, at most ${MAX_PACKET_BYTES}`);
  const room = block.bytes.length - 4 - from;
  if (length > room) throw new PcapError("malformed", at, `packet of ${length} bytes in a block with room for ${room}`);
  return block.bytes.subarray(from, from + length);
}
