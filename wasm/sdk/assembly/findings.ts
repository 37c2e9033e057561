// Writes findings: records grow from the front, attributes behind the room for MAX_FINDINGS records.

import {
  FINDINGS_BYTES,
  FINDING_BYTES,
  FINDING_FLAG_IN_STREAM,
  MAGIC_FINDINGS,
  STATUS_OK,
  findingAttrOffset,
  STATUS_OUTPUT_FULL,
  setFindingAttrLen,
  setFindingAttrOffset,
  setFindingConfidence,
  setFindingFlags,
  setFindingMatchLen,
  setFindingMatchOffset,
  setFindingRecordIndex,
  setFindingRuleId,
  setFindingSeverity,
  setFindingVerdictHint,
  setFindingsCount,
  setFindingsFindingsDropped,
  setFindingsHeaderLen,
  setFindingsMagic,
  setFindingsRecordLen,
  setFindingsRecordsDone,
  setFindingsStatus,
  setFindingsTotalBytes,
} from "../../abi/assembly/abi";
import { recordIndex } from "./batch";
import { reserve, textByte } from "./bytes";

/** Bytes of output; the manifest's `outputBytesMax` is this. */
export const OUTPUT_BYTES: u32 = 262144;
const MAX_FINDINGS: u32 = 512;
/** A record is started only when this much is free; what one record reports beyond it is dropped and counted. */
const RECORD_FINDINGS: u32 = 32;
const RECORD_ATTRIBUTES: u32 = 32768;
const ATTRIBUTES_AT: u32 = <u32>(FINDINGS_BYTES + MAX_FINDINGS * FINDING_BYTES);
/** Longest value; longer ones are cut. */
const MAX_VALUE: u32 = 512;

const out = reserve(OUTPUT_BYTES);
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
  return count + RECORD_FINDINGS <= MAX_FINDINGS && end + RECORD_ATTRIBUTES <= OUTPUT_BYTES;
}

/** Starts a finding on the current record; attributes that follow belong to it. */
export function addFinding(rule: u32, severity: u8, verdict: u8, confidence: u8): void {
  if (count == MAX_FINDINGS) {
    dropped++;
    current = 0;
    return;
  }
  current = out + FINDINGS_BYTES + <usize>count * FINDING_BYTES;
  count++;
  memory.fill(current, 0, FINDING_BYTES);
  setFindingRecordIndex(current, recordIndex);
  setFindingRuleId(current, rule);
  setFindingSeverity(current, severity);
  setFindingVerdictHint(current, verdict);
  setFindingConfidence(current, confidence);
  setFindingAttrOffset(current, end);
}

/** Where in this direction's stream the finding's match starts (saturates). */
export function setStreamMatch(offset: u64, len: u32): void {
  if (current == 0) return;
  setFindingFlags(current, FINDING_FLAG_IN_STREAM);
  setFindingMatchOffset(current, offset > 0xffffffff ? 0xffffffff : <u32>offset);
  setFindingMatchLen(current, len);
}

/** Where in the record's data the finding's match starts. */
export function setDataMatch(offset: u32, len: u32): void {
  if (current == 0) return;
  setFindingMatchOffset(current, offset);
  setFindingMatchLen(current, len);
}

function open(key: u16, len: u32): usize {
  if (current == 0 || end + 4 + len > OUTPUT_BYTES) return 0;
  const at = out + end;
  store<u16>(at, key);
  store<u16>(at, <u16>len, 2);
  end += 4 + len;
  setFindingAttrLen(current, end - findingAttrOffset(current));
  return at + 4;
}

/** An attribute of bytes, cut at 512. */
export function addBytes(key: u16, ptr: usize, len: u32): void {
  const n = min(len, MAX_VALUE);
  const at = open(key, n);
  if (at != 0) memory.copy(at, ptr, n);
}

/** An attribute of ASCII text from a literal. */
export function addText(key: u16, text: string): void {
  const n = min(<u32>text.length, MAX_VALUE);
  const at = open(key, n);
  if (at == 0) return;
  for (let i: u32 = 0; i < n; i++) store<u8>(at + i, <u8>textByte(text, i));
}

/** A number. */
export function addNumber(key: u16, value: u32): void {
  const at = open(key, 4);
  if (at != 0) store<u32>(at, value);
}

/** Writes the header; `done` records of `total` were handled. Returns the bytes of output. */
export function finishFindings(done: u32, total: u32): i32 {
  // Attributes lie behind the room for all records; without any the output ends behind the records.
  const bytes = end == ATTRIBUTES_AT ? <u32>FINDINGS_BYTES + count * <u32>FINDING_BYTES : end;
  memory.fill(out, 0, FINDINGS_BYTES);
  setFindingsMagic(out, MAGIC_FINDINGS);
  setFindingsHeaderLen(out, <u16>FINDINGS_BYTES);
  setFindingsRecordLen(out, <u16>FINDING_BYTES);
  setFindingsCount(out, count);
  setFindingsTotalBytes(out, bytes);
  setFindingsStatus(out, done < total ? STATUS_OUTPUT_FULL : STATUS_OK);
  setFindingsRecordsDone(out, done);
  setFindingsFindingsDropped(out, dropped);
  return <i32>bytes;
}
