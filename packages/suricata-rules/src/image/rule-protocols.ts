import { bufferById } from "../buffers.js";
import type { Rule } from "../ir.js";
import { PROTOCOLS } from "../protocols.js";

/** Application protocols in whose transactions a rule can match: its header's, or those that all of its buffers and conditions have. */
export function protocolsOf(rule: Rule): number[] {
  if (rule.header.app !== 0) return [rule.header.app];
  let protocols = PROTOCOLS.filter(({ parsed }) => parsed).map(({ id }) => id);
  for (const { buffer } of rule.inspections) {
    const own = bufferById(buffer)?.protocols ?? [];
    if (own.length > 0) protocols = protocols.filter((id) => own.includes(id));
  }
  for (const condition of rule.conditions) {
    if (condition.type === "app-layer-event" && condition.app !== 0) protocols = protocols.filter((id) => id === condition.app);
  }
  return protocols;
}
