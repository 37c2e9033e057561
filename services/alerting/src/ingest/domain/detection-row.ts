import { Detection } from "@secuxflow/contracts";
import { clickHouseSeconds, clickHouseTime, parseMicros, type Micros } from "../../storage/domain/timestamp.js";
import { bucketStart, canonicalFlow, groupKey, partiesOf } from "./grouping.js";

/** One row of the table `detections`, as it is inserted. */
export interface DetectionRow {
  readonly seq: number;
  readonly id: string;
  readonly bucket: string;
  readonly gkey: string;
  readonly time: string;
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
  readonly verdict_hint: string;
  readonly flow_id: string;
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
  readonly proto: string;
  readonly direction: string;
  readonly attacker: string;
  readonly victim: string;
  readonly victim_port: number;
  readonly ifindex: number;
  readonly vlan: number;
  readonly forward_id: number;
  readonly attributes: Record<string, string>;
  readonly packet: string;
  /** 0 where it was not told. */
  readonly wire_length: number;
  readonly eve: string;
  readonly payload: string;
  readonly suppressed: 0 | 1;
}

/** A message that holds no detection (or no flow report): `reason` says why, for the log. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

/** ClickHouse's JSON reader refuses half of a surrogate pair, and one such row would fail its whole batch. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

/** Reads the JSON body of a message. @throws MalformedMessage */
export function parseBody(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)) as unknown;
  } catch (error) {
    throw new MalformedMessage(`the body is no JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** A detection with what grouping needs of it. */
export interface ReadDetection {
  readonly row: DetectionRow;
  readonly time: Micros;
  readonly bucket: Micros;
}

/**
 * Turns a message of the detections stream into a row. Addresses and protocol become canonical, half surrogates become
 * U+FFFD; everything else is kept as it came.
 * @param windowMs the aggregation window
 * @throws MalformedMessage
 */
export function readDetection(data: Uint8Array, seq: number, windowMs: number): ReadDetection {
  const parsed = Detection.safeParse(parseBody(data));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new MalformedMessage(`no detection: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const detection = parsed.data;
  const time = parseMicros(detection.time);
  if (time === undefined)
    throw new MalformedMessage(
      `no detection: time ${JSON.stringify(detection.time.slice(0, 64))} is no ISO 8601 time from 1970 to 2148`,
    );
  const flow = canonicalFlow(detection.flow);
  if (flow === undefined) throw new MalformedMessage("no detection: flow holds something that is no address or no protocol");
  const bucket = bucketStart(time, windowMs);
  return { row: toRow(detection, { seq, time, bucket, flow }), time, bucket };
}

function toRow(detection: Detection, more: { seq: number; time: Micros; bucket: Micros; flow: Detection["flow"] }): DetectionRow {
  const { flow } = more;
  const parties = partiesOf(flow, detection.direction);
  const policy = wellFormed(detection.policy);
  const module = wellFormed(detection.module.name);
  return {
    seq: more.seq,
    id: wellFormed(detection.id),
    bucket: clickHouseSeconds(more.bucket),
    gkey: groupKey({ policy, module, ruleId: detection.rule.id, attacker: parties.attacker, victim: parties.victim }),
    time: clickHouseTime(more.time),
    policy,
    inspector: wellFormed(detection.inspector),
    module,
    module_version: wellFormed(detection.module.version),
    module_digest: wellFormed(detection.module.digest),
    rule_id: detection.rule.id,
    rule_name: wellFormed(detection.rule.name),
    category: wellFormed(detection.rule.category),
    severity: detection.severity,
    confidence: detection.confidence,
    verdict_hint: detection.verdictHint,
    flow_id: detection.flowId,
    src: flow.src,
    dst: flow.dst,
    sport: flow.sport,
    dport: flow.dport,
    proto: flow.proto,
    direction: detection.direction,
    attacker: parties.attacker,
    victim: parties.victim,
    victim_port: parties.victimPort,
    ifindex: detection.ifindex,
    vlan: detection.vlan,
    forward_id: detection.forwardId,
    attributes: Object.fromEntries(
      Object.entries(detection.attributes).map(([key, value]) => [wellFormed(key), wellFormed(value)]),
    ),
    packet: wellFormed(detection.packet ?? ""),
    wire_length: detection.wireLength ?? 0,
    eve: wellFormed(detection.eve ?? ""),
    payload: wellFormed(detection.payload ?? ""),
    suppressed: 0,
  };
}

/** The row without what makes it large; see FloodGate. */
export function suppressedRow(row: DetectionRow): DetectionRow {
  return { ...row, attributes: {}, packet: "", eve: "", payload: "", suppressed: 1 };
}
