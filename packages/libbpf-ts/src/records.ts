/**
 * The format of a ring buffer batch: one record after the other, each `u32 length` (little-endian), `u32 0`, `length` bytes
 * of data, zero to seven bytes of padding (contents undefined) up to a multiple of 8. Pure.
 */
import { RecordFormatError } from "./errors.js";

/** Bytes before a record's data. */
export const RECORD_HEADER = 8;

/** Bytes that a record of this many bytes of data takes in a batch, and in the kernel's ring. */
export function recordSize(length: number): number {
  return Math.ceil((length + RECORD_HEADER) / 8) * 8;
}

/**
 * Calls `visit(offset, length)` for the data of each record, in order, without making an object for any.
 * @param bytes how many bytes of the buffer hold records, as consumeInto answered
 * @returns the number of records
 * @throws {RecordFormatError} the bytes are no batch
 */
export function walkRecords(buffer: Uint8Array, bytes: number, visit: (offset: number, length: number) => void): number {
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > buffer.length) {
    throw new RecordFormatError(0, `${bytes} bytes of a buffer of ${buffer.length}`);
  }
  let at = 0;
  let records = 0;
  while (at < bytes) {
    if (at + RECORD_HEADER > bytes) throw new RecordFormatError(at, "a record's header is cut off");
    const length = ((buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8) | ((buffer[at + 2] ?? 0) << 16) |
      ((buffer[at + 3] ?? 0) << 24)) >>> 0;
    const next = at + recordSize(length);
    if (next > bytes) throw new RecordFormatError(at, `a record of ${length} bytes is cut off at ${bytes}`);
    visit(at + RECORD_HEADER, length);
    at = next;
    records++;
  }
  return records;
}
