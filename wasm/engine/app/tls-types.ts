// What a TLS transaction holds, and the numbers of its stages and events. One transaction is one connection's handshake.

import { AppTx } from "./conn";

export const TLS_CLIENT_IN_PROGRESS: u8 = 1;
export const TLS_CLIENT_HELLO: u8 = 2;
export const TLS_CLIENT_CERT: u8 = 3;
export const TLS_CLIENT_HANDSHAKE_DONE: u8 = 4;

export const TLS_SERVER_IN_PROGRESS: u8 = 1;
export const TLS_SERVER_HELLO: u8 = 2;
export const TLS_SERVER_CERT: u8 = 3;
export const TLS_SERVER_HELLO_DONE: u8 = 4;
export const TLS_SERVER_HANDSHAKE_DONE: u8 = 5;

/** ssl_state: messages in the data fed last, and since the start. */
export const TLS_STATE_CLIENT_HELLO: u32 = 1;
export const TLS_STATE_SERVER_HELLO: u32 = 2;
export const TLS_STATE_CLIENT_KEYX: u32 = 4;
export const TLS_STATE_SERVER_KEYX: u32 = 8;

export const EV_TLS_SSLV2_HEADER: u32 = 0;
export const EV_TLS_HEADER: u32 = 1;
export const EV_TLS_RECORD_VERSION: u32 = 2;
export const EV_TLS_RECORD_TYPE: u32 = 3;
export const EV_TLS_RECORD_LENGTH: u32 = 4;
export const EV_TLS_HANDSHAKE: u32 = 5;
export const EV_TLS_HEARTBEAT: u32 = 6;
export const EV_TLS_INVALID_HEARTBEAT: u32 = 7;
export const EV_TLS_OVERFLOW_HEARTBEAT: u32 = 8;
export const EV_TLS_DATALEAK_HEARTBEAT: u32 = 9;
export const EV_TLS_HANDSHAKE_LENGTH: u32 = 10;
export const EV_TLS_MULTIPLE_SNI: u32 = 11;
export const EV_TLS_SNI_TYPE: u32 = 12;
export const EV_TLS_SNI_LENGTH: u32 = 13;
export const EV_TLS_TOO_MANY_RECORDS: u32 = 14;
export const EV_TLS_ALERT: u32 = 15;
export const EV_TLS_CERTIFICATE: u32 = 16;
export const EV_TLS_CERT_LENGTH: u32 = 17;
export const EV_TLS_CERT_VERSION: u32 = 18;
export const EV_TLS_CERT_SERIAL: u32 = 19;
export const EV_TLS_CERT_ALGORITHM: u32 = 20;
export const EV_TLS_CERT_NAME: u32 = 21;
export const EV_TLS_CERT_DATE: u32 = 22;
export const EV_TLS_CERT_EXTENSIONS: u32 = 23;
export const EV_TLS_CERT_DER: u32 = 24;
export const EV_TLS_CERT_SUBJECT: u32 = 25;
export const EV_TLS_CERT_ISSUER: u32 = 26;
export const EV_TLS_CERT_VALIDITY: u32 = 27;
export const EV_TLS_ERROR: u32 = 28;
export const EV_TLS_RECORD: u32 = 29;

/** One side's hello and certificates. Pointers are into the transaction's arena. */
@unmanaged
export class TlsSide {
  /** Of the record until there is a hello, then the hello's, then what supported_versions chose. */
  version: u16;
  /** In the hello's own field. */
  helloVersion: u16;
  /** Chosen by a server. */
  cipher: u16;
  helloSeen: bool;
  certsSeen: bool;
  random: usize;
  session: usize;
  sessionLen: u32;
  sni: usize;
  sniLen: u32;
  /** Names, a length byte before each. */
  alpn: usize;
  alpnLen: u32;
  ja3: usize;
  ja3Len: u32;
  /** 32 hexadecimal digits. */
  ja3Hash: usize;
  /** 36 characters. */
  ja4: usize;
  /** The certificate list of the message: 24-bit lengths and DER. */
  certs: usize;
  certsLen: u32;
  chain: u32;
  subject: usize;
  subjectLen: u32;
  issuer: usize;
  issuerLen: u32;
  serial: usize;
  serialLen: u32;
  /** 59 characters. */
  fingerprint: usize;
  /** Subject alternative names: u16 length (little-endian, unaligned) and text. */
  sans: usize;
  sansLen: u32;
  notBefore: i64;
  notAfter: i64;
}

@unmanaged
export class TlsTx extends AppTx {
  statesNow: u32;
  statesSeen: u32;
  resumed: bool;
  /** Certificates were asked of the client. */
  clientCertAsked: bool;
}

/** The side that spoke in that direction: 0 the client, 1 the server. */
// @ts-ignore: decorator
@inline export function tlsSide(tx: usize, dir: u32): TlsSide {
  return changetype<TlsSide>(tx + ((offsetof<TlsTx>() + 7) & ~7) + <usize>dir * offsetof<TlsSide>());
}

/** GREASE values of RFC 8701: 0x0a0a, 0x1a1a, … */
// @ts-ignore: decorator
@inline export function isGrease(value: u32): bool {
  return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}
