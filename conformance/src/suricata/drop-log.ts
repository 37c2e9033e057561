// Suricata's drop log with `flows: start`: of a flow that is dropped, the first packet of each direction and what rules drop.

import type { JsonObject } from "@secuxflow/eve";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function reasonOf(event: JsonObject): string {
  const { drop } = event;
  return typeof drop === "object" && drop !== null && "reason" in drop ? text(drop.reason) : "";
}

/** The events without the drops that such a log leaves out. */
export function atFlowStart(events: readonly JsonObject[]): JsonObject[] {
  const logged = new Set<string>();
  return events.filter((event) => {
    if (event.event_type !== "drop" || event.flow === undefined) return true;
    const key = JSON.stringify([event.flow_id, event.proto, event.direction]);
    const reason = reasonOf(event);
    if (reason === "stream error") return false;
    const first = !logged.has(key);
    logged.add(key);
    return first || reason === "rules";
  });
}
