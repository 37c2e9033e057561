// The batch being inspected, record by record. Everything is read in place; every offset is checked again here, so that even a
// batch from a host that checks nothing cannot lead outside of it.

import {
  BATCH_BYTES,
  KIND_FLOW_END,
  LIMIT_NO_OFFSET,
  MAGIC_BATCH,
  RECORD_BYTES,
  RECORD_FLAG_FRAGMENT,
  batchAbiMajor,
  batchCount,
  batchHeaderLen,
  batchMagic,
  batchModuleBit,
  batchPayloadLen,
  batchPayloadOffset,
  batchRecordLen,
  batchTimeBaseNs,
  recordDataLen,
  recordDataOffset,
  recordFamily,
  recordFlags,
  recordKind,
  recordL3Offset,
  recordL4Offset,
  recordModules,
  recordProto,
  recordTimeDeltaNs,
  recordWireLen,
} from "../../abi/assembly/abi";

let records: usize = 0;
let stride: usize = 0;
let payload: usize = 0;
let payloadLen: u32 = 0;
let moduleBit: u32 = 0;
let timeBase: u64 = 0;
let total: u32 = 0;

/** The record being handled. */
export let record: usize = 0;
/** Its number in the batch. */
export let recordIndex: u32 = 0;
/** Its data, inside the batch. */
export let data: usize = 0;
export let dataLen: u32 = 0;
/** Time of the record, unix ns. Never goes back, even when records do. */
export let now: u64 = 0;

/** Takes a batch; false when it is malformed. */
export function openBatch(ptr: usize, len: u32): bool {
  if (len < <u32>BATCH_BYTES || batchMagic(ptr) != MAGIC_BATCH || batchAbiMajor(ptr) != 1) return false;
  const header: u64 = batchHeaderLen(ptr);
  const size: u64 = batchRecordLen(ptr);
  const count: u64 = batchCount(ptr);
  const offset: u64 = batchPayloadOffset(ptr);
  if (header < BATCH_BYTES || size < RECORD_BYTES || header + size * count > offset || offset + batchPayloadLen(ptr) > len)
    return false;
  records = ptr + <usize>header;
  stride = <usize>size;
  total = <u32>count;
  payload = ptr + <usize>offset;
  payloadLen = batchPayloadLen(ptr);
  moduleBit = batchModuleBit(ptr);
  timeBase = batchTimeBaseNs(ptr);
  return true;
}

/** Number of records in the batch. */
export function batchRecords(): u32 {
  return total;
}

/** Makes record `index` the current one; false when it is malformed or was not forwarded to this module. */
export function selectRecord(index: u32): bool {
  record = records + <usize>index * stride;
  recordIndex = index;
  if (moduleBit != 0 && (recordModules(record) & moduleBit) == 0) return false;
  const offset: u64 = recordDataOffset(record);
  dataLen = recordDataLen(record);
  if (offset + dataLen > payloadLen) return false;
  data = payload + <usize>offset;
  const time = timeBase + recordTimeDeltaNs(record);
  if (time > now) now = time;
  return true;
}

/** Lets time pass (unix ms) without a record. */
export function advanceClock(nowMs: f64): void {
  if (!(nowMs > 0) || nowMs > 1e14) return;
  const time = <u64>nowMs * 1000000;
  if (time > now) now = time;
}

// The transport layer of the current record, set by `parseTransport`.
export let tcpSeq: u32 = 0;
export let tcpFlags: u32 = 0;
/** Payload that was captured. */
export let payloadAt: usize = 0;
export let payloadCaptured: u32 = 0;
/** Payload on the wire; more than what was captured when the packet was truncated. */
export let payloadOnWire: u32 = 0;

export const TCP_FIN: u32 = 1;
export const TCP_SYN: u32 = 2;
export const TCP_RST: u32 = 4;
export const TCP_PSH: u32 = 8;
export const TCP_ACK: u32 = 16;
export const TCP_URG: u32 = 32;

// @ts-ignore: decorator
@inline function be16(p: usize): u32 {
  return bswap<u16>(load<u16>(p));
}

/**
 * Reads the TCP or UDP header of the current packet: flags, sequence number and payload. False when there is none (a fragment,
 * another protocol, headers cut off or contradicting each other). Ethernet padding is not payload: lengths come from IP.
 */
export function parseTransport(): bool {
  const flags = recordFlags(record);
  const l3: u32 = recordL3Offset(record);
  const l4: u32 = recordL4Offset(record);
  if (
    recordKind(record) == KIND_FLOW_END ||
    (flags & RECORD_FLAG_FRAGMENT) != 0 ||
    l3 == LIMIT_NO_OFFSET ||
    l4 == LIMIT_NO_OFFSET
  )
    return false;
  if (l4 < l3 + 20 || l4 + 8 > dataLen) return false;
  const wire = max(recordWireLen(record), dataLen);
  let ipLen: u32;
  if (recordFamily(record) == 4) {
    ipLen = be16(data + l3 + 2);
  } else {
    ipLen = be16(data + l3 + 4);
    if (ipLen != 0) ipLen += 40;
  }
  // 0 is what segmentation offload leaves for packets above 64 KiB.
  if (ipLen == 0 || ipLen > wire - l3) ipLen = wire - l3;
  let header: u32 = 8;
  if (recordProto(record) == 6) {
    if (l4 + 20 > dataLen) return false;
    header = <u32>(load<u8>(data + l4 + 12) >> 4) * 4;
    if (header < 20) return false;
    tcpSeq = bswap<u32>(load<u32>(data + l4 + 4));
    tcpFlags = load<u8>(data + l4 + 13) & 63;
  } else if (recordProto(record) != 17) {
    return false;
  }
  const start = l4 + header;
  if (l3 + ipLen < start) return false;
  payloadOnWire = l3 + ipLen - start;
  payloadCaptured = start >= dataLen ? 0 : min(payloadOnWire, dataLen - start);
  payloadAt = data + min(start, dataLen);
  return true;
}
