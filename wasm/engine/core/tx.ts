// What every protocol's transaction starts with. A transaction is one exchange that rules are evaluated on: an HTTP request and
// its response, a DNS question or answer, a TLS handshake, an SMTP mail, an FTP command, an SMB message. Rules and their state
// know only this head; what is inside is the protocol's own.

export const PROTO_UNKNOWN: u8 = 0;
export const PROTO_FAILED: u8 = 1;
export const PROTO_HTTP: u8 = 2;
export const PROTO_TLS: u8 = 3;
export const PROTO_DNS: u8 = 4;
export const PROTO_SMTP: u8 = 5;
export const PROTO_FTP: u8 = 6;
export const PROTO_FTP_DATA: u8 = 7;
export const PROTO_SSH: u8 = 8;
export const PROTO_SMB: u8 = 9;
export const PROTO_DCERPC: u8 = 10;
/** Recognized by content, not parsed. */
export const PROTO_HTTP2: u8 = 11;
export const PROTO_QUIC: u8 = 12;
export const PROTO_IMAP: u8 = 13;
export const PROTO_POP3: u8 = 14;
export const PROTO_NTP: u8 = 15;
export const PROTO_DHCP: u8 = 16;
export const PROTO_SNMP: u8 = 17;
export const PROTO_TFTP: u8 = 18;
export const PROTO_KRB5: u8 = 19;
export const PROTO_SIP: u8 = 20;
export const PROTO_RDP: u8 = 21;
export const PROTO_MQTT: u8 = 22;
export const PROTO_TELNET: u8 = 23;
export const PROTO_IKE: u8 = 24;
export const PROTO_NFS: u8 = 25;
export const PROTO_RFB: u8 = 26;
export const PROTO_MODBUS: u8 = 27;
export const PROTO_DNP3: u8 = 28;
export const PROTO_ENIP: u8 = 29;

/** Directions, as indexes: 0 to the server, 1 to the client. */
export const TO_SERVER: u32 = 0;
export const TO_CLIENT: u32 = 1;

/** Progress of one direction: protocols number their stages from 1; this is "all of it has been seen". */
export const TX_COMPLETE: u8 = 255;

@unmanaged
export class Tx {
  /** Next transaction of the flow, oldest first; 0 at the end. */
  next: usize;
  /** State that rule evaluation keeps for this transaction: owned and freed by the engine (onTxFree). */
  detect: usize;
  /** Application-layer events of this transaction: bit n is the protocol's event n (its table says the name). */
  events: u64;
  /** Counts up in the flow. */
  id: u32;
  proto: u8;
  /** Stage reached by each direction; only grows. */
  progressToServer: u8;
  progressToClient: u8;
  /** Nothing more will come; the engine frees it after its last evaluation. */
  done: bool;
  /** Position in each direction's stream where the transaction starts. */
  startToServer: u64;
  startToClient: u64;
}
