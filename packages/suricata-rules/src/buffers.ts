// Every place that contents can be looked for. The ids are part of rule images: append, never renumber.

import {
  PROTO_DCERPC,
  PROTO_DNS,
  PROTO_FTP,
  PROTO_FTP_DATA,
  PROTO_HTTP,
  PROTO_SMB,
  PROTO_SMTP,
  PROTO_SSH,
  PROTO_TLS,
} from "./protocols.js";

/** When a buffer of a transaction can be looked at. The engine maps these to the parsers' progress numbers. */
export type Stage =
  /** With every packet. */
  | "packet"
  /** As soon as the transaction exists in that direction. */
  | "start"
  /** HTTP: request line or status line is complete. */
  | "line"
  /** HTTP: all headers are there; TLS: the hello is; SSH: the banner is. */
  | "headers"
  /** Grows piece by piece; looked at as it grows. */
  | "body"
  /** Trailing headers are there. */
  | "trailer"
  /** All of that direction has been seen. */
  | "complete";

export interface BufferDefinition {
  /** 1 to 255. */
  id: number;
  /** Name of the sticky buffer; unique. */
  name: string;
  /** Other names of the same sticky buffer. */
  aliases: readonly string[];
  /** Application protocols (PROTO_*) in whose transactions it exists; empty: of packets. */
  protocols: readonly number[];
  /** Directions in which it exists: 1 to the server, 2 to the client, 3 both. */
  directions: 1 | 2 | 3;
  stage: Stage;
  /** A transaction may have several; each use of the keyword is an inspection of its own. */
  multiple: boolean;
  /** Keyword that follows a content to mean this buffer. */
  modifier?: string;
  /** Flag of a pcre that means this buffer. */
  pcreFlag?: string;
  /** Suricata's order of buffers for the fast pattern: smaller is preferred; 0: never. */
  priority: number;
  /** Hosts and the like: text in lower case, so that contents with capitals or nocase are mistakes. */
  lowercase: boolean;
}

type Extra = Partial<Pick<BufferDefinition, "aliases" | "multiple" | "modifier" | "pcreFlag" | "priority" | "lowercase">>;

const table: BufferDefinition[] = [];

function buffer(
  id: number,
  name: string,
  protocols: readonly number[],
  directions: 1 | 2 | 3,
  stage: Stage,
  extra: Extra = {},
): number {
  table.push({
    id,
    name,
    protocols,
    directions,
    stage,
    aliases: [],
    multiple: false,
    priority: 2,
    lowercase: false,
    ...extra,
  });
  return id;
}

const HTTP = [PROTO_HTTP];
const FILES = [PROTO_HTTP, PROTO_SMTP, PROTO_FTP_DATA, PROTO_SMB];

/** Bytes of packets and of the stream (Rule.payload says which): contents without a sticky buffer, or behind pkt_data. */
export const PAYLOAD = buffer(1, "payload", [], 3, "packet", { aliases: ["pkt_data"], priority: 3 });
export const HTTP_URI = buffer(2, "http.uri", HTTP, 1, "line", { modifier: "http_uri", pcreFlag: "U" });
export const HTTP_URI_RAW = buffer(3, "http.uri.raw", HTTP, 1, "line", { modifier: "http_raw_uri", pcreFlag: "I" });
buffer(4, "http.method", HTTP, 1, "line", { modifier: "http_method", pcreFlag: "M", priority: 4 });
buffer(5, "http.request_line", HTTP, 1, "line", { aliases: ["http_request_line"] });
buffer(6, "file.data", FILES, 3, "body", { aliases: ["file_data"] });
buffer(7, "http.request_body", HTTP, 1, "body", { modifier: "http_client_body", pcreFlag: "P" });
buffer(8, "http.response_body", HTTP, 2, "body", { modifier: "http_server_body", pcreFlag: "Q" });
buffer(9, "http.header", HTTP, 3, "headers", { modifier: "http_header", pcreFlag: "H" });
buffer(10, "http.header.raw", HTTP, 3, "headers", { modifier: "http_raw_header", pcreFlag: "D" });
buffer(11, "http.cookie", HTTP, 3, "headers", { modifier: "http_cookie", pcreFlag: "C" });
buffer(12, "http.user_agent", HTTP, 1, "headers", { modifier: "http_user_agent", pcreFlag: "V" });
buffer(13, "http.host", HTTP, 1, "headers", { modifier: "http_host", pcreFlag: "W", lowercase: true });
buffer(14, "http.host.raw", HTTP, 1, "headers", { modifier: "http_raw_host", pcreFlag: "Z" });
buffer(15, "http.stat_code", HTTP, 2, "line", { modifier: "http_stat_code", pcreFlag: "S", priority: 4 });
buffer(16, "http.stat_msg", HTTP, 2, "line", { modifier: "http_stat_msg", pcreFlag: "Y", priority: 3 });
buffer(17, "http.response_line", HTTP, 2, "line", { aliases: ["http_response_line"] });
buffer(18, "http.protocol", HTTP, 3, "line", { aliases: ["http_protocol"] });
buffer(19, "http.start", HTTP, 3, "headers", { aliases: ["http_start"] });
buffer(20, "http.header_names", HTTP, 3, "headers", { aliases: ["http_header_names"] });
buffer(21, "http.accept", HTTP, 1, "headers", { aliases: ["http_accept"] });
buffer(22, "http.accept_enc", HTTP, 1, "headers", { aliases: ["http_accept_enc"] });
buffer(23, "http.accept_lang", HTTP, 1, "headers", { aliases: ["http_accept_lang"] });
buffer(24, "http.connection", HTTP, 3, "headers", { aliases: ["http_connection"] });
buffer(25, "http.content_len", HTTP, 3, "headers", { aliases: ["http_content_len"] });
buffer(26, "http.content_type", HTTP, 3, "headers", { aliases: ["http_content_type"] });
buffer(27, "http.referer", HTTP, 1, "headers", { aliases: ["http_referer"] });
buffer(28, "http.server", HTTP, 2, "headers", { aliases: ["http_server"] });
buffer(29, "http.location", HTTP, 2, "headers", { aliases: ["http_location"] });
buffer(30, "http.request_header", HTTP, 1, "headers", { multiple: true });
buffer(31, "http.response_header", HTTP, 2, "headers", { multiple: true });

buffer(40, "dns.query", [PROTO_DNS], 1, "start", { aliases: ["dns_query"], multiple: true });
buffer(41, "dns.answer.name", [PROTO_DNS], 3, "start", { aliases: ["dns.answers.rrname"], multiple: true });
buffer(42, "dns.query.name", [PROTO_DNS], 3, "start", { aliases: ["dns.queries.rrname"], multiple: true });
buffer(43, "dns.response.rrname", [PROTO_DNS], 2, "start", { multiple: true });

buffer(50, "tls.sni", [PROTO_TLS], 1, "headers", { aliases: ["tls_sni"] });
buffer(51, "tls.cert_subject", [PROTO_TLS], 3, "complete", { aliases: ["tls_cert_subject"] });
buffer(52, "tls.cert_issuer", [PROTO_TLS], 3, "complete", { aliases: ["tls_cert_issuer"] });
buffer(53, "tls.cert_serial", [PROTO_TLS], 3, "complete", { aliases: ["tls_cert_serial"] });
buffer(54, "tls.cert_fingerprint", [PROTO_TLS], 3, "complete", { aliases: ["tls_cert_fingerprint"], lowercase: true });
/** Each certificate of the chain in DER. */
buffer(55, "tls.certs", [PROTO_TLS], 3, "complete", { multiple: true });
buffer(56, "ja3.hash", [PROTO_TLS], 1, "headers", { aliases: ["ja3_hash"], lowercase: true });
buffer(57, "ja3.string", [PROTO_TLS], 1, "headers", { aliases: ["ja3_string"] });
buffer(58, "ja3s.hash", [PROTO_TLS], 2, "headers", { aliases: ["ja3s_hash"], lowercase: true });
buffer(59, "ja3s.string", [PROTO_TLS], 2, "headers", { aliases: ["ja3s_string"] });
buffer(60, "ja4.hash", [PROTO_TLS], 1, "headers", { aliases: ["ja4_hash"] });
buffer(61, "tls.random", [PROTO_TLS], 3, "headers");
buffer(62, "tls.random_time", [PROTO_TLS], 3, "headers");
buffer(63, "tls.random_bytes", [PROTO_TLS], 3, "headers");
buffer(64, "tls.alpn", [PROTO_TLS], 3, "headers", { multiple: true });
buffer(65, "tls.subjectaltname", [PROTO_TLS], 2, "complete", { multiple: true });

buffer(70, "ssh.proto", [PROTO_SSH], 3, "headers", { aliases: ["ssh_proto"] });
buffer(71, "ssh.software", [PROTO_SSH], 3, "headers", { aliases: ["ssh_software"] });
buffer(72, "ssh.hassh", [PROTO_SSH], 1, "complete", { lowercase: true });
buffer(73, "ssh.hassh.string", [PROTO_SSH], 1, "complete");
buffer(74, "ssh.hassh.server", [PROTO_SSH], 2, "complete", { lowercase: true });
buffer(75, "ssh.hassh.server.string", [PROTO_SSH], 2, "complete");

buffer(80, "smtp.helo", [PROTO_SMTP], 1, "start");
buffer(81, "smtp.mail_from", [PROTO_SMTP], 1, "start");
buffer(82, "smtp.rcpt_to", [PROTO_SMTP], 1, "start", { multiple: true });
buffer(83, "email.from", [PROTO_SMTP], 1, "body");
buffer(84, "email.to", [PROTO_SMTP], 1, "body");
buffer(85, "email.cc", [PROTO_SMTP], 1, "body");
buffer(86, "email.subject", [PROTO_SMTP], 1, "body");
buffer(87, "email.date", [PROTO_SMTP], 1, "body");
buffer(88, "email.message_id", [PROTO_SMTP], 1, "body");
buffer(89, "email.x_mailer", [PROTO_SMTP], 1, "body");
buffer(90, "email.url", [PROTO_SMTP], 1, "body", { multiple: true });
buffer(91, "email.received", [PROTO_SMTP], 1, "body", { multiple: true });

buffer(100, "ftp.command", [PROTO_FTP], 1, "start");
buffer(101, "ftp.command_data", [PROTO_FTP], 1, "start");
buffer(102, "ftp.reply", [PROTO_FTP], 2, "start", { multiple: true, aliases: ["ftp.response"] });
buffer(103, "ftp.completion_code", [PROTO_FTP], 2, "start", { multiple: true });

buffer(110, "smb.named_pipe", [PROTO_SMB], 3, "start", { aliases: ["smb_named_pipe"] });
buffer(111, "smb.share", [PROTO_SMB], 3, "start", { aliases: ["smb_share"] });
buffer(112, "smb.ntlmssp_user", [PROTO_SMB], 1, "start");
buffer(113, "smb.ntlmssp_domain", [PROTO_SMB], 1, "start");
buffer(120, "dcerpc.stub_data", [PROTO_DCERPC, PROTO_SMB], 3, "start", { aliases: ["dce_stub_data"] });

/** Name of a file that a transaction carries. */
export const FILE_NAME = buffer(130, "file.name", FILES, 3, "body", { multiple: true });

/** Headers of the packet as they are. */
buffer(140, "ipv4.hdr", [], 3, "packet", { priority: 0 });
buffer(141, "ipv6.hdr", [], 3, "packet", { priority: 0 });
buffer(142, "tcp.hdr", [], 3, "packet", { priority: 0 });
buffer(143, "udp.hdr", [], 3, "packet", { priority: 0 });
buffer(144, "icmpv4.hdr", [], 3, "packet", { priority: 0 });
buffer(145, "icmpv6.hdr", [], 3, "packet", { priority: 0 });

/** All of them, by ascending id. */
export const BUFFERS: readonly BufferDefinition[] = table.sort((a, b) => a.id - b.id);

/** Sticky buffers that Suricata has and this engine does not, with the protocol they belong to. */
export const FOREIGN_BUFFERS: readonly RegExp[] = [
  /^(krb5|snmp|sip|rfb|mqtt|ike|quic|nfs|modbus|dnp3|enip|cip|ldap|pgsql|websocket|http2)[._]/,
  /^(mdns|dhcp|rdp|tftp|sdp|pop3|ftp\.mode)[._]/,
  /^(modbus|nfs_procedure|frame|file\.magic|filemagic)$/,
  /^(igmp|vlan|ether|arp|template|tcp\.flags_|bittorrent|hassh)[._]?/,
];

const byName = new Map<string, BufferDefinition>();
const byModifier = new Map<string, BufferDefinition>();
const byFlag = new Map<string, BufferDefinition>();
const byId = new Map<number, BufferDefinition>();
for (const entry of BUFFERS) {
  byId.set(entry.id, entry);
  byName.set(entry.name, entry);
  for (const alias of entry.aliases) if (!byName.has(alias)) byName.set(alias, entry);
  if (entry.modifier !== undefined) byModifier.set(entry.modifier, entry);
  if (entry.pcreFlag !== undefined) byFlag.set(entry.pcreFlag, entry);
}

/** Buffer of that keyword or alias. */
export function bufferByName(name: string): BufferDefinition | undefined {
  return byName.get(name);
}

/** Buffer that a keyword behind a content means. */
export function bufferByModifier(name: string): BufferDefinition | undefined {
  return byModifier.get(name);
}

/** Buffer that a flag of a pcre means. */
export function bufferByPcreFlag(flag: string): BufferDefinition | undefined {
  return byFlag.get(flag);
}

/** Buffer of that id; an id of a compiled rule always has one. */
export function bufferById(id: number): BufferDefinition | undefined {
  return byId.get(id);
}
