import { parseAddress } from "@secuxflow/inspect-abi";
import type { Finding } from "@secuxflow/inspect-abi";
import type { RuleText } from "@secuxflow/rule-image";
import { eveEvent } from "./event.js";
import type { EveOptions } from "./event.js";
import { moduleFields } from "./module-fields.js";
import type { JsonObject } from "./module-fields.js";

/** What of a published detection (`Detection` of the contracts) an event is made from. */
export interface StoredDetection {
  /** ISO 8601, UTC, with up to nine decimals. */
  readonly time: string;
  readonly rule: { readonly id: number; readonly name: string; readonly category: string };
  readonly severity: number;
  readonly confidence: number;
  readonly verdictHint: "none" | "alert" | "drop";
  /** 16 hexadecimal digits. */
  readonly flowId: string;
  readonly flow: { readonly src: string; readonly dst: string; readonly sport: number; readonly dport: number; readonly proto: string };
  readonly vlan: number;
  /** One character a byte. */
  readonly attributes: Readonly<Record<string, string>>;
  /** JSON of {@link detectionFields}. */
  readonly eve?: string | undefined;
  /** Both base64. */
  readonly payload?: string | undefined;
  readonly packet?: string | undefined;
}

/** Longest JSON that a detection carries. */
const MAX_FIELDS = 32_768;
const ETHERNET = { type: 1, name: "EN10MB" };
const protocolNumbers: ReadonlyMap<string, number> = new Map([
  ["icmp", 1], ["igmp", 2], ["tcp", 6], ["udp", 17], ["gre", 47], ["esp", 50], ["ah", 51], ["icmpv6", 58], ["sctp", 132],
]); // prettier-ignore

/**
 * What a detection carries of EVE: the module's fields, checked, and what the rule set says of the rule.
 * @returns JSON of at most 32 KiB; undefined when there is nothing to say, or too much
 */
export function detectionFields(finding: Finding, rule?: RuleText): string | undefined {
  const { eve } = finding.attributes;
  const fields = typeof eve === "string" ? (moduleFields(eve) ?? {}) : {};
  const own = typeof fields.alert === "object" && fields.alert !== null && !Array.isArray(fields.alert) ? fields.alert : {};
  const alert = {
    ...(finding.dropped && { action: "blocked" }),
    ...(rule && {
      gid: rule.gid,
      rev: rule.rev,
      severity: rule.severity,
      ...(rule.category !== "" && { category: rule.category }),
      ...(rule.references.length > 0 && { references: rule.references }),
      ...(Object.keys(rule.metadata).length > 0 && { metadata: rule.metadata }),
    }),
    ...own,
  };
  const text = (all: object): string | undefined => {
    if (Object.keys(all).length === 0) return undefined;
    const json = JSON.stringify(all);
    return Buffer.byteLength(json) <= MAX_FIELDS ? json : undefined;
  };
  const all = { ...fields, ...(Object.keys(alert).length > 0 && { alert }) };
  // What a page of headers is too long for, the rule's own texts are not.
  return text(all) ?? text({ ...(Object.keys(alert).length > 0 && { alert }) });
}

const nanoseconds = (time: string): bigint => {
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? "";
  const ms = Date.parse(time.replace(/\.\d+/, ""));
  return BigInt(Number.isNaN(ms) ? 0 : ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
};

function addressOf(text: string): Uint8Array {
  try {
    return parseAddress(text);
  } catch {
    return new Uint8Array(16);
  }
}

/** A detection that was published, and perhaps stored, as the EVE event that its finding would have been. */
export function detectionEvent(detection: StoredDetection, options: EveOptions = {}): JsonObject {
  const { rule, flow, attributes, eve, payload, packet } = detection;
  const finding: Finding = {
    recordIndex: 0,
    ruleId: rule.id,
    severity: detection.severity,
    verdictHint: detection.verdictHint,
    confidence: detection.confidence,
    inStream: false,
    matchOffset: 0,
    matchLen: 0,
    dropped: false,
    noAlert: false,
    attributes: { ...(eve !== undefined && { eve }), message: Buffer.from(attributes.message ?? "", "latin1").toString("utf8") },
    ...(payload !== undefined && { payload: Buffer.from(payload, "base64") }),
  };
  const src = addressOf(flow.src);
  const text: RuleText = {
    gid: 1, rev: 0, msg: rule.name, classtype: "", category: rule.category, severity: detection.severity, action: "alert",
    references: [], metadata: {},
  }; // prettier-ignore
  const data = packet === undefined ? new Uint8Array() : Buffer.from(packet, "base64");
  return eveEvent(
    finding,
    {
      timeNs: nanoseconds(detection.time),
      flowId: BigInt(`0x${detection.flowId}`),
      src,
      dst: addressOf(flow.dst),
      family: flow.src.includes(":") ? 6 : 4,
      proto: protocolNumbers.get(flow.proto) ?? (/^\d{1,3}$/.test(flow.proto) ? Number(flow.proto) : 0),
      sport: flow.sport,
      dport: flow.dport,
      vlan: detection.vlan,
      data,
      ...(data.length > 0 && { link: ETHERNET }),
    },
    new Map([[rule.id, text]]),
    options,
  );
}
