import { formatProtocol, type Detection } from "@secuxflow/contracts";
import {
  BATCH_SEQUENCE, BATCH_TIME_BASE_NS, Direction, formatAddress, RECORD_DATA_LEN, RECORD_DIRECTION, RECORD_DPORT, RECORD_DST,
  RECORD_FLOW_ID,
  RECORD_FORWARD_ID, RECORD_IFINDEX, RECORD_PROTO, RECORD_SPORT, RECORD_SRC, RECORD_TIME_DELTA_NS, RECORD_VLAN,
  type BatchReader, type Finding,
} from "@secuxflow/inspect-abi";
import { flowIdText, isoFromMicroseconds } from "../../flows/domain/text.js";
import { attributesOf } from "./attributes.js";

const MAX_PACKET_BYTES = 2_048;

/** What is the same for all detections of one module in one inspector. */
export interface DetectionSource {
  readonly policy: string;
  readonly inspector: string;
  readonly module: { readonly name: string; readonly version: string; readonly digest: string };
  /** The rules of the module's manifest, by id. */
  readonly rules: ReadonlyMap<number, { readonly name: string; readonly category: string }>;
  /** A cryptographic digest in hexadecimal (the domain does no I/O and no crypto). */
  readonly digest: (text: string) => string;
}

const directions = { [Direction.TO_SERVER]: "to_server", [Direction.TO_CLIENT]: "to_client" } as const;
const directionOf = (value: number): Detection["direction"] => (value === 1 || value === 2 ? directions[value] : "unknown");

/**
 * What a module found in a batch, as it is published. The id is that of (flow, module, rule, packet): the same packet inspected
 * twice, or by another inspector, gives the same id; two matches of one rule in one packet are one detection.
 */
export function toDetection(source: DetectionSource, batch: BatchReader, finding: Finding): Detection {
  const { view } = batch;
  const at = batch.recordAt(finding.recordIndex);
  const time = view.getBigUint64(BATCH_TIME_BASE_NS, true) + BigInt(view.getUint32(at + RECORD_TIME_DELTA_NS, true));
  const sequence = view.getBigUint64(BATCH_SEQUENCE, true) + BigInt(finding.recordIndex);
  const flowId = flowIdText(view.getUint32(at + RECORD_FLOW_ID, true), view.getUint32(at + RECORD_FLOW_ID + 4, true));
  const rule = source.rules.get(finding.ruleId);
  const captured = view.getUint32(at + RECORD_DATA_LEN, true);
  const data = batch.data(finding.recordIndex).subarray(0, MAX_PACKET_BYTES);
  return {
    id: source.digest(`${flowId} ${source.module.name} ${finding.ruleId} ${time} ${sequence}`),
    time: isoFromMicroseconds(Number(time / 1_000n)),
    policy: source.policy,
    inspector: source.inspector,
    module: source.module,
    rule: { id: finding.ruleId, name: rule?.name ?? `rule ${finding.ruleId}`, category: rule?.category ?? "unknown" },
    severity: finding.severity,
    confidence: finding.confidence,
    verdictHint: finding.verdictHint,
    flowId,
    flow: {
      src: formatAddress(batch.bytes, at + RECORD_SRC),
      dst: formatAddress(batch.bytes, at + RECORD_DST),
      sport: view.getUint16(at + RECORD_SPORT, true),
      dport: view.getUint16(at + RECORD_DPORT, true),
      proto: formatProtocol(view.getUint8(at + RECORD_PROTO)),
    },
    direction: directionOf(view.getUint8(at + RECORD_DIRECTION)),
    ifindex: view.getUint32(at + RECORD_IFINDEX, true),
    vlan: view.getUint16(at + RECORD_VLAN, true),
    forwardId: view.getUint32(at + RECORD_FORWARD_ID, true),
    attributes: attributesOf(finding),
    ...(captured > 0 && { packet: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") }),
  };
}

/** At most `most` findings, the gravest first where some must go. @returns them in the order in which they came */
export function gravest(findings: readonly Finding[], most: number): readonly Finding[] {
  if (findings.length <= most) return findings;
  const order = findings.map((_, index) => index);
  order.sort((a, b) => (findings[a]?.severity ?? 4) - (findings[b]?.severity ?? 4) || a - b);
  const kept = new Set(order.slice(0, most));
  return findings.filter((_, index) => kept.has(index));
}
