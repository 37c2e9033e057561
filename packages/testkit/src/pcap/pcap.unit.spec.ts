import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PcapError, type PcapPacket } from "./format.js";
import { readPcap } from "./read.js";
import { writePcap } from "./write.js";

const packet = fc.record({
  data: fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array)),
  timeNs: fc.bigInt({ min: 0n, max: (2n ** 32n - 1n) * 1_000_000_000n }),
  wireLength: fc.nat({ max: 100_000 }),
});
const packets = fc.array(packet, { maxLength: 6 });

/** Everything that can be read, and the error that ended it. */
function readAll(file: Buffer): { packets: PcapPacket[]; error?: PcapError } {
  const out: PcapPacket[] = [];
  try {
    for (const one of readPcap(file)) out.push(one);
  } catch (error) {
    if (!(error instanceof PcapError)) throw error;
    return { packets: out, error };
  }
  return { packets: out };
}

describe("classic pcap", () => {
  it("comes back as it was written, in both byte orders and resolutions", () => {
    fc.assert(
      fc.property(packets, fc.boolean(), fc.boolean(), fc.nat({ max: 300 }), (written, bigEndian, nanoseconds, linkType) => {
        const read = [...readPcap(writePcap(written, { bigEndian, nanoseconds, linkType }))];
        expect(read).toEqual(
          written.map((one) => ({ ...one, timeNs: nanoseconds ? one.timeNs : one.timeNs - (one.timeNs % 1_000n), linkType })),
        );
      }),
    );
  });

  it("has the bytes that the format says", () => {
    const file = writePcap([{ data: Buffer.from("ab"), timeNs: 1_000_000_002_000n, wireLength: 9 }], {
      nanoseconds: false,
      snapLength: 65_535,
    });
    expect(file.toString("hex")).toBe(
      "d4c3b2a1020004000000000000000000ffff000001000000" + "e8030000020000000200000009000000" + "6162",
    );
    expect(writePcap([], { bigEndian: true }).toString("hex", 0, 8)).toBe("a1b23c4d00020004");
  });

  it("cuts packets to the snapshot length", () => {
    expect([...readPcap(writePcap([{ data: Buffer.from("abcdef") }], { snapLength: 4 }))]).toMatchObject([
      { data: Buffer.from("abcd"), wireLength: 6 },
    ]);
  });

  it("says at which byte it is cut short, at every length, and gives out what is whole", () => {
    fc.assert(
      fc.property(packets, fc.boolean(), (written, bigEndian) => {
        const file = writePcap(written, { bigEndian });
        // Where a file may end: after the header and after each packet.
        const ends = written.reduce((all, { data }) => [...all, (all.at(-1) ?? 0) + 16 + data.length], [24]);
        for (let length = 0; length <= file.length; length++) {
          const { packets: read, error } = readAll(file.subarray(0, length));
          const whole = ends.filter((end) => end <= length);
          expect(read).toHaveLength(Math.max(whole.length - 1, 0));
          if (ends.includes(length)) expect(error).toBeUndefined();
          else expect(error).toMatchObject({ code: "truncated", offset: whole.at(-1) ?? 0 });
        }
      }),
      { numRuns: 30 },
    );
  });

  it("refuses other files, and sizes and times that cannot be", () => {
    const broken = (change: (file: Buffer) => void): PcapError | undefined => {
      const file = writePcap([{ data: Buffer.from("ab") }], { nanoseconds: false });
      change(file);
      return readAll(file).error;
    };
    expect(broken((file) => file.write("GET / HTTP"))).toMatchObject({ code: "not-a-capture", offset: 0 });
    expect(broken((file) => file.writeUInt16LE(3, 4))).toMatchObject({ code: "malformed", offset: 4 });
    expect(broken((file) => file.writeUInt32LE(262_145, 32))).toMatchObject({ code: "too-large", offset: 24 });
    expect(broken((file) => file.writeUInt32LE(1_000_000, 28))).toMatchObject({ code: "malformed", offset: 24 });
    expect(broken((file) => file.writeUInt32LE(999_999, 28))).toBeUndefined();
    expect(readAll(Buffer.alloc(0)).error?.message).toBe(
      "capture file, byte 0: magic number cut short: 4 bytes needed, 0 left",
    );
  });
});

describe("pcapng", () => {
  const ng = (bigEndian: boolean) => {
    const u16 = (value: number) =>
      bigEndian ? Buffer.from([value >> 8, value & 255]) : Buffer.from([value & 255, value >> 8]);
    const u32 = (value: number) =>
      bigEndian
        ? Buffer.concat([u16(value >>> 16), u16(value & 0xffff)])
        : Buffer.concat([u16(value & 0xffff), u16(value >>> 16)]);
    const pad = (data: Uint8Array) => Buffer.concat([data], Math.ceil(data.length / 4) * 4);
    const block = (type: number, ...parts: Uint8Array[]) => {
      const body = Buffer.concat(parts);
      return Buffer.concat([u32(type), u32(body.length + 12), body, u32(body.length + 12)]);
    };
    const option = (code: number, value: Uint8Array) => Buffer.concat([u16(code), u16(value.length), pad(value)]);
    return {
      u16,
      u32,
      block,
      section: () => block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), u32(0xffffffff), u32(0xffffffff)),
      interface: (linkType: number, snap: number, ...options: [number, Uint8Array][]) =>
        block(
          1,
          u16(linkType),
          u16(0),
          u32(snap),
          ...options.map(([code, value]) => option(code, value)),
          ...(options.length > 0 ? [u32(0)] : []),
        ),
      enhanced: (id: number, units: bigint, data: Uint8Array, wireLength = data.length) =>
        block(
          6,
          u32(id),
          u32(Number(units >> 32n)),
          u32(Number(units & 0xffffffffn)),
          u32(data.length),
          u32(wireLength),
          pad(data),
        ),
      simple: (data: Uint8Array, wireLength = data.length) => block(3, u32(wireLength), pad(data)),
      other: () => block(0x0bad, Buffer.from("skip")),
    };
  };

  it("gives the packets of every section, with their interface's link type and time", () => {
    fc.assert(
      fc.property(packets, packets, fc.boolean(), fc.boolean(), (one, two, bigOne, bigTwo) => {
        const [a, b] = [ng(bigOne), ng(bigTwo)];
        const file = Buffer.concat([
          a.section(),
          a.interface(1, 0),
          a.other(),
          a.interface(101, 0, [9, Buffer.from([9])]),
          ...one.map(({ data, timeNs, wireLength }) => a.enhanced(1, timeNs, data, wireLength)),
          b.section(),
          b.interface(113, 0),
          ...two.map(({ data, timeNs, wireLength }) => b.enhanced(0, timeNs / 1_000n, data, wireLength)),
        ]);
        expect([...readPcap(file)]).toEqual([
          ...one.map((packet) => ({ ...packet, linkType: 101 })),
          ...two.map((packet) => ({ ...packet, timeNs: packet.timeNs - (packet.timeNs % 1_000n), linkType: 113 })),
        ]);
      }),
    );
  });

  it("reads powers of two, time offsets and simple packets", () => {
    for (const bigEndian of [false, true]) {
      const { section, interface: idb, enhanced, simple } = ng(bigEndian);
      const offset = Buffer.alloc(8);
      if (bigEndian) offset.writeBigInt64BE(-1n);
      else offset.writeBigInt64LE(-1n);
      const file = Buffer.concat([
        section(),
        idb(1, 4, [2, Buffer.from("eth0")], [9, Buffer.from([0x80 | 2])], [14, offset]),
        enhanced(0, 6n, Buffer.from("abcde"), 70),
        simple(Buffer.from("wxyz"), 9),
        simple(Buffer.from("ab")),
      ]);
      expect([...readPcap(file)]).toEqual([
        { timeNs: 500_000_000n, data: Buffer.from("abcde"), wireLength: 70, linkType: 1 },
        { timeNs: 0n, data: Buffer.from("wxyz"), wireLength: 9, linkType: 1 },
        { timeNs: 0n, data: Buffer.from("ab"), wireLength: 2, linkType: 1 },
      ]);
    }
  });

  it("says at which byte it is cut short, at every length", () => {
    for (const bigEndian of [false, true]) {
      const { section, interface: idb, enhanced, simple } = ng(bigEndian);
      const blocks = [
        section(),
        idb(1, 0, [9, Buffer.from([6])]),
        enhanced(0, 1n, Buffer.from("abc")),
        simple(Buffer.from("de")),
      ];
      const file = Buffer.concat(blocks);
      const ends = blocks.reduce((all, block) => [...all, (all.at(-1) ?? 0) + block.length], [0]);
      for (let length = 1; length <= file.length; length++) {
        const { packets: read, error } = readAll(file.subarray(0, length));
        const whole = ends.filter((end) => end <= length);
        expect(read).toHaveLength(Math.max(whole.length - 3, 0));
        if (ends.includes(length)) expect(error).toBeUndefined();
        else expect(error).toMatchObject({ code: "truncated", offset: whole.at(-1) });
      }
    }
  });

  it("refuses blocks that cannot be", () => {
    const { u32, u16, block, section, interface: idb, enhanced, simple } = ng(false);
    const error = (...blocks: Buffer[]) => readAll(Buffer.concat([section(), ...blocks])).error;
    const at = section().length;
    expect(error(enhanced(0, 0n, Buffer.from("a")))).toMatchObject({ code: "malformed", offset: at });
    expect(error(simple(Buffer.from("a")))?.message).toContain("before any interface description");
    expect(error(idb(1, 0), block(6, u32(0), u32(0), u32(0), u32(5), u32(5), Buffer.from("abcd")))?.message).toContain(
      "packet of 5 bytes in a block with room for 4",
    );
    expect(error(block(6, u32(0)))?.message).toContain("packet block of 4 bytes, at least 20 needed");
    expect(error(block(1, u16(1), u16(0), u32(0), u16(9), u16(200)))?.message).toContain(
      "option 9 of 200 bytes runs over its block",
    );
    expect(error(Buffer.concat([u32(1), u32(13), Buffer.alloc(20)]))?.message).toContain("block length 13");
    expect(error(Buffer.concat([u32(1), u32(2 ** 31), Buffer.alloc(20)]))?.code).toBe("too-large");
    expect(error(Buffer.concat([u32(1), u32(16), u32(0), u32(20)]))?.message).toContain("but 20 at the block's end");
    expect(error(block(0x0a0d0d0a, u32(0), Buffer.alloc(12)))?.message).toContain("without the byte-order magic");
    expect(error(block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(2), u16(0), Buffer.alloc(8)))?.message).toContain(
      "pcapng version 2.0",
    );
  });

  it("ends with a PcapError or not at all, whatever a file says", () => {
    const { section, interface: idb, enhanced, simple } = ng(false);
    const good = Buffer.concat([
      section(),
      idb(1, 0, [9, Buffer.from([6])]),
      enhanced(0, 1n, Buffer.from("abc")),
      simple(Buffer.from("de")),
    ]);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (index, value) => {
        const file = Buffer.from(good);
        file.writeUInt8(value, index);
        const { packets: read } = readAll(file);
        expect(read.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 1_000 },
    );
  });
});
