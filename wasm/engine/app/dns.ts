// DNS (RFC 1035) over UDP and TCP. As in Suricata, each question and each answer is a transaction of its own. A transaction is
// one block: the head, its records, and the bytes that records point at by offset.

import { Buffer, bufferAppend, bufferDrop, bufferFree } from "../core/buffer";
import { give, take } from "../core/memory";
import { PROTO_DNS, TX_COMPLETE } from "../core/tx";
import { be16, be32 } from "./bytes";
import { AppConn, AppTx, bufferNew, MAX_LIVE_TX, txLink } from "./conn";
import { DNS_MAX_NAME, nameEnd, nameFlags, nameLength, readName } from "./dns-name";
import { noSpan, span } from "./span";

export const DNS_MALFORMED: u32 = 0;
export const DNS_NOT_REQUEST: u32 = 1;
export const DNS_NOT_RESPONSE: u32 = 2;
export const DNS_Z_FLAG: u32 = 3;
export const DNS_INVALID_OPCODE: u32 = 4;
const DNS_NAME_EVENTS: u32 = 5;
export const DNS_INVALID_ADDITIONALS: u32 = 8;
export const DNS_INVALID_AUTHORITIES: u32 = 9;

export const DNS_QUERY: u8 = 0;
export const DNS_ANSWER: u8 = 1;
export const DNS_AUTHORITY: u8 = 2;
export const DNS_ADDITIONAL: u8 = 3;

/** How rdata is kept: as it is, as a name, or with a head (see rdata()). */
export const RDATA_RAW: u8 = 0;
export const RDATA_NAME: u8 = 1;
export const RDATA_SOA: u8 = 2;
export const RDATA_SRV: u8 = 3;
export const RDATA_TEXT: u8 = 4;

const MAX_RECORDS: u32 = 512;
const MAX_BYTES: u32 = 65536;
const MAX_MESSAGE: u32 = 65535;

@unmanaged
export class DnsRecord {
  /** Offsets from the start of the transaction. */
  name: u32;
  rdata: u32;
  nameLen: u16;
  rdataLen: u16;
  ttl: u32;
  rrtype: u16;
  rrclass: u16;
  section: u8;
  form: u8;
}

@unmanaged
export class DnsTx extends AppTx {
  /** 0 a question, 1 an answer. */
  response: u8;
  messageId: u16;
  flags: u16;
  records: u32;
}

/** Behind DnsConn's two TCP buffers there is nothing to keep: messages stand alone. */
@unmanaged
class DnsConn {
  toServer: usize;
  toClient: usize;
  /** After a gap: where the next message starts is not known. */
  lostToServer: bool;
  lostToClient: bool;
}

const RECORD: u32 = 24;
const records: usize = memory.data(12288, 16);
const bytes: usize = memory.data(70016, 16);
const scratchName: usize = memory.data(1040, 16);
let recordCount: u32 = 0;
let byteCount: u32 = 0;
let oddNames: u32 = 0;

// @ts-ignore: decorator
@inline function recordAt(i: u32): DnsRecord {
  return changetype<DnsRecord>(records + <usize>(i * RECORD));
}

/** Whether the bytes can be a DNS message of a sane shape: 1 a question, 2 an answer, 0 no, -1 too few bytes to tell. */
export function dnsShape(ptr: usize, len: u32): i32 {
  if (len < 12) return -1;
  const flags = be16(ptr + 2);
  const questions = be16(ptr + 4);
  const total = questions + be16(ptr + 6) + be16(ptr + 8) + be16(ptr + 10);
  if (total * 2 > len || total == 0) return 0;
  const opcode = (flags >> 11) & 15;
  if (opcode > 6 || (flags & 15) > 11) return 0;
  if (questions > 16) return 0;
  const answer = (flags & 0x8000) != 0;
  if (!answer && (flags & 0x0680) != 0) return 0;
  let at: u32 = 12;
  for (let i: u32 = 0; i < questions; i++) {
    if (!readName(ptr, len, at, scratchName)) return 0;
    at = nameEnd;
    if (at + 4 > len) return 0;
    const type = be16(ptr + at);
    const rrclass = be16(ptr + at + 2);
    if (type == 0 || ((rrclass & 0x7fff) > 4 && (rrclass & 0x7fff) - 254 > 1)) return 0;
    at += 4;
  }
  return answer ? 2 : 1;
}

/** One message over UDP. False when it is no DNS at all. */
export function dnsMessage(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  if (len < 12) return false;
  const flags = be16(ptr + 2);
  const questions = be16(ptr + 4);
  const answers = be16(ptr + 6);
  const authorities = be16(ptr + 8);
  const additionals = be16(ptr + 10);
  if ((questions + answers + authorities + additionals) * 2 > len) return false;
  recordCount = 0;
  byteCount = 0;
  oddNames = 0;
  let events: u64 = 0;
  let at: u32 = 12;
  let good = true;
  for (let i: u32 = 0; i < questions && good; i++) {
    at = question(ptr, len, at);
    good = at != 0;
  }
  if (good) at = section(ptr, len, at, answers, DNS_ANSWER);
  if (at == 0) good = false;
  if (!good) {
    recordCount = 0;
    byteCount = 0;
    events = 1 << DNS_MALFORMED;
  } else {
    // What is wrong behind the answers leaves the answers as they are.
    at = section(ptr, len, at, authorities, DNS_AUTHORITY);
    if (at == 0) events |= 1 << DNS_INVALID_AUTHORITIES;
    else if (section(ptr, len, at, additionals, DNS_ADDITIONAL) == 0) events |= 1 << DNS_INVALID_ADDITIONALS;
  }
  const response: u32 = (flags & 0x8000) != 0 ? 1 : 0;
  if (response != dir) events |= dir == 0 ? 1 << DNS_NOT_REQUEST : 1 << DNS_NOT_RESPONSE;
  if ((flags & 0x40) != 0) events |= 1 << DNS_Z_FLAG;
  if (((flags >> 11) & 15) > 6) events |= 1 << DNS_INVALID_OPCODE;
  if (good) events |= (<u64>oddNames) << DNS_NAME_EVENTS;
  return publish(conn, dir, response, be16(ptr), flags, events);
}

function publish(conn: AppConn, dir: u32, response: u32, id: u32, flags: u32, events: u64): bool {
  const head = (<u32>offsetof<DnsTx>() + 7) & ~7;
  const used = recordCount * RECORD;
  const at = conn.live < MAX_LIVE_TX ? take(head + used + byteCount) : 0;
  if (at == 0) {
    conn.refused++;
    return true;
  }
  memory.fill(at, 0, head);
  memory.copy(at + head, records, used);
  memory.copy(at + head + used, bytes, byteCount);
  for (let i: u32 = 0; i < recordCount; i++) {
    const record = changetype<DnsRecord>(at + head + <usize>(i * RECORD));
    record.name += head + used;
    record.rdata += head + used;
  }
  const tx = changetype<DnsTx>(at);
  tx.records = recordCount;
  tx.response = <u8>response;
  tx.messageId = <u16>id;
  tx.flags = <u16>flags;
  tx.events = events;
  // Only the direction that it went has progress: rules of the other one have nothing to see.
  if (dir == 0) tx.progressToServer = TX_COMPLETE;
  else tx.progressToClient = TX_COMPLETE;
  tx.done = true;
  txLink(conn, PROTO_DNS, at);
  return true;
}

/** Copies a name into the scratch bytes; false when it is damaged. Sets nameEnd. */
function keepName(msg: usize, len: u32, at: u32): bool {
  if (!readName(msg, len, at, bytes + byteCount)) return false;
  oddNames |= nameFlags;
  return true;
}

function newRecord(type: u32, rrclass: u32, kind: u8): DnsRecord | null {
  if (recordCount >= MAX_RECORDS || byteCount >= MAX_BYTES) return null;
  const record = recordAt(recordCount++);
  record.rrtype = <u16>type;
  record.rrclass = <u16>rrclass;
  record.section = kind;
  record.ttl = 0;
  record.form = RDATA_RAW;
  record.rdata = 0;
  record.rdataLen = 0;
  record.name = 0;
  record.nameLen = 0;
  return record;
}

/** One entry of the question section; returns where it ends, or 0. */
function question(msg: usize, len: u32, at: u32): u32 {
  if (!keepName(msg, len, at)) return 0;
  const end = nameEnd;
  const nameLen = nameLength;
  if (end + 4 > len) return 0;
  const record = newRecord(be16(msg + end), be16(msg + end + 2), DNS_QUERY);
  if (record !== null) {
    record.name = byteCount;
    record.nameLen = <u16>nameLen;
    byteCount += nameLen;
  }
  return end + 4;
}

/** A section of resource records; returns where it ends, or 0 when it is damaged. */
function section(msg: usize, len: u32, from: u32, count: u32, kind: u8): u32 {
  let at = from;
  for (let i: u32 = 0; i < count; i++) {
    if (!keepName(msg, len, at)) return 0;
    const end = nameEnd;
    const nameLen = nameLength;
    if (end + 10 > len) return 0;
    const type = be16(msg + end);
    const size = be16(msg + end + 8);
    const data = end + 10;
    if (data + size > len) return 0;
    const record = newRecord(type, be16(msg + end + 2), kind);
    if (record !== null) {
      record.ttl = be32(msg + end + 4);
      record.name = byteCount;
      record.nameLen = <u16>nameLen;
      byteCount += nameLen;
      if (!rdata(record, msg, len, data, size)) return 0;
    }
    at = data + size;
  }
  return at;
}

/** Keeps the record's data in its form; false when a name in it is damaged. */
function rdata(record: DnsRecord, msg: usize, len: u32, at: u32, size: u32): bool {
  record.rdata = byteCount;
  const type: u32 = record.rrtype;
  if (size == 0) return true;
  if (type == 5 || type == 2 || type == 12 || type == 39) return rdataName(record, msg, len, at);
  if (type == 15 && size > 2) return rdataName(record, msg, len, at + 2);
  if (type == 6) return rdataSoa(record, msg, len, at, at + size);
  if (type == 33 && size > 6) {
    memory.copy(bytes + byteCount, msg + at, 6);
    if (!readName(msg, len, at + 6, bytes + byteCount + 6)) return false;
    record.form = RDATA_SRV;
    record.rdataLen = <u16>(6 + nameLength);
    byteCount += 6 + nameLength;
    return true;
  }
  record.form = type == 16 ? RDATA_TEXT : RDATA_RAW;
  const kept = byteCount + size > MAX_BYTES ? 0 : size;
  memory.copy(bytes + byteCount, msg + at, kept);
  record.rdataLen = <u16>kept;
  byteCount += kept;
  return true;
}

function rdataName(record: DnsRecord, msg: usize, len: u32, at: u32): bool {
  if (!keepName(msg, len, at)) return false;
  record.form = RDATA_NAME;
  record.rdataLen = <u16>nameLength;
  byteCount += nameLength;
  return true;
}

/** SOA: u16 length and text of both names, then the five numbers, unaligned and big-endian. */
function rdataSoa(record: DnsRecord, msg: usize, len: u32, at: u32, end: u32): bool {
  if (byteCount + 2 * DNS_MAX_NAME + 24 > 67840) return true;
  const start = byteCount;
  if (!keepName(msg, len, at)) return false;
  memory.copy(bytes + start + 2, bytes + start, nameLength);
  store<u16>(bytes + start, <u16>nameLength);
  const second = start + 2 + nameLength;
  if (!readName(msg, len, nameEnd, bytes + second + 2)) return false;
  oddNames |= nameFlags;
  store<u16>(bytes + second, <u16>nameLength);
  const numbers = second + 2 + nameLength;
  if (nameEnd + 20 > end) return false;
  memory.copy(bytes + numbers, msg + nameEnd, 20);
  record.form = RDATA_SOA;
  record.rdataLen = <u16>(numbers + 20 - start);
  byteCount = numbers + 20;
  return true;
}

function stateOf(conn: AppConn): DnsConn | null {
  if (conn.state == 0) {
    const at = take(offsetof<DnsConn>());
    if (at == 0) return null;
    memory.fill(at, 0, offsetof<DnsConn>());
    conn.state = at;
  }
  return changetype<DnsConn>(conn.state);
}

/** Bytes of a connection, in order: whole messages over UDP, a stream with length prefixes over TCP. False: give up. */
export function dnsFeed(conn: AppConn, dir: u32, ptr: usize, len: u32): bool {
  if (conn.l4 == 17) {
    dnsMessage(conn, dir, ptr, len);
    return true;
  }
  const state = stateOf(conn);
  if (state === null) return false;
  if (dir == 0 ? state.lostToServer : state.lostToClient) {
    // Where messages start is only known again when one fits the data exactly.
    if (len < 14 || be16(ptr) + 2 > len || dnsShape(ptr + 2, be16(ptr)) <= 0) return true;
    if (dir == 0) state.lostToServer = false;
    else state.lostToClient = false;
  }
  let at = dir == 0 ? state.toServer : state.toClient;
  if (at == 0) {
    at = bufferNew();
    if (at == 0) return false;
    if (dir == 0) state.toServer = at;
    else state.toClient = at;
  }
  return tcp(conn, dir, changetype<Buffer>(at), ptr, len);
}

/** Whole messages straight from the data, what is left over into the buffer. */
function tcp(conn: AppConn, dir: u32, held: Buffer, ptr: usize, len: u32): bool {
  let at = ptr;
  let left = len;
  while (left != 0 || held.len != 0) {
    if (held.len == 0) {
      if (left < 2) break;
      const size = be16(at);
      if (left - 2 < size) break;
      if (size != 0 && !dnsMessage(conn, dir, at + 2, size)) return false;
      at += 2 + size;
      left -= 2 + size;
      continue;
    }
    const wanted: u32 = held.len < 2 ? 2 : be16(held.ptr) + 2;
    const more = min(wanted - min(wanted, held.len), left);
    if (more != 0 && !bufferAppend(held, at, more, MAX_MESSAGE + 2)) return false;
    at += more;
    left -= more;
    if (held.len < wanted) return true;
    if (wanted == 2 && be16(held.ptr) != 0) {
      if (left == 0) return true;
      continue;
    }
    const good = wanted == 2 || dnsMessage(conn, dir, held.ptr + 2, wanted - 2);
    bufferDrop(held, wanted);
    if (held.len == 0) bufferFree(held);
    if (!good) return false;
  }
  return left == 0 || bufferAppend(held, at, left, MAX_MESSAGE + 2);
}

export function dnsGap(conn: AppConn, dir: u32): void {
  if (conn.l4 == 17) return;
  const state = stateOf(conn);
  if (state === null) return;
  const at = dir == 0 ? state.toServer : state.toClient;
  if (at != 0) bufferFree(changetype<Buffer>(at));
  if (dir == 0) state.lostToServer = true;
  else state.lostToClient = true;
}

export function dnsFree(conn: AppConn): void {
  if (conn.state == 0) return;
  const state = changetype<DnsConn>(conn.state);
  if (state.toServer != 0) bufferFree(changetype<Buffer>(state.toServer));
  if (state.toClient != 0) bufferFree(changetype<Buffer>(state.toClient));
  give(state.toServer);
  give(state.toClient);
  give(conn.state);
  conn.state = 0;
}

/** The record number `i` of the transaction. */
export function dnsRecord(tx: usize, i: u32): DnsRecord {
  return changetype<DnsRecord>(tx + ((offsetof<DnsTx>() + 7) & ~7) + <usize>(i * RECORD));
}

/** Opcode of the message. */
export function dnsOpcode(tx: usize): u32 {
  return ((<u32>changetype<DnsTx>(tx).flags) >> 11) & 15;
}

/** Response code of an answer, -1 of a question. */
export function dnsRcode(tx: usize): i32 {
  const message = changetype<DnsTx>(tx);
  return message.response ? <i32>(message.flags & 15) : -1;
}

/** Type of the record number `i` (questions first, then answers, authorities, additionals), or -1. */
export function dnsRrtype(tx: usize, i: u32): i32 {
  return i < changetype<DnsTx>(tx).records ? <i32>dnsRecord(tx, i).rrtype : -1;
}

/** Name of the record number `index` of that section. */
export function dnsName(tx: usize, kind: u8, index: u32): usize {
  const message = changetype<DnsTx>(tx);
  let left = index;
  for (let i: u32 = 0; i < message.records; i++) {
    const record = dnsRecord(tx, i);
    if (record.section != kind) continue;
    if (left == 0) return span(tx + record.name, record.nameLen);
    left--;
  }
  return noSpan();
}

/** Names of all records, and names that are the data of a record (CNAME, NS, PTR, MX, SOA). */
export function dnsAnyName(tx: usize, index: u32): usize {
  const message = changetype<DnsTx>(tx);
  let left = index;
  for (let i: u32 = 0; i < message.records; i++) {
    const record = dnsRecord(tx, i);
    if (left == 0) return span(tx + record.name, record.nameLen);
    left--;
    if (record.form != RDATA_NAME && record.form != RDATA_SOA) continue;
    if (left == 0) {
      if (record.form == RDATA_NAME) return span(tx + record.rdata, record.rdataLen);
      return span(tx + record.rdata + 2, load<u16>(tx + record.rdata));
    }
    left--;
  }
  return noSpan();
}
