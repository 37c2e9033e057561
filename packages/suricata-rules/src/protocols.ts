// Application protocols by the names rules use, with the numbers of wasm/engine/core/tx.ts (PROTO_*), and their transports.

const TCP = 6;
const UDP = 17;

export interface Protocol {
  /** PROTO_* of the engine. */
  id: number;
  name: string;
  /** Other names that rules use for it. */
  aliases: readonly string[];
  transports: readonly number[];
  /** False: recognized by its first bytes only, so that its buffers and events do not exist. */
  parsed: boolean;
}

const protocol = (id: number, name: string, transports: number[], parsed = false, aliases: string[] = []): Protocol => ({
  id,
  name,
  aliases,
  transports,
  parsed,
});

export const PROTO_UNKNOWN = 0;
export const PROTO_FAILED = 1;
export const PROTO_HTTP = 2;
export const PROTO_TLS = 3;
export const PROTO_DNS = 4;
export const PROTO_SMTP = 5;
export const PROTO_FTP = 6;
export const PROTO_FTP_DATA = 7;
export const PROTO_SSH = 8;
export const PROTO_SMB = 9;
export const PROTO_DCERPC = 10;

export const PROTOCOLS: readonly Protocol[] = [
  protocol(PROTO_UNKNOWN, "unknown", []),
  protocol(PROTO_FAILED, "failed", []),
  protocol(PROTO_HTTP, "http", [TCP], true, ["http1"]),
  protocol(PROTO_TLS, "tls", [TCP], true, ["ssl"]),
  protocol(PROTO_DNS, "dns", [TCP, UDP], true),
  protocol(PROTO_SMTP, "smtp", [TCP], true),
  protocol(PROTO_FTP, "ftp", [TCP], true),
  protocol(PROTO_FTP_DATA, "ftp-data", [TCP], true, ["ftpdata"]),
  protocol(PROTO_SSH, "ssh", [TCP], true),
  protocol(PROTO_SMB, "smb", [TCP], true, ["smb2"]),
  protocol(PROTO_DCERPC, "dcerpc", [TCP, UDP], true),
  protocol(11, "http2", [TCP]),
  protocol(12, "quic", [UDP]),
  protocol(13, "imap", [TCP]),
  protocol(14, "pop3", [TCP]),
  protocol(15, "ntp", [UDP]),
  protocol(16, "dhcp", [UDP]),
  protocol(17, "snmp", [UDP]),
  protocol(18, "tftp", [UDP]),
  protocol(19, "krb5", [TCP, UDP]),
  protocol(20, "sip", [TCP, UDP]),
  protocol(21, "rdp", [TCP]),
  protocol(22, "mqtt", [TCP]),
  protocol(23, "telnet", [TCP]),
  protocol(24, "ike", [UDP], false, ["ikev1", "ikev2"]),
  protocol(25, "nfs", [TCP, UDP]),
  protocol(26, "rfb", [TCP]),
  protocol(27, "modbus", [TCP]),
  protocol(28, "dnp3", [TCP]),
  protocol(29, "enip", [TCP, UDP]),
];

const byName = new Map<string, Protocol>();
for (const entry of PROTOCOLS) for (const name of [entry.name, ...entry.aliases]) byName.set(name, entry);

/** Protocol of that name or alias. */
export function protocolByName(name: string): Protocol | undefined {
  return byName.get(name);
}

/** Application protocols that Suricata knows and the engine does not even recognize. */
export const FOREIGN_PROTOCOLS: ReadonlySet<string> = new Set([
  "bittorrent-dht",
  "doh2",
  "ldap",
  "mdns",
  "pgsql",
  "rsync",
  "template",
  "websocket",
  "nbss",
  "jabber",
  "irc",
  "msn",
  "pop3s",
  "llmnr",
]);
