// What rules see of a TLS transaction, and its "tls" object of EVE.

import { put, putNumber } from "./bytes";
import {
  BUF_JA3_HASH, BUF_JA3_STRING, BUF_JA3S_HASH, BUF_JA3S_STRING, BUF_JA4_HASH, BUF_TLS_ALPN, BUF_TLS_CERT_FINGERPRINT,
  BUF_TLS_CERT_ISSUER, BUF_TLS_CERT_SERIAL, BUF_TLS_CERT_SUBJECT, BUF_TLS_CERTS, BUF_TLS_RANDOM, BUF_TLS_RANDOM_BYTES,
  BUF_TLS_RANDOM_TIME, BUF_TLS_SNI, BUF_TLS_SUBJECTALTNAME, BUF_TLS_VERSION,
} from "./buffers";
import {
  jsonArray, jsonArrayEnd, jsonBool, jsonBytes, jsonBytesIf, jsonClose, jsonItem, jsonObject, jsonText, JsonWriter,
} from "./json";
import { noSpan, span, spanLen } from "./span";
import { tlsAlternative, tlsCertificate } from "./tls-certs";
import { TlsSide, tlsSide, TlsTx } from "./tls-types";

const text: usize = memory.data(64, 16);

/** Version in that direction: 0x0002 SSLv2, 0x0300 to 0x0304, drafts 0x7f.., 0 unknown. */
export function tlsVersion(tx: usize, dir: u32): u32 {
  return tlsSide(tx, dir).version;
}

/** Messages in the data that was fed last (TLS_STATE_ bits). */
export function tlsStates(tx: usize): u32 {
  return changetype<TlsTx>(tx).statesNow;
}

/** Messages since the start (TLS_STATE_ bits). */
export function tlsStatesSeen(tx: usize): u32 {
  return changetype<TlsTx>(tx).statesSeen;
}

export function tlsChainLen(tx: usize, dir: u32): u32 {
  return tlsSide(tx, dir).chain;
}

/** Seconds since 1970 of the first certificate; 0 when there is none. */
export function tlsNotBefore(tx: usize, dir: u32): i64 {
  return tlsSide(tx, dir).notBefore;
}

export function tlsNotAfter(tx: usize, dir: u32): i64 {
  return tlsSide(tx, dir).notAfter;
}

function versionText(version: u32): string {
  if (version == 0x0304) return "1.3";
  if (version == 0x0303) return "1.2";
  if (version == 0x0302) return "1.1";
  if (version == 0x0301) return "1.0";
  if (version == 0x0300) return "ssl3";
  if (version == 0x0002) return "ssl2";
  return "";
}

function some(ptr: usize, len: u32): usize {
  return ptr == 0 ? noSpan() : span(ptr, len);
}

/** Name number `index` of the side's ALPN list. */
function alpn(side: TlsSide, index: u32): usize {
  let pos: u32 = 0;
  for (let i: u32 = 0; pos < side.alpnLen; i++) {
    const size: u32 = load<u8>(side.alpn + pos);
    if (pos + 1 + size > side.alpnLen) break;
    if (i == index) return span(side.alpn + pos + 1, size);
    pos += 1 + size;
  }
  return noSpan();
}

export function tlsBuffer(tx: usize, buffer: u32, index: u32, dir: u32): usize {
  const side = tlsSide(tx, dir);
  if (buffer == BUF_TLS_CERTS) return tlsCertificate(side, index);
  if (buffer == BUF_TLS_SUBJECTALTNAME) return tlsAlternative(side, index);
  if (buffer == BUF_TLS_ALPN) return alpn(side, index);
  if (index != 0) return noSpan();
  switch (buffer) {
    case BUF_TLS_SNI: return some(tlsSide(tx, 0).sni, tlsSide(tx, 0).sniLen);
    case BUF_TLS_CERT_SUBJECT: return some(side.subject, side.subjectLen);
    case BUF_TLS_CERT_ISSUER: return some(side.issuer, side.issuerLen);
    case BUF_TLS_CERT_SERIAL: return some(side.serial, side.serialLen);
    case BUF_TLS_CERT_FINGERPRINT: return some(side.fingerprint, 59);
    case BUF_TLS_RANDOM: return some(side.random, 32);
    case BUF_TLS_RANDOM_TIME: return some(side.random, 4);
    case BUF_TLS_RANDOM_BYTES: return side.random == 0 ? noSpan() : span(side.random + 4, 28);
    case BUF_JA3_STRING: return some(tlsSide(tx, 0).ja3, tlsSide(tx, 0).ja3Len);
    case BUF_JA3_HASH: return some(tlsSide(tx, 0).ja3Hash, 32);
    case BUF_JA3S_STRING: return some(tlsSide(tx, 1).ja3, tlsSide(tx, 1).ja3Len);
    case BUF_JA3S_HASH: return some(tlsSide(tx, 1).ja3Hash, 32);
    case BUF_JA4_HASH: return some(tlsSide(tx, 0).ja4, 36);
    case BUF_TLS_VERSION: {
      const name = versionText(side.version);
      if (name.length == 0) return noSpan();
      put(text, name);
      return span(text, name.length);
    }
    default: return noSpan();
  }
}

/** `"key":"2003-03-29T00:57:44"` */
function jsonTime(out: JsonWriter, key: string, seconds: i64): void {
  if (seconds == 0) return;
  let days = seconds / 86400;
  let rest = <i32>(seconds % 86400);
  if (rest < 0) {
    rest += 86400;
    days--;
  }
  // Civil date from days (Howard Hinnant's civil_from_days).
  const z = <i32>days + 719468;
  const era = (z >= 0 ? z : z - 146096) / 146097;
  const ofEra = z - era * 146097;
  const yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146096) / 365;
  const ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shifted = (5 * ofYear + 2) / 153;
  const day = ofYear - (153 * shifted + 2) / 5 + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  let to = pad(text, year, 4);
  store<u8>(to++, 45);
  to = pad(to, month, 2);
  store<u8>(to++, 45);
  to = pad(to, day, 2);
  store<u8>(to++, 84);
  to = pad(to, rest / 3600, 2);
  store<u8>(to++, 58);
  to = pad(to, rest / 60 % 60, 2);
  store<u8>(to++, 58);
  to = pad(to, rest % 60, 2);
  jsonBytes(out, key, text, <u32>(to - text));
}

function pad(to: usize, value: i32, digits: i32): usize {
  let at = to;
  let limit = 1;
  for (let i = 1; i < digits; i++) limit *= 10;
  for (; limit > 1 && value < limit; limit /= 10) store<u8>(at++, 48);
  return putNumber(at, <u64>max(value, 0));
}

function eveJa3(side: TlsSide, key: string, out: JsonWriter): void {
  if (side.ja3 == 0) return;
  jsonObject(out, key);
  jsonBytes(out, "hash", side.ja3Hash, 32);
  jsonBytes(out, "string", side.ja3, side.ja3Len);
  jsonClose(out);
}

/** Writes `"tls":{…}`. */
export function eveTls(tx: usize, out: JsonWriter): void {
  const client = tlsSide(tx, 0);
  const server = tlsSide(tx, 1);
  jsonObject(out, "tls");
  jsonBytesIf(out, "subject", server.subject, server.subjectLen);
  jsonBytesIf(out, "issuerdn", server.issuer, server.issuerLen);
  jsonBytesIf(out, "serial", server.serial, server.serialLen);
  jsonBytesIf(out, "fingerprint", server.fingerprint, 59);
  if (changetype<TlsTx>(tx).resumed) jsonBool(out, "session_resumed", true);
  jsonBytesIf(out, "sni", client.sni, client.sniLen);
  const version: u32 = server.version != 0 ? server.version : client.version;
  if (version == 0x0304) jsonText(out, "version", "TLS 1.3");
  else if (version == 0x0303) jsonText(out, "version", "TLS 1.2");
  else if (version == 0x0302) jsonText(out, "version", "TLS 1.1");
  else if (version == 0x0301) jsonText(out, "version", "TLSv1");
  else if (version == 0x0300) jsonText(out, "version", "SSLv3");
  else if (version == 0x0002) jsonText(out, "version", "SSLv2");
  else if (version >> 8 == 0x7f) jsonText(out, "version", "TLS 1.3 draft");
  else jsonText(out, "version", "UNDETERMINED");
  if (server.subject != 0) {
    jsonTime(out, "notbefore", server.notBefore);
    jsonTime(out, "notafter", server.notAfter);
  }
  eveJa3(client, "ja3", out);
  eveJa3(server, "ja3s", out);
  jsonBytesIf(out, "ja4", client.ja4, 36);
  if (client.alpn != 0) {
    jsonArray(out, "client_alpns");
    for (let i: u32 = 0; ; i++) {
      const at = alpn(client, i);
      if (at == 0) break;
      jsonItem(out, at, spanLen);
    }
    jsonArrayEnd(out);
  }
  if (tlsAlternative(server, 0) != 0) {
    jsonArray(out, "subjectaltname");
    for (let i: u32 = 0; i < 64; i++) {
      const at = tlsAlternative(server, i);
      if (at == 0) break;
      jsonItem(out, at, spanLen);
    }
    jsonArrayEnd(out);
  }
  jsonClose(out);
}
