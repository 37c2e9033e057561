/* Questions for long names, as tunnels over DNS ask them. */
#include "secuxflow.h"

SXF_MODULE(1 << 20, 1 << 16)

enum { PORT = 53, HEADER = 12, LONG = 100, LONGEST = 255, LABEL = 63, RULE = 1 };

static void handle(const struct sxf_packet *packet) {
  struct sxf_payload payload;
  if (packet->record->proto != 17 || packet->record->dport != PORT || !sxf_payload_of(packet, &payload)) return;
  /* A query with one question. */
  if (payload.len < HEADER || (payload.at[2] & 0x80) || sxf_be16(payload.at + 4) != 1) return;
  char name[LONGEST + 1];
  __u32 length = 0;
  __u32 at = HEADER;
  while (at < payload.len && payload.at[at]) {
    __u32 label = payload.at[at++];
    if (label > LABEL || label > payload.len - at || length + label + 1 > LONGEST) return;
    if (length) name[length++] = '.';
    for (__u32 i = 0; i < label; i++) name[length++] = (char)payload.at[at++];
  }
  if (at >= payload.len || length < LONG) return;
  struct sxf_finding *finding = sxf_report(packet, RULE, SXF_SEVERITY_MEDIUM, SXF_VERDICT_ALERT, 60);
  sxf_match(finding, packet, payload.at + HEADER, at - HEADER);
  sxf_attribute(finding, SXF_ATTR_DNS_QUERY, name, length);
}

SXF_EXPORT("inspect") int inspect(const __u8 *batch, __u32 length) {
  return sxf_run(batch, length, handle);
}
