import { parseAddress } from "@secuxflow/inspect-abi";
import type { Finding } from "@secuxflow/inspect-abi";
import type { RuleText, RuleTexts } from "@secuxflow/rule-image";
import { addressText, plainAddress } from "./address-text.js";
import { communityId } from "./community-id.js";
import type { CommunityTuple } from "./community-id.js";
import { moduleFields } from "./module-fields.js";
import type { Json, JsonObject } from "./module-fields.js";
import { eveTime } from "./time.js";

/** The packet in which a finding was made. */
export interface EventPacket {
  readonly timeNs: bigint;
  readonly flowId: bigint;
  /** 16 bytes each, IPv4 mapped. */
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly family: number;
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
  readonly vlan: number;
  /** Frame as captured. */
  readonly data: Uint8Array;
  /** Position in the capture, from 1; absent on live traffic. */
  readonly captureIndex?: number;
  readonly link?: { readonly type: number; readonly name: string };
}

export interface EveOptions {
  readonly inInterface?: string;
  /** Default 0. */
  readonly communitySeed?: number;
  /** Add `payload`, `payload_printable` and `packet`; default true. */
  readonly bytes?: boolean;
}

const protocols: Readonly<Record<number, string>> = {
  1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 41: "IPv6", 47: "GRE", 50: "ESP", 51: "AH", 58: "IPv6-ICMP", 132: "SCTP",
}; // prettier-ignore

const numbers: ReadonlyMap<string, number> = new Map(Object.entries(protocols).map(([value, name]) => [name, Number(value)]));

/** Printable ASCII and line breaks as they are, `.` for everything else. */
function printableText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte >= 0x20 && byte < 0x7f) || byte === 10 || byte === 13 ? String.fromCharCode(byte) : ".";
  return text;
}

/** The module tells times as nanoseconds since 1970 in digits; EVE writes them out. */
function withTimes(flow: JsonObject): JsonObject {
  const { start, ...rest } = flow;
  return typeof start === "string" && /^\d{1,20}$/.test(start) ? { ...rest, start: eveTime(BigInt(start)) } : flow;
}

/** Flow bits `traffic/id/x` and `traffic/label/x` classify the traffic: EVE has them under a name of their own. */
function trafficOf(metadata: JsonObject): JsonObject | undefined {
  const { flowbits } = metadata;
  const bits = Array.isArray(flowbits) ? flowbits.filter((bit): bit is string => typeof bit === "string") : [];
  const named = (kind: string): string[] => bits.filter((bit) => bit.startsWith(`traffic/${kind}/`)).map((bit) => bit.slice(`traffic/${kind}/`.length));
  const [id, label] = [named("id"), named("label")];
  if (id.length + label.length === 0) return undefined;
  return { ...(id.length > 0 && { id }), ...(label.length > 0 && { label }) };
}

const object = (value: Json | undefined): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

const number = (value: Json | undefined): number | undefined => (typeof value === "number" ? value : undefined);

/** Addresses as the event tells them: a module may know better, inside of a tunnel. */
function tupleOf(packet: EventPacket, own: JsonObject): CommunityTuple {
  const address = (bytes: Uint8Array, text: Json | undefined): Uint8Array => {
    if (typeof text !== "string") return plainAddress(bytes);
    try {
      return plainAddress(parseAddress(text));
    } catch {
      return plainAddress(bytes);
    }
  };
  const proto = (typeof own.proto === "string" ? numbers.get(own.proto) : undefined) ?? packet.proto;
  const icmp = proto === 1 || proto === 58;
  return {
    src: address(packet.src, own.src_ip),
    dst: address(packet.dst, own.dest_ip),
    proto,
    sport: number(icmp ? own.icmp_type : own.src_port) ?? packet.sport,
    dport: number(icmp ? own.icmp_code : own.dest_port) ?? packet.dport,
  };
}

function alertOf(finding: Finding, rule: RuleText | undefined, fields: JsonObject): JsonObject {
  return {
    action: finding.dropped ? "blocked" : "allowed",
    gid: rule?.gid ?? 1,
    signature_id: finding.ruleId,
    rev: rule?.rev ?? 0,
    signature: rule?.msg ?? String(finding.attributes.message ?? ""),
    category: rule?.category ?? "",
    severity: rule?.severity ?? finding.severity,
    ...(rule !== undefined && Object.keys(rule.metadata).length > 0 && { metadata: rule.metadata }),
    ...(rule !== undefined && rule.references.length > 0 && { references: rule.references }),
    ...object(fields.alert),
  };
}

/**
 * A finding as an EVE event (docs.suricata.io, "EVE JSON Output"): an alert, or a drop where it only tells of a packet that an
 * inline sensor drops.
 */
export function eveEvent(finding: Finding, packet: EventPacket, texts: RuleTexts, options: EveOptions = {}): JsonObject {
  const { eve } = finding.attributes;
  const fields = typeof eve === "string" ? (moduleFields(eve) ?? {}) : {};
  const isDrop = finding.noAlert && finding.dropped;
  const rule = texts.get(finding.ruleId);
  const { alert: _alert, packet: changed, ...own } = fields;
  // A packet of a flow that is dropped was not looked at: no rule has matched it.
  const byRule = finding.ruleId !== 0 && object(fields.drop).reason !== "flow drop";
  const bytes = options.bytes ?? true;
  const traffic = trafficOf(object(fields.metadata));
  const { link } = packet;
  const tuple = tupleOf(packet, own);
  // Neither the host nor the module may know addresses: not every frame has any.
  const isIp = packet.family !== 0;
  return {
    timestamp: eveTime(packet.timeNs),
    flow_id: Number(packet.flowId & 0x1f_ffff_ffff_ffffn),
    ...(packet.captureIndex !== undefined && { pcap_cnt: packet.captureIndex }),
    ...(options.inInterface !== undefined && { in_iface: options.inInterface }),
    event_type: isDrop ? "drop" : "alert",
    ...(packet.vlan !== 0 && { vlan: [packet.vlan] }),
    ...(isIp && {
      src_ip: addressText(packet.src),
      ...(packet.sport !== 0 && { src_port: packet.sport }),
      dest_ip: addressText(packet.dst),
      ...(packet.dport !== 0 && { dest_port: packet.dport }),
      proto: protocols[packet.proto] ?? String(packet.proto).padStart(3, "0"),
      ip_v: packet.family,
    }),
    pkt_src: packet.captureIndex === undefined ? "wire/live" : "wire/pcap",
    ...((isIp || own.src_ip !== undefined) && { community_id: communityId(tuple, options.communitySeed) }),
    ...(!isDrop || byRule ? { alert: alertOf(finding, rule, fields) } : {}),
    ...own,
    ...(own.flow !== undefined && { flow: withTimes(object(own.flow)) }),
    ...(traffic !== undefined && { traffic }),
    ...(bytes &&
      finding.payload && {
        payload: Buffer.from(finding.payload).toString("base64"),
        payload_printable: printableText(finding.payload),
      }),
    ...(bytes && packet.data.byteLength > 0 && {
      packet: typeof changed === "string" ? changed : Buffer.from(packet.data).toString("base64"),
    }),
    ...(link !== undefined && bytes && { packet_info: { linktype: link.type, linktype_name: link.name } }),
  };
}
