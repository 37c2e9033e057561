// Findings: records grow from the front, attributes behind the room for all records.

import {
  FINDINGS_BYTES, FINDING_BYTES, MAGIC_FINDINGS, STATUS_OK, STATUS_OUTPUT_FULL, findingAttrOffset, setFindingAttrLen,
  setFindingAttrOffset, setFindingConfidence, setFindingFlags, setFindingRecordIndex, setFindingRuleId, setFindingSeverity,
  setFindingVerdictHint, setFindingsCount, setFindingsFindingsDropped, setFindingsHeaderLen, setFindingsMagic,
  setFindingsRecordLen, setFindingsRecordsDone, setFindingsStatus, setFindingsTotalBytes,
} from "../../abi/assembly/abi";

/** Bytes of output; the manifest's `outputBytesMax` is this. */
export const OUTPUT_BYTES: u32 = 2097152;
const MAX_FINDINGS: u32 = 4096;
/** A record is started only when this much is free; what one record reports beyond it is dropped and counted. */
const RECORD_FINDINGS: u32 = 64;
const RECORD_BYTES: u32 = 786432;
const ATTRIBUTES_AT: u32 = <u32>FINDINGS_BYTES + MAX_FINDINGS * <u32>FINDING_BYTES;
/** Longest value. */
const MAX_VALUE: u32 = 65535;

const out = heap.alloc(OUTPUT_BYTES);
let count: u32 = 0;
let end: u32 = ATTRIBUTES_AT;
let dropped: u32 = 0;
let current: usize = 0;

export function outputPointer(): usize {
  return out;
}

export function resetFindings(): void {
  count = 0;
  end = ATTRIBUTES_AT;
  dropped = 0;
  current = 0;
}

/** Whether there is room for whatever one more record may report. */
export function hasRoom(): bool {
  return count + RECORD_FINDINGS <= MAX_FINDINGS && end + RECORD_BYTES <= OUTPUT_BYTES;
}

/** Starts a finding on record `record`; attributes that follow belong to it. */
export function addFinding(record: u32, rule: u32, severity: u8, verdict: u8, flags: u8): void {
  if (count == MAX_FINDINGS) {
    dropped++;
    current = 0;
    return;
  }
  current = out + FINDINGS_BYTES + <usize>count * FINDING_BYTES;
  count++;
  memory.fill(current, 0, FINDING_BYTES);
  setFindingRecordIndex(current, record);
  setFindingRuleId(current, rule);
  setFindingSeverity(current, severity);
  setFindingVerdictHint(current, verdict);
  setFindingConfidence(current, 100);
  setFindingFlags(current, flags);
  setFindingAttrOffset(current, end);
}

/** Room for a value of up to the returned-by-{@link valueRoom} bytes: write it, then call {@link closeValue}. */
export function openValue(): usize {
  return out + end + 4;
}
export function valueRoom(): u32 {
  return current == 0 || end + 4 >= OUTPUT_BYTES ? 0 : min(MAX_VALUE, OUTPUT_BYTES - end - 4);
}
/** Makes the `len` bytes written at {@link openValue} an attribute. */
export function closeValue(key: u16, len: u32): void {
  if (current == 0) return;
  const at = out + end;
  store<u16>(at, key);
  store<u16>(at, <u16>len, 2);
  end += 4 + len;
  setFindingAttrLen(current, end - findingAttrOffset(current));
}

/** An attribute of bytes, cut to what there is room for. */
export function addBytes(key: u16, ptr: usize, len: u32): void {
  const n = min(len, valueRoom());
  if (n == 0) return;
  memory.copy(openValue(), ptr, n);
  closeValue(key, n);
}

/** Writes the header; `done` records of `total` were handled. Returns the bytes of output. */
export function finishFindings(done: u32, full: bool): i32 {
  const bytes = end == ATTRIBUTES_AT ? <u32>FINDINGS_BYTES + count * <u32>FINDING_BYTES : end;
  memory.fill(out, 0, FINDINGS_BYTES);
  setFindingsMagic(out, MAGIC_FINDINGS);
  setFindingsHeaderLen(out, <u16>FINDINGS_BYTES);
  setFindingsRecordLen(out, <u16>FINDING_BYTES);
  setFindingsCount(out, count);
  setFindingsTotalBytes(out, bytes);
  setFindingsStatus(out, full ? STATUS_OUTPUT_FULL : STATUS_OK);
  setFindingsRecordsDone(out, done);
  setFindingsFindingsDropped(out, dropped);
  return <i32>bytes;
}
