// X.509 certificates (RFC 5280): names as Suricata writes them, serial, validity, alternative names.

import { be16, be32, put, putBytes, putHex, putNumber } from "./bytes";
import { der, derAt, derEnd, derIs, derShort, derTag } from "./der";
import {
  EV_TLS_CERT_ALGORITHM, EV_TLS_CERT_DATE, EV_TLS_CERT_DER, EV_TLS_CERT_EXTENSIONS, EV_TLS_CERT_LENGTH, EV_TLS_CERT_NAME,
  EV_TLS_CERT_SERIAL, EV_TLS_CERT_VALIDITY, EV_TLS_CERT_VERSION,
} from "./tls-types";

const TEXT: u32 = 8192;

/** What the last certificate said; names and numbers are in scratch memory, to be copied. */
export const subjectText: usize = memory.data(8704, 16);
export const issuerText: usize = memory.data(8704, 16);
export const serialText: usize = memory.data(512, 16);
export const sansText: usize = memory.data(8192, 16);
export let subjectLen: u32 = 0;
export let issuerLen: u32 = 0;
export let serialLen: u32 = 0;
export let sansLen: u32 = 0;
export let notBefore: i64 = 0;
export let notAfter: i64 = 0;

/** Reads a certificate; -1 when it is one, else the number of the event that says what is wrong. */
export function readX509(ptr: usize, len: u32): i32 {
  const wrong = fields(ptr, len);
  return wrong >= 0 && derShort ? <i32>EV_TLS_CERT_LENGTH : wrong;
}

function fields(ptr: usize, len: u32): i32 {
  subjectLen = 0;
  issuerLen = 0;
  serialLen = 0;
  sansLen = 0;
  if (!derIs(ptr, ptr + len, 0x30)) return EV_TLS_CERT_DER;
  if (!derIs(derAt, derEnd, 0x30)) return EV_TLS_CERT_DER;
  const end = derEnd;
  let at = derAt;
  if (!der(at, end)) return EV_TLS_CERT_DER;
  if (derTag == 0xa0) {
    at = derEnd;
    if (!derIs(derAt, derEnd, 2)) return EV_TLS_CERT_VERSION;
  }
  if (!derIs(at, end, 2) || derAt == derEnd) return EV_TLS_CERT_SERIAL;
  at = derEnd;
  serial(derAt, <u32>(derEnd - derAt));
  if (!derIs(at, end, 0x30)) return EV_TLS_CERT_ALGORITHM;
  at = derEnd;
  if (!derIs(derAt, derEnd, 6)) return EV_TLS_CERT_ALGORITHM;
  if (!derIs(at, end, 0x30)) return EV_TLS_CERT_NAME;
  at = derEnd;
  const issuer = names(derAt, derEnd, issuerText);
  if (issuer < 0) return EV_TLS_CERT_NAME;
  issuerLen = issuer;
  if (!derIs(at, end, 0x30)) return EV_TLS_CERT_VALIDITY;
  at = derEnd;
  const validityEnd = derEnd;
  if (!der(derAt, validityEnd)) return EV_TLS_CERT_VALIDITY;
  const second = derEnd;
  notBefore = time(derTag, derAt, <u32>(derEnd - derAt));
  if (!der(second, validityEnd)) return EV_TLS_CERT_VALIDITY;
  notAfter = time(derTag, derAt, <u32>(derEnd - derAt));
  if (notBefore == i64.MIN_VALUE || notAfter == i64.MIN_VALUE) return EV_TLS_CERT_DATE;
  if (!derIs(at, end, 0x30)) return EV_TLS_CERT_NAME;
  at = derEnd;
  const subject = names(derAt, derEnd, subjectText);
  if (subject < 0) return EV_TLS_CERT_NAME;
  subjectLen = subject;
  if (!derIs(at, end, 0x30)) return EV_TLS_CERT_DER;
  at = derEnd;
  while (at < end) {
    if (!der(at, end)) return EV_TLS_CERT_DER;
    at = derEnd;
    if (derTag == 0xa3 && !extensions(derAt, derEnd)) return EV_TLS_CERT_EXTENSIONS;
  }
  return -1;
}

/** "00:97:E6": all bytes, with a leading zero when there is one. */
function serial(ptr: usize, len: u32): void {
  let to = serialText;
  const n = min<u32>(len, 128);
  for (let i: u32 = 0; i < n; i++) {
    if (i != 0) store<u8>(to++, 58);
    const byte: u32 = load<u8>(ptr + i);
    store<u8>(to, hexCapital(byte >> 4));
    store<u8>(to, hexCapital(byte & 15), 1);
    to += 2;
  }
  serialLen = <u32>(to - serialText);
}

function hexCapital(value: u32): u32 {
  return value < 10 ? 48 + value : 55 + value;
}

/** A Name as "C=US, O=…, CN=…" in the order of the certificate; its length, or -1. */
function names(from: usize, end: usize, text: usize): i32 {
  let at = from;
  let to = text;
  while (at < end) {
    if (!derIs(at, end, 0x31)) return -1;
    const setEnd = derEnd;
    let item = derAt;
    const start = to;
    let parts = 0;
    if (to != text) to = put(to, ", ");
    while (item < setEnd) {
      if (!derIs(item, setEnd, 0x30)) return -1;
      const itemEnd = derEnd;
      if (!derIs(derAt, itemEnd, 6)) return -1;
      const oid = derAt;
      const oidLen = <u32>(derEnd - derAt);
      if (!der(derEnd, itemEnd)) return -1;
      if (parts++ != 0) to = put(to, " + ");
      if (<u32>(to - text) + oidLen * 4 + 32 > TEXT) return <i32>(start - text);
      to = attributeName(to, oid, oidLen);
      store<u8>(to++, 61);
      to = attributeValue(to, text + TEXT, derTag, derAt, <u32>(derEnd - derAt));
      item = itemEnd;
    }
    at = setEnd;
  }
  return <i32>(to - text);
}

/** Short names of the attributes that certificates have; others as dotted numbers. */
function attributeName(to: usize, oid: usize, len: u32): usize {
  if (len == 3 && be16(oid) == 0x5504) {
    const n: u32 = load<u8>(oid, 2);
    if (n == 3) return put(to, "CN");
    if (n == 4) return put(to, "SN");
    if (n == 5) return put(to, "serialNumber");
    if (n == 6) return put(to, "C");
    if (n == 7) return put(to, "L");
    if (n == 8) return put(to, "ST");
    if (n == 9) return put(to, "STREET");
    if (n == 10) return put(to, "O");
    if (n == 11) return put(to, "OU");
    if (n == 12) return put(to, "title");
    if (n == 13) return put(to, "description");
    if (n == 15) return put(to, "businessCategory");
    if (n == 16) return put(to, "postalAddress");
    if (n == 17) return put(to, "postalCode");
    if (n == 41) return put(to, "name");
    if (n == 42) return put(to, "givenName");
    if (n == 43) return put(to, "initials");
    if (n == 45) return put(to, "x500UniqueIdentifier");
    if (n == 46) return put(to, "dnQualifier");
    if (n == 65) return put(to, "pseudonym");
  }
  // 1.2.840.113549.1.9.1 and 0.9.2342.19200300.100.1.25 / .1
  if (len == 9 && be32(oid) == 0x2a864886 && be32(oid + 4) == 0xf70d0109 && load<u8>(oid, 8) == 1) return put(to, "Email");
  if (len == 10 && be32(oid) == 0x09922689 && be32(oid + 4) == 0x93f22c64 && load<u8>(oid, 8) == 1) {
    if (load<u8>(oid, 9) == 25) return put(to, "DC");
    if (load<u8>(oid, 9) == 1) return put(to, "UID");
  }
  // 1.3.6.1.4.1.311.60.2.1.x
  if (len == 11 && be32(oid) == 0x2b060104 && be32(oid + 4) == 0x0182373c && be16(oid + 8) == 0x0201) {
    const n: u32 = load<u8>(oid, 10);
    if (n == 1) return put(to, "jurisdictionL");
    if (n == 2) return put(to, "jurisdictionST");
    if (n == 3) return put(to, "jurisdictionC");
  }
  return dotted(to, oid, len);
}

function dotted(to: usize, oid: usize, len: u32): usize {
  let at = to;
  let value: u32 = 0;
  let first = true;
  for (let i: u32 = 0; i < len; i++) {
    const byte: u32 = load<u8>(oid + i);
    value = (value << 7) | (byte & 0x7f);
    if ((byte & 0x80) != 0) continue;
    if (first) {
      const top = min<u32>(value / 40, 2);
      at = putNumber(at, top);
      store<u8>(at++, 46);
      at = putNumber(at, value - 40 * top);
      first = false;
    } else {
      store<u8>(at++, 46);
      at = putNumber(at, value);
    }
    value = 0;
  }
  return at;
}

/** Text as it is; strings of two bytes a character as ASCII where they are; others in hexadecimal. */
function attributeValue(to: usize, limit: usize, tag: u32, ptr: usize, len: u32): usize {
  const room = limit > to ? <u32>(limit - to) : 0;
  const ascii = tag == 12 || tag == 18 || tag == 19 || tag == 20 || tag == 22 || tag == 26 || tag == 27;
  if (ascii) return putBytes(to, ptr, min(len, room));
  let at = to;
  if (tag == 30) {
    for (let i: u32 = 0; i + 2 <= len && at < limit; i += 2) store<u8>(at++, load<u8>(ptr + i) == 0 ? load<u8>(ptr + i + 1) : 63);
    return at;
  }
  for (let i: u32 = 0; i < len && at + 2 <= limit; i++) at = putHex(at, load<u8>(ptr + i));
  return at;
}

// @ts-ignore: decorator
@inline function two(ptr: usize): i32 {
  const a = <i32>load<u8>(ptr) - 48;
  const b = <i32>load<u8>(ptr, 1) - 48;
  return <u32>a > 9 || <u32>b > 9 ? -1000000 : a * 10 + b;
}

/** UTCTime or GeneralizedTime in seconds since 1970, or i64.MIN_VALUE. */
function time(tag: u32, ptr: usize, len: u32): i64 {
  let at = ptr;
  let year: i32;
  if (tag == 23 && len >= 11) {
    year = two(at);
    year += year < 50 ? 2000 : 1900;
    at += 2;
  } else if (tag == 24 && len >= 13) {
    year = two(at) * 100 + two(at + 2);
    at += 4;
  } else return i64.MIN_VALUE;
  const month = two(at);
  const day = two(at + 2);
  const hour = two(at + 4);
  const minute = two(at + 6);
  const rest = len - <u32>(at - ptr);
  const second = rest >= 11 ? two(at + 8) : 0;
  if (year < 0 || <u32>(month - 1) > 11 || <u32>(day - 1) > 30 || <u32>hour > 23 || <u32>minute > 59 || <u32>second > 60) {
    return i64.MIN_VALUE;
  }
  return days(year, month, day) * 86400 + <i64>(hour * 3600 + minute * 60 + second);
}

/** Days from 1970-01-01 (Howard Hinnant's days_from_civil). */
function days(year: i32, month: i32, day: i32): i64 {
  const y = month <= 2 ? year - 1 : year;
  const era = y / 400;
  const ofEra = y - era * 400;
  const ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return <i64>era * 146097 + <i64>(ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear) - 719468;
}

/** Finds subjectAltName (2.5.29.17); false when the list is damaged. */
function extensions(from: usize, end: usize): bool {
  if (!derIs(from, end, 0x30)) return false;
  const listEnd = derEnd;
  let at = derAt;
  while (at < listEnd) {
    if (!derIs(at, listEnd, 0x30)) return false;
    const itemEnd = derEnd;
    at = itemEnd;
    if (!derIs(derAt, itemEnd, 6)) return false;
    const isSan = derEnd - derAt == 3 && be16(derAt) == 0x551d && load<u8>(derAt, 2) == 17;
    let value = derEnd;
    if (!isSan) continue;
    if (derIs(value, itemEnd, 1)) value = derEnd;
    if (!derIs(value, itemEnd, 4)) return false;
    if (!alternatives(derAt, derEnd)) return false;
  }
  return true;
}

/** GeneralNames: DNS names, mail addresses and URIs as text, addresses as Suricata writes them. */
function alternatives(from: usize, end: usize): bool {
  if (!derIs(from, end, 0x30)) return false;
  const listEnd = derEnd;
  let at = derAt;
  while (at < listEnd) {
    if (!der(at, listEnd)) return false;
    at = derEnd;
    const len = <u32>(derEnd - derAt);
    if (sansLen + 64 + len > 8192) return true;
    const start = sansText + sansLen + 2;
    let to = start;
    if (derTag == 0x82 || derTag == 0x81 || derTag == 0x86) to = putBytes(to, derAt, len);
    else if (derTag == 0x87 && len == 4) {
      for (let i: u32 = 0; i < 4; i++) {
        if (i != 0) store<u8>(to++, 46);
        to = putNumber(to, load<u8>(derAt + i));
      }
    } else if (derTag == 0x87 && len == 16) {
      for (let i: u32 = 0; i < 16; i++) {
        if (i != 0 && (i & 1) == 0) store<u8>(to++, 58);
        to = putHex(to, load<u8>(derAt + i));
      }
    } else continue;
    store<u16>(start - 2, <u16>(to - start));
    sansLen += 2 + <u32>(to - start);
  }
  return true;
}
