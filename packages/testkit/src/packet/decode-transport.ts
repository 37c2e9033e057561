import { TCP_FLAGS } from "./build-transport.js";
import { internetChecksum, pseudoHeader } from "./checksum.js";
import { PROTOCOL } from "./spec.js";

/** "absent" is UDP's zero; "unchecked" is a first fragment, whose checksum covers bytes that are elsewhere. */
export type TransportCheck = "right" | "wrong" | "absent" | "unchecked";

export type DecodedTcp = {
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  /** Letters of F S R P A U E C, in this order. */
  flags: string;
  window: number;
  urgent: number;
  options: Buffer;
  checksum: number;
};
export type DecodedUdp = { srcPort: number; dstPort: number; length: number; checksum: number };
export type DecodedIcmp = { type: number; code: number; id: number; sequence: number; checksum: number };

export type DecodedTransport = {
  tcp?: DecodedTcp;
  udp?: DecodedUdp;
  icmp?: DecodedIcmp;
  icmpv6?: DecodedIcmp;
  payload?: Buffer;
  check?: TransportCheck;
  error?: { layer: string; message: string };
};

type Carrier = { protocol: number; whole: boolean; source: Buffer; destination: Buffer };

/** Reads the transport header at the beginning of `bytes`; an unknown protocol gives an empty result. */
export function decodeTransport(bytes: Buffer, { protocol, whole, source, destination }: Carrier): DecodedTransport {
  const check = (covered: Buffer, pseudo: boolean): TransportCheck => {
    if (!whole) return "unchecked";
    const parts = pseudo ? [pseudoHeader(source, destination, protocol, covered.length), covered] : [covered];
    return internetChecksum(...parts) === 0 ? "right" : "wrong";
  };
  const short = (layer: string, needed: number): DecodedTransport => ({
    error: { layer, message: `${needed} bytes needed, ${bytes.length} there` },
  });
  switch (protocol) {
    case PROTOCOL.tcp: {
      if (bytes.length < 20) return short("tcp", 20);
      const length = (bytes.readUInt8(12) >> 4) * 4;
      if (length < 20) return { error: { layer: "tcp", message: `header length ${length}` } };
      if (bytes.length < length) return short("tcp", length);
      return { tcp: tcp(bytes, length), payload: bytes.subarray(length), check: check(bytes, true) };
    }
    case PROTOCOL.udp: {
      if (bytes.length < 8) return short("udp", 8);
      const udp = {
        srcPort: bytes.readUInt16BE(0),
        dstPort: bytes.readUInt16BE(2),
        length: bytes.readUInt16BE(4),
        checksum: bytes.readUInt16BE(6),
      };
      if (udp.length < 8) return { udp, error: { layer: "udp", message: `length ${udp.length}` } };
      if (whole && udp.length > bytes.length) return { udp, ...short("udp", udp.length) };
      const end = Math.min(udp.length, bytes.length);
      return {
        udp,
        payload: bytes.subarray(8, end),
        check: udp.checksum === 0 ? "absent" : check(bytes.subarray(0, end), true),
      };
    }
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6: {
      const layer = protocol === PROTOCOL.icmp ? "icmp" : "icmpv6";
      if (bytes.length < 8) return short(layer, 8);
      return { [layer]: icmp(bytes), payload: bytes.subarray(8), check: check(bytes, layer === "icmpv6") };
    }
    default:
      return {};
  }
}

function tcp(bytes: Buffer, length: number): DecodedTcp {
  const bits = bytes.readUInt8(13);
  return {
    srcPort: bytes.readUInt16BE(0),
    dstPort: bytes.readUInt16BE(2),
    seq: bytes.readUInt32BE(4),
    ack: bytes.readUInt32BE(8),
    flags: [...TCP_FLAGS].filter((_, bit) => (bits & (1 << bit)) !== 0).join(""),
    window: bytes.readUInt16BE(14),
    urgent: bytes.readUInt16BE(18),
    options: bytes.subarray(20, length),
    checksum: bytes.readUInt16BE(16),
  };
}

const icmp = (bytes: Buffer): DecodedIcmp => ({
  type: bytes.readUInt8(0),
  code: bytes.readUInt8(1),
  checksum: bytes.readUInt16BE(2),
  id: bytes.readUInt16BE(4),
  sequence: bytes.readUInt16BE(6),
});
