import { ipv4ToBytes, ipv6ToBytes, macToBytes } from "./addresses.js";
import { buildTransport } from "./build-transport.js";
import { chooseChecksum, internetChecksum } from "./checksum.js";
import { padded, uint } from "./fields.js";
import {
  ETHERTYPE,
  FrameSpecError,
  PROTOCOL,
  type ArpSpec,
  type FrameSpec,
  type Ipv4Spec,
  type Ipv6Extension,
  type Ipv6Spec,
} from "./spec.js";

/**
 * The bytes of a frame, without FCS. Lengths, types and checksums are right unless the spec says otherwise.
 *
 * @throws {FrameSpecError} when layers exclude each other or a value does not fit its field.
 */
export function buildFrame(spec: FrameSpec): Buffer {
  const body = buildNetwork(spec);
  const { eth = {}, vlan = [], padTo = 0 } = spec;
  const inner = eth.type ?? etherType(spec);
  const tags = vlan.map(({ vid, pcp = 0, dei = false }, i) => {
    const tci = (uint("vlan.pcp", pcp, 3) << 13) | (Number(dei) << 12) | uint("vlan.vid", vid, 12);
    return word16(tci, vlan[i + 1]?.tpid ?? (i + 1 < vlan.length ? ETHERTYPE.vlan : inner));
  });
  const outer = vlan.length > 0 ? (vlan[0]?.tpid ?? ETHERTYPE.vlan) : inner;
  const addresses = [macToBytes(eth.dst ?? "02:00:00:00:00:02"), macToBytes(eth.src ?? "02:00:00:00:00:01")];
  const frame = Buffer.concat([...addresses, word16(outer), ...tags, body]);
  return frame.length >= padTo ? frame : Buffer.concat([frame], padTo);
}

/** The bytes from the network layer on: what goes inside a tunnel, or (shortened) inside an ICMP error. */
export function buildNetwork(spec: FrameSpec): Buffer {
  atMostOne(spec, ["arp", "ipv4", "ipv6"]);
  atMostOne(spec, ["tcp", "udp", "icmp", "icmpv6"]);
  const payload = Buffer.from(spec.payload ?? "");
  if (spec.arp !== undefined) return Buffer.concat([arp(spec.arp), payload]);
  if (spec.ipv4 !== undefined) {
    const addresses = { source: ipv4ToBytes(spec.ipv4.src), destination: ipv4ToBytes(spec.ipv4.dst) };
    const transport = buildTransport(spec, addresses, payload);
    return Buffer.concat([
      ipv4Header(spec.ipv4, transport?.protocol ?? 253, (transport?.bytes ?? payload).length),
      transport?.bytes ?? payload,
    ]);
  }
  if (spec.ipv6 !== undefined) {
    const addresses = { source: ipv6ToBytes(spec.ipv6.src), destination: ipv6ToBytes(spec.ipv6.dst) };
    const transport = buildTransport(spec, addresses, payload);
    return ipv6Packet(spec.ipv6, transport?.protocol ?? PROTOCOL.noNext, transport?.bytes ?? payload);
  }
  const lonely = (["tcp", "udp", "icmp", "icmpv6"] as const).find((layer) => spec[layer] !== undefined);
  if (lonely !== undefined) throw new FrameSpecError(`${lonely} needs ipv4 or ipv6 below it`);
  return payload;
}

function etherType(spec: FrameSpec): number {
  if (spec.arp !== undefined) return ETHERTYPE.arp;
  if (spec.ipv4 !== undefined) return ETHERTYPE.ipv4;
  if (spec.ipv6 !== undefined) return ETHERTYPE.ipv6;
  return 0x88b5; // IEEE's type for local experiments
}

function atMostOne(spec: FrameSpec, layers: readonly (keyof FrameSpec)[]): void {
  const given = layers.filter((layer) => spec[layer] !== undefined);
  if (given.length > 1) throw new FrameSpecError(`${given.join(" and ")} exclude each other`);
}

function arp({ op, senderMac, senderIp, targetMac = "00:00:00:00:00:00", targetIp }: ArpSpec): Buffer {
  const fixed = Buffer.from([0, 1, 8, 0, 6, 4]);
  const addresses = [macToBytes(senderMac), ipv4ToBytes(senderIp), macToBytes(targetMac), ipv4ToBytes(targetIp)];
  return Buffer.concat([fixed, word16(uint("arp.op", op, 16)), ...addresses]);
}

function ipv4Header(ip: Ipv4Spec, protocol: number, bodyLength: number): Buffer {
  const options = padded(ip.options ?? new Uint8Array(), 4);
  if (options.length > 40) throw new FrameSpecError(`ipv4.options: ${options.length} bytes, at most 40 fit`);
  const length = 20 + options.length;
  const header = Buffer.concat([Buffer.alloc(20), options]);
  header.writeUInt8((uint("ipv4.version", ip.version ?? 4, 4) << 4) | uint("ipv4.ihl", ip.ihl ?? length / 4, 4), 0);
  header.writeUInt8(uint("ipv4.tos", ip.tos ?? 0, 8), 1);
  header.writeUInt16BE(uint("ipv4.totalLength", ip.totalLength ?? length + bodyLength, 16), 2);
  header.writeUInt16BE(uint("ipv4.id", ip.id ?? 0, 16), 4);
  const flags = (Number(ip.dontFragment ?? false) << 14) | (Number(ip.moreFragments ?? false) << 13);
  header.writeUInt16BE(flags | fragmentUnits("ipv4.fragmentOffset", ip.fragmentOffset ?? 0), 6);
  header.writeUInt8(uint("ipv4.ttl", ip.ttl ?? 64, 8), 8);
  header.writeUInt8(uint("ipv4.protocol", ip.protocol ?? protocol, 8), 9);
  ipv4ToBytes(ip.src).copy(header, 12);
  ipv4ToBytes(ip.dst).copy(header, 16);
  header.writeUInt16BE(uint("ipv4.checksum", chooseChecksum(internetChecksum(header), ip.checksum), 16), 10);
  return header;
}

function ipv6Packet(ip: Ipv6Spec, protocol: number, body: Buffer): Buffer {
  const extensions = ip.extensions ?? [];
  const last = ip.nextHeader ?? protocol;
  const next = (i: number): number =>
    extensions[i] === undefined ? uint("ipv6.nextHeader", last, 8) : PROTOCOL[extensions[i].kind];
  const headers = extensions.map((extension, i) => extensionHeader(extension, next(i + 1)));
  const length = headers.reduce((sum, header) => sum + header.length, 0) + body.length;
  const header = Buffer.alloc(40);
  const version = uint("ipv6.version", ip.version ?? 6, 4) * 0x10000000;
  header.writeUInt32BE(
    version + (uint("ipv6.trafficClass", ip.trafficClass ?? 0, 8) << 20) + uint("ipv6.flowLabel", ip.flowLabel ?? 0, 20),
    0,
  );
  header.writeUInt16BE(uint("ipv6.payloadLength", ip.payloadLength ?? length, 16), 4);
  header.writeUInt8(next(0), 6);
  header.writeUInt8(uint("ipv6.hopLimit", ip.hopLimit ?? 64, 8), 7);
  ipv6ToBytes(ip.src).copy(header, 8);
  ipv6ToBytes(ip.dst).copy(header, 24);
  return Buffer.concat([header, ...headers, body]);
}

/** RFC 8200 section 4; the authentication header is RFC 4302's. */
function extensionHeader(extension: Ipv6Extension, next: number): Buffer {
  switch (extension.kind) {
    case "fragment": {
      const header = Buffer.alloc(8);
      header.writeUInt8(next, 0);
      header.writeUInt16BE(
        (fragmentUnits("fragment.offset", extension.offset ?? 0) << 3) | Number(extension.more ?? false),
        2,
      );
      header.writeUInt32BE(uint("fragment.id", extension.id, 32), 4);
      return header;
    }
    case "authentication": {
      const fixed = Buffer.alloc(12);
      fixed.writeUInt32BE(uint("authentication.spi", extension.spi ?? 0, 32), 4);
      fixed.writeUInt32BE(uint("authentication.sequence", extension.sequence ?? 0, 32), 8);
      const header = padded(Buffer.concat([fixed, extension.icv ?? Buffer.alloc(12)]), 8);
      header.writeUInt8(next, 0);
      header.writeUInt8(uint("authentication length", header.length / 4 - 2, 8), 1);
      return header;
    }
    case "hopByHop":
    case "routing":
    case "destination": {
      const header = padded(Buffer.concat([Buffer.alloc(2), extension.data ?? new Uint8Array()]), 8);
      header.writeUInt8(next, 0);
      header.writeUInt8(uint(`${extension.kind}.length`, extension.length ?? header.length / 8 - 1, 8), 1);
      return header;
    }
  }
}

function fragmentUnits(field: string, bytes: number): number {
  if (bytes % 8 !== 0) throw new FrameSpecError(`${field}: ${bytes} is not a multiple of 8`);
  return uint(field, bytes / 8, 13);
}

function word16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => bytes.writeUInt16BE(uint("type", value, 16), 2 * i));
  return bytes;
}
