import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ipv4ToBytes, ipv4ToText, ipv6ToBytes, ipv6ToText, macToBytes, macToText } from "./addresses.js";
import { arbitraryFrame } from "./arbitrary.fixture.js";
import { buildFrame, buildNetwork } from "./build.js";
import { flagBits, tcpOptions } from "./build-transport.js";
import { internetChecksum } from "./checksum.js";
import { decodeFrame } from "./decode.js";
import type { FrameSpec } from "./spec.js";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");
const ip4 = { src: "10.0.0.1", dst: "10.0.0.2" };
const ip6 = { src: "fd00::1", dst: "fd00::2" };
const ports = { srcPort: 1234, dstPort: 80 };

describe("addresses", () => {
  it("come back as they were given", () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
    fc.assert(fc.property(bytes(6), (mac) => void expect(macToBytes(macToText(mac))).toEqual(mac)));
    fc.assert(fc.property(bytes(4), (ip) => void expect(ipv4ToBytes(ipv4ToText(ip))).toEqual(ip)));
    fc.assert(fc.property(bytes(16), (ip) => void expect(ipv6ToBytes(ipv6ToText(ip))).toEqual(ip)));
    fc.assert(
      fc.property(fc.ipV6(), (text) => void expect(ipv6ToBytes(ipv6ToText(ipv6ToBytes(text)))).toEqual(ipv6ToBytes(text))),
    );
  });

  it("are spelled as RFC 5952 says", () => {
    const spelling = (text: string): string => ipv6ToText(ipv6ToBytes(text));
    expect(spelling("0:0:0:0:0:0:0:0")).toBe("::");
    expect(spelling("2001:DB8::0001")).toBe("2001:db8::1");
    expect(spelling("2001:db8:0:0:1:0:0:1")).toBe("2001:db8::1:0:0:1");
    expect(spelling("2001:db8:0:1:1:1:1:1")).toBe("2001:db8:0:1:1:1:1:1");
    expect(spelling("1::")).toBe("1::");
    expect(spelling("::ffff:10.0.0.1")).toBe("::ffff:a00:1");
  });

  it("are refused when they are none", () => {
    expect(() => macToBytes("02:00:00:00:00")).toThrow("is not a MAC address");
    expect(() => ipv4ToBytes("10.0.0.256")).toThrow("is not an IPv4 address");
    expect(() => ipv6ToBytes("fe80::1%eth0")).toThrow("is not an IPv6 address");
  });
});

describe("internetChecksum", () => {
  it("is that of the example in RFC 1071 and of a known IPv4 header", () => {
    expect(internetChecksum(hex("0001 f203 f4f5 f6f7"))).toBe(~0xddf2 & 0xffff);
    expect(internetChecksum(hex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7"))).toBe(0xb861);
  });

  it("agrees with the slow model, however the data is split", () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
    fc.assert(
      fc.property(parts, (given) => void expect(internetChecksum(...given)).toBe(slowChecksum(Buffer.concat(given)))),
    );
    expect(internetChecksum(Buffer.alloc(200_001, 255))).toBe(slowChecksum(Buffer.alloc(200_001, 255)));
  });
});

describe("buildFrame", () => {
  it("makes the bytes that the RFCs say", () => {
    const eth = "020000000002 020000000001";
    expect(
      buildFrame({ arp: { op: 1, senderMac: "02:00:00:00:00:01", senderIp: "10.0.0.1", targetIp: "10.0.0.2" } }),
    ).toEqual(hex(`${eth} 0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002`));
    // tcpdump 4.99 finds the checksums of these two correct.
    const tcp = buildFrame({
      ipv4: { ...ip4, id: 1, dontFragment: true },
      tcp: { ...ports, seq: 1, flags: "S", window: 8192 },
    });
    expect(tcp).toEqual(
      hex(`${eth} 0800 4500 0028 0001 4000 4006 26cd 0a000001 0a000002 04d2 0050 00000001 00000000 5002 2000 76bd 0000`),
    );
    const udp = buildFrame({ ipv6: ip6, udp: { srcPort: 53, dstPort: 5353 }, payload: "hi" });
    expect(udp).toEqual(
      hex(`${eth} 86dd 60000000 000a 11 40 fd000000000000000000000000000001 fd000000000000000000000000000002
        0035 14e9 000a 884e 6869`),
    );
  });

  it("comes back from decodeFrame as it was given, with right checksums", () => {
    fc.assert(
      fc.property(arbitraryFrame, (spec) => {
        const decoded = decodeFrame(buildFrame(spec));
        expect(decoded.error).toBeUndefined();
        const { eth, vlan, arp, ipv4, ipv6, tcp, udp, icmp, icmpv6, payload } = spec;
        for (const [name, layer] of Object.entries({ eth, arp, ipv4, ipv6, tcp, udp, icmp, icmpv6 })) {
          if (layer === undefined) expect(decoded).not.toHaveProperty(name);
          else expect(decoded[name as "eth"]).toMatchObject(layer);
        }
        expect(decoded.vlan).toMatchObject([...(vlan ?? [])]);
        expect(decoded.payload).toEqual(Buffer.from(payload ?? ""));
        expect(decoded.trailer).toHaveLength(0);
        if (ipv4 !== undefined) expect(decoded.checksums.ip).toBe("right");
        if (tcp ?? udp ?? icmp ?? icmpv6) expect(decoded.checksums.transport).toBe("right");
      }),
      { numRuns: 500 },
    );
  });

  it("has transport checksums that a slow model agrees with", () => {
    fc.assert(
      fc.property(arbitraryFrame, (spec) => {
        const packet = buildNetwork(spec);
        const { ipv4, ipv6 } = spec;
        if (ipv4 === undefined && ipv6 === undefined) return;
        const body = transportBytes(packet);
        const at = spec.tcp !== undefined ? 16 : spec.udp !== undefined ? 6 : 2;
        if ((spec.tcp ?? spec.udp ?? spec.icmp ?? spec.icmpv6) === undefined) return;
        const written = body.readUInt16BE(at);
        body.writeUInt16BE(0, at);
        const expected = slowChecksum(Buffer.concat([slowPseudoHeader(spec, body.length), body]));
        expect(written).toBe(spec.udp !== undefined && expected === 0 ? 0xffff : expected);
      }),
      { numRuns: 500 },
    );
  });

  it("writes wrong checksums on request, and says so when it reads them", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<"tcp" | "udp" | "icmp">("tcp", "udp", "icmp"),
        fc.uint8Array({ maxLength: 60 }),
        (layer, payload) => {
          const fields = { tcp: { ...ports }, udp: { ...ports }, icmp: { type: 8 } }[layer];
          const spec = {
            ipv4: { ...ip4, checksum: "wrong" },
            [layer]: { ...fields, checksum: "wrong" },
            payload,
          } as FrameSpec;
          expect(decodeFrame(buildFrame(spec)).checksums).toEqual({ ip: "wrong", transport: "wrong" });
        },
      ),
    );
    expect(decodeFrame(buildFrame({ ipv4: ip4, udp: { ...ports, checksum: 0 } })).checksums.transport).toBe("absent");
  });

  it("sends a UDP checksum that computes to zero as all ones", () => {
    const zero = (payload: Buffer): number => buildFrame({ ipv4: ip4, udp: ports, payload }).readUInt16BE(14 + 20 + 6);
    const right = zero(Buffer.alloc(2));
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(right);
    expect(zero(payload)).toBe(0xffff);
    expect(decodeFrame(buildFrame({ ipv4: ip4, udp: ports, payload })).checksums.transport).toBe("right");
  });

  it("tags, double-tags and pads", () => {
    const qinq = buildFrame({
      vlan: [
        { vid: 100, tpid: 0x88a8 },
        { vid: 200, pcp: 5, dei: true },
      ],
      ipv4: ip4,
      udp: ports,
    });
    expect(qinq.subarray(12, 22)).toEqual(hex("88a8 0064 8100 b0c8 0800"));
    const small = buildFrame({ ipv4: ip4, udp: ports, payload: "x", padTo: 60 });
    expect(small).toHaveLength(60);
    expect(decodeFrame(small)).toMatchObject({ payload: Buffer.from("x"), trailer: Buffer.alloc(60 - 43) });
  });

  it("lies where it is told to", () => {
    const lying = buildFrame({ ipv4: { ...ip4, ihl: 15, totalLength: 9, version: 5 }, tcp: { ...ports, dataOffset: 2 } });
    expect([lying.readUInt8(14), lying.readUInt16BE(16), lying.readUInt8(14 + 20 + 12)]).toEqual([0x5f, 9, 0x20]);
    const long = buildFrame({ ipv6: { ...ip6, payloadLength: 5_000 }, udp: { ...ports, length: 3 } });
    expect([long.readUInt16BE(18), long.readUInt16BE(14 + 40 + 4)]).toEqual([5_000, 3]);
  });

  it("refuses what has no meaning or does not fit", () => {
    expect(() => buildFrame({ ipv4: ip4, ipv6: ip6 })).toThrow("ipv4 and ipv6 exclude each other");
    expect(() => buildFrame({ ipv4: ip4, tcp: ports, udp: ports })).toThrow("tcp and udp exclude each other");
    expect(() => buildFrame({ tcp: ports })).toThrow("tcp needs ipv4 or ipv6 below it");
    expect(() => buildFrame({ ipv4: ip4, tcp: { srcPort: 65_536, dstPort: 1 } })).toThrow(
      "tcp.srcPort: 65536 is not a whole number from 0 to 65535",
    );
    expect(() => buildFrame({ ipv4: { ...ip4, options: Buffer.alloc(41) } })).toThrow(
      "ipv4.options: 44 bytes, at most 40 fit",
    );
    expect(() => buildFrame({ ipv4: { ...ip4, fragmentOffset: 4 } })).toThrow(
      "ipv4.fragmentOffset: 4 is not a multiple of 8",
    );
    expect(() => buildFrame({ vlan: [{ vid: 4_096 }] })).toThrow("vlan.vid");
    expect(() => flagBits("SX")).toThrow('tcp.flags: "X" is none of F S R P A U E C');
  });

  it("writes TCP options", () => {
    expect(tcpOptions({ mss: 1460, sackPermitted: true, timestamps: [1, 0xffffffff], windowScale: 7 })).toEqual(
      hex("01 020405b4 0402 080a00000001ffffffff 030307"),
    );
    expect(tcpOptions({ sack: [[1, 2]] })).toEqual(hex("0101 050a 00000001 00000002"));
    expect(tcpOptions({})).toHaveLength(0);
  });
});

describe("decodeFrame", () => {
  it("says where a frame is cut short, at every length", () => {
    fc.assert(
      fc.property(arbitraryFrame, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (spec, share) => {
        const whole = buildFrame(spec);
        const cut = whole.subarray(0, Math.floor(whole.length * share));
        const decoded = decodeFrame(cut);
        if (spec.ipv4 ?? spec.ipv6 ?? spec.arp) {
          const required = spec.arp === undefined ? whole.length : whole.length - Buffer.from(spec.payload ?? "").length;
          expect(decoded.error === undefined).toBe(cut.length >= required);
        }
        if (decoded.error !== undefined) expect(decoded.error.offset).toBeLessThanOrEqual(cut.length);
      }),
      { numRuns: 500 },
    );
  });

  it("never throws, whatever the bytes are", () => {
    const start = fc
      .constantFrom("0800 45", "0800 4f", "86dd 60", "8100 0001 0800 45", "88a8 0001 8100 0002 86dd 60", "0806")
      .map((type) => hex(`${"00".repeat(12)}${type}`));
    const bytes = fc.uint8Array({ maxLength: 120 });
    fc.assert(
      fc.property(start, bytes, (head, tail) => void decodeFrame(Buffer.concat([head, tail]))),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(arbitraryFrame, fc.nat(), fc.integer({ min: 1, max: 255 }), (spec, at, flip) => {
        const frame = buildFrame(spec);
        const index = at % frame.length;
        frame.writeUInt8(frame.readUInt8(index) ^ flip, index);
        const { payload, trailer } = decodeFrame(frame);
        expect(payload.length + trailer.length).toBeLessThanOrEqual(frame.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("stops at headers that cannot be", () => {
    const error = (spec: FrameSpec) => decodeFrame(buildFrame(spec)).error;
    expect(error({ ipv4: { ...ip4, ihl: 4 } })).toEqual({ layer: "ipv4", offset: 14, message: "header length 16" });
    expect(error({ ipv4: { ...ip4, version: 6 } })?.message).toBe("version 6");
    expect(error({ ipv4: { ...ip4, totalLength: 19 } })?.message).toBe("total length 19 below header length 20");
    expect(error({ ipv4: ip4, tcp: { ...ports, dataOffset: 4 } })).toEqual({
      layer: "tcp",
      offset: 34,
      message: "header length 16",
    });
    expect(error({ ipv4: ip4, udp: { ...ports, length: 7 } })?.message).toBe("length 7");
    expect(error({ ipv6: { ...ip6, payloadLength: 9 }, udp: ports })?.layer).toBe("ipv6");
  });
});

/** The textbook way: pairs of bytes, the carry added back after every step. */
function slowChecksum(bytes: Uint8Array): number {
  const even = [...bytes, ...(bytes.length % 2 === 1 ? [0] : [])];
  let sum = 0;
  for (let i = 0; i < even.length; i += 2) {
    sum += (even[i] ?? 0) * 256 + (even[i + 1] ?? 0);
    if (sum >= 65_536) sum -= 65_535;
  }
  return 65_535 - sum;
}

/** Written out field by field, apart from the code under test. */
function slowPseudoHeader({ ipv4, ipv6, tcp, udp, icmp }: FrameSpec, length: number): Buffer {
  if (icmp !== undefined) return Buffer.alloc(0);
  const protocol = tcp !== undefined ? 6 : udp !== undefined ? 17 : 58;
  const [high, low] = [length >> 8, length & 255];
  if (ipv4 !== undefined) return Buffer.from([...ipv4ToBytes(ipv4.src), ...ipv4ToBytes(ipv4.dst), 0, protocol, high, low]);
  return Buffer.from([...ipv6ToBytes(ipv6?.src ?? ""), ...ipv6ToBytes(ipv6?.dst ?? ""), 0, 0, high, low, 0, 0, 0, protocol]);
}

/** The transport layer of a packet, found by walking its headers. */
function transportBytes(packet: Buffer): Buffer {
  if (packet.readUInt8(0) >> 4 === 4) return Buffer.from(packet.subarray((packet.readUInt8(0) & 15) * 4));
  let [next, at] = [packet.readUInt8(6), 40];
  while ([0, 43, 44, 51, 60].includes(next)) {
    const units = packet.readUInt8(at + 1);
    const length = next === 44 ? 8 : next === 51 ? (units + 2) * 4 : (units + 1) * 8;
    next = packet.readUInt8(at);
    at += length;
  }
  return Buffer.from(packet.subarray(at));
}
