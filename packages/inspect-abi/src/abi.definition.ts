/**
 * The inspection ABI `secuxflow-inspect` 1: the one place where its layout is written down.
 *
 * `npm run generate -w @secuxflow/inspect-abi` turns this into TypeScript constants and codecs, AssemblyScript
 * accessors, a C header and a Markdown table. All numbers are little-endian. Offsets follow from the order of the
 * fields: a field must fall on its natural alignment, so that C compilers, `DataView` and wasm loads agree without padding.
 *
 * Rules of evolution: a minor version appends fields at the end of a struct (readers step by the length that the header
 * states); anything else is a major version with a new marker export.
 */

export type FieldType = "u8" | "u16" | "u32" | "u64" | "bytes16";

export interface FieldDefinition {
  /** camelCase; the generators turn it into snake_case and UPPER_CASE. */
  readonly name: string;
  readonly type: FieldType;
  readonly doc: string;
}

export interface StructDefinition {
  /** PascalCase. */
  readonly name: string;
  /** UPPER_CASE prefix of its constants. */
  readonly prefix: string;
  /** C struct tag. */
  readonly tag: string;
  readonly doc: string;
  readonly size: number;
  readonly fields: readonly FieldDefinition[];
}

export interface ConstantGroup {
  readonly name: string;
  readonly prefix: string;
  readonly doc: string;
  readonly type: "u8" | "u16" | "u32" | "i32";
  readonly values: readonly { readonly name: string; readonly value: number; readonly doc: string }[];
}

export interface AttributeDefinition {
  readonly key: number;
  readonly name: string;
  readonly type: "utf8" | "bytes" | "u32";
  readonly doc: string;
}

const f = (name: string, type: FieldType, doc: string): FieldDefinition => ({ name, type, doc });
const v = (name: string, value: number, doc: string): { name: string; value: number; doc: string } => ({ name, value, doc });

export const abiVersion = { major: 1, minor: 1 } as const;

export const structs: readonly StructDefinition[] = [
  {
    name: "BatchHeader",
    prefix: "BATCH",
    tag: "sxf_batch_header",
    size: 64,
    doc: "Start of a batch. Records follow at `headerLen`, the captured bytes at `payloadOffset`. A NATS frame is one batch.",
    fields: [
      f("magic", "u32", "`SXIB`."),
      f("abiMajor", "u16", "Major version; readers refuse others."),
      f("abiMinor", "u16", "Minor version of the writer."),
      f("headerLen", "u16", "Bytes of this header, a multiple of 8; the first record starts there."),
      f("recordLen", "u16", "Stride of the records, a multiple of 8."),
      f("count", "u32", "Number of records."),
      f("timeBaseNs", "u64", "Unix time in ns; records add their delta."),
      f("payloadOffset", "u32", "Where the payload starts, from the start of the batch, a multiple of 8."),
      f("payloadLen", "u32", "Bytes of payload; nothing follows it that matters."),
      f(
        "sequence",
        "u64",
        "Number of the first record in this publisher's stream of this partition; counts records, so a gap is " +
          "the exact number of packets lost.",
      ),
      f("publisher", "u64", "Random number that the publisher drew at its start; a new one restarts the sequence."),
      f(
        "moduleBit",
        "u32",
        "Set by the host just before the call: mask with the bit of the module being called; 0 takes every record.",
      ),
      f("partition", "u16", "Partition of all flows in the batch."),
      f("flags", "u16", "BATCH_FLAG bits."),
      f("reserved", "u64", "Written as 0, not read."),
    ],
  },
  {
    name: "PacketRecord",
    prefix: "RECORD",
    tag: "sxf_record",
    size: 96,
    doc: "One packet, stream chunk or flow end. Its data is the captured frame from the Ethernet header on.",
    fields: [
      f("flowId", "u64", "Symmetric flow hash (see flow_hash.h). Not unique: compare addresses and ports as well."),
      f("streamOffset", "u64", "STREAM_CHUNK: position of the data in the stream of this direction; else 0."),
      f("timeDeltaNs", "u32", "Nanoseconds after `timeBaseNs`."),
      f("dataOffset", "u32", "Where the data starts, from the start of the payload."),
      f("dataLen", "u32", "Captured bytes."),
      f("wireLen", "u32", "Bytes on the wire; more than `dataLen` when TRUNCATED."),
      f("l3Offset", "u16", "IP header within the data, or NO_OFFSET."),
      f("l4Offset", "u16", "Transport header within the data, or NO_OFFSET (also for later fragments)."),
      f("payloadOffset", "u16", "Transport payload within the data, or NO_OFFSET when not captured."),
      f("sport", "u16", "Source port in host order; 0 without ports."),
      f("dport", "u16", "Destination port in host order; 0 without ports."),
      f("family", "u8", "4, 6, or 0 when not IP."),
      f("proto", "u8", "IP protocol number of the transport header."),
      f("kind", "u8", "KIND value."),
      f("direction", "u8", "DIRECTION value."),
      f("flags", "u16", "RECORD_FLAG bits."),
      f("vlan", "u16", "VLAN id of the outermost tag, 0 without."),
      f("reserved", "u16", "Written as 0, not read."),
      f("ifindex", "u32", "Interface where it was seen."),
      f("modules", "u32", "Mask of the modules that this packet was forwarded to."),
      f("forwardId", "u32", "Id of the forwarding rule."),
      f("src", "bytes16", "Source address; IPv4 as ::ffff:a.b.c.d."),
      f("dst", "bytes16", "Destination address; IPv4 as ::ffff:a.b.c.d."),
    ],
  },
  {
    name: "FindingsHeader",
    prefix: "FINDINGS",
    tag: "sxf_findings_header",
    size: 32,
    doc: "Start of a module's output. Finding records follow at `headerLen`, attributes anywhere behind them.",
    fields: [
      f("magic", "u32", "`SXIF`."),
      f("headerLen", "u16", "Bytes of this header."),
      f("recordLen", "u16", "Stride of the finding records."),
      f("count", "u32", "Number of findings."),
      f("totalBytes", "u32", "Bytes of the whole output; equals what `inspect` returned."),
      f("status", "u32", "STATUS value."),
      f("recordsDone", "u32", "Records of the batch handled completely; less than its count only with OUTPUT_FULL."),
      f("findingsDropped", "u32", "Findings that did not fit although a single record was left."),
      f("reserved", "u32", "Written as 0, not read."),
    ],
  },
  {
    name: "FindingRecord",
    prefix: "FINDING",
    tag: "sxf_finding",
    size: 32,
    doc: "One finding. Title, category and references of a rule are in the module's manifest; here is only its id.",
    fields: [
      f("recordIndex", "u32", "Record of the batch that completed the match."),
      f("ruleId", "u32", "Rule of the module's manifest."),
      f("severity", "u8", "1 critical, 2 high, 3 medium, 4 low or info."),
      f("verdictHint", "u8", "VERDICT value: what the module would do."),
      f("confidence", "u8", "0 to 100."),
      f("flags", "u8", "FINDING_FLAG bits."),
      f("matchOffset", "u32", "Where the match starts: in the record's data, or in the stream with IN_STREAM (saturates)."),
      f("matchLen", "u32", "Bytes matched, 0 when not known."),
      f("attrOffset", "u32", "Attributes, from the start of the output."),
      f("attrLen", "u32", "Bytes of attributes: u16 key, u16 length, value, without padding."),
      f("reserved", "u32", "Written as 0, not read."),
    ],
  },
];

export const constants: readonly ConstantGroup[] = [
  {
    name: "Magic",
    prefix: "MAGIC",
    type: "u32",
    doc: "First four bytes of a buffer.",
    values: [v("BATCH", 0x42495853, "The bytes `SXIB`."), v("FINDINGS", 0x46495853, "The bytes `SXIF`.")],
  },
  {
    name: "Kind",
    prefix: "KIND",
    type: "u8",
    doc: "What a record is.",
    values: [
      v("PACKET", 1, "A captured frame."),
      v("STREAM_CHUNK", 2, "Reassembled bytes of one direction; the data has no headers."),
      v("FLOW_END", 3, "The flow ended or timed out; no data."),
    ],
  },
  {
    name: "Direction",
    prefix: "DIRECTION",
    type: "u8",
    doc: "Which way a packet goes.",
    values: [
      v("UNKNOWN", 0, "The publisher cannot tell."),
      v("TO_SERVER", 1, "From the client."),
      v("TO_CLIENT", 2, "From the server."),
    ],
  },
  {
    name: "RecordFlag",
    prefix: "RECORD_FLAG",
    type: "u16",
    doc: "Bits of a record's flags.",
    values: [
      v("TRUNCATED", 1, "Fewer bytes were captured than were on the wire."),
      v("GAP", 2, "Packets of this flow may be missing before this one."),
      v("SAMPLED", 4, "Only some packets of this flow are forwarded."),
      v("RETRANSMIT", 8, "The publisher knows it for a retransmission."),
      v("FRAGMENT", 16, "An IP fragment; ports are 0."),
    ],
  },
  {
    name: "BatchFlag",
    prefix: "BATCH_FLAG",
    type: "u16",
    doc: "Bits of a batch's flags.",
    values: [v("REPLAY", 1, "Replayed from a file: findings are not live traffic."), v("SELF_TEST", 2, "Part of a self-test.")],
  },
  {
    name: "Status",
    prefix: "STATUS",
    type: "u32",
    doc: "Status of an output.",
    values: [
      v("OK", 0, "Every record was handled."),
      v("OUTPUT_FULL", 1, "The output filled up after `recordsDone` records; the host calls again with the rest."),
    ],
  },
  {
    name: "Verdict",
    prefix: "VERDICT",
    type: "u8",
    doc: "What a module would do with the flow.",
    values: [v("NONE", 0, "Nothing."), v("ALERT", 1, "Alert."), v("DROP", 2, "Block the source.")],
  },
  {
    name: "FindingFlag",
    prefix: "FINDING_FLAG",
    type: "u8",
    doc: "Bits of a finding's flags.",
    values: [
      v("IN_STREAM", 1, "`matchOffset` counts from the start of this direction's stream."),
      v("DROPPED", 2, "An inline sensor drops this packet; the rule is the reason, 0 stands for the engine itself."),
      v("NO_ALERT", 4, "Not for an alert: it only tells what happens to the packet."),
    ],
  },
  {
    name: "Severity",
    prefix: "SEVERITY",
    type: "u8",
    doc: "How bad a finding is.",
    values: [
      v("CRITICAL", 1, "Critical."),
      v("HIGH", 2, "High."),
      v("MEDIUM", 3, "Medium."),
      v("INFO", 4, "Low, or for information."),
    ],
  },
  {
    name: "ErrorCode",
    prefix: "E",
    type: "i32",
    doc: "Negative results of `inspect`, `configure` and `load`.",
    values: [
      v("BATCH", -1, "The module refuses the batch as malformed."),
      v("OUTPUT_FULL", -2, "The output is too small and no state was changed: the host halves the batch."),
      v("NOT_CONFIGURED", -3, "`configure` is needed first."),
      v("INTERNAL", -4, "The module found itself in a state that must not be."),
      v("CONFIG", -5, "The configuration is refused."),
      v("RULES", -6, "The rule image is refused: damaged, of another version, or for another module."),
    ],
  },
  {
    name: "Limit",
    prefix: "LIMIT",
    type: "u32",
    doc: "Numbers that both sides must agree on.",
    values: [
      v("PARTITIONS", 64, "Partitions of the flow hash."),
      v("NO_OFFSET", 0xffff, "A layer offset that is not there."),
      v("BATCH_BYTES", 16 * 1024 * 1024, "Longest batch."),
      v("BATCH_RECORDS", 65_536, "Most records in a batch."),
    ],
  },
];

export const attributes: readonly AttributeDefinition[] = [
  { key: 1, name: "message", type: "utf8", doc: "One line for people." },
  { key: 2, name: "http.method", type: "bytes", doc: "Request method." },
  { key: 3, name: "http.host", type: "bytes", doc: "Host header." },
  { key: 4, name: "http.uri", type: "bytes", doc: "Request target as sent, cut at 512 bytes." },
  { key: 5, name: "http.user_agent", type: "bytes", doc: "User-Agent header." },
  { key: 6, name: "match.data", type: "bytes", doc: "The bytes that matched, after transformations." },
  {
    key: 7,
    name: "match.location",
    type: "bytes",
    doc: "Where: `uri`, `args.q`, `cookie.sid`, `header.referer`, `body.id`, `stream`.",
  },
  { key: 8, name: "match.transformations", type: "utf8", doc: "Comma-separated transformations that led to the match." },
  { key: 9, name: "score", type: "u32", doc: "Anomaly score." },
  { key: 10, name: "score.parts", type: "utf8", doc: "Comma-separated `ruleId:points`." },
  { key: 11, name: "ports.count", type: "u32", doc: "Distinct ports seen." },
  { key: 12, name: "attempts.count", type: "u32", doc: "Connections seen in the window." },
  { key: 13, name: "dns.query", type: "bytes", doc: "Name asked for." },
  { key: 14, name: "tls.sni", type: "bytes", doc: "Server name of a TLS client hello." },
  { key: 15, name: "http.status", type: "u32", doc: "Response status." },
  {
    key: 16,
    name: "eve",
    type: "utf8",
    doc: "A JSON object of EVE fields (`app_proto`, `http`, `dns`, `tls`, `flow`, `metadata` …), which the host checks and merges.",
  },
  { key: 17, name: "payload", type: "bytes", doc: "Bytes of the stream or datagram that the rule saw, cut at 65,535." },
  { key: 18, name: "request.line", type: "bytes", doc: "First line of the HTTP request, cut at 512 bytes." },
  { key: 19, name: "exclusion", type: "utf8", doc: "Directive of the rule language that would silence this finding." },
  { key: 21, name: "match.log", type: "bytes", doc: "What the rule says of its match (SecLang's `logdata`, macros expanded)." },
  { key: 20, name: "flow.id", type: "bytes", doc: "8 bytes: the record's flow id in which the finding was made." },
];
