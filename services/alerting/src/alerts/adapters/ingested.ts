import type { StoredRow } from "../../ingest/application/ports.js";
import type { GroupRef } from "../application/ports.js";
import { shownAttributes, type GroupedDetection } from "../domain/known-group.js";

/** A stored row as the grouping of alerts sees it: the columns that the SQL of ClickHouseAlerts reads. */
export function ingested({ group, row, time }: StoredRow): { group: GroupRef; detection: GroupedDetection } {
  return {
    group,
    detection: {
      id: row.id,
      seq: row.seq,
      time_us: time,
      severity: row.severity,
      full: row.suppressed === 0,
      bucket_us: group.bucket,
      gkey: group.gkey,
      module_name: row.module,
      rule: row.rule_id,
      name: row.rule_name,
      class: row.category,
      src_address: row.attacker,
      dst_address: row.victim,
      src_port: row.direction === "to_client" ? row.dport : row.sport,
      dst_port: row.victim_port,
      protocol: row.proto,
      attrs: shownAttributes(row.attributes),
    },
  };
}
