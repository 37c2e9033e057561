// Generated from packages/inspect-abi/src/abi.definition.ts by `npm run generate`; do not edit.

export const ABI_MAJOR = 1;
export const ABI_MINOR = 1;

/** First four bytes of a buffer. */
export const Magic = {
  /** The bytes `SXIB`. */
  BATCH: 1112102995,
  /** The bytes `SXIF`. */
  FINDINGS: 1179211859,
} as const;

/** What a record is. */
export const Kind = {
  /** A captured frame. */
  PACKET: 1,
  /** Reassembled bytes of one direction; the data has no headers. */
  STREAM_CHUNK: 2,
  /** The flow ended or timed out; no data. */
  FLOW_END: 3,
} as const;

/** Which way a packet goes. */
export const Direction = {
  /** The publisher cannot tell. */
  UNKNOWN: 0,
  /** From the client. */
  TO_SERVER: 1,
  /** From the server. */
  TO_CLIENT: 2,
} as const;

/** Bits of a record's flags. */
export const RecordFlag = {
  /** Fewer bytes were captured than were on the wire. */
  TRUNCATED: 1,
  /** Packets of this flow may be missing before this one. */
  GAP: 2,
  /** Only some packets of this flow are forwarded. */
  SAMPLED: 4,
  /** The publisher knows it for a retransmission. */
  RETRANSMIT: 8,
  /** An IP fragment; ports are 0. */
  FRAGMENT: 16,
} as const;

/** Bits of a batch's flags. */
export const BatchFlag = {
  /** Replayed from a file: findings are not live traffic. */
  REPLAY: 1,
  /** Part of a self-test. */
  SELF_TEST: 2,
} as const;

/** Status of an output. */
export const Status = {
  /** Every record was handled. */
  OK: 0,
  /** The output filled up after `recordsDone` records; the host calls again with the rest. */
  OUTPUT_FULL: 1,
} as const;

/** What a module would do with the flow. */
export const Verdict = {
  /** Nothing. */
  NONE: 0,
  /** Alert. */
  ALERT: 1,
  /** Block the source. */
  DROP: 2,
} as const;

/** Bits of a finding's flags. */
export const FindingFlag = {
  /** `matchOffset` counts from the start of this direction's stream. */
  IN_STREAM: 1,
  /** An inline sensor drops this packet; the rule is the reason, 0 stands for the engine itself. */
  DROPPED: 2,
  /** Not for an alert: it only tells what happens to the packet. */
  NO_ALERT: 4,
} as const;

/** How bad a finding is. */
export const Severity = {
  /** Critical. */
  CRITICAL: 1,
  /** High. */
  HIGH: 2,
  /** Medium. */
  MEDIUM: 3,
  /** Low, or for information. */
  INFO: 4,
} as const;

/** Negative results of `inspect`, `configure` and `load`. */
export const ErrorCode = {
  /** The module refuses the batch as malformed. */
  BATCH: -1,
  /** The output is too small and no state was changed: the host halves the batch. */
  OUTPUT_FULL: -2,
  /** `configure` is needed first. */
  NOT_CONFIGURED: -3,
  /** The module found itself in a state that must not be. */
  INTERNAL: -4,
  /** The configuration is refused. */
  CONFIG: -5,
  /** The rule image is refused: damaged, of another version, or for another module. */
  RULES: -6,
} as const;

/** Numbers that both sides must agree on. */
export const Limit = {
  /** Partitions of the flow hash. */
  PARTITIONS: 64,
  /** A layer offset that is not there. */
  NO_OFFSET: 65535,
  /** Longest batch. */
  BATCH_BYTES: 16777216,
  /** Most records in a batch. */
  BATCH_RECORDS: 65536,
} as const;

/** Bytes of a {@link BatchHeader} in this version. */
export const BATCH_BYTES = 64;
export const BATCH_MAGIC = 0;
export const BATCH_ABI_MAJOR = 4;
export const BATCH_ABI_MINOR = 6;
export const BATCH_HEADER_LEN = 8;
export const BATCH_RECORD_LEN = 10;
export const BATCH_COUNT = 12;
export const BATCH_TIME_BASE_NS = 16;
export const BATCH_PAYLOAD_OFFSET = 24;
export const BATCH_PAYLOAD_LEN = 28;
export const BATCH_SEQUENCE = 32;
export const BATCH_PUBLISHER = 40;
export const BATCH_MODULE_BIT = 48;
export const BATCH_PARTITION = 52;
export const BATCH_FLAGS = 54;

/** Start of a batch. Records follow at `headerLen`, the captured bytes at `payloadOffset`. A NATS frame is one batch. */
export interface BatchHeader {
  /** `SXIB`. */
  magic: number;
  /** Major version; readers refuse others. */
  abiMajor: number;
  /** Minor version of the writer. */
  abiMinor: number;
  /** Bytes of this header, a multiple of 8; the first record starts there. */
  headerLen: number;
  /** Stride of the records, a multiple of 8. */
  recordLen: number;
  /** Number of records. */
  count: number;
  /** Unix time in ns; records add their delta. */
  timeBaseNs: bigint;
  /** Where the payload starts, from the start of the batch, a multiple of 8. */
  payloadOffset: number;
  /** Bytes of payload; nothing follows it that matters. */
  payloadLen: number;
  /** Number of the first record in this publisher's stream of this partition; counts records, so a gap is the exact number of packets lost. */
  sequence: bigint;
  /** Random number that the publisher drew at its start; a new one restarts the sequence. */
  publisher: bigint;
  /** Set by the host just before the call: mask with the bit of the module being called; 0 takes every record. */
  moduleBit: number;
  /** Partition of all flows in the batch. */
  partition: number;
  /** BATCH_FLAG bits. */
  flags: number;
}

/** Reads the {@link BatchHeader} at `at`; throws a RangeError when the view ends before it does. */
export function readBatchHeader(view: DataView, at: number): BatchHeader {
  return {
    magic: view.getUint32(at, true),
    abiMajor: view.getUint16(at + 4, true),
    abiMinor: view.getUint16(at + 6, true),
    headerLen: view.getUint16(at + 8, true),
    recordLen: view.getUint16(at + 10, true),
    count: view.getUint32(at + 12, true),
    timeBaseNs: view.getBigUint64(at + 16, true),
    payloadOffset: view.getUint32(at + 24, true),
    payloadLen: view.getUint32(at + 28, true),
    sequence: view.getBigUint64(at + 32, true),
    publisher: view.getBigUint64(at + 40, true),
    moduleBit: view.getUint32(at + 48, true),
    partition: view.getUint16(at + 52, true),
    flags: view.getUint16(at + 54, true),
  };
}

/** Writes a {@link BatchHeader} at `at`, reserved bytes as 0; throws a RangeError when it does not fit. */
export function writeBatchHeader(view: DataView, at: number, value: BatchHeader): void {
  view.setUint32(at, value.magic, true);
  view.setUint16(at + 4, value.abiMajor, true);
  view.setUint16(at + 6, value.abiMinor, true);
  view.setUint16(at + 8, value.headerLen, true);
  view.setUint16(at + 10, value.recordLen, true);
  view.setUint32(at + 12, value.count, true);
  view.setBigUint64(at + 16, value.timeBaseNs, true);
  view.setUint32(at + 24, value.payloadOffset, true);
  view.setUint32(at + 28, value.payloadLen, true);
  view.setBigUint64(at + 32, value.sequence, true);
  view.setBigUint64(at + 40, value.publisher, true);
  view.setUint32(at + 48, value.moduleBit, true);
  view.setUint16(at + 52, value.partition, true);
  view.setUint16(at + 54, value.flags, true);
  view.setBigUint64(at + 56, 0n, true);
}

/** Bytes of a {@link PacketRecord} in this version. */
export const RECORD_BYTES = 96;
export const RECORD_FLOW_ID = 0;
export const RECORD_STREAM_OFFSET = 8;
export const RECORD_TIME_DELTA_NS = 16;
export const RECORD_DATA_OFFSET = 20;
export const RECORD_DATA_LEN = 24;
export const RECORD_WIRE_LEN = 28;
export const RECORD_L3_OFFSET = 32;
export const RECORD_L4_OFFSET = 34;
export const RECORD_PAYLOAD_OFFSET = 36;
export const RECORD_SPORT = 38;
export const RECORD_DPORT = 40;
export const RECORD_FAMILY = 42;
export const RECORD_PROTO = 43;
export const RECORD_KIND = 44;
export const RECORD_DIRECTION = 45;
export const RECORD_FLAGS = 46;
export const RECORD_VLAN = 48;
export const RECORD_IFINDEX = 52;
export const RECORD_MODULES = 56;
export const RECORD_FORWARD_ID = 60;
export const RECORD_SRC = 64;
export const RECORD_DST = 80;

/** One packet, stream chunk or flow end. Its data is the captured frame from the Ethernet header on. */
export interface PacketRecord {
  /** Symmetric flow hash (see flow_hash.h). Not unique: compare addresses and ports as well. */
  flowId: bigint;
  /** STREAM_CHUNK: position of the data in the stream of this direction; else 0. */
  streamOffset: bigint;
  /** Nanoseconds after `timeBaseNs`. */
  timeDeltaNs: number;
  /** Where the data starts, from the start of the payload. */
  dataOffset: number;
  /** Captured bytes. */
  dataLen: number;
  /** Bytes on the wire; more than `dataLen` when TRUNCATED. */
  wireLen: number;
  /** IP header within the data, or NO_OFFSET. */
  l3Offset: number;
  /** Transport header within the data, or NO_OFFSET (also for later fragments). */
  l4Offset: number;
  /** Transport payload within the data, or NO_OFFSET when not captured. */
  payloadOffset: number;
  /** Source port in host order; 0 without ports. */
  sport: number;
  /** Destination port in host order; 0 without ports. */
  dport: number;
  /** 4, 6, or 0 when not IP. */
  family: number;
  /** IP protocol number of the transport header. */
  proto: number;
  /** KIND value. */
  kind: number;
  /** DIRECTION value. */
  direction: number;
  /** RECORD_FLAG bits. */
  flags: number;
  /** VLAN id of the outermost tag, 0 without. */
  vlan: number;
  /** Interface where it was seen. */
  ifindex: number;
  /** Mask of the modules that this packet was forwarded to. */
  modules: number;
  /** Id of the forwarding rule. */
  forwardId: number;
  /** Source address; IPv4 as ::ffff:a.b.c.d. */
  src: Uint8Array;
  /** Destination address; IPv4 as ::ffff:a.b.c.d. */
  dst: Uint8Array;
}

/** Reads the {@link PacketRecord} at `at`; throws a RangeError when the view ends before it does. */
export function readPacketRecord(view: DataView, at: number): PacketRecord {
  return {
    flowId: view.getBigUint64(at, true),
    streamOffset: view.getBigUint64(at + 8, true),
    timeDeltaNs: view.getUint32(at + 16, true),
    dataOffset: view.getUint32(at + 20, true),
    dataLen: view.getUint32(at + 24, true),
    wireLen: view.getUint32(at + 28, true),
    l3Offset: view.getUint16(at + 32, true),
    l4Offset: view.getUint16(at + 34, true),
    payloadOffset: view.getUint16(at + 36, true),
    sport: view.getUint16(at + 38, true),
    dport: view.getUint16(at + 40, true),
    family: view.getUint8(at + 42),
    proto: view.getUint8(at + 43),
    kind: view.getUint8(at + 44),
    direction: view.getUint8(at + 45),
    flags: view.getUint16(at + 46, true),
    vlan: view.getUint16(at + 48, true),
    ifindex: view.getUint32(at + 52, true),
    modules: view.getUint32(at + 56, true),
    forwardId: view.getUint32(at + 60, true),
    src: new Uint8Array(view.buffer, view.byteOffset + at + 64, 16).slice(),
    dst: new Uint8Array(view.buffer, view.byteOffset + at + 80, 16).slice(),
  };
}

/** Writes a {@link PacketRecord} at `at`, reserved bytes as 0; throws a RangeError when it does not fit. */
export function writePacketRecord(view: DataView, at: number, value: PacketRecord): void {
  view.setBigUint64(at, value.flowId, true);
  view.setBigUint64(at + 8, value.streamOffset, true);
  view.setUint32(at + 16, value.timeDeltaNs, true);
  view.setUint32(at + 20, value.dataOffset, true);
  view.setUint32(at + 24, value.dataLen, true);
  view.setUint32(at + 28, value.wireLen, true);
  view.setUint16(at + 32, value.l3Offset, true);
  view.setUint16(at + 34, value.l4Offset, true);
  view.setUint16(at + 36, value.payloadOffset, true);
  view.setUint16(at + 38, value.sport, true);
  view.setUint16(at + 40, value.dport, true);
  view.setUint8(at + 42, value.family);
  view.setUint8(at + 43, value.proto);
  view.setUint8(at + 44, value.kind);
  view.setUint8(at + 45, value.direction);
  view.setUint16(at + 46, value.flags, true);
  view.setUint16(at + 48, value.vlan, true);
  view.setUint32(at + 52, value.ifindex, true);
  view.setUint32(at + 56, value.modules, true);
  view.setUint32(at + 60, value.forwardId, true);
  new Uint8Array(view.buffer, view.byteOffset + at + 64, 16).set(value.src);
  new Uint8Array(view.buffer, view.byteOffset + at + 80, 16).set(value.dst);
  view.setUint16(at + 50, 0, true);
}

/** Bytes of a {@link FindingsHeader} in this version. */
export const FINDINGS_BYTES = 32;
export const FINDINGS_MAGIC = 0;
export const FINDINGS_HEADER_LEN = 4;
export const FINDINGS_RECORD_LEN = 6;
export const FINDINGS_COUNT = 8;
export const FINDINGS_TOTAL_BYTES = 12;
export const FINDINGS_STATUS = 16;
export const FINDINGS_RECORDS_DONE = 20;
export const FINDINGS_FINDINGS_DROPPED = 24;

/** Start of a module's output. Finding records follow at `headerLen`, attributes anywhere behind them. */
export interface FindingsHeader {
  /** `SXIF`. */
  magic: number;
  /** Bytes of this header. */
  headerLen: number;
  /** Stride of the finding records. */
  recordLen: number;
  /** Number of findings. */
  count: number;
  /** Bytes of the whole output; equals what `inspect` returned. */
  totalBytes: number;
  /** STATUS value. */
  status: number;
  /** Records of the batch handled completely; less than its count only with OUTPUT_FULL. */
  recordsDone: number;
  /** Findings that did not fit although a single record was left. */
  findingsDropped: number;
}

/** Reads the {@link FindingsHeader} at `at`; throws a RangeError when the view ends before it does. */
export function readFindingsHeader(view: DataView, at: number): FindingsHeader {
  return {
    magic: view.getUint32(at, true),
    headerLen: view.getUint16(at + 4, true),
    recordLen: view.getUint16(at + 6, true),
    count: view.getUint32(at + 8, true),
    totalBytes: view.getUint32(at + 12, true),
    status: view.getUint32(at + 16, true),
    recordsDone: view.getUint32(at + 20, true),
    findingsDropped: view.getUint32(at + 24, true),
  };
}

/** Writes a {@link FindingsHeader} at `at`, reserved bytes as 0; throws a RangeError when it does not fit. */
export function writeFindingsHeader(view: DataView, at: number, value: FindingsHeader): void {
  view.setUint32(at, value.magic, true);
  view.setUint16(at + 4, value.headerLen, true);
  view.setUint16(at + 6, value.recordLen, true);
  view.setUint32(at + 8, value.count, true);
  view.setUint32(at + 12, value.totalBytes, true);
  view.setUint32(at + 16, value.status, true);
  view.setUint32(at + 20, value.recordsDone, true);
  view.setUint32(at + 24, value.findingsDropped, true);
  view.setUint32(at + 28, 0, true);
}

/** Bytes of a {@link FindingRecord} in this version. */
export const FINDING_BYTES = 32;
export const FINDING_RECORD_INDEX = 0;
export const FINDING_RULE_ID = 4;
export const FINDING_SEVERITY = 8;
export const FINDING_VERDICT_HINT = 9;
export const FINDING_CONFIDENCE = 10;
export const FINDING_FLAGS = 11;
export const FINDING_MATCH_OFFSET = 12;
export const FINDING_MATCH_LEN = 16;
export const FINDING_ATTR_OFFSET = 20;
export const FINDING_ATTR_LEN = 24;

/** One finding. Title, category and references of a rule are in the module's manifest; here is only its id. */
export interface FindingRecord {
  /** Record of the batch that completed the match. */
  recordIndex: number;
  /** Rule of the module's manifest. */
  ruleId: number;
  /** 1 critical, 2 high, 3 medium, 4 low or info. */
  severity: number;
  /** VERDICT value: what the module would do. */
  verdictHint: number;
  /** 0 to 100. */
  confidence: number;
  /** FINDING_FLAG bits. */
  flags: number;
  /** Where the match starts: in the record's data, or in the stream with IN_STREAM (saturates). */
  matchOffset: number;
  /** Bytes matched, 0 when not known. */
  matchLen: number;
  /** Attributes, from the start of the output. */
  attrOffset: number;
  /** Bytes of attributes: u16 key, u16 length, value, without padding. */
  attrLen: number;
}

/** Reads the {@link FindingRecord} at `at`; throws a RangeError when the view ends before it does. */
export function readFindingRecord(view: DataView, at: number): FindingRecord {
  return {
    recordIndex: view.getUint32(at, true),
    ruleId: view.getUint32(at + 4, true),
    severity: view.getUint8(at + 8),
    verdictHint: view.getUint8(at + 9),
    confidence: view.getUint8(at + 10),
    flags: view.getUint8(at + 11),
    matchOffset: view.getUint32(at + 12, true),
    matchLen: view.getUint32(at + 16, true),
    attrOffset: view.getUint32(at + 20, true),
    attrLen: view.getUint32(at + 24, true),
  };
}

/** Writes a {@link FindingRecord} at `at`, reserved bytes as 0; throws a RangeError when it does not fit. */
export function writeFindingRecord(view: DataView, at: number, value: FindingRecord): void {
  view.setUint32(at, value.recordIndex, true);
  view.setUint32(at + 4, value.ruleId, true);
  view.setUint8(at + 8, value.severity);
  view.setUint8(at + 9, value.verdictHint);
  view.setUint8(at + 10, value.confidence);
  view.setUint8(at + 11, value.flags);
  view.setUint32(at + 12, value.matchOffset, true);
  view.setUint32(at + 16, value.matchLen, true);
  view.setUint32(at + 20, value.attrOffset, true);
  view.setUint32(at + 24, value.attrLen, true);
  view.setUint32(at + 28, 0, true);
}

/** Attribute keys of findings with the name and type that a reader gives them. */
export const ATTRIBUTES = {
  /** One line for people. */
  1: { name: "message", type: "utf8" },
  /** Request method. */
  2: { name: "http.method", type: "bytes" },
  /** Host header. */
  3: { name: "http.host", type: "bytes" },
  /** Request target as sent, cut at 512 bytes. */
  4: { name: "http.uri", type: "bytes" },
  /** User-Agent header. */
  5: { name: "http.user_agent", type: "bytes" },
  /** The bytes that matched, after transformations. */
  6: { name: "match.data", type: "bytes" },
  /** Where: `uri`, `args.q`, `cookie.sid`, `header.referer`, `body.id`, `stream`. */
  7: { name: "match.location", type: "bytes" },
  /** Comma-separated transformations that led to the match. */
  8: { name: "match.transformations", type: "utf8" },
  /** Anomaly score. */
  9: { name: "score", type: "u32" },
  /** Comma-separated `ruleId:points`. */
  10: { name: "score.parts", type: "utf8" },
  /** Distinct ports seen. */
  11: { name: "ports.count", type: "u32" },
  /** Connections seen in the window. */
  12: { name: "attempts.count", type: "u32" },
  /** Name asked for. */
  13: { name: "dns.query", type: "bytes" },
  /** Server name of a TLS client hello. */
  14: { name: "tls.sni", type: "bytes" },
  /** Response status. */
  15: { name: "http.status", type: "u32" },
  /** A JSON object of EVE fields (`app_proto`, `http`, `dns`, `tls`, `flow`, `metadata` …), which the host checks and merges. */
  16: { name: "eve", type: "utf8" },
  /** Bytes of the stream or datagram that the rule saw, cut at 65,535. */
  17: { name: "payload", type: "bytes" },
  /** First line of the HTTP request, cut at 512 bytes. */
  18: { name: "request.line", type: "bytes" },
  /** Directive of the rule language that would silence this finding. */
  19: { name: "exclusion", type: "utf8" },
  /** What the rule says of its match (SecLang's `logdata`, macros expanded). */
  21: { name: "match.log", type: "bytes" },
  /** 8 bytes: the record's flow id in which the finding was made. */
  20: { name: "flow.id", type: "bytes" },
} as const satisfies Record<number, { name: string; type: "utf8" | "bytes" | "u32" }>;

/** Names of the attributes that this version knows. */
export type AttributeName = (typeof ATTRIBUTES)[keyof typeof ATTRIBUTES]["name"];
