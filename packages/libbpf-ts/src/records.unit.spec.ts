import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordFormatError } from "./errors.js";
import { recordSize, walkRecords } from "./records.js";

/** The model: builds a batch the slow way. */
function batch(records: Uint8Array[]): Buffer {
  return Buffer.concat(records.map((data) => {
    const record = Buffer.alloc(Math.ceil((8 + data.length) / 8) * 8, 0xee);
    record.writeUInt32LE(data.length, 0);
    record.writeUInt32LE(0, 4);
    record.set(data, 8);
    return record;
  }));
}

describe("walkRecords", () => {
  const anyRecords = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 40 });

  it("visits every record of any batch, in order", () => {
    fc.assert(fc.property(anyRecords, fc.nat(50), (records, slack) => {
      const bytes = batch(records);
      const buffer = Buffer.concat([bytes, Buffer.alloc(slack, 0xff)]);
      const seen: Buffer[] = [];
      const count = walkRecords(buffer, bytes.length, (offset, length) => seen.push(buffer.subarray(offset, offset + length)));
      expect(count).toBe(records.length);
      expect(seen.map((one) => [...one])).toEqual(records.map((one) => [...one]));
      expect(bytes.length).toBe(records.reduce((sum, one) => sum + recordSize(one.length), 0));
    }));
  });

  it("never looks outside of the bytes, whatever they are", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (buffer, bytes) => {
      let end = 0;
      try {
        walkRecords(buffer, bytes, (offset, length) => {
          expect(offset).toBeGreaterThanOrEqual(end);
          end = offset + length;
          expect(end).toBeLessThanOrEqual(Math.min(bytes, buffer.length));
        });
      } catch (error) {
        expect(error).toBeInstanceOf(RecordFormatError);
      }
    }));
  });

  it("refuses a batch that is cut off anywhere but between records", () => {
    const records = [new Uint8Array(3), new Uint8Array(16), new Uint8Array(0)];
    const bytes = batch(records);
    const ends = [0, recordSize(3), recordSize(3) + recordSize(16), bytes.length];
    for (let cut = 0; cut <= bytes.length; cut++) {
      if (ends.includes(cut)) expect(walkRecords(bytes, cut, () => undefined)).toBe(ends.indexOf(cut));
      else expect(() => walkRecords(bytes, cut, () => undefined)).toThrow(RecordFormatError);
    }
    expect(() => walkRecords(bytes, bytes.length + 8, () => undefined)).toThrow(RecordFormatError);
    expect(() => walkRecords(bytes, -8, () => undefined)).toThrow(RecordFormatError);
    expect(() => walkRecords(bytes, 0.5, () => undefined)).toThrow(RecordFormatError);
  });

  it("takes lengths of 2^31 and more for cut off, not for negative", () => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(0xfffffff8, 0);
    expect(() => walkRecords(bytes, 16, () => undefined)).toThrow(/4294967288 bytes is cut off/);
  });
});
