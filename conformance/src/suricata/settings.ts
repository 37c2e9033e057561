// suricata.yaml and `--set`, as settings of the compiler and the module.

import { z } from "zod";

export interface Settings {
  /** `key=value` lines for the module. */
  readonly configure: string;
  /** Address and port variables. */
  readonly vars: Readonly<Record<string, string>>;
  readonly actionOrder: readonly string[] | undefined;
  /** Every packet that is dropped is logged, or one for a flow's direction. */
  readonly everyDrop: boolean;
  /** What the header X-Forwarded-For does to an alert's addresses. */
  readonly forwardedFor: ForwardedFor | undefined;
  /** Settings that change what is detected, and that have no counterpart here. */
  readonly unknown: readonly string[];
}

const HOME = "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]";
const toHome = ["HTTP_SERVERS", "SMTP_SERVERS", "SQL_SERVERS", "DNS_SERVERS", "TELNET_SERVERS", "DC_SERVERS", "DNP3_SERVER", "DNP3_CLIENT", "MODBUS_CLIENT", "MODBUS_SERVER", "ENIP_CLIENT", "ENIP_SERVER"]; // prettier-ignore

/** What Suricata's own suricata.yaml sets. */
const DEFAULT_VARS: Readonly<Record<string, string>> = {
  HOME_NET: HOME,
  EXTERNAL_NET: "!$HOME_NET",
  AIM_SERVERS: "$EXTERNAL_NET",
  ...Object.fromEntries(toHome.map((name) => [name, "$HOME_NET"])),
  HTTP_PORTS: "80",
  SHELLCODE_PORTS: "!80",
  ORACLE_PORTS: "1521",
  SSH_PORTS: "22",
  DNP3_PORTS: "20000",
  MODBUS_PORTS: "502",
  FILE_DATA_PORTS: "[$HTTP_PORTS,110,143]",
  FTP_PORTS: "21",
  GENEVE_PORTS: "6081",
  VXLAN_PORTS: "4789",
  TEREDO_PORTS: "3544",
  SIP_PORTS: "[5060, 5061]",
};

const LIBHTP = "app-layer.protocols.http.libhtp.default-config";

/** Settings that the module knows, and what it calls them. */
const KNOWN: Readonly<Record<string, string>> = {
  "stream.midstream": "midstream",
  "stream.async-oneside": "async",
  "stream.inline": "inline",
  "stream.reassembly.depth": "stream-depth",
  "stream.midstream-policy": "midstream-policy",
  "stream.checksum-validation": "checksum",
  "exception-policy": "exception-policy",
  "app-layer.error-policy": "app-error-policy",
  "flow.memcap-policy": "flow-memcap-policy",
  "defrag.memcap-policy": "defrag-memcap-policy",
  "vlan.use-for-tracking": "vlan-tracking",
  "packet-alert-max": "packet-alert-max",
  "detect.guess-applayer-tx": "guess-tx",
  "decoder.ipv4.ipip.track-parent-flow": "ipip-parent-flow",
  "decoder.ipv6.ipip-ipv6.track-parent-flow": "ipip-parent-flow",
  [`${LIBHTP}.lzma-enabled`]: "lzma",
  [`${LIBHTP}.response-body-limit`]: "response-body-limit",
  [`${LIBHTP}.request-body-limit`]: "request-body-limit",
  [`${LIBHTP}.response-body-decompress-layer-limit`]: "decompress-layer-limit",
};

/** Parts that change what is logged or how fast, not what is detected. */
const HARMLESS = /^(outputs|logging|threading|profiling|default-log|default-rule|rule-files|stats|run-as|pfring|af-packet|unix-command|engine-analysis|pid|max-pending|runmode|autofp|capture|pcap|legacy|netmap|host-mode|spm-algo|mpm-algo|detect\.|classification-file|reference-config|threshold-file|include|coredump|asn1|pcre|app-layer\.protocols\.[a-z0-9-]+\.enabled|app-layer\.protocols\.[a-z]+\.detection-ports|action-order|vars\.|luajit|security|sensor-name|nfq|nflog|ipfw|napatech|dpdk|suricata-version|decoder\.\w+\.(enabled|ports)|decoder\.ipv4\.ipip\.enabled|decoder\.ipv6\.ipip-ipv6\.enabled|stream\.memcap|stream\.reassembly\.(memcap|toserver|toclient|randomize)|flow\.(memcap|hash|prealloc|emergency)|defrag\.(memcap|hash|trackers|max|prealloc)|host\.|ippair\.|flow-timeouts)/;

/** Leaves of nested mappings by dotted path; a list is one leaf. */
function flatten(value: unknown, path: string, into: Map<string, unknown>): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [key, child] of Object.entries(value)) flatten(child, path === "" ? key : `${path}.${key}`, into);
  } else if (path !== "") into.set(path, value);
}

/** `100kb` as bytes, `yes` as 1. */
function plain(value: unknown): string {
  const text = String(value).trim().toLowerCase();
  const [, number, unit] = /^(\d+)\s*(kb|kib|mb|mib|gb|gib)$/.exec(text) ?? [];
  if (number !== undefined && unit !== undefined) return String(Number(number) * 1024 ** ("kmg".indexOf(unit.charAt(0)) + 1));
  if (["yes", "true", "on"].includes(text)) return "1";
  return ["no", "false", "off"].includes(text) ? "0" : text;
}

const Outputs = z.object({ outputs: z.array(z.object({ "eve-log": z.object({ types: z.array(z.unknown()) }).optional() })) });
const Drop = z.object({ drop: z.object({ flows: z.string().optional() }).nullable() });

const Alert = z.object({
  alert: z.object({
    xff: z.object({ enabled: z.unknown(), mode: z.string(), deployment: z.string(), header: z.string().default("X-Forwarded-For") }),
  }),
});
export type ForwardedFor = z.output<typeof Alert>["alert"]["xff"];

function typesOf(document: unknown): readonly unknown[] {
  const outputs = Outputs.safeParse(document);
  return outputs.success ? outputs.data.outputs.flatMap((output) => output["eve-log"]?.types ?? []) : [];
}

/** A configuration that does not say what is logged logs what Suricata's own does: every drop. */
const hasTypes = (document: unknown): boolean => typesOf(document).length > 0;

/** The settings of a kind of event, where a configuration has some. */
function typeOf<T>(document: unknown, schema: z.ZodType<T>): T | undefined {
  return typesOf(document).map((type) => schema.safeParse(type)).find(({ success }) => success)?.data;
}

/** Settings of a test from its suricata.yaml (parsed; undefined without one) and its command line. */
export function settingsOf(document: unknown, args: readonly string[]): Settings {
  const all = new Map<string, unknown>();
  flatten(document ?? {}, "", all);
  args.forEach((arg, i) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(args[i + 1] ?? "") ?? [];
    if (arg === "--set" && key !== undefined) all.set(key, value);
  });
  // Suricata's defaults, where the module's own are those of a live sensor.
  const lines = new Map([
    ["midstream", "0"],
    ["async", "0"],
    ["checksum", "1"],
    ["raw-chunk", "2560"],
  ]);
  const unknown: string[] = [];
  const policies: string[] = [];
  const vars: Record<string, string> = { ...DEFAULT_VARS };
  for (const [key, value] of all) {
    const variable = /^vars\.(?:address|port)-groups\.(.+)$/.exec(key)?.[1];
    const known = KNOWN[key];
    const system = /^host-os-policy\.([a-z0-9-]+)$/.exec(key)?.[1];
    if (system !== undefined) {
      if (Array.isArray(value) && value.length > 0) policies.push(`os-policy=${system} ${value.join(" ")}`);
    } else if (variable !== undefined) vars[variable] = Array.isArray(value) ? `[${value.join(",")}]` : String(value);
    else if (known !== undefined) lines.set(known, plain(value));
    else if (!HARMLESS.test(key)) unknown.push(key);
  }
  if (args.includes("--simulate-ips")) {
    lines.set("inline", "1");
    lines.set("inline-window", "2560");
  }
  for (const arg of args) {
    const [, what, at] = /^--simulate-packet-(flow|defrag)-memcap=(\d+)$/.exec(arg) ?? [];
    if (what !== undefined && at !== undefined) lines.set(`simulate-${what}-memcap`, at);
  }
  // `-k none` follows, whatever the file says.
  const checks = args.indexOf("-k");
  if (checks >= 0) lines.set("checksum", args[checks + 1] === "none" ? "0" : "1");
  const order = all.get("action-order");
  return {
    configure: [...[...lines].map(([key, value]) => `${key}=${value}`), ...policies].join("\n"),
    vars,
    actionOrder: Array.isArray(order) ? order.map(String) : undefined,
    everyDrop: typeOf(document, Drop)?.drop?.flows === "all" || !hasTypes(document),
    forwardedFor: typeOf(document, Alert)?.alert.xff,
    unknown,
  };
}
