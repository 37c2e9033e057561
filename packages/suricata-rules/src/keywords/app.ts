// Keywords on application protocols that are not buffers: events, versions, names, data sets, transformations.

import { bufferById, bufferByName, FILE_NAME, HTTP_URI, HTTP_URI_RAW } from "../buffers.js";
import { semantics, syntax, unsupported } from "../errors.js";
import { APP_EVENTS, DECODE_EVENTS, EVENT_ALIASES, STREAM_EVENTS } from "../events.js";
import type { Draft, Keyword } from "../draft.js";
import type { ContentMatch, PacketCondition, Transform } from "../ir.js";
import {
  FOREIGN_PROTOCOLS,
  PROTO_DCERPC,
  PROTO_DNS,
  PROTO_FTP,
  PROTO_HTTP,
  PROTO_SMB,
  PROTO_SSH,
  PROTO_TLS,
  protocolByName,
} from "../protocols.js";
import type { RawOption } from "../raw.js";
import { negation, nameAndValue, parseBytes, parseNumber, parseRange, splitCommas, unquote } from "../values.js";

function appLayerEvent(draft: Draft, option: RawOption): void {
  const { text, at } = unquote(draft.value(option));
  const dot = text.indexOf(".");
  if (dot < 0) {
    const index = APP_EVENTS.get("applayer")?.indexOf(text) ?? -1;
    if (index < 0) throw unsupported(at, `app-layer-event: ${text} is not an event of the engine`);
    draft.conditions.push({ type: "app-layer-event", app: 0, event: index });
    return;
  }
  const name = text.slice(0, dot);
  const protocol = protocolByName(name);
  if (!protocol?.parsed) {
    const known = protocol !== undefined || FOREIGN_PROTOCOLS.has(name);
    throw unsupported(at, known ? `app-layer-event: ${name} is not parsed here` : `app-layer-event: "${name}" is not a protocol`);
  }
  const event = APP_EVENTS.get(protocol.name)?.indexOf(text.slice(dot + 1)) ?? -1;
  if (event < 0) throw unsupported(at, `app-layer-event: ${text} is not an event of the engine`);
  if (draft.app !== 0 && draft.app !== protocol.id) throw semantics(at, `app-layer-event: the rule is not about ${name}`);
  draft.app = protocol.id;
  draft.conditions.push({ type: "app-layer-event", app: protocol.id, event });
}

const packetEvent =
  (type: "decode-event" | "stream-event", names: readonly string[]): Keyword =>
  (draft, option) => {
    const { text, at } = unquote(draft.value(option));
    const written = text.replace(/^stream\./, "");
    const name = EVENT_ALIASES.get(written) ?? written;
    const event = names.indexOf(name);
    if (event < 0) throw unsupported(at, `${option.name}: ${text} is not an event of the engine`);
    draft.conditions.push({ type, event });
  };

const MODES = ["final", "either", "to_server", "to_client", "original", "direction"] as const;

function appLayerProtocol(draft: Draft, option: RawOption): void {
  const { negated, value } = negation(unquote(draft.value(option)));
  const [nameText, modeText, ...rest] = splitCommas(value);
  if (rest.length > 0) throw syntax(option.valueAt, "app-layer-protocol takes a protocol and a mode");
  const protocol = protocolByName(nameText!.text);
  if (protocol === undefined) {
    if (!FOREIGN_PROTOCOLS.has(nameText!.text))
      throw syntax(nameText!.at, `app-layer-protocol: "${nameText!.text}" is not a protocol`);
    throw unsupported(nameText!.at, `app-layer-protocol: ${nameText!.text} is not recognized here`);
  }
  const mode = MODES.find(
    (entry) => entry === (modeText?.text.replace("toserver", "to_server").replace("toclient", "to_client") ?? "direction"),
  );
  if (mode === undefined) throw syntax(modeText!.at, `app-layer-protocol: "${modeText!.text}" is not a mode`);
  if (draft.app !== 0 && mode === "direction")
    throw semantics(option.at, "app-layer-protocol: the rule names its protocol already");
  draft.conditions.push({ type: "app-layer-protocol", app: protocol.id, negated, mode });
}

const RCODES = {
  noerror: 0,
  formerr: 1,
  servfail: 2,
  nxdomain: 3,
  notimp: 4,
  refused: 5,
  yxdomain: 6,
  yxrrset: 7,
  nxrrset: 8,
  notauth: 9,
  notzone: 10,
  badvers: 16,
  badsig: 16,
  badkey: 17,
  badtime: 18,
  badmode: 19,
  badname: 20,
  badalg: 21,
  badtrunc: 22,
};
const RRTYPES = {
  a: 1,
  ns: 2,
  md: 3,
  mf: 4,
  cname: 5,
  soa: 6,
  mb: 7,
  mg: 8,
  mr: 9,
  null: 10,
  wks: 11,
  ptr: 12,
  hinfo: 13,
  minfo: 14,
  mx: 15,
  txt: 16,
  rp: 17,
  aaaa: 28,
  loc: 29,
  srv: 33,
  naptr: 35,
  kx: 36,
  cert: 37,
  dname: 39,
  opt: 41,
  apl: 42,
  ds: 43,
  sshfp: 44,
  ipseckey: 45,
  rrsig: 46,
  nsec: 47,
  dnskey: 48,
  dhcid: 49,
  nsec3: 50,
  nsec3param: 51,
  tlsa: 52,
  svcb: 64,
  https: 65,
  spf: 99,
  tkey: 249,
  tsig: 250,
  axfr: 252,
  any: 255,
  uri: 256,
  caa: 257,
};

type Ranged = "dns.opcode" | "dns.rcode" | "dns.rrtype" | "tls.cert_chain_len" | "tls.cert_notbefore" | "tls.cert_notafter";

function ranged(type: Ranged, protocol: number, max: number, names?: Readonly<Record<string, number>>): Keyword {
  return (draft, option) => {
    draft.require([protocol], option.name, option.at);
    const range = parseRange(unquote(draft.value(option)), { what: option.name, max, ...(names === undefined ? {} : { names }) });
    draft.conditions.push({ type, range });
  };
}

/** Dates such as 2024, 2024-02, 2024-02-29T10:20:30. */
function certificateDate(type: "tls.cert_notbefore" | "tls.cert_notafter"): Keyword {
  return (draft, option) => {
    draft.require([PROTO_TLS], option.name, option.at);
    const value = unquote(draft.value(option));
    const seconds = (text: string): string => {
      const parts = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:[T ](\d\d)(?::(\d\d))?(?::(\d\d))?)?$/.exec(text.trim());
      if (parts === null) throw syntax(value.at, `${option.name}: "${text}" is not a date`);
      const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts
        .slice(1)
        .map((part) => ((part as string | undefined) === undefined ? undefined : Number(part)));
      return String(Date.UTC(year!, month - 1, day, hour, minute, second) / 1000);
    };
    const text = value.text.includes("<>")
      ? value.text.split("<>").map(seconds).join("<>")
      : value.text.replace(/^([<>=!]*)\s*(.+)$/, (_all, operator: string, date: string) => operator + seconds(date));
    draft.conditions.push({
      type,
      range: parseRange({ text, at: value.at }, { what: option.name, max: Number.MAX_SAFE_INTEGER }),
    });
  };
}

const TLS_VERSIONS: Record<string, number> = { "1.0": 0x301, "1.1": 0x302, "1.2": 0x303, "1.3": 0x304 };
const SSL_NAMES: Record<string, number> = {
  sslv2: 0x200,
  sslv3: 0x300,
  "tls1.0": 0x301,
  "tls1.1": 0x302,
  "tls1.2": 0x303,
  "tls1.3": 0x304,
};

function tlsVersion(draft: Draft, option: RawOption): void {
  draft.require([PROTO_TLS], option.name, option.at);
  const { text, at } = unquote(draft.value(option));
  const version = TLS_VERSIONS[text] ?? (/^0x[0-9a-fA-F]{1,4}$/.test(text) ? Number(text) : undefined);
  if (version === undefined) throw syntax(at, `tls.version: "${text}" is not a version`);
  draft.conditions.push({ type: "tls.version", version, negated: false });
}

function sslVersion(draft: Draft, option: RawOption): void {
  draft.require([PROTO_TLS], option.name, option.at);
  const parts = splitCommas(unquote(draft.value(option)));
  if (parts.length > 1)
    throw unsupported(option.valueAt, "ssl_version with several versions is not supported; write a rule for each");
  const { negated, value } = negation(parts[0]!);
  const version = SSL_NAMES[value.text.toLowerCase()];
  if (version === undefined) throw syntax(value.at, `ssl_version: "${value.text}" is not a version`);
  draft.conditions.push({ type: "tls.version", version, negated });
}

const SSL_STATES: Record<string, number> = { client_hello: 1, server_hello: 2, client_keyx: 4, server_keyx: 8, unknown: 16 };

function sslState(draft: Draft, option: RawOption): void {
  draft.require([PROTO_TLS], option.name, option.at);
  let states = 0;
  let negated = 0;
  const value = unquote(draft.value(option));
  for (const word of value.text.split(/[,|]/)) {
    const not = word.trim().startsWith("!");
    const state = SSL_STATES[word.trim().replace("!", "").trim()];
    if (state === undefined) throw syntax(value.at, `ssl_state: "${word.trim()}" is not a state`);
    if (not) negated |= state;
    else states |= state;
  }
  draft.conditions.push({ type: "ssl_state", states, negated });
}

function iface(draft: Draft, option: RawOption): void {
  draft.require([PROTO_DCERPC, PROTO_SMB], option.name, option.at);
  const [id, ...rest] = splitCommas(unquote(draft.value(option)));
  if (!/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(id!.text))
    throw syntax(id!.at, `${option.name}: "${id!.text}" is not a UUID`);
  const condition: Extract<PacketCondition, { type: "dcerpc.iface" }> = {
    type: "dcerpc.iface",
    uuid: Uint8Array.from(Buffer.from(id!.text.replaceAll("-", ""), "hex")),
    anyFrag: false,
  };
  for (const part of rest) {
    if (part.text === "any_frag") condition.anyFrag = true;
    else condition.version = parseRange(part, { what: option.name, max: 65_535 });
  }
  draft.conditions.push(condition);
}

function opnum(draft: Draft, option: RawOption): void {
  draft.require([PROTO_DCERPC, PROTO_SMB], option.name, option.at);
  const ranges = splitCommas(unquote(draft.value(option))).map((part) =>
    parseRange(part, { what: option.name, max: 65_535, inclusive: true }),
  );
  draft.conditions.push({ type: "dcerpc.opnum", ranges });
}

/** `dataset:isset,name,type string,load file`; only those whose values are known when the rule is compiled. */
function dataset(draft: Draft, option: RawOption): void {
  const value = unquote(draft.value(option));
  const [operation, nameText, ...rest] = splitCommas(value);
  if (operation?.text === "set" || operation?.text === "unset")
    throw unsupported(value.at, "dataset: rules cannot change data sets here");
  if (operation?.text !== "isset" && operation?.text !== "isnotset")
    throw syntax(value.at, "dataset starts with isset or isnotset");
  if (nameText === undefined || nameText.text === "") throw syntax(value.at, "dataset needs a name");
  let kind = "string";
  let file = nameText.text;
  for (const part of rest) {
    const { name, value: given } = nameAndValue(part);
    if (name === "type" && given !== undefined) kind = given.text;
    else if ((name === "load" || name === "state") && given !== undefined) file = given.text;
    else if (name !== "memcap" && name !== "hashsize") throw unsupported(part.at, `dataset: "${part.text}" is not supported`);
  }
  if (kind !== "string" && kind !== "md5" && kind !== "sha256" && kind !== "ipv4" && kind !== "ip")
    throw unsupported(value.at, `dataset: the type ${kind} is not supported`);
  const lines = draft.surroundings.dataset(file) ?? draft.surroundings.dataset(nameText.text);
  if (lines === undefined) throw unsupported(nameText.at, `dataset: the file of ${nameText.text} was not given`);
  const decode = (line: string): Uint8Array =>
    Uint8Array.from(Buffer.from(line, kind === "string" ? "base64" : kind === "md5" || kind === "sha256" ? "hex" : "utf8"));
  const values = lines
    .map((line) => line.split(",")[0]!.trim())
    .filter((line) => line !== "")
    .map(decode);
  draft.add({ type: "dataset", name: nameText.text, negated: operation.text === "isnotset", kind, values });
}

const transform =
  (make: (draft: Draft, option: RawOption) => Transform): Keyword =>
  (draft, option) => {
    draft.transform(make(draft, option), option.at);
  };

const PLAIN = [
  "dotprefix",
  "strip_whitespace",
  "compress_whitespace",
  "to_md5",
  "to_sha1",
  "to_sha256",
  "url_decode",
  "to_lowercase",
  "to_uppercase",
  "header_lowercase",
  "strip_pseudo_headers",
  "domain",
  "tld",
] as const;

function fileExtension(draft: Draft, option: RawOption): void {
  const { negated, value } = negation(draft.value(option));
  const bytes = parseBytes(unquote(value));
  const match: ContentMatch = {
    type: "content",
    bytes: option.name === "fileext" ? Uint8Array.from([46, ...bytes]) : bytes,
    nocase: true,
    negated,
    rawBytes: false,
    startsWith: false,
    endsWith: option.name === "fileext",
  };
  draft.listOf(bufferById(FILE_NAME)!, option.at).matches.push(match);
}

export const APP: Record<string, Keyword> = {
  "app-layer-event": appLayerEvent,
  "decode-event": packetEvent("decode-event", DECODE_EVENTS),
  "stream-event": packetEvent("stream-event", STREAM_EVENTS),
  "engine-event": (draft, option) => {
    const { text } = unquote(draft.value(option));
    packetEvent(
      text.startsWith("stream.") ? "stream-event" : "decode-event",
      text.startsWith("stream.") ? STREAM_EVENTS : DECODE_EVENTS,
    )(draft, option);
  },
  "app-layer-protocol": appLayerProtocol,
  ftpbounce(draft, option) {
    draft.noValue(option);
    draft.require([PROTO_FTP], option.name, option.at);
    draft.conditions.push({ type: "ftpbounce" });
  },
  urilen(draft, option) {
    const [length, kind] = splitCommas(unquote(draft.value(option)));
    if (kind !== undefined && kind.text !== "norm" && kind.text !== "raw") throw syntax(kind.at, "urilen counts norm or raw");
    const range = parseRange(length!, { what: "urilen", max: 65_535 });
    draft.require([PROTO_HTTP], option.name, option.at);
    const uri = bufferById(kind?.text === "raw" ? HTTP_URI_RAW : HTTP_URI)!;
    draft.listOf(uri, option.at).matches.push({ type: "bsize", range });
  },
  "dns.opcode": ranged("dns.opcode", PROTO_DNS, 15),
  "dns.rcode": ranged("dns.rcode", PROTO_DNS, 4095, RCODES),
  "dns.rrtype": ranged("dns.rrtype", PROTO_DNS, 65_535, RRTYPES),
  "tls.version": tlsVersion,
  ssl_version: sslVersion,
  ssl_state: sslState,
  tls_cert_expired: flagOf("tls.cert_expired"),
  tls_cert_valid: flagOf("tls.cert_valid"),
  tls_cert_notbefore: certificateDate("tls.cert_notbefore"),
  tls_cert_notafter: certificateDate("tls.cert_notafter"),
  "tls.cert_chain_len": ranged("tls.cert_chain_len", PROTO_TLS, 0xffff_ffff),
  "dcerpc.iface": iface,
  dce_iface: iface,
  "dcerpc.opnum": opnum,
  dce_opnum: opnum,
  dataset,
  datarep(_draft, option) {
    throw unsupported(option.at, "datarep is not supported");
  },
  xor: transform((draft, option) => {
    const { text, at } = unquote(draft.value(option));
    if (!/^(?:[0-9a-fA-F]{2})+$/.test(text)) throw syntax(at, "xor: the key is hexadecimal");
    return { type: "xor", key: Uint8Array.from(Buffer.from(text, "hex")) };
  }),
  from_base64: transform((draft, option) => {
    const result = { type: "from_base64" as const, mode: "rfc4648" as "rfc4648" | "rfc2045" | "strict", offset: 0, bytes: 0 };
    if (option.value === undefined) return result;
    for (const part of splitCommas(draft.value(option))) {
      const { name, value } = nameAndValue(part);
      if (name === "offset" && value !== undefined) result.offset = parseNumber(value, "offset", 0, 65_535);
      else if (name === "bytes" && value !== undefined) result.bytes = parseNumber(value, "bytes", 1, 65_535);
      else if (name === "mode" && (value?.text === "rfc4648" || value?.text === "rfc2045" || value?.text === "strict"))
        result.mode = value.text;
      else throw syntax(part.at, `from_base64: "${part.text}" is not one of its options`);
    }
    return result;
  }),
  fileext: fileExtension,
  filename: fileExtension,
};
APP["tls.cert_notbefore"] = APP.tls_cert_notbefore!;
APP["tls.cert_notafter"] = APP.tls_cert_notafter!;
for (const type of PLAIN) {
  APP[type] = transform((draft, option) => {
    draft.noValue(option);
    return { type };
  });
}
for (const type of ["gunzip", "zlib_deflate"] as const) {
  APP[type] = transform((draft, option) => {
    let maxSize = 1024;
    if (option.value !== undefined && option.value !== "") {
      const { name, value } = nameAndValue(draft.value(option));
      if (name !== "max-size" || value === undefined) throw syntax(option.valueAt, `${type} takes max-size`);
      maxSize = parseNumber(value, "max-size", 1, 1 << 20);
    }
    return { type, maxSize };
  });
}
for (const name of ["ssh.protoversion", "ssh.softwareversion", "tls.subject", "tls.issuerdn", "tls.fingerprint", "tls.store"]) {
  APP[name] = legacy(name);
}

function flagOf(type: "tls.cert_expired" | "tls.cert_valid"): Keyword {
  return (draft, option) => {
    draft.noValue(option);
    draft.require([PROTO_TLS], option.name, option.at);
    draft.conditions.push({ type });
  };
}

/** Old keywords with the text in their value: a content in the buffer that took their place. */
function legacy(name: string): Keyword {
  const buffers: Record<string, string> = {
    "ssh.protoversion": "ssh.proto",
    "ssh.softwareversion": "ssh.software",
    "tls.subject": "tls.cert_subject",
    "tls.issuerdn": "tls.cert_issuer",
    "tls.fingerprint": "tls.cert_fingerprint",
  };
  return (draft, option) => {
    if (name === "tls.store") {
      draft.ignored.push(name);
      return;
    }
    draft.require([name.startsWith("ssh") ? PROTO_SSH : PROTO_TLS], name, option.at);
    const { negated, value } = negation(draft.value(option));
    const bytes = parseBytes(unquote(value));
    const list = draft.listOf(bufferByName(buffers[name]!)!, option.at);
    list.matches.push({
      type: "content",
      bytes,
      nocase: name === "ssh.softwareversion",
      negated,
      rawBytes: false,
      startsWith: false,
      endsWith: false,
    });
  };
}
