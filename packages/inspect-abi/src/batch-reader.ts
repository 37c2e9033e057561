import { AbiError } from "./errors.js";
import * as abi from "./generated/abi.js";

/** Where things are in a batch that was checked. */
export interface BatchLayout {
  readonly count: number;
  readonly headerLen: number;
  readonly recordLen: number;
  readonly payloadOffset: number;
  readonly payloadLen: number;
}

const NO_OFFSET = abi.Limit.NO_OFFSET;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function checkLayerOffset(view: DataView, at: number, dataLen: number, field: string, index: number): void {
  const offset = view.getUint16(at, true);
  if (offset !== NO_OFFSET && offset > dataLen) {
    throw new AbiError("out-of-range", field, `${offset} is past the ${dataLen} captured bytes`, index);
  }
}

function checkRecord(view: DataView, at: number, index: number, payloadLen: number): void {
  const dataOffset = view.getUint32(at + abi.RECORD_DATA_OFFSET, true);
  const dataLen = view.getUint32(at + abi.RECORD_DATA_LEN, true);
  if (dataOffset + dataLen > payloadLen) {
    throw new AbiError(
      "out-of-range",
      "dataOffset",
      `${dataOffset} + ${dataLen} is past the ${payloadLen} bytes of payload`,
      index,
    );
  }
  checkLayerOffset(view, at + abi.RECORD_L3_OFFSET, dataLen, "l3Offset", index);
  checkLayerOffset(view, at + abi.RECORD_L4_OFFSET, dataLen, "l4Offset", index);
  checkLayerOffset(view, at + abi.RECORD_PAYLOAD_OFFSET, dataLen, "payloadOffset", index);
  const family = view.getUint8(at + abi.RECORD_FAMILY);
  if (family !== 4 && family !== 6 && family !== 0)
    throw new AbiError("bad-value", "family", `${family} is not 0, 4 or 6`, index);
  const kind = view.getUint8(at + abi.RECORD_KIND);
  if (kind < abi.Kind.PACKET || kind > abi.Kind.FLOW_END) throw new AbiError("bad-value", "kind", `${kind} is not a kind`, index);
  const direction = view.getUint8(at + abi.RECORD_DIRECTION);
  if (direction > abi.Direction.TO_CLIENT) throw new AbiError("bad-value", "direction", `${direction} is not a direction`, index);
}

/**
 * Checks every length, offset and enumeration of a batch, and says where its parts are. After it, reading any record and
 * its data stays inside `bytes`.
 * @throws AbiError when anything is out of range; never another error.
 */
export function validateBatch(bytes: Uint8Array): BatchLayout {
  const total = bytes.byteLength;
  if (total < abi.BATCH_BYTES) throw new AbiError("too-short", "batch", `${total} bytes, a header has ${abi.BATCH_BYTES}`);
  if (total > abi.Limit.BATCH_BYTES) throw new AbiError("too-many", "batch", `${total} bytes, at most ${abi.Limit.BATCH_BYTES}`);
  const view = viewOf(bytes);
  const magic = view.getUint32(abi.BATCH_MAGIC, true);
  if (magic !== abi.Magic.BATCH) throw new AbiError("bad-magic", "magic", `0x${magic.toString(16)} is not SXIB`);
  const major = view.getUint16(abi.BATCH_ABI_MAJOR, true);
  if (major !== abi.ABI_MAJOR)
    throw new AbiError("unsupported-version", "abiMajor", `${major}, this reader knows ${abi.ABI_MAJOR}`);
  const headerLen = view.getUint16(abi.BATCH_HEADER_LEN, true);
  if (headerLen < abi.BATCH_BYTES || headerLen % 8 !== 0) {
    throw new AbiError("bad-length", "headerLen", `${headerLen} is less than ${abi.BATCH_BYTES} or no multiple of 8`);
  }
  const recordLen = view.getUint16(abi.BATCH_RECORD_LEN, true);
  if (recordLen < abi.RECORD_BYTES || recordLen % 8 !== 0) {
    throw new AbiError("bad-length", "recordLen", `${recordLen} is less than ${abi.RECORD_BYTES} or no multiple of 8`);
  }
  const count = view.getUint32(abi.BATCH_COUNT, true);
  if (count > abi.Limit.BATCH_RECORDS) throw new AbiError("too-many", "count", `${count}, at most ${abi.Limit.BATCH_RECORDS}`);
  const payloadOffset = view.getUint32(abi.BATCH_PAYLOAD_OFFSET, true);
  if (payloadOffset % 8 !== 0) throw new AbiError("bad-length", "payloadOffset", `${payloadOffset} is no multiple of 8`);
  if (headerLen + count * recordLen > payloadOffset) {
    throw new AbiError("out-of-range", "payloadOffset", `${payloadOffset} is inside the ${count} records`);
  }
  const payloadLen = view.getUint32(abi.BATCH_PAYLOAD_LEN, true);
  if (payloadOffset + payloadLen > total) {
    throw new AbiError("out-of-range", "payloadLen", `${payloadOffset} + ${payloadLen} is past the ${total} bytes`);
  }
  const partition = view.getUint16(abi.BATCH_PARTITION, true);
  if (partition >= abi.Limit.PARTITIONS)
    throw new AbiError("bad-value", "partition", `${partition}, at most ${abi.Limit.PARTITIONS - 1}`);
  for (let i = 0, at = headerLen; i < count; i++, at += recordLen) checkRecord(view, at, i, payloadLen);
  return { count, headerLen, recordLen, payloadOffset, payloadLen };
}

/** Reads a batch that was checked on construction. Holds no copy: the bytes must not change while it is used. */
export class BatchReader {
  readonly view: DataView;
  readonly layout: BatchLayout;

  /** @throws AbiError when the bytes are not a well-formed batch. */
  constructor(readonly bytes: Uint8Array) {
    this.layout = validateBatch(bytes);
    this.view = viewOf(bytes);
  }

  get count(): number {
    return this.layout.count;
  }

  get header(): abi.BatchHeader {
    return abi.readBatchHeader(this.view, 0);
  }

  /** Offset of record `index`, for reading single fields with the RECORD_ constants. */
  recordAt(index: number): number {
    if (!Number.isInteger(index) || index < 0 || index >= this.layout.count) {
      throw new AbiError("out-of-range", "index", `${index} of ${this.layout.count} records`);
    }
    return this.layout.headerLen + index * this.layout.recordLen;
  }

  /** A copy of the fields of record `index`. */
  record(index: number): abi.PacketRecord {
    return abi.readPacketRecord(this.view, this.recordAt(index));
  }

  /** The captured bytes of record `index`, a view into the batch. */
  data(index: number): Uint8Array {
    const at = this.recordAt(index);
    const start = this.layout.payloadOffset + this.view.getUint32(at + abi.RECORD_DATA_OFFSET, true);
    return this.bytes.subarray(start, start + this.view.getUint32(at + abi.RECORD_DATA_LEN, true));
  }
}

/**
 * Copies records `from` (inclusive) to `to` (exclusive) into a batch of their own, with the part of the payload that they
 * use. Its sequence is that of its first record.
 */
export function sliceBatch(batch: BatchReader, from: number, to: number): Uint8Array {
  const { count, headerLen, recordLen, payloadOffset } = batch.layout;
  if (!(from >= 0 && from <= to && to <= count))
    throw new AbiError("out-of-range", "slice", `${from} to ${to} of ${count} records`);
  const field = (index: number, offset: number): number => batch.view.getUint32(headerLen + index * recordLen + offset, true);
  let start = from === to ? 0 : Infinity;
  let end = 0;
  for (let i = from; i < to; i++) {
    const dataOffset = field(i, abi.RECORD_DATA_OFFSET);
    start = Math.min(start, dataOffset);
    end = Math.max(end, dataOffset + field(i, abi.RECORD_DATA_LEN));
  }
  const newPayload = headerLen + (to - from) * recordLen;
  const out = new Uint8Array(newPayload + (end - start));
  out.set(batch.bytes.subarray(0, headerLen));
  out.set(batch.bytes.subarray(headerLen + from * recordLen, headerLen + to * recordLen), headerLen);
  out.set(batch.bytes.subarray(payloadOffset + start, payloadOffset + end), newPayload);
  const view = viewOf(out);
  view.setUint32(abi.BATCH_COUNT, to - from, true);
  view.setUint32(abi.BATCH_PAYLOAD_OFFSET, newPayload, true);
  view.setUint32(abi.BATCH_PAYLOAD_LEN, end - start, true);
  view.setBigUint64(abi.BATCH_SEQUENCE, batch.view.getBigUint64(abi.BATCH_SEQUENCE, true) + BigInt(from), true);
  for (let i = from; i < to; i++) {
    const at = headerLen + (i - from) * recordLen + abi.RECORD_DATA_OFFSET;
    view.setUint32(at, field(i, abi.RECORD_DATA_OFFSET) - start, true);
  }
  return out;
}
