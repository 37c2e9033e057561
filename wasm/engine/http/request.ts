// The state machine of requests.

import { TO_CLIENT, TO_SERVER, TX_COMPLETE } from "../core/tx";
import { bodyData, bodyEnd } from "./body";
import { containsFoldNoNul, equalsFoldNoNul, hashText, isSpaceByte, scan, skipSpace, trimEnd } from "./bytes";
import { decodeRequests, fieldLimit, headBytesLimit, transactionLimit, wantBits } from "./config";
import { setupDecoder } from "./encoding";
import {
  EV_HOST_HEADER_AMBIGUOUS, EV_INVALID_CONTENT_LENGTH_FIELD_IN_REQUEST, EV_INVALID_REQUEST_CHUNK_LEN,
  EV_INVALID_TRANSFER_ENCODING_VALUE_IN_REQUEST, EV_METHOD_DELIM_NON_COMPLIANT, EV_MISSING_HOST_HEADER, raise,
  EV_REQUEST_AUTH_UNRECOGNIZED, EV_REQUEST_BODY_UNEXPECTED, EV_REQUEST_CHUNK_EXTENSION, EV_REQUEST_FIELD_TOO_LONG,
  EV_REQUEST_HEADER_HOST_INVALID, EV_REQUEST_LINE_INCOMPLETE, EV_REQUEST_LINE_INVALID, EV_REQUEST_LINE_LEADING_WHITESPACE,
  EV_REQUEST_LINE_MISSING_PROTOCOL, EV_REQUEST_SERVER_PORT_TCP_PORT_MISMATCH, EV_REQUEST_URI_HOST_INVALID,
  EV_URI_DELIM_NON_COMPLIANT,
} from "./events";
import { openWholeFile } from "./files";
import { HEADERS_END, HEADERS_ERROR, headersTaken, parseHeaders, settleHeaders } from "./headers";
import { hostAt, hostLen, hostPort, hostPortGiven, hostValid, parseAuthority } from "./host";
import { CHUNK_INVALID, CHUNK_NONE, chunkExtension, isChunkControl, lengthJunk, parseChunkLength, parseLength } from "./length";
import { findHeader, headerValue, headerValueLen } from "./lookup";
import { methodNumber } from "./methods";
import { multipartStart } from "./multipart";
import { announce, progress } from "./progress";
import {
  BODY_LENGTH, CHUNK_DATA, CHUNK_END, CHUNK_LENGTH, CONNECT_PROBE, CONNECT_WAIT, directionOf, FAILED, FINALIZE, HEADERS,
  HttpConn, HttpDirection, IDLE, IGNORE, keep, LINE, PROTOCOL, TRAILER, TUNNEL, txNew,
} from "./state";
import {
  CODING_CHUNKED, CODING_LENGTH, HDR_FOLDED, HDR_TRAILER, HTTP_BODY, HTTP_HEADERS, HTTP_LINE, HTTP_TRAILER, HttpHeader,
  HttpMessage, HttpTx, messageOf, METHOD_CONNECT, METHOD_OTHER, METHOD_POST, METHOD_PUT, TXF_REQ_BAD_CL, TXF_REQ_BAD_TE,
  TXF_REQ_BARE_LF, TXF_REQ_CL_AND_TE, TXF_REQ_NUL, VERSION_0_9, VERSION_1_1, VERSION_INVALID, WANT_FILES,
} from "./types";
import { splitUri, uriHostAt, uriHostLen, uriPortAt, uriPortLen } from "./uri";
import { versionNumber } from "./version";

const H_CONTENT_LENGTH: u32 = hashText("content-length");
const H_TRANSFER_ENCODING: u32 = hashText("transfer-encoding");
const H_CONTENT_ENCODING: u32 = hashText("content-encoding");
const H_CONTENT_TYPE: u32 = hashText("content-type");
const H_HOST: u32 = hashText("host");
const H_AUTHORIZATION: u32 = hashText("authorization");

/** Spaces that may follow an HTTP/0.9 request line. */
const JUNK_AFTER_09: usize = 16;

/** What a step says: more bytes are needed, go on, or give up. */
const MORE: u32 = 0;
const GO_ON: u32 = 1;
const FAIL: u32 = 2;

// Bytes not parsed yet.
let at: usize = 0;
let end: usize = 0;

/** Parses what it can of [ptr, ptr + len); the bytes used. */
export function runRequest(conn: HttpConn, d: HttpDirection, ptr: usize, len: u32): u32 {
  at = ptr;
  end = ptr + len;
  let result = GO_ON;
  while (result == GO_ON) result = step(conn, d);
  if (result == FAIL) {
    if (d.tx != 0) bodyEnd(changetype<HttpTx>(d.tx), TO_SERVER, false);
    d.state = FAILED;
    return len;
  }
  return <u32>(at - ptr);
}

function step(conn: HttpConn, d: HttpDirection): u32 {
  switch (d.state) {
    case IDLE: return idle(conn, d);
    case LINE: return line(conn, d);
    case PROTOCOL: return protocol(d);
    case HEADERS: return headers(conn, d);
    case CHUNK_LENGTH: return chunkLength(d);
    case CHUNK_DATA:
    case BODY_LENGTH: return body(d);
    case CHUNK_END: return chunkEnd(d);
    case TRAILER: return headers(conn, d);
    case FINALIZE: return finalize(conn, d);
    case CONNECT_WAIT: return connectWait(conn, d);
    case CONNECT_PROBE: return connectProbe(conn, d);
    default:
      at = end;
      return MORE;
  }
}

function idle(conn: HttpConn, d: HttpDirection): u32 {
  if (at >= end) return MORE;
  if (conn.count >= transactionLimit) return FAIL;
  d.offset -= <u64>(end - at);
  d.tx = txNew(conn);
  d.offset += <u64>(end - at);
  if (d.tx == 0) return FAIL;
  d.state = LINE;
  announce(d.tx);
  return GO_ON;
}

/** The end of the line at `at`, or 0 (then more bytes are needed, or `d` has failed). */
function lineEnd(d: HttpDirection): usize {
  const lf = scan(at, end, 10);
  if (lf < end) return lf + 1;
  return d.closed && end > at ? end : 0;
}

function tooLong(d: HttpDirection, bytes: usize): bool {
  if (bytes <= fieldLimit) return false;
  if (d.tx != 0) raise(changetype<HttpTx>(d.tx), EV_REQUEST_FIELD_TOO_LONG);
  return true;
}

function line(conn: HttpConn, d: HttpDirection): u32 {
  const stop = lineEnd(d);
  if (stop == 0) return tooLong(d, end - at) ? FAIL : MORE;
  const n = <u32>(stop - at);
  if (tooLong(d, n)) return FAIL;
  const first: u32 = load<u8>(at);
  if ((n == 1 && (first == 10 || first == 13)) || (n == 2 && first == 13 && load<u8>(at + 1) == 10)) {
    at = stop;
    return GO_ON;
  }
  const tx = changetype<HttpTx>(d.tx);
  let last = stop;
  while (last > at && (load<u8>(last - 1) == 10 || load<u8>(last - 1) == 13)) last--;
  if (last + 1 == stop && load<u8>(last) == 10) tx.flags |= TXF_REQ_BARE_LF;
  const message = messageOf(d.tx, TO_SERVER);
  message.lineLen = <u32>(last - at);
  message.line = keep(tx, at, message.lineLen);
  if (message.line == 0) return FAIL;
  at = stop;
  requestLine(tx, message);
  target(conn, tx);
  d.state = PROTOCOL;
  progress(tx, TO_SERVER, HTTP_LINE);
  return GO_ON;
}

/** Method, target and protocol of the request line. */
function requestLine(tx: HttpTx, message: HttpMessage): void {
  const from = message.line;
  const stop = from + message.lineLen;
  if (scan(from, stop, 0) < stop) tx.flags |= TXF_REQ_NUL;
  let p = skipSpace(from, stop);
  if (p > from) raise(tx, EV_REQUEST_LINE_LEADING_WHITESPACE);
  tx.methodAt = p;
  while (p < stop && !isSpaceByte(load<u8>(p))) p++;
  tx.methodLen = <u32>(p - tx.methodAt);
  tx.method = methodNumber(tx.methodAt, tx.methodLen);
  let delimiter = false;
  while (p < stop && isSpaceByte(load<u8>(p))) delimiter = load<u8>(p++) != 32 || delimiter;
  if (delimiter) raise(tx, EV_METHOD_DELIM_NON_COMPLIANT);
  message.version = VERSION_0_9;
  if (p == stop) {
    if (tx.method == METHOD_OTHER) raise(tx, EV_REQUEST_LINE_INCOMPLETE);
    return;
  }
  const rest = trimEnd(p, stop);
  let space = scan(p, rest, 32);
  let odd = false;
  for (let i = p; i < space; i++) odd = isSpaceByte(load<u8>(i)) || odd;
  if (odd) {
    raise(tx, EV_URI_DELIM_NON_COMPLIANT);
    if (space == rest) {
      space = p;
      while (space < rest && !isSpaceByte(load<u8>(space))) space++;
    }
  }
  tx.uri = p;
  tx.uriLen = <u32>(trimEnd(p, space) - p);
  const version = skipSpace(space, rest);
  if (version >= rest) {
    if (tx.method == METHOD_OTHER) raise(tx, EV_REQUEST_LINE_INVALID);
    return;
  }
  message.protocol = version;
  message.protocolLen = <u32>(rest - version);
  message.version = versionNumber(version, message.protocolLen);
  if (tx.method == METHOD_OTHER && message.version == VERSION_INVALID) raise(tx, EV_REQUEST_LINE_INVALID);
}

/** The authority in the target, if there is one. */
function target(_conn: HttpConn, tx: HttpTx): void {
  if (tx.uri == 0) return;
  if (tx.method == METHOD_CONNECT) {
    if (!parseAuthority(tx.uri, tx.uriLen)) return;
    tx.uriHost = hostAt;
    tx.uriHostLen = hostLen;
    tx.uriPort = hostPort;
    if (!hostValid) raise(tx, EV_REQUEST_URI_HOST_INVALID);
    return;
  }
  if (load<u8>(tx.uri) == 47) return;
  splitUri(tx.uri, tx.uriLen);
  if (uriHostAt == 0) return;
  tx.uriHost = uriHostAt;
  tx.uriHostLen = uriHostLen;
  if (uriPortAt == 0) return;
  let port: u32 = 0;
  for (let i: u32 = 0; i < uriPortLen && port < 65536; i++) {
    const digit = <u32>load<u8>(uriPortAt + i) - 48;
    port = digit > 9 ? 65536 : port * 10 + digit;
  }
  if (port == 0 || port > 65535) raise(tx, EV_REQUEST_URI_HOST_INVALID);
  else tx.uriPort = port;
}

/** Without a protocol in its line a request is HTTP/0.9, unless something follows. */
function protocol(d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  const message = messageOf(d.tx, TO_SERVER);
  if (message.protocol != 0) {
    d.state = HEADERS;
    d.parsed = 0;
    return GO_ON;
  }
  const p = skipSpace(at, end);
  if (p < end || p - at > JUNK_AFTER_09) {
    message.version = VERSION_INVALID;
    raise(tx, EV_REQUEST_LINE_MISSING_PROTOCOL);
    d.state = HEADERS;
    d.parsed = 0;
  } else {
    message.is09 = 1;
    progress(tx, TO_SERVER, HTTP_HEADERS);
    d.state = FINALIZE;
  }
  return GO_ON;
}

function headers(conn: HttpConn, d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  const message = messageOf(d.tx, TO_SERVER);
  const trailer = d.state == TRAILER;
  const from = at + d.parsed;
  if (!d.closed && from < end && scan(max(from, end - min(end - from, d.fresh as usize)), end, 10) == end) {
    return tooLong(d, end - from) || tooLarge(d, tx) ? FAIL : MORE;
  }
  const result = parseHeaders(tx, message, TO_SERVER, from, <u32>(end - from), at, trailer ? HDR_TRAILER : 0, d.closed);
  if (result == HEADERS_ERROR) return FAIL;
  d.parsed += headersTaken;
  if (result != HEADERS_END && !d.closed) {
    return tooLong(d, end - at - d.parsed) || tooLarge(d, tx) ? FAIL : MORE;
  }
  const n = result == HEADERS_END ? d.parsed : <u32>(end - at);
  const raw = keep(tx, at, n);
  if (raw == 0) return FAIL;
  settleHeaders(message, raw);
  at += n;
  d.parsed = 0;
  if (trailer) {
    message.trailer = raw;
    message.trailerLen = n;
    progress(tx, TO_SERVER, HTTP_TRAILER);
    d.state = FINALIZE;
    return GO_ON;
  }
  message.raw = raw;
  message.rawLen = n;
  const ok = headersDone(conn, tx, message);
  progress(tx, TO_SERVER, HTTP_HEADERS);
  if (!ok) return FAIL;
  if (tx.method == METHOD_CONNECT) d.state = CONNECT_WAIT;
  else if (message.coding == CODING_CHUNKED) d.state = CHUNK_LENGTH;
  else if (message.coding == CODING_LENGTH && message.contentLength > 0) {
    d.state = BODY_LENGTH;
    d.left = <u64>message.contentLength;
  } else d.state = FINALIZE;
  return GO_ON;
}

function tooLarge(d: HttpDirection, tx: HttpTx): bool {
  if (d.parsed <= headBytesLimit) return false;
  raise(tx, EV_REQUEST_FIELD_TOO_LONG);
  return true;
}

/** Framing, host, authorization and encodings, once the headers are complete. False: the body cannot be found. */
function headersDone(conn: HttpConn, tx: HttpTx, message: HttpMessage): bool {
  const cl = findHeader(message, "content-length", H_CONTENT_LENGTH);
  const te = findHeader(message, "transfer-encoding", H_TRANSFER_ENCODING);
  let ok = true;
  if (te != 0) {
    const value = headerValue(tx, te);
    const n = headerValueLen;
    if (cl != 0) tx.flags |= TXF_REQ_CL_AND_TE;
    if (!equalsFoldNoNul(value, n, "chunked") || n != 7) tx.flags |= TXF_REQ_BAD_TE;
    if (!containsFoldNoNul(value, n, "chunked")) {
      raise(tx, EV_INVALID_TRANSFER_ENCODING_VALUE_IN_REQUEST);
      ok = false;
    } else {
      if (message.version != VERSION_1_1) raise(tx, EV_INVALID_TRANSFER_ENCODING_VALUE_IN_REQUEST);
      message.coding = CODING_CHUNKED;
    }
  } else if (cl != 0) {
    const header = changetype<HttpHeader>(cl);
    message.contentLength = parseLength(header.value, header.valueLen);
    if (message.contentLength < 0) {
      raise(tx, EV_INVALID_CONTENT_LENGTH_FIELD_IN_REQUEST);
      tx.flags |= TXF_REQ_BAD_CL;
      ok = false;
    } else message.coding = CODING_LENGTH;
    if (lengthJunk || header.flags & HDR_FOLDED) tx.flags |= TXF_REQ_BAD_CL;
  }
  host(conn, tx, message);
  authorization(tx, message);
  if (ok && message.coding != 0) uploads(tx, message);
  return ok;
}

function host(conn: HttpConn, tx: HttpTx, message: HttpMessage): void {
  const h = findHeader(message, "host", H_HOST);
  let port = tx.uriPort;
  if (h == 0) {
    if (message.version == VERSION_1_1) raise(tx, EV_MISSING_HOST_HEADER);
  } else {
    const value = headerValue(tx, h);
    if (parseAuthority(value, headerValueLen)) {
      if (!hostValid) raise(tx, EV_REQUEST_HEADER_HOST_INVALID);
      if (tx.uriHost == 0) {
        if (hostPortGiven) port = hostPort;
      } else {
        if (!sameHost(tx.uriHost, tx.uriHostLen, hostAt, hostLen)) raise(tx, EV_HOST_HEADER_AMBIGUOUS);
        if (hostPortGiven && tx.uriPort != 0 && tx.uriPort != hostPort) raise(tx, EV_HOST_HEADER_AMBIGUOUS);
      }
    } else if (tx.uriHost != 0) raise(tx, EV_HOST_HEADER_AMBIGUOUS);
  }
  if (port != 0 && conn.serverPort != 0 && port != conn.serverPort) raise(tx, EV_REQUEST_SERVER_PORT_TCP_PORT_MISMATCH);
}

/** Whether two host names are the same, whatever their letters' case; dots at the end of the first do not count. */
function sameHost(a: usize, aLen: u32, b: usize, bLen: u32): bool {
  while (aLen > 0 && load<u8>(a + aLen - 1) == 46) aLen--;
  if (aLen != bLen) return false;
  for (let i: u32 = 0; i < aLen; i++) {
    let x: u32 = load<u8>(a + i);
    let y: u32 = load<u8>(b + i);
    if (x - 65 < 26) x |= 32;
    if (y - 65 < 26) y |= 32;
    if (x != y) return false;
  }
  return true;
}

function authorization(tx: HttpTx, message: HttpMessage): void {
  const h = findHeader(message, "authorization", H_AUTHORIZATION);
  if (h == 0) return;
  const value = headerValue(tx, h);
  const n = headerValueLen;
  if (starts(value, n, "basic") || starts(value, n, "digest") || starts(value, n, "bearer")) return;
  raise(tx, EV_REQUEST_AUTH_UNRECOGNIZED);
}

function starts(ptr: usize, len: u32, text: string): bool {
  const n = <u32>text.length;
  return len >= n && equalsFoldNoNul(ptr, n, text);
}

/** What the body is: encoded, a form with parts, a file. */
function uploads(tx: HttpTx, message: HttpMessage): void {
  if (decodeRequests) {
    const ce = findHeader(message, "content-encoding", H_CONTENT_ENCODING);
    if (ce != 0) {
      const value = headerValue(tx, ce);
      setupDecoder(tx, message, value, headerValueLen);
    }
  }
  if (!(wantBits & WANT_FILES) || (message.coding == CODING_LENGTH && message.contentLength == 0)) return;
  const type = findHeader(message, "content-type", H_CONTENT_TYPE);
  if (type != 0) {
    const value = headerValue(tx, type);
    if (multipartStart(tx, message, value, headerValueLen)) return;
  }
  if (tx.method == METHOD_POST || tx.method == METHOD_PUT) openWholeFile(tx, TO_SERVER, 0, 0);
}

function chunkLength(d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  const lf = scan(at, end, 10);
  if (lf == end) {
    let p = at;
    while (p < end && isChunkControl(load<u8>(p))) p++;
    if (p < end && parseChunkLength(p, 1) < 0) {
      raise(tx, EV_INVALID_REQUEST_CHUNK_LEN);
      return FAIL;
    }
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
  at = lf + 1;
  if (chunkExtension) raise(tx, EV_REQUEST_CHUNK_EXTENSION);
  if (length == CHUNK_INVALID || length == CHUNK_NONE) {
    raise(tx, EV_INVALID_REQUEST_CHUNK_LEN);
    return FAIL;
  }
  if (length == 0) {
    bodyEnd(tx, TO_SERVER, true);
    progress(tx, TO_SERVER, HTTP_BODY);
    d.state = TRAILER;
    d.parsed = 0;
  } else {
    d.state = CHUNK_DATA;
    d.left = <u64>length;
  }
  return GO_ON;
}

function body(d: HttpDirection): u32 {
  const n = <u32>min<u64>(d.left, <u64>(end - at));
  if (n == 0) return MORE;
  const tx = changetype<HttpTx>(d.tx);
  bodyData(tx, TO_SERVER, at, n);
  at += n;
  d.left -= n;
  if (d.left > 0) return MORE;
  if (d.state == CHUNK_DATA) d.state = CHUNK_END;
  else {
    bodyEnd(tx, TO_SERVER, true);
    progress(tx, TO_SERVER, HTTP_BODY);
    d.state = FINALIZE;
  }
  return GO_ON;
}

/** The rest of the line behind a chunk. */
function chunkEnd(d: HttpDirection): u32 {
  const lf = scan(at, end, 10);
  if (lf == end) {
    at = end;
    return MORE;
  }
  at = lf + 1;
  d.state = CHUNK_LENGTH;
  return GO_ON;
}

/** Behind a request: another one, or bytes that belong to its body although its length says otherwise. */
function finalize(conn: HttpConn, d: HttpDirection): u32 {
  if (at == end) return complete(conn, d);
  const lf = scan(at, end, 10);
  if (lf == end && !d.closed) return tooLong(d, end - at) ? FAIL : MORE;
  const tx = changetype<HttpTx>(d.tx);
  const method = skipSpace(at, lf);
  let p = method;
  while (p < lf && !isSpaceByte(load<u8>(p))) p++;
  if (p > method && methodNumber(method, <u32>(p - method)) != METHOD_OTHER) return complete(conn, d);
  if (lf == at || (lf == at + 1 && load<u8>(at) == 13)) return complete(conn, d);
  if (p > method) raise(tx, EV_REQUEST_BODY_UNEXPECTED);
  const stop = lf < end ? lf + 1 : end;
  bodyData(tx, TO_SERVER, at, <u32>(stop - at));
  at = stop;
  return GO_ON;
}

function complete(_conn: HttpConn, d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  bodyEnd(tx, TO_SERVER, true);
  d.state = messageOf(d.tx, TO_SERVER).is09 ? IGNORE : IDLE;
  d.tx = 0;
  progress(tx, TO_SERVER, TX_COMPLETE);
  return GO_ON;
}

/** Behind CONNECT nothing is parsed until the response says whether there is a tunnel. */
function connectWait(conn: HttpConn, d: HttpDirection): u32 {
  const tx = changetype<HttpTx>(d.tx);
  if (tx.progressToClient < HTTP_LINE) {
    if (end - at > headBytesLimit) return FAIL;
    return MORE;
  }
  if (tx.status >= 200 && tx.status < 300) d.state = CONNECT_PROBE;
  else return complete(conn, d);
  return GO_ON;
}

/** In a tunnel: HTTP goes on being parsed, anything else is another protocol. */
function connectProbe(conn: HttpConn, d: HttpDirection): u32 {
  if (at == end) return MORE;
  let p = at;
  while (p < end && load<u8>(p) != 10 && load<u8>(p) != 0) p++;
  if (p == end && !tooLong(d, end - at)) return MORE;
  const method = skipSpace(at, p);
  let stop = method;
  while (stop < p && !isSpaceByte(load<u8>(stop))) stop++;
  if (methodNumber(method, <u32>(stop - method)) != METHOD_OTHER) return complete(conn, d);
  const tx = changetype<HttpTx>(d.tx);
  d.tx = 0;
  d.state = TUNNEL;
  d.tunnelAt = d.offset - <u64>(end - at);
  const response = directionOf(changetype<usize>(conn), TO_CLIENT);
  response.state = TUNNEL;
  response.tunnelAt = response.offset;
  progress(tx, TO_SERVER, TX_COMPLETE);
  at = end;
  return MORE;
}
