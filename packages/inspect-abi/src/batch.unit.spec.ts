import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAddress, parseAddress } from "./address.js";
import { BatchBuilder } from "./batch-builder.js";
import type { RecordFields } from "./batch-builder.js";
import { BatchReader, sliceBatch, validateBatch } from "./batch-reader.js";
import { AbiError } from "./errors.js";
import * as abi from "./generated/abi.js";

type Plain = Omit<RecordFields, "flowIdLow" | "flowIdHigh" | "src" | "dst">;
interface VectorRecord extends Plain {
  flowId: string;
  src: string;
  dst: string;
  data: string;
}
interface Vector {
  name: string;
  publisher: string;
  partition: number;
  timeBaseNs: string;
  skip: number;
  records: VectorRecord[];
  hex: string;
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "../vectors/batches.json"), "utf8")) as Vector[];

function fieldsOf({ flowId, src, dst, ...plain }: Omit<VectorRecord, "data">): RecordFields {
  const id = BigInt(`0x${flowId}`);
  return {
    ...plain,
    flowIdLow: Number(id & 0xffff_ffffn),
    flowIdHigh: Number(id >> 32n),
    src: parseAddress(src),
    dst: parseAddress(dst),
  };
}

function build(vector: Omit<Vector, "name" | "hex">): Uint8Array {
  const builder = new BatchBuilder({
    publisher: BigInt(vector.publisher),
    partition: vector.partition,
    maxRecords: 64,
    maxBytes: 65_536,
  });
  builder.setTimeBase(BigInt(vector.timeBaseNs));
  builder.skip(vector.skip);
  for (const { data, ...record } of vector.records) expect(builder.append(fieldsOf(record), Buffer.from(data, "hex"))).toBe(true);
  return builder.finish().slice();
}

const uint = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });
const hexBytes = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString("hex"));
const recordArbitrary: fc.Arbitrary<VectorRecord> = fc.record({
  flowId: hexBytes(8),
  streamOffset: fc.maxSafeNat(),
  timeDeltaNs: uint(32),
  wireLen: uint(32),
  l3Offset: uint(16),
  l4Offset: uint(16),
  payloadOffset: uint(16),
  sport: uint(16),
  dport: uint(16),
  family: fc.constantFrom(0, 4, 6),
  proto: uint(8),
  kind: fc.constantFrom(1, 2, 3),
  direction: fc.constantFrom(0, 1, 2),
  flags: uint(16),
  vlan: uint(16),
  ifindex: uint(32),
  modules: uint(32),
  forwardId: uint(32),
  src: fc.oneof(fc.ipV4(), fc.ipV6()),
  dst: fc.oneof(fc.ipV4(), fc.ipV6()),
  data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("hex")),
});
const batchArbitrary = fc.record({
  publisher: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(String),
  partition: fc.integer({ min: 0, max: 63 }),
  timeBaseNs: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(String),
  skip: fc.nat(),
  records: fc.array(recordArbitrary, { maxLength: 20 }),
});

function expectSame(reader: BatchReader, vector: Omit<Vector, "name" | "hex">): void {
  expect(reader.header).toMatchObject({
    count: vector.records.length,
    publisher: BigInt(vector.publisher),
    partition: vector.partition,
    timeBaseNs: BigInt(vector.timeBaseNs),
    sequence: BigInt(vector.skip),
    moduleBit: 0,
  });
  vector.records.forEach(({ data, flowId, src, dst, ...plain }, i) => {
    const clip = (offset: number): number => (offset > data.length / 2 ? 0xffff : offset);
    const record = reader.record(i);
    expect(record).toMatchObject({
      ...plain,
      flowId: BigInt(`0x${flowId}`),
      streamOffset: BigInt(plain.streamOffset),
      dataLen: data.length / 2,
      l3Offset: clip(plain.l3Offset),
      l4Offset: clip(plain.l4Offset),
      payloadOffset: clip(plain.payloadOffset),
    });
    expect(record.src).toEqual(parseAddress(src));
    expect(record.dst).toEqual(parseAddress(dst));
    expect(Buffer.from(reader.data(i)).toString("hex")).toBe(data);
  });
}

describe("golden batches", () => {
  it.each(vectors)("$name: read as described, and built again to the same bytes", (vector) => {
    expectSame(new BatchReader(Buffer.from(vector.hex, "hex")), vector);
    expect(Buffer.from(build(vector)).toString("hex")).toBe(vector.hex);
  });
});

describe("BatchBuilder", () => {
  it("makes batches that read back as what was appended", () => {
    fc.assert(
      fc.property(batchArbitrary, (vector) => {
        expectSame(new BatchReader(build(vector)), vector);
      }),
    );
  });

  it("adopts what was written into its room, as if it had been appended", () => {
    fc.assert(
      fc.property(batchArbitrary, (vector) => {
        const expected = build(vector);
        const reader = new BatchReader(expected);
        const maxRecords = reader.count + 3;
        const builder = new BatchBuilder({ publisher: BigInt(vector.publisher), partition: vector.partition, maxRecords });
        if (vector.skip > 0) builder.skip(vector.skip);
        builder.setTimeBase(BigInt(vector.timeBaseNs));
        const { bytes, recordsStart, payloadStart } = builder.room;
        bytes.set(expected.subarray(abi.BATCH_BYTES, reader.header.payloadOffset), recordsStart);
        bytes.set(expected.subarray(reader.header.payloadOffset), payloadStart);
        builder.adopt(reader.count, payloadStart + reader.header.payloadLen);
        expect(Buffer.from(builder.finish())).toEqual(Buffer.from(expected));
      }),
    );
    const full = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 2 });
    const { payloadStart, bytes } = full.room;
    expect(() => { full.adopt(3, payloadStart); }).toThrow(RangeError);
    expect(() => { full.adopt(1, payloadStart - 8); }).toThrow(RangeError);
    expect(() => { full.adopt(1, bytes.length + 8); }).toThrow(RangeError);
    full.adopt(1, payloadStart);
    expect(() => { full.adopt(1, payloadStart); }).toThrow(/empty/);
  });

  const [record] = vectors[1]?.records ?? [];
  if (record === undefined) throw new Error("the vectors lack a record");
  const fields = fieldsOf(record);

  it("says when it is full, by records and by bytes, and goes on with the sequence", () => {
    const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 2, maxBytes: 64 + 2 * 96 + 16 });
    expect(builder.append(fields, new Uint8Array(9))).toBe(true);
    expect(builder.append(fields, new Uint8Array(1))).toBe(false);
    expect(builder.byteLength).toBe(64 + 96 + 16);
    expect(new BatchReader(builder.finish()).header.sequence).toBe(0n);
    for (let i = 0; i < 2; i++) expect(builder.append(fields, new Uint8Array(0))).toBe(true);
    expect(builder.append(fields, new Uint8Array(0))).toBe(false);
    expect(builder.nextSequence).toBe(3);
    expect(() => {
      builder.skip(1);
    }).toThrow(RangeError);
    expect(new BatchReader(builder.finish()).header).toMatchObject({ sequence: 1n, count: 2 });
    builder.skip(10);
    expect(builder.append(fields, new Uint8Array(17))).toBe(false);
    expect(new BatchReader(builder.finish()).header).toMatchObject({ sequence: 13n, count: 0 });
  });

  it("ends a batch whose time delta would not fit in 32 bits, and cuts it in an empty one", () => {
    const builder = new BatchBuilder({ publisher: 1n, partition: 0 });
    const late = { ...fields, timeDeltaNs: 2 ** 32 };
    expect(builder.append(late, new Uint8Array(1))).toBe(true);
    expect(builder.append({ ...fields, timeDeltaNs: -5 }, new Uint8Array(1))).toBe(true);
    expect(builder.append(late, new Uint8Array(1))).toBe(false);
    const reader = new BatchReader(builder.finish());
    expect([reader.record(0).timeDeltaNs, reader.record(1).timeDeltaNs]).toEqual([2 ** 32 - 1, 0]);
  });

  it("leaves nothing of the last batch in the gaps between data", () => {
    const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 2 });
    builder.append(fields, new Uint8Array(16).fill(0xff));
    builder.finish();
    builder.append(fields, new Uint8Array(1));
    expect([...builder.finish().subarray(64 + 96)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it.each([
    [{ maxRecords: 0 }],
    [{ maxRecords: 70_000 }],
    [{ maxRecords: 10, maxBytes: 500 }],
    [{ maxBytes: 2 ** 25 }],
    [{ partition: 64 }],
    [{ partition: 1.5 }],
    [{ maxRecords: NaN }],
  ])("refuses %o", (options) => {
    expect(() => new BatchBuilder({ publisher: 1n, partition: 0, ...options })).toThrow(RangeError);
  });
});

/** Everything a reader may do with an accepted batch. */
function readAll(bytes: Uint8Array): void {
  const reader = new BatchReader(bytes);
  for (let i = 0; i < reader.count; i++) {
    const record = reader.record(i);
    const data = reader.data(i);
    expect(data.byteLength).toBe(record.dataLen);
    for (const offset of [record.l3Offset, record.l4Offset, record.payloadOffset]) {
      expect(offset === 0xffff || offset <= data.byteLength).toBe(true);
    }
  }
}

describe("validateBatch", () => {
  it("accepts or refuses mutated batches with a typed error, and never lets an offset out of range", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.oneof(uint(8), fc.constantFrom(0, 0x7f, 0x80, 0xff))), {
      minLength: 1,
      maxLength: 6,
    });
    let refused = 0;
    fc.assert(
      fc.property(batchArbitrary, edits, fc.nat(), (vector, changes, cut) => {
        const whole = build(vector);
        // Most edits go to headers and records, where they hurt.
        const hot = 64 + vector.records.length * 96;
        for (const [at, value] of changes) whole[at % (at % 3 === 0 ? whole.length : hot)] = value;
        const bytes = cut % 4 === 0 ? whole.subarray(0, cut % (whole.length + 1)) : whole;
        try {
          readAll(bytes);
        } catch (error) {
          if (!(error instanceof AbiError)) throw error;
          refused++;
        }
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it("refuses garbage with a typed error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => validateBatch(bytes)).toThrow(AbiError);
      }),
    );
  });

  const good = (): { bytes: Uint8Array; view: DataView } => {
    const bytes = Uint8Array.from(Buffer.from(vectors[1]?.hex ?? "", "hex"));
    return { bytes, view: new DataView(bytes.buffer) };
  };
  it.each<[string, string, string, (view: DataView) => void]>([
    [
      "a wrong magic",
      "bad-magic",
      "magic",
      (view) => {
        view.setUint32(0, 1);
      },
    ],
    [
      "another major version",
      "unsupported-version",
      "abiMajor",
      (view) => {
        view.setUint16(4, 2, true);
      },
    ],
    [
      "a short header",
      "bad-length",
      "headerLen",
      (view) => {
        view.setUint16(8, 56, true);
      },
    ],
    [
      "a short record",
      "bad-length",
      "recordLen",
      (view) => {
        view.setUint16(10, 88, true);
      },
    ],
    [
      "an odd stride",
      "bad-length",
      "recordLen",
      (view) => {
        view.setUint16(10, 97, true);
      },
    ],
    [
      "too many records",
      "too-many",
      "count",
      (view) => {
        view.setUint32(12, 0xffff_ffff, true);
      },
    ],
    [
      "records over the payload",
      "out-of-range",
      "payloadOffset",
      (view) => {
        view.setUint32(12, 2, true);
      },
    ],
    [
      "a payload past the end",
      "out-of-range",
      "payloadLen",
      (view) => {
        view.setUint32(28, 0xffff_fff8, true);
      },
    ],
    [
      "an unaligned payload",
      "bad-length",
      "payloadOffset",
      (view) => {
        view.setUint32(24, 161, true);
      },
    ],
    [
      "a wrong partition",
      "bad-value",
      "partition",
      (view) => {
        view.setUint16(52, 64, true);
      },
    ],
    [
      "data past the payload",
      "out-of-range",
      "dataOffset",
      (view) => {
        view.setUint32(64 + 20, 0xffff_ffff, true);
      },
    ],
    [
      "a layer past the data",
      "out-of-range",
      "l4Offset",
      (view) => {
        view.setUint16(64 + 34, 1000, true);
      },
    ],
    [
      "a wrong family",
      "bad-value",
      "family",
      (view) => {
        view.setUint8(64 + 42, 5);
      },
    ],
    [
      "a wrong kind",
      "bad-value",
      "kind",
      (view) => {
        view.setUint8(64 + 44, 0);
      },
    ],
    [
      "a wrong direction",
      "bad-value",
      "direction",
      (view) => {
        view.setUint8(64 + 45, 3);
      },
    ],
  ])("names %s", (_title, code, field, change) => {
    const { bytes, view } = good();
    validateBatch(bytes);
    change(view);
    expect(() => validateBatch(bytes)).toThrow(expect.objectContaining({ name: "AbiError", code, field }));
  });

  it("steps by the lengths that a later minor version states", () => {
    const { bytes } = good();
    const longer = new Uint8Array(bytes.length + 16);
    longer.set(bytes.subarray(0, 64));
    longer.set(bytes.subarray(64, 160), 72);
    longer.set(bytes.subarray(160), 176);
    const view = new DataView(longer.buffer);
    view.setUint16(6, 9, true);
    view.setUint16(8, 72, true);
    view.setUint16(10, 104, true);
    view.setUint32(24, 176, true);
    expect(new BatchReader(longer).record(0)).toEqual(new BatchReader(bytes).record(0));
    expect(new BatchReader(longer).data(0)).toEqual(new BatchReader(bytes).data(0));
  });
});

describe("sliceBatch", () => {
  it("keeps records, data and sequence", () => {
    fc.assert(
      fc.property(batchArbitrary, fc.nat(), fc.nat(), (vector, a, b) => {
        const whole = new BatchReader(build(vector));
        const from = a % (whole.count + 1);
        const to = from + (b % (whole.count - from + 1));
        const part = new BatchReader(sliceBatch(whole, from, to));
        expect(part.count).toBe(to - from);
        expect(part.header.sequence).toBe(whole.header.sequence + BigInt(from));
        for (let i = from; i < to; i++) {
          expect({ ...part.record(i - from), dataOffset: 0 }).toEqual({ ...whole.record(i), dataOffset: 0 });
          expect(part.data(i - from)).toEqual(whole.data(i));
        }
      }),
    );
    const empty = new BatchReader(Buffer.from(vectors[0]?.hex ?? "", "hex"));
    expect(() => sliceBatch(empty, 0, 1)).toThrow(AbiError);
    expect(() => empty.record(0)).toThrow(AbiError);
  });
});

describe("addresses", () => {
  it("survive the round trip", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(formatAddress(parseAddress(text))).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const bytes = parseAddress(text);
        expect(parseAddress(formatAddress(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each([
    ["::", "::"],
    ["::1", "::1"],
    ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["fe80::", "fe80::"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ])("writes %s as %s", (text, expected) => {
    expect(formatAddress(parseAddress(text))).toBe(expected);
  });

  it.each(["", "1.2.3", "256.1.1.1", "::1%eth0", "hello"])("refuses %j", (text) => {
    expect(() => parseAddress(text)).toThrow(TypeError);
  });
});
