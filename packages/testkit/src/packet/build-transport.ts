import { chooseChecksum, internetChecksum, pseudoHeader } from "./checksum.js";
import { padded, uint } from "./fields.js";
import { FrameSpecError, PROTOCOL, type FrameSpec, type IcmpSpec, type TcpSpec, type UdpSpec } from "./spec.js";

/** TCP flags from bit 0 (RFC 9293 3.1): the letters of `TcpSpec.flags`. */
export const TCP_FLAGS = "FSRPAUEC";

type Addresses = { source: Uint8Array; destination: Uint8Array };

/** The transport layer of a spec with its payload, or undefined when it has none. */
export function buildTransport(
  spec: FrameSpec,
  { source, destination }: Addresses,
  payload: Buffer,
): { protocol: number; bytes: Buffer } | undefined {
  const pseudo = (protocol: number, length: number): Buffer => pseudoHeader(source, destination, protocol, length);
  if (spec.tcp !== undefined) return { protocol: PROTOCOL.tcp, bytes: tcp(spec.tcp, payload, pseudo) };
  if (spec.udp !== undefined) return { protocol: PROTOCOL.udp, bytes: udp(spec.udp, payload, pseudo) };
  if (spec.icmp !== undefined) return { protocol: PROTOCOL.icmp, bytes: icmp(spec.icmp, payload) };
  if (spec.icmpv6 !== undefined) return { protocol: PROTOCOL.icmpv6, bytes: icmp(spec.icmpv6, payload, pseudo) };
  return undefined;
}

type Pseudo = (protocol: number, length: number) => Buffer;

function tcp(spec: TcpSpec, payload: Buffer, pseudo: Pseudo): Buffer {
  const options = padded(spec.options ?? new Uint8Array(), 4);
  if (options.length > 40) throw new FrameSpecError(`tcp.options: ${options.length} bytes, at most 40 fit`);
  const segment = Buffer.concat([Buffer.alloc(20), options, payload]);
  segment.writeUInt16BE(uint("tcp.srcPort", spec.srcPort, 16), 0);
  segment.writeUInt16BE(uint("tcp.dstPort", spec.dstPort, 16), 2);
  segment.writeUInt32BE(uint("tcp.seq", spec.seq ?? 0, 32), 4);
  segment.writeUInt32BE(uint("tcp.ack", spec.ack ?? 0, 32), 8);
  segment.writeUInt8(uint("tcp.dataOffset", spec.dataOffset ?? 5 + options.length / 4, 4) << 4, 12);
  segment.writeUInt8(flagBits(spec.flags ?? "A"), 13);
  segment.writeUInt16BE(uint("tcp.window", spec.window ?? 64_240, 16), 14);
  segment.writeUInt16BE(uint("tcp.urgent", spec.urgent ?? 0, 16), 18);
  const right = internetChecksum(pseudo(PROTOCOL.tcp, segment.length), segment);
  segment.writeUInt16BE(uint("tcp.checksum", chooseChecksum(right, spec.checksum), 16), 16);
  return segment;
}

/** "SA" to bits. @throws {FrameSpecError} for an unknown letter. */
export function flagBits(flags: string): number {
  return [...flags].reduce((bits, letter) => {
    const bit = TCP_FLAGS.indexOf(letter);
    if (bit < 0) throw new FrameSpecError(`tcp.flags: "${letter}" is none of ${[...TCP_FLAGS].join(" ")}`);
    return bits | (1 << bit);
  }, 0);
}

function udp(spec: UdpSpec, payload: Buffer, pseudo: Pseudo): Buffer {
  const datagram = Buffer.concat([Buffer.alloc(8), payload]);
  datagram.writeUInt16BE(uint("udp.srcPort", spec.srcPort, 16), 0);
  datagram.writeUInt16BE(uint("udp.dstPort", spec.dstPort, 16), 2);
  datagram.writeUInt16BE(uint("udp.length", spec.length ?? datagram.length, 16), 4);
  // A computed zero is sent as all ones (RFC 768): zero means that there is none.
  const right = internetChecksum(pseudo(PROTOCOL.udp, datagram.length), datagram) || 0xffff;
  datagram.writeUInt16BE(uint("udp.checksum", chooseChecksum(right, spec.checksum), 16), 6);
  return datagram;
}

/** ICMP (RFC 792), or with a pseudo-header ICMPv6 (RFC 4443). */
function icmp(spec: IcmpSpec, payload: Buffer, pseudo?: Pseudo): Buffer {
  const message = Buffer.concat([Buffer.alloc(8), payload]);
  message.writeUInt8(uint("icmp.type", spec.type, 8), 0);
  message.writeUInt8(uint("icmp.code", spec.code ?? 0, 8), 1);
  message.writeUInt16BE(uint("icmp.id", spec.id ?? 0, 16), 4);
  message.writeUInt16BE(uint("icmp.sequence", spec.sequence ?? 0, 16), 6);
  const right = internetChecksum(...(pseudo === undefined ? [] : [pseudo(PROTOCOL.icmpv6, message.length)]), message);
  message.writeUInt16BE(uint("icmp.checksum", chooseChecksum(right, spec.checksum), 16), 2);
  return message;
}

/** Bytes of TCP options (RFC 9293, 7323, 2018), in the order in which Linux sends them. */
export function tcpOptions(given: {
  mss?: number;
  sackPermitted?: boolean;
  /** [value, echo reply] */
  timestamps?: readonly [number, number];
  windowScale?: number;
  /** [left edge, right edge] */
  sack?: readonly (readonly [number, number])[];
}): Buffer {
  const bytes: number[] = [];
  const word = (value: number): number[] => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  if (given.mss !== undefined) bytes.push(2, 4, uint("mss", given.mss, 16) >> 8, given.mss & 255);
  if (given.sackPermitted === true) bytes.push(4, 2);
  if (given.timestamps !== undefined)
    bytes.push(8, 10, ...given.timestamps.flatMap((value) => word(uint("timestamps", value, 32))));
  if (given.windowScale !== undefined) bytes.push(3, 3, uint("windowScale", given.windowScale, 8));
  if (given.sack !== undefined)
    bytes.push(5, 2 + 8 * given.sack.length, ...given.sack.flat().flatMap((edge) => word(uint("sack", edge, 32))));
  // Filled up with "no operation" in front, as the end-of-list option would end parsing early.
  return Buffer.from([...new Array<number>((4 - (bytes.length % 4)) % 4).fill(1), ...bytes]);
}
