/*
 * Support for inspection modules in C, over secuxflow_abi.h: reads batches and writes findings, with every offset checked.
 * One translation unit, no libc:
 *
 *   #include "secuxflow.h"
 *   SXF_MODULE(1 << 20, 1 << 16)
 *   static void handle(const struct sxf_packet *packet) { ... sxf_report(packet, 1, SXF_SEVERITY_HIGH, SXF_VERDICT_ALERT, 80); }
 *   SXF_EXPORT("inspect") int inspect(const unsigned char *batch, __u32 length) { return sxf_run(batch, length, handle); }
 *
 * Compile for wasm32 with -nostdlib -ffreestanding -mbulk-memory.
 */
#ifndef SECUXFLOW_H
#define SECUXFLOW_H

#include "secuxflow_abi.h"

#define SXF_EXPORT(name) __attribute__((export_name(name), used))

/* A record of the batch. Everything in it lies inside the batch. */
struct sxf_packet {
  const struct sxf_record *record;
  const __u8 *data;
  __u32 data_len;
  /* Place of the record in its batch. */
  __u32 index;
  /* Unix time in nanoseconds. */
  __u64 time_ns;
};

/* What follows the transport header, as far as it was captured. */
struct sxf_payload {
  const __u8 *at;
  __u32 len;
};

/* The output being written. Findings grow from the front, attributes behind the room for all findings. */
struct sxf_output {
  __u8 *at;
  __u32 capacity;
  __u32 most;
  __u32 count;
  __u32 end;
  __u32 dropped;
};

static struct sxf_output sxf_out;

/* A record is begun only when so many findings, and bytes of their attributes, are free; what it reports beyond is counted. */
enum { SXF_RECORD_FINDINGS = 8, SXF_RECORD_ATTRIBUTES = 4096 };

/* The exports that every module has. Room for a batch and for an output, in bytes; the manifest's outputBytesMax is the latter. */
#define SXF_MODULE(input_bytes, output_bytes) \
  static __u8 sxf_input_room[input_bytes] __attribute__((aligned(16))); \
  static __u8 sxf_output_room[output_bytes] __attribute__((aligned(16))); \
  _Static_assert((output_bytes) >= 16384, "an output has at least 16 KiB"); \
  SXF_EXPORT("secuxflow_abi_1") void secuxflow_abi_1(void) {} \
  SXF_EXPORT("input") __u8 *input(__u32 capacity) { return capacity <= sizeof sxf_input_room ? sxf_input_room : 0; } \
  SXF_EXPORT("output") __u8 *output(void) { return sxf_output_room; } \
  static void sxf_prepare(void) { sxf_out.at = sxf_output_room; sxf_out.capacity = output_bytes; }

static void sxf_prepare(void);

/* Starts an empty output. A quarter of the room is for findings, the rest for attributes. */
static inline void sxf_begin(void) {
  sxf_prepare();
  sxf_out.most = (sxf_out.capacity / 4 - (__u32)sizeof(struct sxf_findings_header)) / (__u32)sizeof(struct sxf_finding);
  sxf_out.count = 0;
  sxf_out.dropped = 0;
  sxf_out.end = (__u32)sizeof(struct sxf_findings_header) + sxf_out.most * (__u32)sizeof(struct sxf_finding);
}

/* Whether there is room for what one more record may report. */
static inline int sxf_has_room(void) {
  return sxf_out.count + SXF_RECORD_FINDINGS <= sxf_out.most && sxf_out.end + SXF_RECORD_ATTRIBUTES <= sxf_out.capacity;
}

/* A new finding, zeroed but for its head, or 0 when the output is full. Attributes that follow belong to it. */
static inline struct sxf_finding *sxf_report(const struct sxf_packet *packet, __u32 rule, __u8 severity, __u8 verdict, __u8 confidence) {
  if (sxf_out.count == sxf_out.most) {
    sxf_out.dropped++;
    return 0;
  }
  struct sxf_finding *finding = (struct sxf_finding *)(sxf_out.at + sizeof(struct sxf_findings_header)) + sxf_out.count++;
  *finding = (struct sxf_finding){ .record_index = packet->index, .rule_id = rule, .severity = severity, .verdict_hint = verdict, .confidence = confidence };
  return finding;
}

/* Where in the record's data the match is; `at` must lie in it, else nothing is said. */
static inline void sxf_match(struct sxf_finding *finding, const struct sxf_packet *packet, const __u8 *at, __u32 len) {
  if (!finding || at < packet->data || (__u32)(at - packet->data) > packet->data_len || len > packet->data_len - (__u32)(at - packet->data)) return;
  finding->match_offset = (__u32)(at - packet->data);
  finding->match_len = len;
}

/* Adds an attribute to the finding that was reported last; a value of more than 512 bytes is cut. */
static inline void sxf_attribute(struct sxf_finding *finding, __u16 key, const void *value, __u32 len) {
  if (!finding) return;
  if (len > 512) len = 512;
  if (len + 4 > sxf_out.capacity - sxf_out.end) return;
  __u8 *to = sxf_out.at + sxf_out.end;
  to[0] = (__u8)key;
  to[1] = (__u8)(key >> 8);
  to[2] = (__u8)len;
  to[3] = (__u8)(len >> 8);
  for (__u32 i = 0; i < len; i++) to[4 + i] = ((const __u8 *)value)[i];
  if (finding->attr_len == 0) finding->attr_offset = sxf_out.end;
  finding->attr_len += 4 + len;
  sxf_out.end += 4 + len;
}

/* Text that ends with 0. */
static inline void sxf_text(struct sxf_finding *finding, __u16 key, const char *text) {
  __u32 len = 0;
  while (text[len]) len++;
  sxf_attribute(finding, key, text, len);
}

static inline void sxf_number(struct sxf_finding *finding, __u16 key, __u32 value) {
  sxf_attribute(finding, key, &value, 4);
}

/* Writes the header; gives what `inspect` returns. */
static inline int sxf_finish(__u32 done, __u32 total) {
  struct sxf_findings_header *header = (struct sxf_findings_header *)sxf_out.at;
  *header = (struct sxf_findings_header){
    .magic = SXF_MAGIC_FINDINGS, .header_len = sizeof(struct sxf_findings_header), .record_len = sizeof(struct sxf_finding), .count = sxf_out.count,
    .total_bytes = sxf_out.end, .status = done < total ? SXF_STATUS_OUTPUT_FULL : SXF_STATUS_OK, .records_done = done, .findings_dropped = sxf_out.dropped,
  };
  return (int)sxf_out.end;
}

/* Calls `handle` for each record that is for this module. Malformed batches are refused, malformed records left out. */
static inline int sxf_run(const __u8 *batch, __u32 length, void (*handle)(const struct sxf_packet *)) {
  const struct sxf_batch_header *head = (const struct sxf_batch_header *)batch;
  if (length < sizeof *head || head->magic != SXF_MAGIC_BATCH || head->abi_major != 1) return SXF_E_BATCH;
  __u64 records = (__u64)head->header_len + (__u64)head->record_len * head->count;
  if (head->header_len < sizeof *head || head->record_len < sizeof(struct sxf_record) || ((head->header_len | head->record_len) & 7)) return SXF_E_BATCH;
  if (records > head->payload_offset || (__u64)head->payload_offset + head->payload_len > length) return SXF_E_BATCH;
  sxf_begin();
  __u32 done = 0;
  for (; done < head->count && sxf_has_room(); done++) {
    const struct sxf_record *record = (const struct sxf_record *)(batch + head->header_len + (__u64)done * head->record_len);
    if (head->module_bit && !(record->modules & head->module_bit)) continue;
    if ((__u64)record->data_offset + record->data_len > head->payload_len) continue;
    struct sxf_packet packet = {
      .record = record, .data = batch + head->payload_offset + record->data_offset, .data_len = record->data_len, .index = done, .time_ns = head->time_base_ns + record->time_delta_ns,
    };
    handle(&packet);
  }
  return sxf_finish(done, head->count);
}

static inline __u32 sxf_be16(const __u8 *at) { return (__u32)at[0] << 8 | at[1]; }

/*
 * The payload of a whole TCP or UDP packet; 0 when there is none. Lengths come from the IP header: Ethernet padding is no payload.
 */
static inline int sxf_payload_of(const struct sxf_packet *packet, struct sxf_payload *payload) {
  const struct sxf_record *record = packet->record;
  __u32 l3 = record->l3_offset, l4 = record->l4_offset, header = 8;
  if (record->kind != SXF_KIND_PACKET || (record->flags & SXF_RECORD_FLAG_FRAGMENT) || l3 == SXF_LIMIT_NO_OFFSET || l4 == SXF_LIMIT_NO_OFFSET) return 0;
  if (l4 < l3 + 20 || l4 + 8 > packet->data_len) return 0;
  if (record->proto == 6) {
    if (l4 + 20 > packet->data_len) return 0;
    header = (packet->data[l4 + 12] >> 4) * 4u;
    if (header < 20) return 0;
  } else if (record->proto != 17) {
    return 0;
  }
  __u32 left = packet->data_len - l3;
  __u32 ip = record->family == 4 ? sxf_be16(packet->data + l3 + 2) : sxf_be16(packet->data + l3 + 4) + 40;
  /* 0 is what segmentation offload leaves for packets above 64 KiB. */
  if (ip == (record->family == 4 ? 0u : 40u) || ip > left) ip = left;
  if (l4 + header > l3 + ip) return 0;
  payload->at = packet->data + l4 + header;
  payload->len = l3 + ip - l4 - header;
  return 1;
}

/* Where the word is in the bytes, ASCII letters in either case, or 0. The word is in lower case. */
static inline const __u8 *sxf_find(const __u8 *at, __u32 len, const char *word, __u32 word_len) {
  for (__u32 i = 0; word_len <= len && i <= len - word_len; i++) {
    __u32 same = 0;
    while (same < word_len) {
      __u8 c = at[i + same];
      if (c >= 'A' && c <= 'Z') c |= 32;
      if (c != (__u8)word[same]) break;
      same++;
    }
    if (same == word_len) return at + i;
  }
  return 0;
}

#endif /* SECUXFLOW_H */
