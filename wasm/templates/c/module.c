/* Finds a word in payloads, packet by packet. What a module can use is in include/secuxflow.h; tests are in tests.json. */
#include "secuxflow.h"

SXF_MODULE(1 << 20, 1 << 16)

static const char word[] = "attack";
enum { LENGTH = sizeof word - 1, RULE = 1 };

static void handle(const struct sxf_packet *packet) {
  struct sxf_payload payload;
  if (!sxf_payload_of(packet, &payload)) return;
  const __u8 *at = sxf_find(payload.at, payload.len, word, LENGTH);
  if (!at) return;
  struct sxf_finding *finding = sxf_report(packet, RULE, SXF_SEVERITY_HIGH, SXF_VERDICT_ALERT, 80);
  sxf_match(finding, packet, at, LENGTH);
  sxf_attribute(finding, SXF_ATTR_MATCH_DATA, at, LENGTH);
}

SXF_EXPORT("inspect") int inspect(const __u8 *batch, __u32 length) {
  return sxf_run(batch, length, handle);
}
