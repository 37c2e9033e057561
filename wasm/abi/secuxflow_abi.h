/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Generated from packages/inspect-abi/src/abi.definition.ts by `npm run generate`; do not edit. */
#ifndef SECUXFLOW_ABI_H
#define SECUXFLOW_ABI_H

/* A BPF program that includes vmlinux.h has the __uN types from there. */
#if defined(__wasm__)
#include <stdint.h>
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef uint64_t __u64;
#elif !defined(__VMLINUX_H__)
#include <linux/types.h>
#endif

#define SXF_ABI_MAJOR 1
#define SXF_ABI_MINOR 1

/* First four bytes of a buffer. */
#define SXF_MAGIC_BATCH 0x42495853u /* The bytes `SXIB`. */
#define SXF_MAGIC_FINDINGS 0x46495853u /* The bytes `SXIF`. */

/* What a record is. */
#define SXF_KIND_PACKET 1 /* A captured frame. */
#define SXF_KIND_STREAM_CHUNK 2 /* Reassembled bytes of one direction; the data has no headers. */
#define SXF_KIND_FLOW_END 3 /* The flow ended or timed out; no data. */

/* Which way a packet goes. */
#define SXF_DIRECTION_UNKNOWN 0 /* The publisher cannot tell. */
#define SXF_DIRECTION_TO_SERVER 1 /* From the client. */
#define SXF_DIRECTION_TO_CLIENT 2 /* From the server. */

/* Bits of a record's flags. */
#define SXF_RECORD_FLAG_TRUNCATED 1 /* Fewer bytes were captured than were on the wire. */
#define SXF_RECORD_FLAG_GAP 2 /* Packets of this flow may be missing before this one. */
#define SXF_RECORD_FLAG_SAMPLED 4 /* Only some packets of this flow are forwarded. */
#define SXF_RECORD_FLAG_RETRANSMIT 8 /* The publisher knows it for a retransmission. */
#define SXF_RECORD_FLAG_FRAGMENT 16 /* An IP fragment; ports are 0. */

/* Bits of a batch's flags. */
#define SXF_BATCH_FLAG_REPLAY 1 /* Replayed from a file: findings are not live traffic. */
#define SXF_BATCH_FLAG_SELF_TEST 2 /* Part of a self-test. */

/* Status of an output. */
#define SXF_STATUS_OK 0 /* Every record was handled. */
#define SXF_STATUS_OUTPUT_FULL 1 /* The output filled up after `recordsDone` records; the host calls again with the rest. */

/* What a module would do with the flow. */
#define SXF_VERDICT_NONE 0 /* Nothing. */
#define SXF_VERDICT_ALERT 1 /* Alert. */
#define SXF_VERDICT_DROP 2 /* Block the source. */

/* Bits of a finding's flags. */
#define SXF_FINDING_FLAG_IN_STREAM 1 /* `matchOffset` counts from the start of this direction's stream. */
#define SXF_FINDING_FLAG_DROPPED 2 /* An inline sensor drops this packet; the rule is the reason, 0 stands for the engine itself. */
#define SXF_FINDING_FLAG_NO_ALERT 4 /* Not for an alert: it only tells what happens to the packet. */

/* How bad a finding is. */
#define SXF_SEVERITY_CRITICAL 1 /* Critical. */
#define SXF_SEVERITY_HIGH 2 /* High. */
#define SXF_SEVERITY_MEDIUM 3 /* Medium. */
#define SXF_SEVERITY_INFO 4 /* Low, or for information. */

/* Negative results of `inspect`, `configure` and `load`. */
#define SXF_E_BATCH (-1) /* The module refuses the batch as malformed. */
#define SXF_E_OUTPUT_FULL (-2) /* The output is too small and no state was changed: the host halves the batch. */
#define SXF_E_NOT_CONFIGURED (-3) /* `configure` is needed first. */
#define SXF_E_INTERNAL (-4) /* The module found itself in a state that must not be. */
#define SXF_E_CONFIG (-5) /* The configuration is refused. */
#define SXF_E_RULES (-6) /* The rule image is refused: damaged, of another version, or for another module. */

/* Numbers that both sides must agree on. */
#define SXF_LIMIT_PARTITIONS 64 /* Partitions of the flow hash. */
#define SXF_LIMIT_NO_OFFSET 65535 /* A layer offset that is not there. */
#define SXF_LIMIT_BATCH_BYTES 0x1000000u /* Longest batch. */
#define SXF_LIMIT_BATCH_RECORDS 0x10000u /* Most records in a batch. */

/* Attribute keys of findings. */
#define SXF_ATTR_MESSAGE 1 /* One line for people. */
#define SXF_ATTR_HTTP_METHOD 2 /* Request method. */
#define SXF_ATTR_HTTP_HOST 3 /* Host header. */
#define SXF_ATTR_HTTP_URI 4 /* Request target as sent, cut at 512 bytes. */
#define SXF_ATTR_HTTP_USER_AGENT 5 /* User-Agent header. */
#define SXF_ATTR_MATCH_DATA 6 /* The bytes that matched, after transformations. */
#define SXF_ATTR_MATCH_LOCATION 7 /* Where: `uri`, `args.q`, `cookie.sid`, `header.referer`, `body.id`, `stream`. */
#define SXF_ATTR_MATCH_TRANSFORMATIONS 8 /* Comma-separated transformations that led to the match. */
#define SXF_ATTR_SCORE 9 /* Anomaly score. */
#define SXF_ATTR_SCORE_PARTS 10 /* Comma-separated `ruleId:points`. */
#define SXF_ATTR_PORTS_COUNT 11 /* Distinct ports seen. */
#define SXF_ATTR_ATTEMPTS_COUNT 12 /* Connections seen in the window. */
#define SXF_ATTR_DNS_QUERY 13 /* Name asked for. */
#define SXF_ATTR_TLS_SNI 14 /* Server name of a TLS client hello. */
#define SXF_ATTR_HTTP_STATUS 15 /* Response status. */
#define SXF_ATTR_EVE 16 /* A JSON object of EVE fields (`app_proto`, `http`, `dns`, `tls`, `flow`, `metadata` …), which the host checks and merges. */
#define SXF_ATTR_PAYLOAD 17 /* Bytes of the stream or datagram that the rule saw, cut at 65,535. */
#define SXF_ATTR_REQUEST_LINE 18 /* First line of the HTTP request, cut at 512 bytes. */
#define SXF_ATTR_EXCLUSION 19 /* Directive of the rule language that would silence this finding. */
#define SXF_ATTR_MATCH_LOG 21 /* What the rule says of its match (SecLang's `logdata`, macros expanded). */
#define SXF_ATTR_FLOW_ID 20 /* 8 bytes: the record's flow id in which the finding was made. */

/* Start of a batch. Records follow at `headerLen`, the captured bytes at `payloadOffset`. A NATS frame is one batch. */
struct sxf_batch_header {
  __u32 magic; /* 0: `SXIB`. */
  __u16 abi_major; /* 4: Major version; readers refuse others. */
  __u16 abi_minor; /* 6: Minor version of the writer. */
  __u16 header_len; /* 8: Bytes of this header, a multiple of 8; the first record starts there. */
  __u16 record_len; /* 10: Stride of the records, a multiple of 8. */
  __u32 count; /* 12: Number of records. */
  __u64 time_base_ns; /* 16: Unix time in ns; records add their delta. */
  __u32 payload_offset; /* 24: Where the payload starts, from the start of the batch, a multiple of 8. */
  __u32 payload_len; /* 28: Bytes of payload; nothing follows it that matters. */
  __u64 sequence; /* 32: Number of the first record in this publisher's stream of this partition; counts records, so a gap is the exact number of packets lost. */
  __u64 publisher; /* 40: Random number that the publisher drew at its start; a new one restarts the sequence. */
  __u32 module_bit; /* 48: Set by the host just before the call: mask with the bit of the module being called; 0 takes every record. */
  __u16 partition; /* 52: Partition of all flows in the batch. */
  __u16 flags; /* 54: BATCH_FLAG bits. */
  __u64 reserved; /* 56: Written as 0, not read. */
};
_Static_assert(sizeof(struct sxf_batch_header) == 64, "size of sxf_batch_header");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, magic) == 0, "magic");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, abi_major) == 4, "abi_major");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, abi_minor) == 6, "abi_minor");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, header_len) == 8, "header_len");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, record_len) == 10, "record_len");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, count) == 12, "count");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, time_base_ns) == 16, "time_base_ns");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, payload_offset) == 24, "payload_offset");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, payload_len) == 28, "payload_len");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, sequence) == 32, "sequence");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, publisher) == 40, "publisher");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, module_bit) == 48, "module_bit");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, partition) == 52, "partition");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, flags) == 54, "flags");
_Static_assert(__builtin_offsetof(struct sxf_batch_header, reserved) == 56, "reserved");

/* One packet, stream chunk or flow end. Its data is the captured frame from the Ethernet header on. */
struct sxf_record {
  __u64 flow_id; /* 0: Symmetric flow hash (see flow_hash.h). Not unique: compare addresses and ports as well. */
  __u64 stream_offset; /* 8: STREAM_CHUNK: position of the data in the stream of this direction; else 0. */
  __u32 time_delta_ns; /* 16: Nanoseconds after `timeBaseNs`. */
  __u32 data_offset; /* 20: Where the data starts, from the start of the payload. */
  __u32 data_len; /* 24: Captured bytes. */
  __u32 wire_len; /* 28: Bytes on the wire; more than `dataLen` when TRUNCATED. */
  __u16 l3_offset; /* 32: IP header within the data, or NO_OFFSET. */
  __u16 l4_offset; /* 34: Transport header within the data, or NO_OFFSET (also for later fragments). */
  __u16 payload_offset; /* 36: Transport payload within the data, or NO_OFFSET when not captured. */
  __u16 sport; /* 38: Source port in host order; 0 without ports. */
  __u16 dport; /* 40: Destination port in host order; 0 without ports. */
  __u8 family; /* 42: 4, 6, or 0 when not IP. */
  __u8 proto; /* 43: IP protocol number of the transport header. */
  __u8 kind; /* 44: KIND value. */
  __u8 direction; /* 45: DIRECTION value. */
  __u16 flags; /* 46: RECORD_FLAG bits. */
  __u16 vlan; /* 48: VLAN id of the outermost tag, 0 without. */
  __u16 reserved; /* 50: Written as 0, not read. */
  __u32 ifindex; /* 52: Interface where it was seen. */
  __u32 modules; /* 56: Mask of the modules that this packet was forwarded to. */
  __u32 forward_id; /* 60: Id of the forwarding rule. */
  __u8 src[16]; /* 64: Source address; IPv4 as ::ffff:a.b.c.d. */
  __u8 dst[16]; /* 80: Destination address; IPv4 as ::ffff:a.b.c.d. */
};
_Static_assert(sizeof(struct sxf_record) == 96, "size of sxf_record");
_Static_assert(__builtin_offsetof(struct sxf_record, flow_id) == 0, "flow_id");
_Static_assert(__builtin_offsetof(struct sxf_record, stream_offset) == 8, "stream_offset");
_Static_assert(__builtin_offsetof(struct sxf_record, time_delta_ns) == 16, "time_delta_ns");
_Static_assert(__builtin_offsetof(struct sxf_record, data_offset) == 20, "data_offset");
_Static_assert(__builtin_offsetof(struct sxf_record, data_len) == 24, "data_len");
_Static_assert(__builtin_offsetof(struct sxf_record, wire_len) == 28, "wire_len");
_Static_assert(__builtin_offsetof(struct sxf_record, l3_offset) == 32, "l3_offset");
_Static_assert(__builtin_offsetof(struct sxf_record, l4_offset) == 34, "l4_offset");
_Static_assert(__builtin_offsetof(struct sxf_record, payload_offset) == 36, "payload_offset");
_Static_assert(__builtin_offsetof(struct sxf_record, sport) == 38, "sport");
_Static_assert(__builtin_offsetof(struct sxf_record, dport) == 40, "dport");
_Static_assert(__builtin_offsetof(struct sxf_record, family) == 42, "family");
_Static_assert(__builtin_offsetof(struct sxf_record, proto) == 43, "proto");
_Static_assert(__builtin_offsetof(struct sxf_record, kind) == 44, "kind");
_Static_assert(__builtin_offsetof(struct sxf_record, direction) == 45, "direction");
_Static_assert(__builtin_offsetof(struct sxf_record, flags) == 46, "flags");
_Static_assert(__builtin_offsetof(struct sxf_record, vlan) == 48, "vlan");
_Static_assert(__builtin_offsetof(struct sxf_record, reserved) == 50, "reserved");
_Static_assert(__builtin_offsetof(struct sxf_record, ifindex) == 52, "ifindex");
_Static_assert(__builtin_offsetof(struct sxf_record, modules) == 56, "modules");
_Static_assert(__builtin_offsetof(struct sxf_record, forward_id) == 60, "forward_id");
_Static_assert(__builtin_offsetof(struct sxf_record, src) == 64, "src");
_Static_assert(__builtin_offsetof(struct sxf_record, dst) == 80, "dst");

/* Start of a module's output. Finding records follow at `headerLen`, attributes anywhere behind them. */
struct sxf_findings_header {
  __u32 magic; /* 0: `SXIF`. */
  __u16 header_len; /* 4: Bytes of this header. */
  __u16 record_len; /* 6: Stride of the finding records. */
  __u32 count; /* 8: Number of findings. */
  __u32 total_bytes; /* 12: Bytes of the whole output; equals what `inspect` returned. */
  __u32 status; /* 16: STATUS value. */
  __u32 records_done; /* 20: Records of the batch handled completely; less than its count only with OUTPUT_FULL. */
  __u32 findings_dropped; /* 24: Findings that did not fit although a single record was left. */
  __u32 reserved; /* 28: Written as 0, not read. */
};
_Static_assert(sizeof(struct sxf_findings_header) == 32, "size of sxf_findings_header");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, magic) == 0, "magic");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, header_len) == 4, "header_len");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, record_len) == 6, "record_len");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, count) == 8, "count");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, total_bytes) == 12, "total_bytes");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, status) == 16, "status");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, records_done) == 20, "records_done");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, findings_dropped) == 24, "findings_dropped");
_Static_assert(__builtin_offsetof(struct sxf_findings_header, reserved) == 28, "reserved");

/* One finding. Title, category and references of a rule are in the module's manifest; here is only its id. */
struct sxf_finding {
  __u32 record_index; /* 0: Record of the batch that completed the match. */
  __u32 rule_id; /* 4: Rule of the module's manifest. */
  __u8 severity; /* 8: 1 critical, 2 high, 3 medium, 4 low or info. */
  __u8 verdict_hint; /* 9: VERDICT value: what the module would do. */
  __u8 confidence; /* 10: 0 to 100. */
  __u8 flags; /* 11: FINDING_FLAG bits. */
  __u32 match_offset; /* 12: Where the match starts: in the record's data, or in the stream with IN_STREAM (saturates). */
  __u32 match_len; /* 16: Bytes matched, 0 when not known. */
  __u32 attr_offset; /* 20: Attributes, from the start of the output. */
  __u32 attr_len; /* 24: Bytes of attributes: u16 key, u16 length, value, without padding. */
  __u32 reserved; /* 28: Written as 0, not read. */
};
_Static_assert(sizeof(struct sxf_finding) == 32, "size of sxf_finding");
_Static_assert(__builtin_offsetof(struct sxf_finding, record_index) == 0, "record_index");
_Static_assert(__builtin_offsetof(struct sxf_finding, rule_id) == 4, "rule_id");
_Static_assert(__builtin_offsetof(struct sxf_finding, severity) == 8, "severity");
_Static_assert(__builtin_offsetof(struct sxf_finding, verdict_hint) == 9, "verdict_hint");
_Static_assert(__builtin_offsetof(struct sxf_finding, confidence) == 10, "confidence");
_Static_assert(__builtin_offsetof(struct sxf_finding, flags) == 11, "flags");
_Static_assert(__builtin_offsetof(struct sxf_finding, match_offset) == 12, "match_offset");
_Static_assert(__builtin_offsetof(struct sxf_finding, match_len) == 16, "match_len");
_Static_assert(__builtin_offsetof(struct sxf_finding, attr_offset) == 20, "attr_offset");
_Static_assert(__builtin_offsetof(struct sxf_finding, attr_len) == 24, "attr_len");
_Static_assert(__builtin_offsetof(struct sxf_finding, reserved) == 28, "reserved");

#endif /* SECUXFLOW_ABI_H */
