// The state machine of responses. Where servers break the rules it follows what browsers do with the bytes, as libhtp does.

import { TO_CLIENT, TO_SERVER, TX_COMPLETE } from "../core/tx";
import { bodyData, bodyEnd } from "./body";
import { containsFoldNoNul, equalsFoldNoNul, hashText, isSpaceByte, scan, scan2 } from "./bytes";
import { fieldLimit, headBytesLimit, transactionLimit, wantBits } from "./config";
import { setupDecoder } from "./encoding";
import {
  EV_CONTINUE_ALREADY_SEEN, EV_UNKNOWN_ERROR, EV_INVALID_CONTENT_LENGTH_FIELD_IN_RESPONSE, EV_INVALID_RESPONSE_CHUNK_LEN,
  EV_RANGE_INVALID, EV_RESPONSE_ABNORMAL_TRANSFER_ENCODING, EV_RESPONSE_BODY_UNEXPECTED, EV_RESPONSE_CHUNK_EXTENSION, raise,
  EV_RESPONSE_CHUNKED_OLD_PROTO, EV_RESPONSE_FIELD_TOO_LONG, EV_RESPONSE_INVALID_PROTOCOL, EV_RESPONSE_INVALID_STATUS,
  EV_RESPONSE_MULTIPART_BYTERANGES, EV_UNABLE_TO_MATCH_RESPONSE_TO_REQUEST,
} from "./events";
import { dispositionName, nameAt, nameLen, openWholeFile } from "./files";
import { HEADERS_END, HEADERS_ERROR, headersCutPair, headersTaken, parseHeaders, settleHeaders } from "./headers";
import { CHUNK_INVALID, CHUNK_NONE, chunkExtension, isChunkControl, parseChunkLength, parseLength } from "./length";
import { findHeader, headerValue, headerValueLen } from "./lookup";
import { announce, progress } from "./progress";
import {
  BODY_CLOSE, BODY_LENGTH, CHUNK_DATA, CHUNK_END, CHUNK_LENGTH, directionOf, FAILED, FINALIZE, HEADERS, HttpConn,
  HttpDirection, IDLE, keep, LINE, TRAILER, TUNNEL, txNew,
} from "./state";
import {
  CODING_CHUNKED, CODING_CLOSE, CODING_LENGTH, CODING_NONE, HDR_TRAILER, HTTP_BODY, HTTP_HEADERS, HTTP_LINE, HTTP_TRAILER,
  HttpHeader, HttpMessage, HttpTx, messageOf, METHOD_CONNECT, METHOD_HEAD, TXF_NO_REQUEST, TXF_RES_CL_AND_TE, TXF_TUNNEL,
  TXF_UPGRADE_H2C, TXF_UPGRADE_WEBSOCKET, VERSION_1_1, VERSION_INVALID, WANT_FILES,
} from "./types";
import { versionNumber } from "./version";
import { startsFold } from "../../sdk/assembly/bytes";

const H_CONTENT_LENGTH: u32 = hashText("content-length");
const H_TRANSFER_ENCODING: u32 = hashText("transfer-encoding");
const H_CONTENT_ENCODING: u32 = hashText("content-encoding");
const H_CONTENT_TYPE: u32 = hashText("content-type");
const H_CONTENT_DISPOSITION: u32 = hashText("content-disposition");
const H_CONTENT_RANGE: u32 = hashText("content-range");
const H_UPGRADE: u32 = hashText("upgrade");
const H_EXPECT: u32 = hashText("expect");

const MORE: u32 = 0;
const GO_ON: u32 = 1;
const FAIL: u32 = 2;

let at: usize = 0;
let end: usize = 0;

/** Parses what it can of [ptr, ptr + len); the bytes used. */
export function runResponse(conn: HttpConn, d: HttpDirection, ptr: usize, len: u32): u32 {
  at = ptr;
  end = ptr + len;
  let result = GO_ON;
  while (result == GO_ON) result = step(conn, d);
  if (result == FAIL) {
    if (d.tx != 0) bodyEnd(changetype<HttpTx>(d.tx), TO_CLIENT, false);
    d.state = FAILED;
    return len;
  }
  return <u32>(at - ptr);
}

function step(conn: HttpConn, d: HttpDirection): u32 {
  if (d.eatCr && at < end) {
    d.eatCr = false;
    if (load<u8>(at) == 13) at++;
  }
  switch (d.state) {
    case IDLE: return idle(conn, d);
    case LINE: return line(d);
    case HEADERS:
    case TRAILER: return headers(conn, d);
    case CHUNK_LENGTH: return chunkLength(d);
    case CHUNK_DATA:
    case BODY_LENGTH: return body(conn, d);
    case CHUNK_END: return chunkEnd(d);
    case BODY_CLOSE: return toClose(conn, d);
    case FINALIZE: return finalize(conn, d);
    default:
      at = end;
      return MORE;
  }
}

/** The transaction of the response that starts: the oldest without one, or one of its own. */
function idle(conn: HttpConn, d: HttpDirection): u32 {
  if (at >= end) return MORE;
  let made = false;
  d.offset -= <u64>(end - at);
  if (conn.awaiting == 0) {
    if (conn.count >= transactionLimit || txNew(conn) == 0) {
      d.offset += <u64>(end - at);
      return FAIL;
    }
    made = true;
  }
  d.tx = conn.awaiting;
  const tx = changetype<HttpTx>(d.tx);
  tx.startToClient = d.offset;
  d.offset += <u64>(end - at);
  if (made) {
    tx.flags |= TXF_NO_REQUEST;
    raise(tx, EV_UNABLE_TO_MATCH_RESPONSE_TO_REQUEST);
    announce(d.tx);
    progress(tx, TO_SERVER, TX_COMPLETE);
  }
  d.seen100 = false;
  if (messageOf(d.tx, TO_SERVER).is09) {
    const message = messageOf(d.tx, TO_CLIENT);
    message.coding = CODING_CLOSE;
    message.is09 = 1;
    openBodyFile(tx, message);
    progress(tx, TO_CLIENT, HTTP_HEADERS);
    d.state = BODY_CLOSE;
  } else d.state = LINE;
  return GO_ON;
}

function tooLong(d: HttpDirection, bytes: usize): bool {
  if (bytes <= fieldLimit) return false;
  if (d.tx != 0) raise(changetype<HttpTx>(d.tx), EV_RESPONSE_FIELD_TOO_LONG);
  return true;
}

/** Behind the line ending at the end of the line at `at`: CR alone counts. 0 when that needs more bytes. */
function lineEnd(d: HttpDirection): usize {
  const p = scan2(at, end, 10, 13);
  if (p < end && load<u8>(p) == 10) return p + 1;
  if (p + 1 < end) return load<u8>(p + 1) == 10 ? p + 2 : p + 1;
  return d.closed && end > at ? end : 0;
}

/** Whether a line cannot be the first of a response: browsers look for "http" only. */
function isBodyLine(p: usize, stop: usize): bool {
  while (p < stop && (isSpaceByte(load<u8>(p)) || load<u8>(p) == 0)) p++;
  return p + 4 > stop || (load<u32>(p) | 0x20202020) != 0x70747468;
}

function line(d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  const stop = lineEnd(d);
  if (stop == 0) return at == end && d.closed ? giveUpLine(d) : tooLong(d, end - at) ? FAIL : MORE;
  const n = <u32>(stop - at);
  if (tooLong(d, n)) return FAIL;
  const first: u32 = load<u8>(at);
  if ((n == 1 && (first == 10 || first == 13)) || (n == 2 && first == 13 && load<u8>(at + 1) == 10)) {
    at = stop;
    if (d.closed && at == end) d.state = FINALIZE;
    return GO_ON;
  }
  let last = stop;
  while (last > at && (load<u8>(last - 1) == 10 || load<u8>(last - 1) == 13)) last--;
  const message = messageOf(d.tx, TO_CLIENT);
  if (isBodyLine(at, stop)) {
    const from = at;
    at = stop;
    // Junk in front of a response line is skipped.
    if (end - at > 1 && (load<u8>(at) == 72 || last - from <= 2)) return GO_ON;
    if (message.coding == CODING_NONE) {
      message.coding = CODING_CLOSE;
      openBodyFile(tx, message);
    }
    bodyData(tx, TO_CLIENT, from, n);
    if (at == end) d.state = FINALIZE;
    return GO_ON;
  }
  message.lineLen = <u32>(last - at);
  message.line = keep(tx, at, message.lineLen);
  if (message.line == 0) return FAIL;
  at = stop;
  statusLine(tx, message);
  progress(tx, TO_CLIENT, HTTP_LINE);
  d.state = HEADERS;
  d.parsed = 0;
  return GO_ON;
}

/** The stream ended before a response line. */
function giveUpLine(d: HttpDirection): u32 {
  d.state = FINALIZE;
  return GO_ON;
}

/** Protocol, status and message. */
function statusLine(tx: HttpTx, message: HttpMessage): void {
  const stop = message.line + message.lineLen;
  let p = message.line;
  while (p < stop && (isSpaceByte(load<u8>(p)) || load<u8>(p) == 0)) p++;
  message.protocol = p;
  while (p < stop && !isSpaceByte(load<u8>(p))) p++;
  message.protocolLen = <u32>(p - message.protocol);
  message.version = versionNumber(message.protocol, message.protocolLen);
  tx.status = 0;
  tx.statusAt = 0;
  tx.message = 0;
  if (message.version == VERSION_INVALID) raise(tx, EV_RESPONSE_INVALID_PROTOCOL);
  while (p < stop && isSpaceByte(load<u8>(p))) p++;
  const code = p;
  while (p < stop && !isSpaceByte(load<u8>(p))) p++;
  if (p > code) {
    tx.statusAt = code;
    tx.statusLen = <u32>(p - code);
    let value: u32 = 0;
    for (let i = code; i < p; i++) {
      const digit = <u32>load<u8>(i) - 48;
      value = digit > 9 || value > 999 ? 1000 : value * 10 + digit;
    }
    if (value >= 100 && value <= 999) tx.status = value;
    const gap = p;
    while (p < stop && isSpaceByte(load<u8>(p))) p++;
    if (p > gap) {
      tx.message = p;
      tx.messageLen = <u32>(stop - p);
    }
  }
  if (tx.status == 0) raise(tx, EV_RESPONSE_INVALID_STATUS);
}

function headers(conn: HttpConn, d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  const message = messageOf(d.tx, TO_CLIENT);
  const trailer = d.state == TRAILER;
  const from = at + d.parsed;
  if (!d.closed && from < end) {
    // A header's end may have been there, with the byte behind it missing: look at one byte more than is new.
    const fresh = min<usize>(end - from, <usize>d.fresh + 3);
    if (scan2(end - fresh, end, 10, 13) == end) return tooLong(d, end - from) || tooLarge(d, tx) ? FAIL : MORE;
  }
  const result = parseHeaders(tx, message, TO_CLIENT, from, <u32>(end - from), at, trailer ? HDR_TRAILER : 0, d.closed);
  if (result == HEADERS_ERROR) return FAIL;
  d.parsed += headersTaken;
  if (result != HEADERS_END && !d.closed) {
    return tooLong(d, end - at - d.parsed) || tooLarge(d, tx) ? FAIL : MORE;
  }
  const n = result == HEADERS_END ? d.parsed : <u32>(end - at);
  d.eatCr = headersCutPair;
  const raw = keep(tx, at, n);
  if (raw == 0) return FAIL;
  settleHeaders(message, raw);
  at += n;
  d.parsed = 0;
  if (trailer) {
    message.trailer = raw;
    message.trailerLen = n;
    progress(tx, TO_CLIENT, HTTP_TRAILER);
    d.state = FINALIZE;
    return GO_ON;
  }
  message.raw = raw;
  message.rawLen = n;
  if (result != HEADERS_END) {
    progress(tx, TO_CLIENT, HTTP_HEADERS);
    d.state = FINALIZE;
    return GO_ON;
  }
  return determine(conn, d, tx, message);
}

function tooLarge(d: HttpDirection, tx: HttpTx): bool {
  if (d.parsed <= headBytesLimit) return false;
  raise(tx, EV_RESPONSE_FIELD_TOO_LONG);
  return true;
}

/** Whether there is a body and how its end is found. */
function determine(conn: HttpConn, d: HttpDirection, tx: HttpTx, message: HttpMessage): u32 {
  const status = tx.status;
  if (tx.method == METHOD_CONNECT && status >= 200 && status <= 299) {
    tx.flags |= TXF_TUNNEL;
    return bodiless(tx, d);
  }
  const cl = findHeader(message, "content-length", H_CONTENT_LENGTH);
  const te = findHeader(message, "transfer-encoding", H_TRANSFER_ENCODING);
  if (status == 101) {
    const upgrade = findHeader(message, "upgrade", H_UPGRADE);
    if (upgrade != 0) {
      const value = headerValue(tx, upgrade);
      if (containsFoldNoNul(value, headerValueLen, "h2c")) tx.flags |= TXF_UPGRADE_H2C;
      if (containsFoldNoNul(value, headerValueLen, "websocket")) tx.flags |= TXF_UPGRADE_WEBSOCKET;
    }
    if (te == 0 && cl == 0) {
      tx.flags |= TXF_TUNNEL;
      progress(tx, TO_CLIENT, HTTP_HEADERS);
      return tunnel(conn, d, tx);
    }
    // Suricata has no name for it.
    raise(tx, EV_UNKNOWN_ERROR);
  } else if (status == 100 && te == 0) {
    const length = cl != 0 ? parseLength(changetype<HttpHeader>(cl).value, changetype<HttpHeader>(cl).valueLen) : -1;
    if (length <= 0) {
      // Interim: what counts comes next.
      if (d.seen100) raise(tx, EV_CONTINUE_ALREADY_SEEN);
      d.seen100 = true;
      message.headers = 0;
      message.lastHeader = 0;
      message.headerCount = 0;
      message.recordCount = 0;
      message.seen = 0;
      d.state = LINE;
      return GO_ON;
    }
  } else if (status >= 400 && status <= 499) refusedBody(conn, tx);
  if (tx.method == METHOD_HEAD) return bodiless(tx, d);
  if ((status >= 100 && status <= 199) || status == 204 || status == 304) {
    if (te == 0 && cl == 0) return bodiless(tx, d);
    raise(tx, EV_RESPONSE_BODY_UNEXPECTED);
    raise(tx, EV_UNKNOWN_ERROR);
  }
  return framing(d, tx, message, cl, te);
}

/** A client that asked first (Expect) and was refused does not send its body. */
function refusedBody(conn: HttpConn, tx: HttpTx): void {
  const request = directionOf(changetype<usize>(conn), TO_SERVER);
  if (request.tx != changetype<usize>(tx) || request.state != BODY_LENGTH) return;
  const message = messageOf(request.tx, TO_SERVER);
  if (message.bodyRawBytes != 0) return;
  const expect = findHeader(message, "expect", H_EXPECT);
  if (expect == 0) return;
  const value = headerValue(tx, expect);
  if (equalsFoldNoNul(value, headerValueLen, "100-continue")) request.state = FINALIZE;
}

function bodiless(tx: HttpTx, d: HttpDirection): u32 {
  progress(tx, TO_CLIENT, HTTP_HEADERS);
  d.state = FINALIZE;
  return GO_ON;
}

function framing(d: HttpDirection, tx: HttpTx, message: HttpMessage, cl: usize, te: usize): u32 {
  let value: usize = 0;
  let n: u32 = 0;
  if (te != 0) {
    value = headerValue(tx, te);
    n = headerValueLen;
  }
  let ok = true;
  if (te != 0 && containsFoldNoNul(value, n, "chunked")) {
    if (n != 7 || !equalsFoldNoNul(value, n, "chunked")) raise(tx, EV_RESPONSE_ABNORMAL_TRANSFER_ENCODING);
    if (message.version != VERSION_1_1) raise(tx, EV_RESPONSE_CHUNKED_OLD_PROTO);
    if (cl != 0) tx.flags |= TXF_RES_CL_AND_TE;
    message.coding = CODING_CHUNKED;
    d.state = CHUNK_LENGTH;
  } else if (cl != 0) {
    message.coding = CODING_LENGTH;
    const header = changetype<HttpHeader>(cl);
    message.contentLength = parseLength(header.value, header.valueLen);
    if (message.contentLength < 0) {
      raise(tx, EV_INVALID_CONTENT_LENGTH_FIELD_IN_RESPONSE);
      ok = false;
    } else if (message.contentLength > 0) {
      d.left = <u64>message.contentLength;
      d.state = BODY_LENGTH;
    } else d.state = FINALIZE;
  } else {
    const type = findHeader(message, "content-type", H_CONTENT_TYPE);
    if (type != 0) {
      const at = headerValue(tx, type);
      if (startsFold(at, headerValueLen, "multipart/byteranges")) {
        raise(tx, EV_RESPONSE_MULTIPART_BYTERANGES);
        ok = false;
      }
    }
    message.coding = CODING_CLOSE;
    d.state = BODY_CLOSE;
  }
  if (ok) {
    const ce = findHeader(message, "content-encoding", H_CONTENT_ENCODING);
    if (ce != 0) {
      const encoding = headerValue(tx, ce);
      setupDecoder(tx, message, encoding, headerValueLen);
    }
    if (d.state != FINALIZE) openBodyFile(tx, message);
  }
  progress(tx, TO_CLIENT, HTTP_HEADERS);
  return ok ? GO_ON : FAIL;
}

/** The body is a file, named by Content-Disposition or the request's path. */
function openBodyFile(tx: HttpTx, message: HttpMessage): void {
  if (!(wantBits & WANT_FILES)) return;
  if (tx.status == 206) checkRange(tx, message);
  const disposition = findHeader(message, "content-disposition", H_CONTENT_DISPOSITION);
  if (disposition != 0) {
    const value = headerValue(tx, disposition);
    if (dispositionName(value, headerValueLen)) {
      openWholeFile(tx, TO_CLIENT, nameAt, nameLen);
      return;
    }
  }
  openWholeFile(tx, TO_CLIENT, 0, 0);
}

/** Content-Range: "bytes first-last/size"; the event when it contradicts itself. */
function checkRange(tx: HttpTx, message: HttpMessage): void {
  const h = findHeader(message, "content-range", H_CONTENT_RANGE);
  if (h == 0) return;
  const value = headerValue(tx, h);
  const stop = value + headerValueLen;
  let p = value;
  while (p < stop && load<u8>(p) != 32) p++;
  while (p < stop && load<u8>(p) == 32) p++;
  if (p < stop && load<u8>(p) == 42) return;
  let numbers: u32 = 0;
  let first: i64 = -1;
  let last: i64 = -1;
  let size: i64 = -1;
  while (p < stop && numbers < 3) {
    const from = p;
    while (p < stop && <u32>load<u8>(p) - 48 < 10) p++;
    const number = p > from ? parseLength(from, <u32>(p - from)) : -1;
    if (numbers == 0) first = number;
    else if (numbers == 1) last = number;
    else {
      size = number;
      if (number < 0 && !(p < stop && load<u8>(p) == 42)) size = -2;
    }
    numbers++;
    p++;
  }
  if (numbers < 3 || first < 0 || last < first || size == -2 || (size >= 0 && last >= size)) raise(tx, EV_RANGE_INVALID);
}

function chunkLength(d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  const lf = scan(at, end, 10);
  if (lf == end) {
    if (d.closed) {
      d.state = FINALIZE;
      return GO_ON;
    }
    let p = at;
    while (p < end && isChunkControl(load<u8>(p))) p++;
    if (p < end && parseChunkLength(p, 1) < 0) return notChunked(d, tx);
    return tooLong(d, end - at) ? FAIL : MORE;
  }
  let p = at;
  while (p <= lf && isChunkControl(load<u8>(p))) p++;
  if (p > lf) {
    at = lf + 1;
    return GO_ON;
  }
  if (tooLong(d, lf - at)) return FAIL;
  const length = parseChunkLength(at, <u32>(lf + 1 - at));
  if (chunkExtension) raise(tx, EV_RESPONSE_CHUNK_EXTENSION);
  if (length == CHUNK_INVALID) return notChunked(d, tx);
  at = lf + 1;
  if (length == CHUNK_NONE) return GO_ON;
  if (length == 0) {
    bodyEnd(tx, TO_CLIENT, true);
    progress(tx, TO_CLIENT, HTTP_BODY);
    d.state = TRAILER;
    d.parsed = 0;
  } else {
    d.left = <u64>length;
    d.state = CHUNK_DATA;
  }
  return GO_ON;
}

/** What should have been a chunk is the body itself, up to the end of the stream. */
function notChunked(d: HttpDirection, tx: HttpTx): u32 {
  raise(tx, EV_INVALID_RESPONSE_CHUNK_LEN);
  messageOf(d.tx, TO_CLIENT).coding = CODING_CLOSE;
  d.state = BODY_CLOSE;
  return GO_ON;
}

function body(_conn: HttpConn, d: HttpDirection): u32 {
  const n = <u32>min<u64>(d.left, <u64>(end - at));
  const tx = changetype<HttpTx>(d.tx);
  if (n == 0) {
    if (!d.closed) return MORE;
    bodyEnd(tx, TO_CLIENT, false);
    d.state = FINALIZE;
    return GO_ON;
  }
  bodyData(tx, TO_CLIENT, at, n);
  at += n;
  d.left -= n;
  if (d.left > 0) return d.closed ? GO_ON : MORE;
  if (d.state == CHUNK_DATA) d.state = CHUNK_END;
  else {
    // What follows may still belong to the body: see finalize.
    d.state = FINALIZE;
  }
  return GO_ON;
}

function chunkEnd(d: HttpDirection): u32 {
  const lf = scan(at, end, 10);
  if (lf == end) {
    at = end;
    if (!d.closed) return MORE;
    d.state = FINALIZE;
    return GO_ON;
  }
  at = lf + 1;
  d.state = CHUNK_LENGTH;
  return GO_ON;
}

function toClose(_conn: HttpConn, d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  if (at < end) bodyData(tx, TO_CLIENT, at, <u32>(end - at));
  at = end;
  if (!d.closed) return MORE;
  bodyEnd(tx, TO_CLIENT, true);
  d.state = FINALIZE;
  return GO_ON;
}

/** Behind a response: another one, or bytes that browsers take for more of its body. */
function finalize(conn: HttpConn, d: HttpDirection): u32 {
  if (at == end) return complete(conn, d);
  const tx = changetype<HttpTx>(d.tx);
  let stop = end;
  if (!d.closed && load<u8>(at) != 10) {
    const lf = scan(at, end, 10);
    if (lf == end) {
      if (!isBodyLine(at, end)) return complete(conn, d);
      return tooLong(d, end - at) ? FAIL : MORE;
    }
    stop = lf + 1;
  }
  if (!isBodyLine(at, stop)) return complete(conn, d);
  raise(tx, EV_RESPONSE_BODY_UNEXPECTED);
  raise(tx, EV_UNKNOWN_ERROR);
  bodyData(tx, TO_CLIENT, at, <u32>(stop - at));
  at = stop;
  return GO_ON;
}

function complete(conn: HttpConn, d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  bodyEnd(tx, TO_CLIENT, true);
  d.state = IDLE;
  d.tx = 0;
  if (conn.awaiting == changetype<usize>(tx)) conn.awaiting = tx.next;
  progress(tx, TO_CLIENT, TX_COMPLETE);
  return GO_ON;
}

/** 101: both directions are another protocol from here on. */
function tunnel(conn: HttpConn, d: HttpDirection, tx: HttpTx): u32 {
  const request = directionOf(changetype<usize>(conn), TO_SERVER);
  d.tx = 0;
  d.state = TUNNEL;
  d.tunnelAt = d.offset - <u64>(end - at);
  if (conn.awaiting == changetype<usize>(tx)) conn.awaiting = tx.next;
  if (request.state != FAILED) {
    if (request.tx == changetype<usize>(tx)) {
      bodyEnd(tx, TO_SERVER, true);
      request.tx = 0;
    }
    request.state = TUNNEL;
    request.tunnelAt = request.offset;
  }
  progress(tx, TO_SERVER, TX_COMPLETE);
  progress(tx, TO_CLIENT, TX_COMPLETE);
  return MORE;
}
