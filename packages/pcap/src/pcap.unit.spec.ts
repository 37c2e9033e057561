import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureHeader, captureRecord, CaptureError, LinkType, readCapture } from "./index.js";
import type { CapturedPacket } from "./index.js";

const packets = fc.array(
  fc.record({
    timeNs: fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }),
    extra: fc.nat(2_000),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 12 },
);

const cut = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));

const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Copies, since a packet's bytes are good only until the next one. */
function all(chunks: Iterable<Uint8Array>): CapturedPacket[] {
  const list: CapturedPacket[] = [];
  for (const packet of readCapture(chunks)) list.push({ ...packet, data: packet.data.slice() });
  return list;
}

function block(type: number, body: Uint8Array, little: boolean): Uint8Array {
  const padded = (body.length + 3) & ~3;
  const bytes = new Uint8Array(12 + padded);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, little);
  view.setUint32(4, bytes.length, little);
  bytes.set(body, 8);
  view.setUint32(8 + padded, bytes.length, little);
  return bytes;
}

function words(little: boolean, ...values: readonly (readonly [number, 2 | 4])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.reduce((sum, [, size]) => sum + size, 0)));
  let at = 0;
  for (const [value, size] of values) {
    if (size === 2) view.setUint16(at, value, little);
    else view.setUint32(at, value, little);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

describe("readCapture", () => {
  it("gives back what was written, whatever pieces the file comes in (property)", () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 500 }), (list, size) => {
        const file = join([
          captureHeader(LinkType.ETHERNET),
          ...list.map(({ timeNs, extra, data }) => captureRecord({ timeNs, wireLength: data.length + extra, data })),
        ]);
        const expected = list.map(({ timeNs, extra, data }) => ({ timeNs, linkType: 1, wireLength: data.length + extra, data }));
        expect(all(cut(file, size))).toEqual(expected);
      }),
    );
  });

  it("reads microseconds in either byte order", () => {
    for (const little of [true, false]) {
      const file = join([
        words(little, [0xa1b2c3d4, 4], [2, 2], [4, 2], [0, 4], [0, 4], [65535, 4], [101, 4]),
        words(little, [7, 4], [5, 4], [3, 4], [60, 4]),
        Uint8Array.of(1, 2, 3),
      ]);
      expect(all([file])).toEqual([{ timeNs: 7_000_005_000n, linkType: 101, wireLength: 60, data: Uint8Array.of(1, 2, 3) }]);
    }
  });

  it("reads pcapng: interfaces with clocks of their own, enhanced and simple packets, unknown blocks, either byte order", () => {
    for (const little of [true, false]) {
      const nanoseconds = join([words(little, [1, 2], [0, 2], [100, 4], [9, 2], [1, 2]), Uint8Array.of(9, 0, 0, 0), words(little, [0, 4])]);
      const file = join([
        block(0x0a0d0d0a, words(little, [0x1a2b3c4d, 4], [1, 2], [0, 2], [0xffffffff, 4], [0xffffffff, 4]), little),
        block(1, words(little, [101, 2], [0, 2], [0, 4]), little),
        block(1, nanoseconds, little),
        block(0x0bad, Uint8Array.of(1, 2, 3, 4, 5), little),
        block(6, join([words(little, [0, 4], [0, 4], [1_000_001, 4], [3, 4], [90, 4]), Uint8Array.of(7, 8, 9)]), little),
        block(6, join([words(little, [1, 4], [1, 4], [5, 4], [2, 4], [2, 4]), Uint8Array.of(1, 2)]), little),
        block(3, join([words(little, [4, 4]), Uint8Array.of(4, 3, 2, 1)]), little),
      ]);
      const expected = [
        { timeNs: 1_000_001_000n, linkType: 101, wireLength: 90, data: Uint8Array.of(7, 8, 9) },
        { timeNs: 4_294_967_301n, linkType: 1, wireLength: 2, data: Uint8Array.of(1, 2) },
        { timeNs: 0n, linkType: 101, wireLength: 4, data: Uint8Array.of(4, 3, 2, 1) },
      ];
      expect(all([file])).toEqual(expected);
      expect(all(cut(file, 5))).toEqual(expected);
    }
  });

  it("keeps times within 64 bits, whatever a clock says of itself", () => {
    const seconds = join([words(true, [1, 2], [0, 2], [100, 4], [9, 2], [1, 2]), Uint8Array.of(0, 0, 0, 0), words(true, [0, 4])]);
    const file = join([
      block(0x0a0d0d0a, words(true, [0x1a2b3c4d, 4], [1, 2], [0, 2], [0, 4], [0, 4]), true),
      block(1, seconds, true),
      block(6, words(true, [0, 4], [0xffffffff, 4], [0xffffffff, 4], [0, 4], [0, 4]), true),
    ]);
    const [packet] = all([file]);
    expect(packet?.timeNs).toBe(BigInt.asUintN(64, (2n ** 64n - 1n) * 1_000_000_000n));
  });

  it("tells a file that was cut off from one that ends, after giving out what is whole", () => {
    const file = join([
      captureHeader(LinkType.ETHERNET),
      captureRecord({ timeNs: 1n, wireLength: 4, data: Uint8Array.of(1, 2, 3, 4) }),
      captureRecord({ timeNs: 2n, wireLength: 4, data: Uint8Array.of(5, 6, 7, 8) }),
    ]);
    for (let length = 24 + 20 + 1; length < file.length; length++) {
      const seen: bigint[] = [];
      expect(() => {
        for (const { timeNs } of readCapture([file.subarray(0, length)])) seen.push(timeNs);
      }).toThrow(/cut off/);
      expect(seen).toEqual([1n]);
    }
  });

  it.each([
    ["an empty file", new Uint8Array(), "the file is empty"],
    ["something else", Buffer.from("GIF89a and more"), "neither pcap nor pcapng"],
    ["a packet that claims too much", join([captureHeader(1), words(true, [0, 4], [0, 4], [0x7fffffff, 4], [1, 4])]), "damaged"],
    ["a packet of no interface", join([
      block(0x0a0d0d0a, words(true, [0x1a2b3c4d, 4], [1, 2], [0, 2], [0, 4], [0, 4]), true),
      block(6, words(true, [3, 4], [0, 4], [0, 4], [0, 4], [0, 4]), true),
    ]), "was not described"],
  ])("refuses %s and says where", (_name, file, reason) => {
    expect(() => all([file])).toThrow(CaptureError);
    expect(() => all([file])).toThrow(reason);
  });

  it("survives any damage: packets or a CaptureError, nothing else (property)", () => {
    const good = join([captureHeader(1), captureRecord({ timeNs: 5n, wireLength: 9, data: new Uint8Array(40) })]);
    const section = block(0x0a0d0d0a, words(true, [0x1a2b3c4d, 4], [1, 2], [0, 2], [0, 4], [0, 4]), true);
    const modern = join([section, block(1, words(true, [1, 2], [0, 2], [0, 4]), true), block(6, new Uint8Array(40), true)]);
    fc.assert(
      fc.property(fc.constantFrom(good, modern), fc.array(fc.tuple(fc.nat(150), fc.nat(255)), { maxLength: 6 }), (file, changes) => {
        const damaged = file.slice();
        for (const [at, value] of changes) damaged[at % damaged.length] = value;
        try {
          for (const { data } of readCapture([damaged])) expect(data.length).toBeLessThanOrEqual(damaged.length);
        } catch (error) {
          expect(error).toBeInstanceOf(CaptureError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
