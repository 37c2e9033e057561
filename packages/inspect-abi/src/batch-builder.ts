import * as abi from "./generated/abi.js";

export interface BatchBuilderOptions {
  /** Random number of this publisher's run. */
  readonly publisher: bigint;
  readonly partition: number;
  /** Most records in a batch. */
  readonly maxRecords?: number;
  /** Longest batch in bytes, header and records included; NATS takes 1 MiB by default. */
  readonly maxBytes?: number;
}

/** Fields of a record, as the caller gives them; one object can be reused. `flowId` is in halves, to stay off BigInt. */
export interface RecordFields {
  flowIdLow: number;
  flowIdHigh: number;
  streamOffset: number;
  timeDeltaNs: number;
  wireLen: number;
  l3Offset: number;
  l4Offset: number;
  payloadOffset: number;
  sport: number;
  dport: number;
  family: number;
  proto: number;
  kind: number;
  direction: number;
  flags: number;
  vlan: number;
  ifindex: number;
  modules: number;
  forwardId: number;
  /** 16 bytes each, IPv4 mapped. */
  src: Uint8Array;
  dst: Uint8Array;
}

const NO_OFFSET = abi.Limit.NO_OFFSET;
const RECORD = abi.RECORD_BYTES;
const U32 = 0x1_0000_0000;

/**
 * Builds batches in one buffer that is allocated once. Records grow behind the header, data grows behind the room for
 * `maxRecords`; `finish` moves the data down when fewer records came (measured: cheaper than a second buffer, and nothing at
 * all when the batch is full). Adding a packet allocates nothing but the short-lived views of `Uint8Array.set`, which beat a
 * loop and `Buffer.copy` from 128 bytes on.
 */
export class BatchBuilder {
  readonly maxRecords: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly payloadStart: number;
  private payloadEnd: number;
  private records = 0;
  private sequence = 0;

  /** @throws RangeError when not even one record fits, or a limit of the ABI is passed */
  constructor(options: BatchBuilderOptions) {
    const maxBytes = options.maxBytes ?? 512 * 1024;
    this.maxRecords = options.maxRecords ?? Math.max(1, Math.floor((maxBytes - abi.BATCH_BYTES) / (RECORD + 160)));
    this.payloadStart = abi.BATCH_BYTES + this.maxRecords * RECORD;
    if (!(this.maxRecords >= 1) || this.maxRecords > abi.Limit.BATCH_RECORDS) {
      throw new RangeError(`maxRecords ${this.maxRecords} is not 1 to ${abi.Limit.BATCH_RECORDS}`);
    }
    if (maxBytes < this.payloadStart || maxBytes > abi.Limit.BATCH_BYTES) {
      throw new RangeError(`maxBytes ${maxBytes} is not ${this.payloadStart} to ${abi.Limit.BATCH_BYTES}`);
    }
    if (!Number.isInteger(options.partition) || options.partition < 0 || options.partition >= abi.Limit.PARTITIONS) {
      throw new RangeError(`partition ${options.partition} is not 0 to ${abi.Limit.PARTITIONS - 1}`);
    }
    this.bytes = new Uint8Array(maxBytes);
    this.view = new DataView(this.bytes.buffer);
    this.payloadEnd = this.payloadStart;
    abi.writeBatchHeader(this.view, 0, {
      magic: abi.Magic.BATCH,
      abiMajor: abi.ABI_MAJOR,
      abiMinor: abi.ABI_MINOR,
      headerLen: abi.BATCH_BYTES,
      recordLen: RECORD,
      count: 0,
      timeBaseNs: 0n,
      payloadOffset: 0,
      payloadLen: 0,
      sequence: 0n,
      publisher: options.publisher,
      moduleBit: 0,
      partition: options.partition,
      flags: 0,
    });
  }

  get count(): number {
    return this.records;
  }

  /** Bytes that `finish` would give now. */
  get byteLength(): number {
    return abi.BATCH_BYTES + this.records * RECORD + (this.payloadEnd - this.payloadStart);
  }

  /** Sequence that the next record gets. */
  get nextSequence(): number {
    return this.sequence + this.records;
  }

  /** Time to which the deltas of this batch are added. Call it while the batch is empty; without it the last base stays. */
  setTimeBase(unixNs: bigint): void {
    this.view.setBigUint64(abi.BATCH_TIME_BASE_NS, unixNs, true);
  }

  /** Packets that were lost before they could be appended: the readers will see them missing. Only between batches. */
  skip(packets: number): void {
    if (this.records > 0) throw new RangeError("skip() is for an empty batch; call finish() first");
    this.sequence += packets;
  }

  /** Room for a record with that many bytes of data, or 0. A batch that is empty takes any time delta (cut to 32 bits). */
  private place(dataLen: number, timeDeltaNs: number): number {
    if (this.records === this.maxRecords) return 0;
    if (this.payloadEnd + dataLen > this.bytes.length) return 0;
    if (timeDeltaNs >= U32 && this.records > 0) return 0;
    return abi.BATCH_BYTES + this.records * RECORD;
  }

  private putData(at: number, src: Uint8Array, dataAt: number, dataLen: number, timeDeltaNs: number): void {
    const { view, bytes, payloadEnd } = this;
    view.setUint32(at + abi.RECORD_TIME_DELTA_NS, timeDeltaNs < 0 ? 0 : timeDeltaNs >= U32 ? U32 - 1 : timeDeltaNs, true);
    view.setUint32(at + abi.RECORD_DATA_OFFSET, payloadEnd - this.payloadStart, true);
    view.setUint32(at + abi.RECORD_DATA_LEN, dataLen, true);
    bytes.set(src.subarray(dataAt, dataAt + dataLen), payloadEnd);
    // Data starts on multiples of 8; the gap is zeroed, so that equal packets give equal batches.
    const end = payloadEnd + dataLen;
    const aligned = Math.min((end + 7) & ~7, bytes.length);
    for (let i = end; i < aligned; i++) bytes[i] = 0;
    this.payloadEnd = aligned;
    this.records++;
  }

  /**
   * Where a writer that lays out records itself (native code) puts them: records from `recordsStart` on, data from
   * `payloadStart` on, each on a multiple of 8, with data offsets relative to `payloadStart`. `adopt` takes them over.
   */
  get room(): { readonly bytes: Uint8Array; readonly recordsStart: number; readonly payloadStart: number; readonly maxRecords: number } {
    return { bytes: this.bytes, recordsStart: abi.BATCH_BYTES, payloadStart: this.payloadStart, maxRecords: this.maxRecords };
  }

  /**
   * Takes over what was written into `room` of an empty batch.
   * @param payloadEnd end of the data in `room.bytes`
   * @throws RangeError the batch is not empty, or the numbers do not fit the room
   */
  adopt(records: number, payloadEnd: number): void {
    if (this.records > 0) throw new RangeError("adopt() is for an empty batch; call finish() first");
    if (!(records >= 0 && records <= this.maxRecords) || !(payloadEnd >= this.payloadStart && payloadEnd <= this.bytes.length)) {
      throw new RangeError(`${records} records with data up to ${payloadEnd} do not fit this batch`);
    }
    this.records = records;
    this.payloadEnd = payloadEnd;
  }

  /**
   * Adds a record from its fields and `dataLen` bytes of `src` from `dataAt` on. Layer offsets past the data become NO_OFFSET.
   * @returns false when the batch is full: finish it and append again. Data longer than a whole batch never fits.
   */
  append(fields: RecordFields, src: Uint8Array, dataAt = 0, dataLen = src.length - dataAt): boolean {
    const at = this.place(dataLen, fields.timeDeltaNs);
    if (at === 0) return false;
    const view = this.view;
    const offset = (value: number): number => (value > dataLen ? NO_OFFSET : value);
    view.setUint32(at + abi.RECORD_FLOW_ID, fields.flowIdLow, true);
    view.setUint32(at + abi.RECORD_FLOW_ID + 4, fields.flowIdHigh, true);
    view.setUint32(at + abi.RECORD_STREAM_OFFSET, fields.streamOffset % U32, true);
    view.setUint32(at + abi.RECORD_STREAM_OFFSET + 4, Math.floor(fields.streamOffset / U32), true);
    view.setUint32(at + abi.RECORD_WIRE_LEN, fields.wireLen, true);
    view.setUint16(at + abi.RECORD_L3_OFFSET, offset(fields.l3Offset), true);
    view.setUint16(at + abi.RECORD_L4_OFFSET, offset(fields.l4Offset), true);
    view.setUint16(at + abi.RECORD_PAYLOAD_OFFSET, offset(fields.payloadOffset), true);
    view.setUint16(at + abi.RECORD_SPORT, fields.sport, true);
    view.setUint16(at + abi.RECORD_DPORT, fields.dport, true);
    view.setUint8(at + abi.RECORD_FAMILY, fields.family);
    view.setUint8(at + abi.RECORD_PROTO, fields.proto);
    view.setUint8(at + abi.RECORD_KIND, fields.kind);
    view.setUint8(at + abi.RECORD_DIRECTION, fields.direction);
    view.setUint16(at + abi.RECORD_FLAGS, fields.flags, true);
    view.setUint16(at + abi.RECORD_VLAN, fields.vlan, true);
    view.setUint16(at + 50, 0, true);
    view.setUint32(at + abi.RECORD_IFINDEX, fields.ifindex, true);
    view.setUint32(at + abi.RECORD_MODULES, fields.modules, true);
    view.setUint32(at + abi.RECORD_FORWARD_ID, fields.forwardId, true);
    this.bytes.set(fields.src, at + abi.RECORD_SRC);
    this.bytes.set(fields.dst, at + abi.RECORD_DST);
    this.putData(at, src, dataAt, dataLen, fields.timeDeltaNs);
    return true;
  }

  /**
   * Ends the batch and returns it as a view into the builder's buffer: send or copy it before the next `append`. An empty
   * batch is well-formed too. The next batch goes on with the sequence.
   */
  finish(): Uint8Array {
    const { view, bytes, records, payloadStart, payloadEnd } = this;
    const payloadOffset = abi.BATCH_BYTES + records * RECORD;
    const payloadLen = payloadEnd - payloadStart;
    if (payloadOffset !== payloadStart) bytes.copyWithin(payloadOffset, payloadStart, payloadEnd);
    view.setUint32(abi.BATCH_COUNT, records, true);
    view.setUint32(abi.BATCH_PAYLOAD_OFFSET, payloadOffset, true);
    view.setUint32(abi.BATCH_PAYLOAD_LEN, payloadLen, true);
    view.setUint32(abi.BATCH_SEQUENCE, this.sequence % U32, true);
    view.setUint32(abi.BATCH_SEQUENCE + 4, Math.floor(this.sequence / U32), true);
    this.sequence += records;
    this.records = 0;
    this.payloadEnd = payloadStart;
    return bytes.subarray(0, payloadOffset + payloadLen);
  }
}
