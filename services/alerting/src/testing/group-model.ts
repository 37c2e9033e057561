import type { AlertRow } from "../alerts/domain/alert-row.js";
import { shownAttributes, type GroupedDetection, type KnownGroup } from "../alerts/domain/known-group.js";

/** The newest by time and then sequence. */
const newestOf = (rows: readonly GroupedDetection[]): GroupedDetection | undefined =>
  [...rows].sort((a, b) => a.time_us - b.time_us || a.seq - b.seq).at(-1);

/**
 * The slow and obvious grouping of all stored rows of one group, as the SQL says it: FINAL keeps of each event the row with
 * the smallest sequence (of equal ones the last that was inserted), then the aggregates.
 * @param rows in the order of insertion
 */
export function groupSlowly(
  rows: readonly GroupedDetection[],
): { row: AlertRow; known: Omit<KnownGroup, "triage"> } | undefined {
  const events = new Map<string, GroupedDetection>();
  for (const row of rows) if (row.seq <= (events.get(row.id)?.seq ?? Infinity)) events.set(row.id, row);
  const kept = [...events.values()];
  const newest = newestOf(kept);
  const attrsOf = newestOf(kept.filter((row) => row.full)) ?? newest;
  if (newest === undefined || attrsOf === undefined) return undefined;
  const { bucket_us, gkey, module_name, rule, name, src_address, dst_address, src_port, dst_port, protocol } = newest;
  const row: AlertRow = {
    id: Math.min(...kept.map((each) => each.seq)),
    first_us: Math.min(...kept.map((each) => each.time_us)),
    last_us: newest.time_us,
    n: kept.length,
    worst: Math.min(...kept.map((each) => each.severity)),
    class: newest.class,
    attrs: attrsOf.attrs,
    way: "to_server",
    dst_ports: 1,
    bucket_us, gkey, module_name, rule, name, src_address, dst_address, src_port, dst_port, protocol,
  };
  return {
    row,
    known: {
      facts: { ...row, attrs: shownAttributes(row.attrs) },
      newestSeq: newest.seq,
      attrsOf: { full: attrsOf.full, time_us: attrsOf.time_us, seq: attrsOf.seq },
      ids: new Set(events.keys()),
    },
  };
}
