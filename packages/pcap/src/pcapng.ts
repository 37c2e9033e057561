import type { ByteSource } from "./byte-source.js";
import { CaptureError } from "./errors.js";
import { MAX_PACKET_BYTES } from "./packet.js";
import type { CapturedPacket } from "./packet.js";

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
/** Least length of a section header block. */
const SECTION_BYTES = 28;
const LITTLE = 0x1a2b3c4d;
const BIG = 0x4d3c2b1a;
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Ticks of its clock in a second. */
  readonly ticks: bigint;
  readonly offsetSeconds: bigint;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Packets of a pcapng file whose first block type was read already. */
export function* readPcapng(source: ByteSource): Generator<CapturedPacket> {
  let little = true;
  let interfaces: Interface[] = [];
  let type = SECTION;
  for (;;) {
    const at = source.offset - 4;
    const head = viewOf(source.take(4, "a block's length"));
    if (type === SECTION) {
      // The byte order is only known from the section's own magic number, behind its length.
      const rawLength = [head.getUint32(0, true), head.getUint32(0, false)] as const;
      const order = viewOf(source.take(4, "a section header")).getUint32(0, true);
      if (order !== LITTLE && order !== BIG) throw new CaptureError("a section header has no byte order", at);
      little = order === LITTLE;
      interfaces = [];
      const length = checked(rawLength[little ? 0 : 1], at);
      if (length < SECTION_BYTES) throw new CaptureError("a section header is too short", at);
      source.take(length - 16, "a section header");
      source.take(4, "a block's end");
    } else {
      const length = checked(head.getUint32(0, little), at);
      const bytes = source.take(length - 12, "a block");
      const body = viewOf(bytes);
      if (type === INTERFACE) interfaces.push(readInterface(body, little, at));
      else if (type === ENHANCED_PACKET || type === OLD_PACKET) yield packetOf(body, bytes, little, interfaces, type, at);
      else if (type === SIMPLE_PACKET) yield simplePacket(body, bytes, little, interfaces, at);
      source.take(4, "a block's end");
    }
    if (source.ended) return;
    type = viewOf(source.take(4, "a block's type")).getUint32(0, little);
  }
}

function checked(length: number, at: number): number {
  if (length < 12 || length > MAX_BLOCK_BYTES || length % 4 !== 0)
    throw new CaptureError(`a block claims ${length} bytes: the file is damaged`, at);
  return length;
}

function readInterface(body: DataView, little: boolean, at: number): Interface {
  if (body.byteLength < 8) throw new CaptureError("an interface block is too short", at);
  let ticks = 1_000_000n;
  let offsetSeconds = 0n;
  for (let i = 8; i + 4 <= body.byteLength; ) {
    const code = body.getUint16(i, little);
    const length = body.getUint16(i + 2, little);
    if (code === 0 || i + 4 + length > body.byteLength) break;
    if (code === OPTION_TSRESOL && length >= 1) {
      const resolution = body.getUint8(i + 4);
      // The highest bit tells a power of two from a power of ten; finer than 2^-63 or 10^-18 is nonsense.
      const power = Math.min(resolution & 0x7f, (resolution & 0x80) !== 0 ? 63 : 18);
      ticks = (resolution & 0x80) !== 0 ? 1n << BigInt(power) : 10n ** BigInt(power);
    }
    if (code === OPTION_TSOFFSET && length >= 8) offsetSeconds = body.getBigInt64(i + 4, little);
    i += 4 + ((length + 3) & ~3);
  }
  return { linkType: body.getUint16(0, little), snapLength: body.getUint32(4, little), ticks, offsetSeconds };
}

function packetOf(
  body: DataView,
  bytes: Uint8Array,
  little: boolean,
  interfaces: readonly Interface[],
  type: number,
  at: number,
): CapturedPacket {
  if (body.byteLength < 20) throw new CaptureError("a packet block is too short", at);
  const from = interfaces[type === OLD_PACKET ? body.getUint16(0, little) : body.getUint32(0, little)];
  if (from === undefined) throw new CaptureError("a packet belongs to an interface that was not described", at);
  const ticks = (BigInt(body.getUint32(4, little)) << 32n) | BigInt(body.getUint32(8, little));
  const captured = body.getUint32(12, little);
  if (captured > MAX_PACKET_BYTES || 20 + captured > body.byteLength)
    throw new CaptureError(`a packet claims ${captured} bytes: the file is damaged`, at);
  // A clock that is out of its mind must not give a time that nobody can write.
  const timeNs = BigInt.asUintN(64, (ticks * 1_000_000_000n) / from.ticks + from.offsetSeconds * 1_000_000_000n);
  return { timeNs, linkType: from.linkType, wireLength: body.getUint32(16, little), data: bytes.subarray(20, 20 + captured) };
}

function simplePacket(
  body: DataView,
  bytes: Uint8Array,
  little: boolean,
  interfaces: readonly Interface[],
  at: number,
): CapturedPacket {
  const from = interfaces[0];
  if (from === undefined || body.byteLength < 4) throw new CaptureError("a packet belongs to an interface that was not described", at);
  const wireLength = body.getUint32(0, little);
  const captured = Math.min(wireLength, from.snapLength === 0 ? wireLength : from.snapLength, body.byteLength - 4);
  return { timeNs: 0n, linkType: from.linkType, wireLength, data: bytes.subarray(4, 4 + captured) };
}
