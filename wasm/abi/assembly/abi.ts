// Generated from packages/inspect-abi/src/abi.definition.ts by `npm run generate`; do not edit.

export const ABI_MAJOR: u16 = 1;
export const ABI_MINOR: u16 = 1;

// First four bytes of a buffer.
/** The bytes `SXIB`. */
export const MAGIC_BATCH: u32 = 1112102995;
/** The bytes `SXIF`. */
export const MAGIC_FINDINGS: u32 = 1179211859;

// What a record is.
/** A captured frame. */
export const KIND_PACKET: u8 = 1;
/** Reassembled bytes of one direction; the data has no headers. */
export const KIND_STREAM_CHUNK: u8 = 2;
/** The flow ended or timed out; no data. */
export const KIND_FLOW_END: u8 = 3;

// Which way a packet goes.
/** The publisher cannot tell. */
export const DIRECTION_UNKNOWN: u8 = 0;
/** From the client. */
export const DIRECTION_TO_SERVER: u8 = 1;
/** From the server. */
export const DIRECTION_TO_CLIENT: u8 = 2;

// Bits of a record's flags.
/** Fewer bytes were captured than were on the wire. */
export const RECORD_FLAG_TRUNCATED: u16 = 1;
/** Packets of this flow may be missing before this one. */
export const RECORD_FLAG_GAP: u16 = 2;
/** Only some packets of this flow are forwarded. */
export const RECORD_FLAG_SAMPLED: u16 = 4;
/** The publisher knows it for a retransmission. */
export const RECORD_FLAG_RETRANSMIT: u16 = 8;
/** An IP fragment; ports are 0. */
export const RECORD_FLAG_FRAGMENT: u16 = 16;

// Bits of a batch's flags.
/** Replayed from a file: findings are not live traffic. */
export const BATCH_FLAG_REPLAY: u16 = 1;
/** Part of a self-test. */
export const BATCH_FLAG_SELF_TEST: u16 = 2;

// Status of an output.
/** Every record was handled. */
export const STATUS_OK: u32 = 0;
/** The output filled up after `recordsDone` records; the host calls again with the rest. */
export const STATUS_OUTPUT_FULL: u32 = 1;

// What a module would do with the flow.
/** Nothing. */
export const VERDICT_NONE: u8 = 0;
/** Alert. */
export const VERDICT_ALERT: u8 = 1;
/** Block the source. */
export const VERDICT_DROP: u8 = 2;

// Bits of a finding's flags.
/** `matchOffset` counts from the start of this direction's stream. */
export const FINDING_FLAG_IN_STREAM: u8 = 1;
/** An inline sensor drops this packet; the rule is the reason, 0 stands for the engine itself. */
export const FINDING_FLAG_DROPPED: u8 = 2;
/** Not for an alert: it only tells what happens to the packet. */
export const FINDING_FLAG_NO_ALERT: u8 = 4;

// How bad a finding is.
/** Critical. */
export const SEVERITY_CRITICAL: u8 = 1;
/** High. */
export const SEVERITY_HIGH: u8 = 2;
/** Medium. */
export const SEVERITY_MEDIUM: u8 = 3;
/** Low, or for information. */
export const SEVERITY_INFO: u8 = 4;

// Negative results of `inspect`, `configure` and `load`.
/** The module refuses the batch as malformed. */
export const E_BATCH: i32 = -1;
/** The output is too small and no state was changed: the host halves the batch. */
export const E_OUTPUT_FULL: i32 = -2;
/** `configure` is needed first. */
export const E_NOT_CONFIGURED: i32 = -3;
/** The module found itself in a state that must not be. */
export const E_INTERNAL: i32 = -4;
/** The configuration is refused. */
export const E_CONFIG: i32 = -5;
/** The rule image is refused: damaged, of another version, or for another module. */
export const E_RULES: i32 = -6;

// Numbers that both sides must agree on.
/** Partitions of the flow hash. */
export const LIMIT_PARTITIONS: u32 = 64;
/** A layer offset that is not there. */
export const LIMIT_NO_OFFSET: u32 = 65535;
/** Longest batch. */
export const LIMIT_BATCH_BYTES: u32 = 16777216;
/** Most records in a batch. */
export const LIMIT_BATCH_RECORDS: u32 = 65536;

// Attribute keys of findings.
/** One line for people. */
export const ATTR_MESSAGE: u16 = 1;
/** Request method. */
export const ATTR_HTTP_METHOD: u16 = 2;
/** Host header. */
export const ATTR_HTTP_HOST: u16 = 3;
/** Request target as sent, cut at 512 bytes. */
export const ATTR_HTTP_URI: u16 = 4;
/** User-Agent header. */
export const ATTR_HTTP_USER_AGENT: u16 = 5;
/** The bytes that matched, after transformations. */
export const ATTR_MATCH_DATA: u16 = 6;
/** Where: `uri`, `args.q`, `cookie.sid`, `header.referer`, `body.id`, `stream`. */
export const ATTR_MATCH_LOCATION: u16 = 7;
/** Comma-separated transformations that led to the match. */
export const ATTR_MATCH_TRANSFORMATIONS: u16 = 8;
/** Anomaly score. */
export const ATTR_SCORE: u16 = 9;
/** Comma-separated `ruleId:points`. */
export const ATTR_SCORE_PARTS: u16 = 10;
/** Distinct ports seen. */
export const ATTR_PORTS_COUNT: u16 = 11;
/** Connections seen in the window. */
export const ATTR_ATTEMPTS_COUNT: u16 = 12;
/** Name asked for. */
export const ATTR_DNS_QUERY: u16 = 13;
/** Server name of a TLS client hello. */
export const ATTR_TLS_SNI: u16 = 14;
/** Response status. */
export const ATTR_HTTP_STATUS: u16 = 15;
/** A JSON object of EVE fields (`app_proto`, `http`, `dns`, `tls`, `flow`, `metadata` …), which the host checks and merges. */
export const ATTR_EVE: u16 = 16;
/** Bytes of the stream or datagram that the rule saw, cut at 65,535. */
export const ATTR_PAYLOAD: u16 = 17;
/** First line of the HTTP request, cut at 512 bytes. */
export const ATTR_REQUEST_LINE: u16 = 18;
/** Directive of the rule language that would silence this finding. */
export const ATTR_EXCLUSION: u16 = 19;
/** What the rule says of its match (SecLang's `logdata`, macros expanded). */
export const ATTR_MATCH_LOG: u16 = 21;
/** 8 bytes: the record's flow id in which the finding was made. */
export const ATTR_FLOW_ID: u16 = 20;

// Start of a batch. Records follow at `headerLen`, the captured bytes at `payloadOffset`. A NATS frame is one batch.
export const BATCH_BYTES: usize = 64;
/** `SXIB`. */
// @ts-ignore: decorator
@inline export function batchMagic(p: usize): u32 { return load<u32>(p, 0); }
/** Major version; readers refuse others. */
// @ts-ignore: decorator
@inline export function batchAbiMajor(p: usize): u16 { return load<u16>(p, 4); }
/** Minor version of the writer. */
// @ts-ignore: decorator
@inline export function batchAbiMinor(p: usize): u16 { return load<u16>(p, 6); }
/** Bytes of this header, a multiple of 8; the first record starts there. */
// @ts-ignore: decorator
@inline export function batchHeaderLen(p: usize): u16 { return load<u16>(p, 8); }
/** Stride of the records, a multiple of 8. */
// @ts-ignore: decorator
@inline export function batchRecordLen(p: usize): u16 { return load<u16>(p, 10); }
/** Number of records. */
// @ts-ignore: decorator
@inline export function batchCount(p: usize): u32 { return load<u32>(p, 12); }
/** Unix time in ns; records add their delta. */
// @ts-ignore: decorator
@inline export function batchTimeBaseNs(p: usize): u64 { return load<u64>(p, 16); }
/** Where the payload starts, from the start of the batch, a multiple of 8. */
// @ts-ignore: decorator
@inline export function batchPayloadOffset(p: usize): u32 { return load<u32>(p, 24); }
/** Bytes of payload; nothing follows it that matters. */
// @ts-ignore: decorator
@inline export function batchPayloadLen(p: usize): u32 { return load<u32>(p, 28); }
/** Number of the first record in this publisher's stream of this partition; counts records, so a gap is the exact number of packets lost. */
// @ts-ignore: decorator
@inline export function batchSequence(p: usize): u64 { return load<u64>(p, 32); }
/** Random number that the publisher drew at its start; a new one restarts the sequence. */
// @ts-ignore: decorator
@inline export function batchPublisher(p: usize): u64 { return load<u64>(p, 40); }
/** Set by the host just before the call: mask with the bit of the module being called; 0 takes every record. */
// @ts-ignore: decorator
@inline export function batchModuleBit(p: usize): u32 { return load<u32>(p, 48); }
/** Partition of all flows in the batch. */
// @ts-ignore: decorator
@inline export function batchPartition(p: usize): u16 { return load<u16>(p, 52); }
/** BATCH_FLAG bits. */
// @ts-ignore: decorator
@inline export function batchFlags(p: usize): u16 { return load<u16>(p, 54); }

// One packet, stream chunk or flow end. Its data is the captured frame from the Ethernet header on.
export const RECORD_BYTES: usize = 96;
/** Symmetric flow hash (see flow_hash.h). Not unique: compare addresses and ports as well. */
// @ts-ignore: decorator
@inline export function recordFlowId(p: usize): u64 { return load<u64>(p, 0); }
/** STREAM_CHUNK: position of the data in the stream of this direction; else 0. */
// @ts-ignore: decorator
@inline export function recordStreamOffset(p: usize): u64 { return load<u64>(p, 8); }
/** Nanoseconds after `timeBaseNs`. */
// @ts-ignore: decorator
@inline export function recordTimeDeltaNs(p: usize): u32 { return load<u32>(p, 16); }
/** Where the data starts, from the start of the payload. */
// @ts-ignore: decorator
@inline export function recordDataOffset(p: usize): u32 { return load<u32>(p, 20); }
/** Captured bytes. */
// @ts-ignore: decorator
@inline export function recordDataLen(p: usize): u32 { return load<u32>(p, 24); }
/** Bytes on the wire; more than `dataLen` when TRUNCATED. */
// @ts-ignore: decorator
@inline export function recordWireLen(p: usize): u32 { return load<u32>(p, 28); }
/** IP header within the data, or NO_OFFSET. */
// @ts-ignore: decorator
@inline export function recordL3Offset(p: usize): u16 { return load<u16>(p, 32); }
/** Transport header within the data, or NO_OFFSET (also for later fragments). */
// @ts-ignore: decorator
@inline export function recordL4Offset(p: usize): u16 { return load<u16>(p, 34); }
/** Transport payload within the data, or NO_OFFSET when not captured. */
// @ts-ignore: decorator
@inline export function recordPayloadOffset(p: usize): u16 { return load<u16>(p, 36); }
/** Source port in host order; 0 without ports. */
// @ts-ignore: decorator
@inline export function recordSport(p: usize): u16 { return load<u16>(p, 38); }
/** Destination port in host order; 0 without ports. */
// @ts-ignore: decorator
@inline export function recordDport(p: usize): u16 { return load<u16>(p, 40); }
/** 4, 6, or 0 when not IP. */
// @ts-ignore: decorator
@inline export function recordFamily(p: usize): u8 { return load<u8>(p, 42); }
/** IP protocol number of the transport header. */
// @ts-ignore: decorator
@inline export function recordProto(p: usize): u8 { return load<u8>(p, 43); }
/** KIND value. */
// @ts-ignore: decorator
@inline export function recordKind(p: usize): u8 { return load<u8>(p, 44); }
/** DIRECTION value. */
// @ts-ignore: decorator
@inline export function recordDirection(p: usize): u8 { return load<u8>(p, 45); }
/** RECORD_FLAG bits. */
// @ts-ignore: decorator
@inline export function recordFlags(p: usize): u16 { return load<u16>(p, 46); }
/** VLAN id of the outermost tag, 0 without. */
// @ts-ignore: decorator
@inline export function recordVlan(p: usize): u16 { return load<u16>(p, 48); }
/** Interface where it was seen. */
// @ts-ignore: decorator
@inline export function recordIfindex(p: usize): u32 { return load<u32>(p, 52); }
/** Mask of the modules that this packet was forwarded to. */
// @ts-ignore: decorator
@inline export function recordModules(p: usize): u32 { return load<u32>(p, 56); }
/** Id of the forwarding rule. */
// @ts-ignore: decorator
@inline export function recordForwardId(p: usize): u32 { return load<u32>(p, 60); }
/** Source address; IPv4 as ::ffff:a.b.c.d. */
// @ts-ignore: decorator
@inline export function recordSrc(p: usize): usize { return p + 64; }
/** Destination address; IPv4 as ::ffff:a.b.c.d. */
// @ts-ignore: decorator
@inline export function recordDst(p: usize): usize { return p + 80; }

// Start of a module's output. Finding records follow at `headerLen`, attributes anywhere behind them.
export const FINDINGS_BYTES: usize = 32;
/** `SXIF`. */
// @ts-ignore: decorator
@inline export function findingsMagic(p: usize): u32 { return load<u32>(p, 0); }
// @ts-ignore: decorator
@inline export function setFindingsMagic(p: usize, v: u32): void { store<u32>(p, v, 0); }
/** Bytes of this header. */
// @ts-ignore: decorator
@inline export function findingsHeaderLen(p: usize): u16 { return load<u16>(p, 4); }
// @ts-ignore: decorator
@inline export function setFindingsHeaderLen(p: usize, v: u16): void { store<u16>(p, v, 4); }
/** Stride of the finding records. */
// @ts-ignore: decorator
@inline export function findingsRecordLen(p: usize): u16 { return load<u16>(p, 6); }
// @ts-ignore: decorator
@inline export function setFindingsRecordLen(p: usize, v: u16): void { store<u16>(p, v, 6); }
/** Number of findings. */
// @ts-ignore: decorator
@inline export function findingsCount(p: usize): u32 { return load<u32>(p, 8); }
// @ts-ignore: decorator
@inline export function setFindingsCount(p: usize, v: u32): void { store<u32>(p, v, 8); }
/** Bytes of the whole output; equals what `inspect` returned. */
// @ts-ignore: decorator
@inline export function findingsTotalBytes(p: usize): u32 { return load<u32>(p, 12); }
// @ts-ignore: decorator
@inline export function setFindingsTotalBytes(p: usize, v: u32): void { store<u32>(p, v, 12); }
/** STATUS value. */
// @ts-ignore: decorator
@inline export function findingsStatus(p: usize): u32 { return load<u32>(p, 16); }
// @ts-ignore: decorator
@inline export function setFindingsStatus(p: usize, v: u32): void { store<u32>(p, v, 16); }
/** Records of the batch handled completely; less than its count only with OUTPUT_FULL. */
// @ts-ignore: decorator
@inline export function findingsRecordsDone(p: usize): u32 { return load<u32>(p, 20); }
// @ts-ignore: decorator
@inline export function setFindingsRecordsDone(p: usize, v: u32): void { store<u32>(p, v, 20); }
/** Findings that did not fit although a single record was left. */
// @ts-ignore: decorator
@inline export function findingsFindingsDropped(p: usize): u32 { return load<u32>(p, 24); }
// @ts-ignore: decorator
@inline export function setFindingsFindingsDropped(p: usize, v: u32): void { store<u32>(p, v, 24); }

// One finding. Title, category and references of a rule are in the module's manifest; here is only its id.
export const FINDING_BYTES: usize = 32;
/** Record of the batch that completed the match. */
// @ts-ignore: decorator
@inline export function findingRecordIndex(p: usize): u32 { return load<u32>(p, 0); }
// @ts-ignore: decorator
@inline export function setFindingRecordIndex(p: usize, v: u32): void { store<u32>(p, v, 0); }
/** Rule of the module's manifest. */
// @ts-ignore: decorator
@inline export function findingRuleId(p: usize): u32 { return load<u32>(p, 4); }
// @ts-ignore: decorator
@inline export function setFindingRuleId(p: usize, v: u32): void { store<u32>(p, v, 4); }
/** 1 critical, 2 high, 3 medium, 4 low or info. */
// @ts-ignore: decorator
@inline export function findingSeverity(p: usize): u8 { return load<u8>(p, 8); }
// @ts-ignore: decorator
@inline export function setFindingSeverity(p: usize, v: u8): void { store<u8>(p, v, 8); }
/** VERDICT value: what the module would do. */
// @ts-ignore: decorator
@inline export function findingVerdictHint(p: usize): u8 { return load<u8>(p, 9); }
// @ts-ignore: decorator
@inline export function setFindingVerdictHint(p: usize, v: u8): void { store<u8>(p, v, 9); }
/** 0 to 100. */
// @ts-ignore: decorator
@inline export function findingConfidence(p: usize): u8 { return load<u8>(p, 10); }
// @ts-ignore: decorator
@inline export function setFindingConfidence(p: usize, v: u8): void { store<u8>(p, v, 10); }
/** FINDING_FLAG bits. */
// @ts-ignore: decorator
@inline export function findingFlags(p: usize): u8 { return load<u8>(p, 11); }
// @ts-ignore: decorator
@inline export function setFindingFlags(p: usize, v: u8): void { store<u8>(p, v, 11); }
/** Where the match starts: in the record's data, or in the stream with IN_STREAM (saturates). */
// @ts-ignore: decorator
@inline export function findingMatchOffset(p: usize): u32 { return load<u32>(p, 12); }
// @ts-ignore: decorator
@inline export function setFindingMatchOffset(p: usize, v: u32): void { store<u32>(p, v, 12); }
/** Bytes matched, 0 when not known. */
// @ts-ignore: decorator
@inline export function findingMatchLen(p: usize): u32 { return load<u32>(p, 16); }
// @ts-ignore: decorator
@inline export function setFindingMatchLen(p: usize, v: u32): void { store<u32>(p, v, 16); }
/** Attributes, from the start of the output. */
// @ts-ignore: decorator
@inline export function findingAttrOffset(p: usize): u32 { return load<u32>(p, 20); }
// @ts-ignore: decorator
@inline export function setFindingAttrOffset(p: usize, v: u32): void { store<u32>(p, v, 20); }
/** Bytes of attributes: u16 key, u16 length, value, without padding. */
// @ts-ignore: decorator
@inline export function findingAttrLen(p: usize): u32 { return load<u32>(p, 24); }
// @ts-ignore: decorator
@inline export function setFindingAttrLen(p: usize, v: u32): void { store<u32>(p, v, 24); }
