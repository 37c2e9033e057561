// The "dns" object of EVE, version 3.

import { be16, be32, putBytes, putHex, putNumber } from "./bytes";
import {
  DNS_ADDITIONAL, DNS_ANSWER, DNS_AUTHORITY, DNS_QUERY, dnsOpcode, DnsRecord, dnsRecord, DnsTx, RDATA_NAME, RDATA_SOA, RDATA_SRV,
  RDATA_TEXT,
} from "./dns";
import {
  jsonArray, jsonArrayEnd, jsonBool, jsonBytes, jsonClose, jsonMark, jsonNumber, jsonObject, jsonOpen, jsonRewind, jsonText,
  JsonWriter,
} from "./json";

const text: usize = memory.data(1600, 16);

function typeName(type: u32): string {
  switch (type) {
    case 1: return "A";
    case 2: return "NS";
    case 5: return "CNAME";
    case 6: return "SOA";
    case 10: return "NULL";
    case 11: return "WKS";
    case 12: return "PTR";
    case 13: return "HINFO";
    case 15: return "MX";
    case 16: return "TXT";
    case 17: return "RP";
    case 18: return "AFSDB";
    case 24: return "SIG";
    case 25: return "KEY";
    case 28: return "AAAA";
    case 29: return "LOC";
    case 33: return "SRV";
    case 35: return "NAPTR";
    case 36: return "KX";
    case 37: return "CERT";
    case 39: return "DNAME";
    case 41: return "OPT";
    case 42: return "APL";
    case 43: return "DS";
    case 44: return "SSHFP";
    case 45: return "IPSECKEY";
    case 46: return "RRSIG";
    case 47: return "NSEC";
    case 48: return "DNSKEY";
    case 49: return "DHCID";
    case 50: return "NSEC3";
    case 51: return "NSEC3PARAM";
    case 52: return "TLSA";
    case 55: return "HIP";
    case 59: return "CDS";
    case 60: return "CDNSKEY";
    case 64: return "SVCB";
    case 65: return "HTTPS";
    case 99: return "SPF";
    case 249: return "TKEY";
    case 250: return "TSIG";
    case 251: return "IXFR";
    case 252: return "AXFR";
    case 255: return "ANY";
    case 256: return "URI";
    case 257: return "CAA";
    default: return "";
  }
}

function codeName(code: u32): string {
  switch (code) {
    case 0: return "NOERROR";
    case 1: return "FORMERR";
    case 2: return "SERVFAIL";
    case 3: return "NXDOMAIN";
    case 4: return "NOTIMP";
    case 5: return "REFUSED";
    case 6: return "YXDOMAIN";
    case 7: return "YXRRSET";
    case 8: return "NXRRSET";
    case 9: return "NOTAUTH";
    default: return "NOTZONE";
  }
}

function writeType(out: JsonWriter, type: u32): void {
  const name = typeName(type);
  if (name.length != 0) jsonText(out, "rrtype", name);
  else jsonBytes(out, "rrtype", text, <u32>(putNumber(text, type) - text));
}

function flag(out: JsonWriter, key: string, set: bool): void {
  if (set) jsonBool(out, key, true);
}

/** Writes `"dns":{…}`. */
export function eveDns(at: usize, out: JsonWriter): void {
  const tx = changetype<DnsTx>(at);
  const flags: u32 = tx.flags;
  jsonObject(out, "dns");
  jsonNumber(out, "version", 3);
  jsonText(out, "type", tx.response ? "response" : "request");
  jsonNumber(out, "tx_id", tx.id);
  jsonNumber(out, "id", tx.messageId);
  const end = putHex(putHex(text, flags >> 8), flags & 0xff);
  let from = text;
  while (from < end - 1 && load<u8>(from) == 48) from++;
  if (flags != 0) jsonBytes(out, "flags", from, <u32>(end - from));
  flag(out, "qr", (flags & 0x8000) != 0);
  flag(out, "aa", (flags & 0x0400) != 0);
  flag(out, "tc", (flags & 0x0200) != 0);
  flag(out, "rd", (flags & 0x0100) != 0);
  flag(out, "ra", (flags & 0x0080) != 0);
  flag(out, "z", (flags & 0x0040) != 0);
  jsonNumber(out, "opcode", dnsOpcode(at));
  if (tx.response) jsonText(out, "rcode", codeName(flags & 15));
  queries(at, tx.records, out);
  answers(at, tx.records, out, DNS_ANSWER, "answers");
  answers(at, tx.records, out, DNS_AUTHORITY, "authorities");
  answers(at, tx.records, out, DNS_ADDITIONAL, "additionals");
  jsonClose(out);
}

function queries(at: usize, count: u32, out: JsonWriter): void {
  let open = false;
  for (let i: u32 = 0; i < count; i++) {
    const record = dnsRecord(at, i);
    if (record.section != DNS_QUERY) continue;
    if (!open) jsonArray(out, "queries");
    open = true;
    jsonOpen(out);
    jsonBytes(out, "rrname", at + record.name, record.nameLen);
    writeType(out, record.rrtype);
    jsonClose(out);
  }
  if (open) jsonArrayEnd(out);
}

/** Records of a section; the list is cut where the block is full. */
function answers(at: usize, count: u32, out: JsonWriter, section: u8, key: string): void {
  let open = false;
  for (let i: u32 = 0; i < count; i++) {
    const record = dnsRecord(at, i);
    if (record.section != section || (section == DNS_ADDITIONAL && record.rrtype == 41)) continue;
    const mark = jsonMark(out);
    if (!open) jsonArray(out, key);
    jsonOpen(out);
    jsonBytes(out, "rrname", at + record.name, record.nameLen);
    writeType(out, record.rrtype);
    jsonNumber(out, "ttl", record.ttl);
    writeData(at, record, out);
    jsonClose(out);
    // The closing brackets need room too.
    if (out.overflow || out.len + 64 > out.capacity) {
      jsonRewind(out, mark);
      break;
    }
    open = true;
  }
  if (open) jsonArrayEnd(out);
}

function writeData(at: usize, record: DnsRecord, out: JsonWriter): void {
  const ptr = at + record.rdata;
  const len: u32 = record.rdataLen;
  const type: u32 = record.rrtype;
  if (record.form == RDATA_NAME) jsonBytes(out, "rdata", ptr, len);
  else if (record.form == RDATA_SOA) writeSoa(ptr, out);
  else if (record.form == RDATA_TEXT) writeText(ptr, len, out);
  else if (record.form == RDATA_SRV) {
    jsonObject(out, "srv");
    jsonNumber(out, "priority", be16(ptr));
    jsonNumber(out, "weight", be16(ptr + 2));
    jsonNumber(out, "port", be16(ptr + 4));
    jsonBytes(out, "name", ptr + 6, len - 6);
    jsonClose(out);
  } else if (type == 1 && len == 4) jsonBytes(out, "rdata", text, ipv4(text, ptr));
  else if (type == 28 && len == 16) jsonBytes(out, "rdata", text, ipv6(text, ptr));
  else if (type == 44 && len > 2) {
    jsonObject(out, "sshfp");
    let to = text;
    for (let i: u32 = 2; i < len && i < 258; i++) {
      if (i != 2) store<u8>(to++, 58);
      to = putHex(to, load<u8>(ptr + i));
    }
    jsonBytes(out, "fingerprint", text, <u32>(to - text));
    jsonNumber(out, "algo", load<u8>(ptr));
    jsonNumber(out, "type", load<u8>(ptr, 1));
    jsonClose(out);
  }
}

/** The character-strings of a TXT record, joined. */
function writeText(ptr: usize, len: u32, out: JsonWriter): void {
  let to = text;
  let i: u32 = 0;
  while (i < len) {
    const n = min<u32>(load<u8>(ptr + i), len - i - 1);
    to = putBytes(to, ptr + i + 1, min<u32>(n, <u32>(text + 1500 - to)));
    i += 1 + n;
  }
  jsonBytes(out, "rdata", text, <u32>(to - text));
}

function writeSoa(ptr: usize, out: JsonWriter): void {
  const first: u32 = load<u16>(ptr);
  const second: u32 = load<u16>(ptr + 2 + first);
  const numbers = ptr + 4 + first + second;
  jsonObject(out, "soa");
  jsonBytes(out, "mname", ptr + 2, first);
  jsonBytes(out, "rname", ptr + 4 + first, second);
  jsonNumber(out, "serial", be32(numbers));
  jsonNumber(out, "refresh", be32(numbers + 4));
  jsonNumber(out, "retry", be32(numbers + 8));
  jsonNumber(out, "expire", be32(numbers + 12));
  jsonNumber(out, "minimum", be32(numbers + 16));
  jsonClose(out);
}

function ipv4(to: usize, ptr: usize): u32 {
  let at = to;
  for (let i: usize = 0; i < 4; i++) {
    if (i != 0) store<u8>(at++, 46);
    at = putNumber(at, load<u8>(ptr + i));
  }
  return <u32>(at - to);
}

/** Eight groups of four digits, as Suricata writes addresses. */
function ipv6(to: usize, ptr: usize): u32 {
  let at = to;
  for (let i: usize = 0; i < 16; i++) {
    if (i != 0 && (i & 1) == 0) store<u8>(at++, 58);
    at = putHex(at, load<u8>(ptr + i));
  }
  return <u32>(at - to);
}
