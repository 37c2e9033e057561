import type { Alert, AlertDetail, Detection, TriageState } from "@secuxflow/contracts";
import { formatMicros, type Micros } from "../../storage/domain/timestamp.js";
import { summaryOf } from "./summary.js";

/** One row per alert, as storage answers it. Times in microseconds. */
export interface AlertRow {
  readonly id: number;
  readonly bucket_us: Micros;
  readonly gkey: string;
  readonly first_us: Micros;
  readonly last_us: Micros;
  readonly n: number;
  readonly worst: number;
  readonly module_name: string;
  readonly rule: number;
  readonly name: string;
  readonly class: string;
  readonly src_address: string;
  readonly dst_address: string;
  /** Ports, protocol and direction are those of the newest detection; `src` is the attacker. */
  readonly src_port: number;
  readonly dst_port: number;
  readonly protocol: string;
  readonly way: string;
  /** How many ports of the victim were met. */
  readonly dst_ports: number;
  /** Of the newest detection that was stored in full. */
  readonly attrs: Readonly<Record<string, string>>;
}

/** One row of the table `triage`. An empty note and rule 0 stand for none. */
export interface TriageRow {
  readonly bucket_us: Micros;
  readonly gkey: string;
  readonly at_us: Micros;
  readonly actor: string;
  readonly state: TriageState;
  readonly note: string;
  readonly rule_id: number;
}

/** One detection as it is read back. Empty texts stand for none. */
export interface StoredDetection {
  readonly id: string;
  readonly time_us: Micros;
  readonly policy: string;
  readonly inspector: string;
  readonly module: string;
  readonly module_version: string;
  readonly module_digest: string;
  readonly rule_id: number;
  readonly rule_name: string;
  readonly category: string;
  readonly severity: number;
  readonly confidence: number;
  readonly verdict_hint: Detection["verdictHint"];
  readonly flow_id: string;
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
  readonly proto: string;
  readonly direction: Detection["direction"];
  readonly ifindex: number;
  readonly vlan: number;
  readonly forward_id: number;
  readonly attributes: Record<string, string>;
  readonly packet: string;
  readonly wire_length: number;
  readonly eve: string;
  readonly payload: string;
  /** Its sequence in the stream of detections. */
  readonly seq: number;
}

/** The state an alert is in: what the newest triage row says. @param triage oldest first */
export function triageState(triage: readonly TriageRow[]): { state: TriageState; ruleId?: number } {
  const ruleId = triage.findLast((row) => row.rule_id > 0)?.rule_id;
  return { state: triage.at(-1)?.state ?? "new", ...(ruleId === undefined ? {} : { ruleId }) };
}

/** @param triage all triage rows of this alert, oldest first */
export function toAlert(row: Omit<AlertRow, "way" | "dst_ports">, triage: readonly TriageRow[]): Alert {
  return {
    id: row.id,
    ...triageState(triage),
    firstSeen: formatMicros(row.first_us),
    lastSeen: formatMicros(row.last_us),
    count: row.n,
    severity: row.worst,
    module: row.module_name,
    rule: { id: row.rule, name: row.name, category: row.class },
    flow: { src: row.src_address, dst: row.dst_address, sport: row.src_port, dport: row.dst_port, proto: row.protocol },
    summary: summaryOf(row.name, row.attrs),
  };
}

export function toTriage(row: TriageRow): AlertDetail["triage"][number] {
  return {
    at: formatMicros(row.at_us),
    actor: row.actor,
    state: row.state,
    ...(row.note === "" ? {} : { note: row.note }),
    ...(row.rule_id === 0 ? {} : { ruleId: row.rule_id }),
  };
}

/** The detection as the inspector published it (addresses in canonical text, an empty packet left out). */
export function toDetection(row: StoredDetection): Detection {
  return {
    id: row.id,
    time: formatMicros(row.time_us),
    policy: row.policy,
    inspector: row.inspector,
    module: { name: row.module, version: row.module_version, digest: row.module_digest },
    rule: { id: row.rule_id, name: row.rule_name, category: row.category },
    severity: row.severity,
    confidence: row.confidence,
    verdictHint: row.verdict_hint,
    flowId: row.flow_id,
    flow: { src: row.src, dst: row.dst, sport: row.sport, dport: row.dport, proto: row.proto },
    direction: row.direction,
    ifindex: row.ifindex,
    vlan: row.vlan,
    forwardId: row.forward_id,
    attributes: row.attributes,
    ...(row.packet === "" ? {} : { packet: row.packet }),
    ...(row.wire_length === 0 ? {} : { wireLength: row.wire_length }),
    ...(row.eve === "" ? {} : { eve: row.eve }),
    ...(row.payload === "" ? {} : { payload: row.payload }),
  };
}

/** Bytes of detections that one answer holds: with what is around them it has to fit a NATS message (1 MiB). */
const MAX_ANSWER_BYTES = 600_000;

/** As many of these, from the first on, as fit an answer; at least one. */
export function fitting(rows: readonly StoredDetection[]): readonly StoredDetection[] {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    const texts = [row.packet, row.eve, row.payload, ...Object.entries(row.attributes).flat()];
    // Quotes and line breaks are escaped, and attributes are bytes beyond ASCII: twice the length is enough for what is usual.
    bytes += 1_000 + texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)), 0);
    return index > 0 && bytes > MAX_ANSWER_BYTES;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

/** Microseconds of the next triage entry: newer than the one before, whatever the clock does. */
export const nextTriageTime = (now: Micros, triage: readonly TriageRow[]): Micros =>
  Math.max(now, (triage.at(-1)?.at_us ?? 0) + 1);
