import { ipv4ToText, ipv6ToText, macToText } from "./addresses.js";
import { internetChecksum } from "./checksum.js";
import {
  decodeTransport,
  type DecodedIcmp,
  type DecodedTcp,
  type DecodedUdp,
  type TransportCheck,
} from "./decode-transport.js";
import { ETHERTYPE, PROTOCOL } from "./spec.js";

export type DecodedVlan = { tpid: number; vid: number; pcp: number; dei: boolean };
export type DecodedArp = { op: number; senderMac: string; senderIp: string; targetMac: string; targetIp: string };
export type DecodedIpv4 = {
  src: string;
  dst: string;
  ttl: number;
  tos: number;
  id: number;
  dontFragment: boolean;
  moreFragments: boolean;
  /** In bytes. */
  fragmentOffset: number;
  protocol: number;
  options: Buffer;
  totalLength: number;
  checksum: number;
};
export type DecodedExtension =
  | { kind: "hopByHop" | "routing" | "destination"; data: Buffer }
  | { kind: "fragment"; offset: number; more: boolean; id: number }
  | { kind: "authentication"; spi: number; sequence: number; icv: Buffer };
export type DecodedIpv6 = {
  src: string;
  dst: string;
  hopLimit: number;
  trafficClass: number;
  flowLabel: number;
  extensions: DecodedExtension[];
  /** The last one: the transport protocol. */
  nextHeader: number;
  payloadLength: number;
};

/** A frame taken apart; fields are named as in `FrameSpec`. */
export type DecodedFrame = {
  eth?: { dst: string; src: string; type: number };
  vlan: DecodedVlan[];
  arp?: DecodedArp;
  ipv4?: DecodedIpv4;
  ipv6?: DecodedIpv6;
  tcp?: DecodedTcp;
  udp?: DecodedUdp;
  icmp?: DecodedIcmp;
  icmpv6?: DecodedIcmp;
  /** What follows the last layer that was understood, without padding. */
  payload: Buffer;
  /** Bytes after the end that the network layer tells: Ethernet padding. */
  trailer: Buffer;
  checksums: { ip?: "right" | "wrong"; transport?: TransportCheck };
  /** Where decoding stopped, when the frame is cut short or does not make sense. What was read before stays. */
  error?: { layer: string; offset: number; message: string };
};

class Malformed extends Error {
  constructor(
    readonly layer: string,
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

/** Takes a frame apart, for assertions in tests. Never throws: `error` says what is wrong with the frame. */
export function decodeFrame(frame: Uint8Array): DecodedFrame {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const out: DecodedFrame = { vlan: [], payload: bytes.subarray(0), trailer: Buffer.alloc(0), checksums: {} };
  try {
    ethernet(bytes, out);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    out.error = { layer: error.layer, offset: error.offset, message: error.message };
  }
  return out;
}

function need(bytes: Buffer, layer: string, at: number, length: number): void {
  if (bytes.length < at + length)
    throw new Malformed(layer, at, `${length} bytes needed, ${Math.max(bytes.length - at, 0)} there`);
}

function ethernet(bytes: Buffer, out: DecodedFrame): void {
  need(bytes, "eth", 0, 14);
  let type = bytes.readUInt16BE(12);
  let at = 14;
  const [dst, src] = [macToText(bytes.subarray(0, 6)), macToText(bytes.subarray(6, 12))];
  while (type === ETHERTYPE.vlan || type === ETHERTYPE.qinq) {
    need(bytes, "vlan", at, 4);
    const tci = bytes.readUInt16BE(at);
    out.vlan.push({ tpid: type, vid: tci & 0xfff, pcp: tci >> 13, dei: (tci & 0x1000) !== 0 });
    type = bytes.readUInt16BE(at + 2);
    at += 4;
  }
  out.eth = { dst, src, type };
  out.payload = bytes.subarray(at);
  if (type === ETHERTYPE.arp) arp(bytes, at, out);
  else if (type === ETHERTYPE.ipv4) ipv4(bytes, at, out);
  else if (type === ETHERTYPE.ipv6) ipv6(bytes, at, out);
}

function arp(bytes: Buffer, at: number, out: DecodedFrame): void {
  need(bytes, "arp", at, 28);
  if (bytes.readUInt32BE(at) !== 0x00010800 || bytes.readUInt16BE(at + 4) !== 0x0604) {
    throw new Malformed("arp", at, "not Ethernet and IPv4");
  }
  const [mac, ip] = [
    (i: number) => macToText(bytes.subarray(at + i, at + i + 6)),
    (i: number) => ipv4ToText(bytes.subarray(at + i, at + i + 4)),
  ];
  out.arp = { op: bytes.readUInt16BE(at + 6), senderMac: mac(8), senderIp: ip(14), targetMac: mac(18), targetIp: ip(24) };
  out.payload = bytes.subarray(at + 28);
}

function ipv4(bytes: Buffer, at: number, out: DecodedFrame): void {
  need(bytes, "ipv4", at, 20);
  const [version, headerLength] = [bytes.readUInt8(at) >> 4, (bytes.readUInt8(at) & 15) * 4];
  if (version !== 4) throw new Malformed("ipv4", at, `version ${version}`);
  if (headerLength < 20) throw new Malformed("ipv4", at, `header length ${headerLength}`);
  need(bytes, "ipv4", at, headerLength);
  const totalLength = bytes.readUInt16BE(at + 2);
  const fragment = bytes.readUInt16BE(at + 6);
  const [source, destination] = [bytes.subarray(at + 12, at + 16), bytes.subarray(at + 16, at + 20)];
  const ip: DecodedIpv4 = {
    src: ipv4ToText(source),
    dst: ipv4ToText(destination),
    ttl: bytes.readUInt8(at + 8),
    tos: bytes.readUInt8(at + 1),
    id: bytes.readUInt16BE(at + 4),
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    protocol: bytes.readUInt8(at + 9),
    options: bytes.subarray(at + 20, at + headerLength),
    totalLength,
    checksum: bytes.readUInt16BE(at + 10),
  };
  out.ipv4 = ip;
  out.checksums.ip = internetChecksum(bytes.subarray(at, at + headerLength)) === 0 ? "right" : "wrong";
  out.payload = bytes.subarray(at + headerLength);
  if (totalLength < headerLength)
    throw new Malformed("ipv4", at, `total length ${totalLength} below header length ${headerLength}`);
  need(bytes, "ipv4", at, totalLength);
  const whole = ip.fragmentOffset === 0 && !ip.moreFragments;
  finish(bytes, at + headerLength, at + totalLength, out, {
    protocol: ip.protocol,
    first: ip.fragmentOffset === 0,
    whole,
    source,
    destination,
  });
}

function ipv6(bytes: Buffer, at: number, out: DecodedFrame): void {
  need(bytes, "ipv6", at, 40);
  const first = bytes.readUInt32BE(at);
  if (first >>> 28 !== 6) throw new Malformed("ipv6", at, `version ${first >>> 28}`);
  const payloadLength = bytes.readUInt16BE(at + 4);
  const [source, destination] = [bytes.subarray(at + 8, at + 24), bytes.subarray(at + 24, at + 40)];
  const ip: DecodedIpv6 = {
    src: ipv6ToText(source),
    dst: ipv6ToText(destination),
    hopLimit: bytes.readUInt8(at + 7),
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    extensions: [],
    nextHeader: bytes.readUInt8(at + 6),
    payloadLength,
  };
  out.ipv6 = ip;
  out.payload = bytes.subarray(at + 40);
  need(bytes, "ipv6", at + 40, payloadLength);
  const end = at + 40 + payloadLength;
  const within = bytes.subarray(0, end);
  let next = at + 40;
  let fragment: { offset: number; more: boolean } | undefined;
  while (fragment === undefined || fragment.offset === 0) {
    const read = extension(within, next, ip.nextHeader);
    if (read === undefined) break;
    ip.extensions.push(read.extension);
    if (read.extension.kind === "fragment") fragment = read.extension;
    ip.nextHeader = within.readUInt8(next);
    next += read.length;
    out.payload = within.subarray(next);
  }
  finish(bytes, next, end, out, {
    protocol: ip.nextHeader,
    first: (fragment?.offset ?? 0) === 0,
    whole: (fragment?.offset ?? 0) === 0 && fragment?.more !== true,
    source,
    destination,
  });
}

/** One extension header at `at`, if `type` is one. */
function extension(bytes: Buffer, at: number, type: number): { extension: DecodedExtension; length: number } | undefined {
  const generic = {
    [PROTOCOL.hopByHop]: "hopByHop",
    [PROTOCOL.routing]: "routing",
    [PROTOCOL.destination]: "destination",
  } as const;
  if (type === PROTOCOL.fragment) {
    need(bytes, "ipv6.fragment", at, 8);
    const word = bytes.readUInt16BE(at + 2);
    return {
      extension: { kind: "fragment", offset: word & 0xfff8, more: (word & 1) !== 0, id: bytes.readUInt32BE(at + 4) },
      length: 8,
    };
  }
  if (type === PROTOCOL.authentication) {
    need(bytes, "ipv6.authentication", at, 12);
    const length = (bytes.readUInt8(at + 1) + 2) * 4;
    if (length < 12) throw new Malformed("ipv6.authentication", at, `length ${length}`);
    need(bytes, "ipv6.authentication", at, length);
    const icv = bytes.subarray(at + 12, at + length);
    return {
      extension: { kind: "authentication", spi: bytes.readUInt32BE(at + 4), sequence: bytes.readUInt32BE(at + 8), icv },
      length,
    };
  }
  const kind = (generic as Record<number, "hopByHop" | "routing" | "destination" | undefined>)[type];
  if (kind === undefined) return undefined;
  need(bytes, `ipv6.${kind}`, at, 8);
  const length = (bytes.readUInt8(at + 1) + 1) * 8;
  need(bytes, `ipv6.${kind}`, at, length);
  return { extension: { kind, data: bytes.subarray(at + 2, at + length) }, length };
}

type Carried = { protocol: number; first: boolean; whole: boolean; source: Buffer; destination: Buffer };

/** Splits off the trailer and reads the transport layer, which only a first fragment has. */
function finish(bytes: Buffer, at: number, end: number, out: DecodedFrame, carried: Carried): void {
  out.trailer = bytes.subarray(end);
  out.payload = bytes.subarray(at, end);
  if (!carried.first) return;
  const { error, check, payload, ...layer } = decodeTransport(out.payload, carried);
  Object.assign(out, layer);
  if (check !== undefined) out.checksums.transport = check;
  if (payload !== undefined) out.payload = payload;
  if (error !== undefined) throw new Malformed(error.layer, at, error.message);
}
