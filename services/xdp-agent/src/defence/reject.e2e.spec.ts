import { buildFrame, decodeFrame, needs, tcpOptions, type FrameSpec, type TcpSpec } from "@secuxflow/testkit";
import { NO_PROTECTION } from "@secuxflow/contracts";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS, encodeProtection } from "./domain/protection.js";
import { TestProgram } from "./testing/test-program.js";

const client = "02:00:00:00:00:0c";
const host = "02:00:00:00:00:01";
const question = { src: client, dst: host };
const reply = { src: host, dst: client };
const addresses = {
  4: { there: { src: "192.0.2.7", dst: "10.0.0.1" }, back: { src: "10.0.0.1", dst: "192.0.2.7" } },
  6: { there: { src: "2001:db8::7", dst: "fd00::1" }, back: { src: "fd00::1", dst: "2001:db8::7" } },
} as const;
type Family = keyof typeof addresses;

/** The frame of the client, and the one that must come back, of the same layers. */
const there = (family: Family, more: FrameSpec, ip: object = {}): FrameSpec =>
  ({ eth: question, ...(family === 4 ? { ipv4: { ...addresses[4].there, ...ip } } : { ipv6: { ...addresses[6].there, ...ip } }), ...more });
const back = (family: Family, more: FrameSpec): Buffer =>
  buildFrame({ eth: reply, ...(family === 4 ? { ipv4: { ...addresses[4].back, dontFragment: true } } : { ipv6: addresses[6].back }), ...more });
const resetOf = (family: Family, tcp: Partial<TcpSpec>, vlan: FrameSpec["vlan"] = []): Buffer =>
  back(family, { vlan, tcp: { srcPort: 80, dstPort: 40_000, window: 0, ...tcp } });
/** The ICMP answer quotes the packet from its IP header on, at most up to 576 bytes of IPv4 and 1,280 of IPv6. */
const unreachable = (family: Family, frame: Buffer, { vlan = [], l3 = 14 + 4 * vlan.length }: { vlan?: NonNullable<FrameSpec["vlan"]>; l3?: number } = {}): Buffer => {
  const length = family === 4 ? frame.readUInt16BE(l3 + 2) : 40 + frame.readUInt16BE(l3 + 4);
  const payload = frame.subarray(l3, l3 + Math.min(length, family === 4 ? 548 : 1_232));
  return back(family, { vlan, payload, ...(family === 4 ? { icmp: { type: 3, code: 3 } } : { icmpv6: { type: 1, code: 4 } }) });
};

needs(describe, "kernel")("rejecting", () => {
  let program: TestProgram;
  let now = 1_000_000_000_000n;
  beforeAll(() => {
    program = new TestProgram();
    return () => { program.close(); };
  });
  beforeEach(async () => {
    await program.maps.setProtection(encodeProtection(NO_PROTECTION, { ...DEFAULT_SETTINGS, answers: { rate: 0, burst: 0 } }));
    program.setRule({});
    program.now = now += 1_000_000_000n;
  });
  const rejected = (frame: Buffer) => program.run("reject_low_ports", frame);
  const expectAnswer = (frame: Buffer, expected: Buffer): void => {
    const got = rejected(frame);
    expect(got.verdict).toBe("tx");
    expect(got.frame.toString("hex")).toBe(expected.toString("hex"));
    expect(decodeFrame(got.frame).checksums.transport).toBe("right");
  };
  const expectSilence = (frame: Buffer): void => {
    const before = program.count("silent");
    expect(rejected(frame).verdict).toBe("drop");
    expect(program.count("silent")).toBe(before + 1);
  };

  const families: Family[] = [4, 6];
  describe.each(families)("IPv%i, TCP", (family) => {
    const ports = { srcPort: 40_000, dstPort: 80 };
    it.each<[string, Partial<TcpSpec>, string | undefined, Partial<TcpSpec>]>([
      ["a SYN: acknowledges it", { flags: "S", seq: 1_000 }, undefined, { flags: "RA", seq: 0, ack: 1_001 }],
      ["a SYN with data", { flags: "S", seq: 1_000 }, "hello", { flags: "RA", seq: 0, ack: 1_006 }],
      ["a SYN with options", { flags: "S", seq: 7, options: tcpOptions({ mss: 1_460, sackPermitted: true, timestamps: [1, 0], windowScale: 7 }) }, undefined, { flags: "RA", seq: 0, ack: 8 }],
      ["a FIN without ACK", { flags: "F", seq: 9 }, undefined, { flags: "RA", seq: 0, ack: 10 }],
      ["sequence numbers that wrap", { flags: "S", seq: 0xffff_ffff }, "abc", { flags: "RA", seq: 0, ack: 3 }],
      ["no flags at all", { flags: "", seq: 5 }, "xy", { flags: "RA", seq: 0, ack: 7 }],
      ["an ACK: takes its number", { flags: "A", seq: 5, ack: 99 }, undefined, { flags: "R", seq: 99, ack: 0 }],
      ["data", { flags: "PA", seq: 5, ack: 0xffff_fff0 }, "GET / HTTP/1.1", { flags: "R", seq: 0xffff_fff0, ack: 0 }],
      ["a FIN", { flags: "FA", seq: 5, ack: 77 }, undefined, { flags: "R", seq: 77, ack: 0 }],
      ["a SYN-ACK", { flags: "SA", seq: 5, ack: 77 }, undefined, { flags: "R", seq: 77, ack: 0 }],
    ])("resets %s", (_, tcp, payload, answer) => {
      const frame = buildFrame(there(family, { tcp: { ...ports, ...tcp }, ...(payload === undefined ? {} : { payload }) }));
      expectAnswer(frame, resetOf(family, answer));
    });

    it("never answers a reset", () => {
      expectSilence(buildFrame(there(family, { tcp: { ...ports, flags: "R", seq: 1 } })));
      expectSilence(buildFrame(there(family, { tcp: { ...ports, flags: "RA", seq: 1 } })));
    });

    it("keeps VLAN tags, and takes Ethernet padding for no data", () => {
      const vlan = [{ vid: 7, tpid: 0x88a8, pcp: 3 }, { vid: 8, dei: true }];
      expectAnswer(buildFrame(there(family, { vlan, tcp: { ...ports, flags: "S", seq: 1 } })), resetOf(family, { flags: "RA", seq: 0, ack: 2 }, vlan));
      expectAnswer(buildFrame(there(family, { tcp: { ...ports, flags: "S", seq: 1 }, padTo: 128 })), resetOf(family, { flags: "RA", seq: 0, ack: 2 }));
    });

    it("does not trust the packet's own checksum: over veth it may not be there yet", () => {
      expectAnswer(buildFrame(there(family, { tcp: { ...ports, flags: "S", seq: 1, checksum: "wrong" } })), resetOf(family, { flags: "RA", seq: 0, ack: 2 }));
    });

    it("says unreachable where the rule wants it", () => {
      program.setRule({ unreachable: true });
      const frame = buildFrame(there(family, { tcp: { ...ports, flags: "S", seq: 1 }, payload: "hello" }));
      expectAnswer(frame, unreachable(family, frame));
    });

    it("answers whatever the packet carries with checksums that are right", () => {
      const any = fc.record({
        srcPort: fc.nat(65_535), dstPort: fc.nat(1_023), seq: fc.nat(0xffff_ffff), ack: fc.nat(0xffff_ffff),
        flags: fc.subarray([..."FSPAUEC"]).map((letters) => letters.join("")), window: fc.nat(65_535),
      });
      fc.assert(fc.property(any, fc.uint8Array({ maxLength: 300 }), (tcp, payload) => {
        const length = payload.length + (tcp.flags.includes("S") ? 1 : 0) + (tcp.flags.includes("F") ? 1 : 0);
        const answer = tcp.flags.includes("A") ? { flags: "R", seq: tcp.ack } : { flags: "RA", ack: (tcp.seq + length) % 2 ** 32 };
        expectAnswer(buildFrame(there(family, { tcp, payload })), resetOf(family, { ...answer, srcPort: tcp.dstPort, dstPort: tcp.srcPort }));
      }), { numRuns: 50 });
    });
  });

  describe.each(families)("IPv%i, everything else", (family) => {
    it.each<[string, number]>([["nothing", 0], ["a byte", 1], ["an odd length", 333], ["as much as is quoted", 548 - 28], ["more than that", 1_400]])("says that the port is unreachable, quoting %s", (_, size) => {
      const frame = buildFrame(there(family, { udp: { srcPort: 5_000, dstPort: 53 }, payload: Buffer.from(Array.from({ length: size }, (__, i) => i & 255)) }));
      expectAnswer(frame, unreachable(family, frame));
    });

    it("keeps VLAN tags, and does not quote Ethernet padding", () => {
      const vlan = [{ vid: 7, tpid: 0x88a8 }, { vid: 8 }];
      const frame = buildFrame(there(family, { vlan, udp: { srcPort: 5_000, dstPort: 53 }, payload: "?", padTo: 100 }));
      expectAnswer(frame, unreachable(family, frame, { vlan }));
    });

    it("answers an echo request, and protocols without ports", () => {
      const ping = buildFrame(there(family, family === 4 ? { icmp: { type: 8 } } : { icmpv6: { type: 128 } }));
      expectAnswer(ping, unreachable(family, ping));
      const gre = buildFrame(there(family, { payload: "gre" }, family === 4 ? { protocol: 47 } : { nextHeader: 47 }));
      expectAnswer(gre, unreachable(family, gre));
    });

    it("answers checksums of any content right", () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 1_400 }), fc.nat(65_535), (payload, srcPort) => {
        const frame = buildFrame(there(family, { udp: { srcPort, dstPort: 53 }, payload }));
        expectAnswer(frame, unreachable(family, frame));
      }), { numRuns: 40 });
    });
  });

  const udp = { srcPort: 5_000, dstPort: 53 };
  it.each<[string, FrameSpec]>([
    ["a destination unreachable", there(4, { icmp: { type: 3, code: 3 } })],
    ["a time exceeded", there(4, { icmp: { type: 11 } })],
    ["a redirect", there(4, { icmp: { type: 5 } })],
    ["an unknown ICMP type", there(4, { icmp: { type: 200 } })],
    ["an ICMPv6 error", there(6, { icmpv6: { type: 3 } })],
    ["an unknown ICMPv6 error", there(6, { icmpv6: { type: 127 } })],
    ["an ICMPv6 redirect", there(6, { icmpv6: { type: 137 } })],
    ["Ethernet broadcast", there(4, { eth: { src: client, dst: "ff:ff:ff:ff:ff:ff" }, udp })],
    ["Ethernet multicast", there(6, { eth: { src: client, dst: "33:33:00:00:00:01" }, udp })],
    ["an Ethernet group as the sender", there(4, { eth: { src: "03:00:00:00:00:01", dst: host }, udp })],
    ["IPv4 broadcast", there(4, { udp }, { dst: "255.255.255.255" })],
    ["IPv4 multicast", there(4, { udp }, { dst: "224.0.0.251" })],
    ["a reserved destination", there(4, { udp }, { dst: "240.0.0.1" })],
    ["no IPv4 source", there(4, { udp }, { src: "0.0.0.0" })],
    ["a loopback source", there(4, { udp }, { src: "127.0.0.1" })],
    ["a multicast source", there(4, { udp }, { src: "224.0.0.1" })],
    ["a broadcast source", there(4, { udp }, { src: "255.255.255.255" })],
    ["its own destination as the source (LAND)", there(4, { tcp: { srcPort: 80, dstPort: 80, flags: "S" } }, { src: "10.0.0.1" })],
    ["IPv6 multicast", there(6, { udp }, { dst: "ff02::fb" })],
    ["no IPv6 source", there(6, { udp }, { src: "::" })],
    ["an IPv6 loopback source", there(6, { udp }, { src: "::1" })],
    ["an IPv6 multicast source", there(6, { udp }, { src: "ff02::1" })],
    ["a later IPv4 fragment", there(4, { payload: "later" }, { protocol: 17, fragmentOffset: 64 })],
    ["a later IPv6 fragment", there(6, { payload: "later" }, { nextHeader: 17, extensions: [{ kind: "fragment", id: 1, offset: 64 }] })],
    ["a first TCP fragment, whose length is not known", there(4, { tcp: { srcPort: 1, dstPort: 80, flags: "S" } }, { moreFragments: true })],
    ["a wrong IPv4 header checksum", there(4, { udp }, { checksum: "wrong" })],
    ["a length beyond the frame", there(4, { udp }, { totalLength: 500 })],
    ["an IPv6 length beyond the frame", there(6, { udp }, { payloadLength: 500 })],
    ["a TCP header longer than the packet", there(4, { tcp: { srcPort: 1, dstPort: 80, flags: "S", dataOffset: 15 } })],
    ["a TCP header that is too short", there(4, { tcp: { srcPort: 1, dstPort: 80, flags: "S", dataOffset: 4 } })],
  ])("drops in silence: %s", (_, spec) => {
    expectSilence(buildFrame(spec));
  });

  it("answers a first fragment by ICMP, and packets behind extension headers and IP options", () => {
    const first = buildFrame(there(4, { udp, payload: Buffer.alloc(64) }, { moreFragments: true }));
    expectAnswer(first, unreachable(4, first));
    expectAnswer(buildFrame(there(4, { tcp: { srcPort: 40_000, dstPort: 80, flags: "S", seq: 3 }, payload: "x" }, { options: Buffer.from([1, 1, 1, 1, 1, 1, 1, 0]) })), resetOf(4, { flags: "RA", ack: 5 }));
    const extended = { extensions: [{ kind: "hopByHop" as const }, { kind: "destination" as const, data: Buffer.alloc(14) }] };
    expectAnswer(buildFrame(there(6, { tcp: { srcPort: 40_000, dstPort: 80, flags: "S", seq: 3 }, payload: "x" }, extended)), resetOf(6, { flags: "RA", ack: 5 }));
    const datagram = buildFrame(there(6, { udp, payload: "x" }, extended));
    expectAnswer(datagram, unreachable(6, datagram));
  });

  it("answers no more than its rate", async () => {
    await program.maps.setProtection(encodeProtection(NO_PROTECTION, { ...DEFAULT_SETTINGS, answers: { rate: 100, burst: 3 } }));
    const frame = buildFrame(there(4, { tcp: { srcPort: 40_000, dstPort: 80, flags: "S", seq: 3 } }));
    const answers = (): number => Array.from({ length: 10 }, () => rejected(frame).verdict).filter((verdict) => verdict === "tx").length;
    const before = program.count("overRate");
    expect(answers()).toBe(3);
    program.now = now + 10_000_000n;
    expect(answers()).toBe(1);
    expect(program.count("overRate") - before).toBe(16);
    // What must not be answered is not charged.
    program.now = now += 1_000_000_000n;
    for (let i = 0; i < 5; i++) expectSilence(buildFrame(there(4, { udp }, { src: "0.0.0.0" })));
    expect(answers()).toBe(3);
  });
});
