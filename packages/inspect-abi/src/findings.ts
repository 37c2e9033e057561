import { AbiError } from "./errors.js";
import * as abi from "./generated/abi.js";

/** Values of a finding's attributes; bytes are text with `\xNN` for what is not printable ASCII. */
export type FindingAttributes = Partial<Record<abi.AttributeName, string | number>>;

/** One checked finding, free of the buffer it came from. */
export interface Finding {
  readonly recordIndex: number;
  readonly ruleId: number;
  /** 1 critical to 4 info. */
  readonly severity: number;
  readonly verdictHint: "none" | "alert" | "drop";
  /** 0 to 100. */
  readonly confidence: number;
  /** True: `matchOffset` counts in the stream; false: in the record's data. */
  readonly inStream: boolean;
  readonly matchOffset: number;
  readonly matchLen: number;
  /** An inline sensor drops this packet because of it. */
  readonly dropped: boolean;
  /** Not for an alert: it only tells what happens to the packet. */
  readonly noAlert: boolean;
  readonly attributes: FindingAttributes;
  /** What the rule saw, raw, when the module tells. */
  readonly payload?: Uint8Array;
}

export interface DecodedFindings {
  readonly findings: Finding[];
  readonly full: boolean;
  readonly recordsDone: number;
  readonly findingsDropped: number;
}

export interface FindingLimits {
  /** Records of the batch that was inspected. */
  readonly records: number;
  readonly maxFindings: number;
  /** Longest attribute area of one finding, bytes. */
  readonly maxAttributeBytes: number;
  /** Captured bytes of record `index`, for checking `matchOffset`. */
  readonly dataLen?: (index: number) => number;
  /** Rule ids in the manifest; others are refused. */
  readonly knowsRule?: (ruleId: number) => boolean;
}

const verdicts = ["none", "alert", "drop"] as const;
const utf8 = new TextDecoder("utf-8");
const known: Partial<Record<number, (typeof abi.ATTRIBUTES)[keyof typeof abi.ATTRIBUTES]>> = abi.ATTRIBUTES;

/** Printable ASCII as it is, every other byte (and the backslash) as `\xNN`. */
export function printable(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

function decodeAttributes(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  length: number,
  index: number,
): Pick<Finding, "attributes" | "payload"> {
  const attributes: FindingAttributes = {};
  let payload: Uint8Array | undefined;
  const end = start + length;
  let at = start;
  while (at < end) {
    if (at + 4 > end) throw new AbiError("bad-attribute", "attributes", `${end - at} bytes left, a key and length have 4`, index);
    const key = view.getUint16(at, true);
    const size = view.getUint16(at + 2, true);
    at += 4;
    if (at + size > end) throw new AbiError("bad-attribute", `attribute ${key}`, `${size} bytes, ${end - at} are left`, index);
    const definition = known[key];
    if (definition !== undefined) {
      const value = bytes.subarray(at, at + size);
      if (definition.name === "payload") {
        payload = value;
      } else if (definition.type === "u32") {
        if (size !== 4) throw new AbiError("bad-attribute", definition.name, `${size} bytes, a u32 has 4`, index);
        attributes[definition.name] = view.getUint32(at, true);
      } else {
        attributes[definition.name] = definition.type === "utf8" ? utf8.decode(value) : printable(value);
      }
    }
    at += size;
  }
  return { attributes, ...(payload && { payload }) };
}

function decodeFinding(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  index: number,
  recordsEnd: number,
  limits: FindingLimits,
): Finding {
  const raw = abi.readFindingRecord(view, at);
  const fail = (field: string, detail: string): never => {
    throw new AbiError("out-of-range", field, detail, index);
  };
  if (raw.recordIndex >= limits.records) fail("recordIndex", `${raw.recordIndex} of ${limits.records} records`);
  if (limits.knowsRule && !limits.knowsRule(raw.ruleId)) fail("ruleId", `${raw.ruleId} is not in the manifest`);
  if (raw.severity < 1 || raw.severity > 4) fail("severity", `${raw.severity} is not 1 to 4`);
  const verdictHint = verdicts[raw.verdictHint] ?? fail("verdictHint", `${raw.verdictHint} is not a verdict`);
  if (raw.confidence > 100) fail("confidence", `${raw.confidence} is more than 100`);
  const inStream = (raw.flags & abi.FindingFlag.IN_STREAM) !== 0;
  if (!inStream && raw.matchLen > 0 && limits.dataLen && raw.matchOffset + raw.matchLen > limits.dataLen(raw.recordIndex)) {
    fail("matchOffset", `${raw.matchOffset} + ${raw.matchLen} is past the record's data`);
  }
  if (raw.attrLen > limits.maxAttributeBytes) fail("attrLen", `${raw.attrLen}, at most ${limits.maxAttributeBytes}`);
  if (raw.attrLen > 0 && (raw.attrOffset < recordsEnd || raw.attrOffset + raw.attrLen > bytes.byteLength)) {
    fail("attrOffset", `${raw.attrOffset} + ${raw.attrLen} is not behind the findings and within ${bytes.byteLength} bytes`);
  }
  return {
    recordIndex: raw.recordIndex,
    ruleId: raw.ruleId,
    severity: raw.severity,
    verdictHint,
    confidence: raw.confidence,
    inStream,
    matchOffset: raw.matchOffset,
    matchLen: raw.matchLen,
    dropped: (raw.flags & abi.FindingFlag.DROPPED) !== 0,
    noAlert: (raw.flags & abi.FindingFlag.NO_ALERT) !== 0,
    ...decodeAttributes(bytes, view, raw.attrOffset, raw.attrLen, index),
  };
}

/**
 * Checks and decodes a module's output.
 * @param bytes exactly the bytes that `inspect` said it wrote, already copied out of the module's memory
 * @throws AbiError when anything points outside of its buffer or batch; never another error.
 */
export function decodeFindings(bytes: Uint8Array, limits: FindingLimits): DecodedFindings {
  if (bytes.byteLength < abi.FINDINGS_BYTES) {
    throw new AbiError("too-short", "output", `${bytes.byteLength} bytes, a header has ${abi.FINDINGS_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = abi.readFindingsHeader(view, 0);
  if (header.magic !== abi.Magic.FINDINGS) throw new AbiError("bad-magic", "magic", `0x${header.magic.toString(16)} is not SXIF`);
  if (header.headerLen < abi.FINDINGS_BYTES) throw new AbiError("bad-length", "headerLen", `${header.headerLen}`);
  if (header.recordLen < abi.FINDING_BYTES) throw new AbiError("bad-length", "recordLen", `${header.recordLen}`);
  if (header.totalBytes !== bytes.byteLength) {
    throw new AbiError("bad-length", "totalBytes", `${header.totalBytes}, but ${bytes.byteLength} were written`);
  }
  if (header.count > limits.maxFindings)
    throw new AbiError("too-many", "count", `${header.count}, at most ${limits.maxFindings}`);
  const recordsEnd = header.headerLen + header.count * header.recordLen;
  if (recordsEnd > bytes.byteLength) throw new AbiError("out-of-range", "count", `${header.count} findings do not fit`);
  const full = header.status === abi.Status.OUTPUT_FULL;
  if (!full && header.status !== abi.Status.OK) throw new AbiError("bad-value", "status", `${header.status} is not a status`);
  if (header.recordsDone > limits.records || (!full && header.recordsDone !== limits.records)) {
    throw new AbiError("out-of-range", "recordsDone", `${header.recordsDone} of ${limits.records} records`);
  }
  const findings: Finding[] = [];
  for (let i = 0; i < header.count; i++) {
    findings.push(decodeFinding(bytes, view, header.headerLen + i * header.recordLen, i, recordsEnd, limits));
  }
  return { findings, full, recordsDone: header.recordsDone, findingsDropped: header.findingsDropped };
}
