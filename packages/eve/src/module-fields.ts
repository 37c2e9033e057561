// What a module says of a finding in EVE's own terms. A module is not trusted: it may name these fields and no other, and its
// text is bounded in size and depth.

import { eveTime } from "./time.js";

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const MAX_TEXT = 65_536;
const MAX_DEPTH = 8;

/** Fields that modules may set. What identifies the event (time, type, rule) is the host's. */
const ALLOWED: ReadonlySet<string> = new Set([
  "src_ip", "src_port", "dest_ip", "dest_port", "proto", "ip_v", "icmp_type", "icmp_code", "vlan", "tunnel", "pkt_src", "ether",
  "app_proto", "app_proto_ts", "app_proto_tc", "app_proto_orig", "app_proto_expected", "tx_id", "tx_guessed", "direction",
  "flow", "stream", "metadata", "traffic", "packet", "xff", "files", "alert", "verdict", "drop", "anomaly",
  "http", "dns", "tls", "ssh", "smtp", "email", "ftp", "ftp_data", "smb", "dcerpc", "krb5", "snmp", "sip", "rfb", "mqtt", "ike", "rdp",
]); // prettier-ignore

function depthOf(value: unknown, left: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return left > 0 && Object.values(value).every((item) => depthOf(item, left - 1));
}

/**
 * The fields in a module's `eve` attribute; those that it may not set are left out.
 * @returns undefined when the text is no JSON object, too long or too deep: the event then has no such fields
 */
export function moduleFields(text: string): JsonObject | undefined {
  if (text.length > MAX_TEXT) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed) || !depthOf(parsed, MAX_DEPTH)) return undefined;
  const fields = Object.entries(parsed as JsonObject).filter(([key]) => ALLOWED.has(key));
  return Object.fromEntries(fields.map(([key, value]) => [key, key === "flow" ? withStart(value) : value]));
}

/** A module has no calendar: it writes when a flow began in nanoseconds since 1970. */
function withStart(flow: Json): Json {
  if (typeof flow !== "object" || flow === null || !("start" in flow)) return flow;
  const { start } = flow;
  return typeof start === "string" && /^\d{1,20}$/.test(start) ? { ...flow, start: eveTime(BigInt(start)) } : flow;
}
