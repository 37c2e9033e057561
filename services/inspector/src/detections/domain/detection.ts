import { formatProtocol, type Detection } from "@secuxflow/contracts";
import {
  BATCH_SEQUENCE, BATCH_TIME_BASE_NS, Direction, formatAddress, RECORD_DATA_LEN, RECORD_DIRECTION, RECORD_DPORT, RECORD_DST,
  RECORD_FLOW_ID,
  RECORD_FORWARD_ID, RECORD_IFINDEX, RECORD_PROTO, RECORD_SPORT, RECORD_SRC, RECORD_TIME_DELTA_NS, RECORD_VLAN,
  RECORD_WIRE_LEN,
  type BatchReader, type Finding,
} from "@secuxflow/inspect-abi";
import { flowIdText, isoFromMicroseconds } from "../../flows/domain/text.js";
import { attributesOf } from "./attributes.js";
import { sameEnds, toldFlow } from "./told-flow.js";

const MAX_PACKET_BYTES = 2_048;
const MAX_PAYLOAD_BYTES = 16_384;

/** What is the same for all detections of one module in one inspector. */
export interface DetectionSource {
  readonly policy: string;
  readonly inspector: string;
  readonly module: { readonly name: string; readonly version: string; readonly digest: string };
  /** What the rules in force are called. */
  readonly rules: RuleNames;
  /** A cryptographic digest in hexadecimal (the domain does no I/O and no crypto). */
  readonly digest: (text: string) => string;
}

/** Name and category of a rule, by its id. */
export interface RuleNames {
  get(id: number): { readonly name: string; readonly category: string } | undefined;
}

/** Rules of the manifest, and of the rule image that is in force. @param texts of the image, where there is one */
export function ruleNames(
  manifest: readonly { readonly id: number; readonly name: string; readonly category: string }[],
  texts: ReadonlyMap<number, { readonly msg: string; readonly classtype: string; readonly category: string }> | undefined,
): RuleNames {
  const own = new Map(manifest.map(({ id, name, category }) => [id, { name, category }]));
  return {
    get: (id) => {
      const text = texts?.get(id);
      if (text === undefined || own.has(id)) return own.get(id) ?? (id === 0 ? { name: "engine event", category: "engine" } : undefined);
      return { name: text.msg || `rule ${id}`, category: text.category || text.classtype || "unknown" };
    },
  };
}

const directions = { [Direction.TO_SERVER]: "to_server", [Direction.TO_CLIENT]: "to_client" } as const;
const directionOf = (value: number): Detection["direction"] => (value === 1 || value === 2 ? directions[value] : "unknown");

/**
 * What a module found in a batch, as it is published. The id is that of (flow, module, rule, packet): the same packet inspected
 * twice, or by another inspector, gives the same id; two matches of one rule in one packet are one detection.
 * @param eve what EVE tells of it, as `detectionFields` of @secuxflow/eve checked it
 */
export function toDetection(source: DetectionSource, batch: BatchReader, finding: Finding, eve?: string): Detection {
  const { view } = batch;
  const at = batch.recordAt(finding.recordIndex);
  const time = view.getBigUint64(BATCH_TIME_BASE_NS, true) + BigInt(view.getUint32(at + RECORD_TIME_DELTA_NS, true));
  const sequence = view.getBigUint64(BATCH_SEQUENCE, true) + BigInt(finding.recordIndex);
  const flowId = flowIdText(view.getUint32(at + RECORD_FLOW_ID, true), view.getUint32(at + RECORD_FLOW_ID + 4, true));
  const rule = source.rules.get(finding.ruleId);
  const captured = view.getUint32(at + RECORD_DATA_LEN, true);
  const recorded = {
    src: formatAddress(batch.bytes, at + RECORD_SRC),
    dst: formatAddress(batch.bytes, at + RECORD_DST),
    sport: view.getUint16(at + RECORD_SPORT, true),
    dport: view.getUint16(at + RECORD_DPORT, true),
  };
  // The module knows better: who is blamed (and blocked) hangs on it.
  const told = toldFlow(eve);
  const own = told === undefined || sameEnds(told.flow, recorded);
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
    flow: { ...(told?.flow ?? recorded), proto: formatProtocol(view.getUint8(at + RECORD_PROTO)) },
    direction: told?.direction ?? directionOf(view.getUint8(at + RECORD_DIRECTION)),
    ifindex: view.getUint32(at + RECORD_IFINDEX, true),
    vlan: view.getUint16(at + RECORD_VLAN, true),
    forwardId: view.getUint32(at + RECORD_FORWARD_ID, true),
    attributes: attributesOf(finding),
    // The record's packet is no evidence for another flow.
    ...(captured > 0 && own && { packet: base64(data), wireLength: view.getUint32(at + RECORD_WIRE_LEN, true) }),
    ...(eve !== undefined && { eve }),
    ...(finding.payload && finding.payload.byteLength > 0 && { payload: base64(finding.payload.subarray(0, MAX_PAYLOAD_BYTES)) }),
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** At most `most` findings, the gravest first where some must go. @returns them in the order in which they came */
export function gravest(findings: readonly Finding[], most: number): readonly Finding[] {
  if (findings.length <= most) return findings;
  const order = findings.map((_, index) => index);
  order.sort((a, b) => (findings[a]?.severity ?? 4) - (findings[b]?.severity ?? 4) || a - b);
  const kept = new Set(order.slice(0, most));
  return findings.filter((_, index) => kept.has(index));
}
