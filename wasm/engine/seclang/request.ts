// A transaction is fed in the order of HTTP: connection, request line, header fields, body; then the same of the response. At the
// end of each part its rules run.

import { Buffer, bufferAppend } from "../core/buffer";
import { containsFold, equalsFold, findByte, findFold, startsFold } from "../../sdk/assembly/bytes";
import { parseBody } from "./body";
import { runPhase } from "./evaluate";
import {
  V_AUTH_TYPE, V_QUERY_STRING, V_REQUEST_BASENAME, V_REQUEST_FILENAME, V_REQUEST_HEADERS, V_REQUEST_HEADERS_NAMES, V_REQUEST_LINE,
  V_REQUEST_METHOD, V_REQUEST_PROTOCOL, V_REQUEST_URI, V_REQUEST_URI_RAW, V_RESPONSE_BODY, V_RESPONSE_CONTENT_LENGTH,
  V_RESPONSE_CONTENT_TYPE, V_RESPONSE_HEADERS, V_RESPONSE_HEADERS_NAMES, V_RESPONSE_PROTOCOL, V_SERVER_NAME, V_STATUS_LINE,
} from "./ids";
import {
  BODY_JSON, BODY_MULTIPART, BODY_NONE, BODY_URLENCODED, BODY_XML, S_MIMES, S_MIMES_LEN, S_REQUEST_LIMIT, S_RESPONSE_LIMIT,
} from "./layout";
import { decodePercent, decodedBytes, parseCookies, parseParams } from "./params";
import { generation, rules, settings } from "./program";
import { Transaction, Value, addTo, listOf, numberOf, setScalar, setScalarNumber, txCopy } from "./transaction";

/** Both ends: 16 bytes each, IPv4 as ::ffff:a.b.c.d. */
export function feedConnection(tx: Transaction, client: usize, clientPort: u32, server: usize, serverPort: u32): void {
  tx.remote = txCopy(tx, client, 16);
  tx.local = txCopy(tx, server, 16);
  tx.remotePort = clientPort;
  tx.localPort = serverPort;
}

/** The first line without its end. */
export function feedRequestLine(tx: Transaction, ptr: usize, len: u32): void {
  const line = txCopy(tx, ptr, len);
  if (line == 0) return;
  tx.headBytes += len + 2;
  setScalar(tx, V_REQUEST_LINE, line, len);
  const space = findByte(line, len, 32, 0);
  const methodEnd = space < 0 ? len : <u32>space;
  setScalar(tx, V_REQUEST_METHOD, line, methodEnd);
  let from = methodEnd;
  while (from < len && load<u8>(line + from) == 32) from++;
  let end = len;
  while (end > from && load<u8>(line + end - 1) != 32) end--;
  const protocol = end;
  if (end == from) end = len;
  else {
    setScalar(tx, V_REQUEST_PROTOCOL, line + protocol, len - protocol);
    while (end > from && load<u8>(line + end - 1) == 32) end--;
  }
  feedUri(tx, line + from, end - from);
}

function feedUri(tx: Transaction, ptr: usize, len: u32): void {
  setScalar(tx, V_REQUEST_URI_RAW, ptr, len);
  let from: u32 = 0;
  if (len > 0 && load<u8>(ptr) != 47) {
    const scheme = findFold(ptr, len, "://");
    if (scheme > 0 && scheme < 16) {
      const path = findByte(ptr, len, 47, <u32>scheme + 3);
      from = path < 0 ? len : <u32>path;
    }
  }
  setScalar(tx, V_REQUEST_URI, ptr + from, len - from);
  const question = findByte(ptr, len, 63, from);
  const pathEnd = question < 0 ? len : <u32>question;
  // The path is taken as a web server does: decoded once.
  const path = decodePercent(tx, ptr + from, pathEnd - from);
  const pathLen = decodedBytes();
  setScalar(tx, V_REQUEST_FILENAME, path, pathLen);
  let slash = pathLen;
  while (slash > 0 && load<u8>(path + slash - 1) != 47 && load<u8>(path + slash - 1) != 92) slash--;
  setScalar(tx, V_REQUEST_BASENAME, path + slash, pathLen - slash);
  const queryFrom = question < 0 ? len : <u32>question + 1;
  setScalar(tx, V_QUERY_STRING, ptr + queryFrom, len - queryFrom);
  parseParams(tx, ptr + queryFrom, len - queryFrom, false);
}

/** A header field. */
export function feedRequestHeader(tx: Transaction, name: usize, nameLen: u32, value: usize, len: u32): void {
  const n = txCopy(tx, name, nameLen);
  const v = txCopy(tx, value, len);
  if (n == 0 || v == 0) return;
  tx.headBytes += nameLen + len + 4;
  addTo(tx, V_REQUEST_HEADERS, V_REQUEST_HEADERS, n, nameLen, v, len);
  addTo(tx, V_REQUEST_HEADERS_NAMES, V_REQUEST_HEADERS_NAMES, n, nameLen, n, nameLen);
  if (equalsFold(n, nameLen, "cookie")) parseCookies(tx, v, len);
  else if (equalsFold(n, nameLen, "content-type")) chooseProcessor(tx, v, len);
  else if (equalsFold(n, nameLen, "host")) {
    const colon = findByte(v, len, 58, 0);
    setScalar(tx, V_SERVER_NAME, v, colon < 0 ? len : <u32>colon);
  } else if (equalsFold(n, nameLen, "authorization")) {
    const space = findByte(v, len, 32, 0);
    setScalar(tx, V_AUTH_TYPE, v, space < 0 ? len : <u32>space);
  }
}

/** By content type, as the rules that come with ModSecurity choose. */
function chooseProcessor(tx: Transaction, ptr: usize, len: u32): void {
  while (len > 0 && load<u8>(ptr) == 32) {
    ptr++;
    len--;
  }
  const semicolon = findByte(ptr, len, 59, 0);
  let n = semicolon < 0 ? len : <u32>semicolon;
  while (n > 0 && load<u8>(ptr + n - 1) == 32) n--;
  if (equalsFold(ptr, n, "application/x-www-form-urlencoded")) tx.processor = BODY_URLENCODED;
  else if (startsFold(ptr, len, "multipart/form-data")) tx.processor = BODY_MULTIPART;
  else if (startsFold(ptr, n, "application/json") || (startsFold(ptr, n, "application/") && containsFold(ptr, n, "+json"))) {
    tx.processor = BODY_JSON;
  } else if (startsFold(ptr, n, "text/xml") || startsFold(ptr, n, "application/xml")
    || (startsFold(ptr, n, "application/soap") && containsFold(ptr, n, "+xml"))) tx.processor = BODY_XML;
  else tx.processor = BODY_NONE;
}

/** The header of the request is complete: phase 1. */
export function endRequestHead(tx: Transaction): void {
  tx.headBytes += 2;
  runPhase(tx, 1);
}

/** More of the request's body, decoded from its transfer and content encodings. */
export function feedRequestBody(tx: Transaction, ptr: usize, len: u32): void {
  if (!tx.requestBody || tx.generation != generation) return;
  const buffer = changetype<Buffer>(changetype<usize>(tx) + offsetof<Transaction>("body"));
  const limit = load<u32>(settings + S_REQUEST_LIMIT);
  const room = limit - min(limit, buffer.len);
  if (len > room) tx.bodyCut = true;
  if (!bufferAppend(buffer, ptr, min(len, room), limit)) tx.bodyCut = true;
}

/** The request is complete: its body is taken apart, phase 2. */
export function endRequest(tx: Transaction): void {
  runPhase(tx, 1);
  if ((tx.phases & 4) != 0 || tx.generation != generation) return;
  parseBody(tx);
  runPhase(tx, 2);
}

/** First line of the response without its end. */
export function feedResponseLine(tx: Transaction, ptr: usize, len: u32): void {
  const line = txCopy(tx, ptr, len);
  if (line == 0) return;
  setScalar(tx, V_STATUS_LINE, line, len);
  const space = findByte(line, len, 32, 0);
  const protocolEnd = space < 0 ? len : <u32>space;
  setScalar(tx, V_RESPONSE_PROTOCOL, line, protocolEnd);
  const status = min<u32>(len, protocolEnd + 1);
  tx.responseStatus = <u32>max(0, numberOf(line + status, len - status));
}

export function feedResponseHeader(tx: Transaction, name: usize, nameLen: u32, value: usize, len: u32): void {
  const n = txCopy(tx, name, nameLen);
  const v = txCopy(tx, value, len);
  if (n == 0 || v == 0) return;
  addTo(tx, V_RESPONSE_HEADERS, V_RESPONSE_HEADERS, n, nameLen, v, len);
  addTo(tx, V_RESPONSE_HEADERS_NAMES, V_RESPONSE_HEADERS_NAMES, n, nameLen, n, nameLen);
  if (equalsFold(n, nameLen, "content-type")) setScalar(tx, V_RESPONSE_CONTENT_TYPE, v, len);
  else if (equalsFold(n, nameLen, "content-length")) setScalar(tx, V_RESPONSE_CONTENT_LENGTH, v, len);
}

/** The header of the response is complete: phase 3. A response that comes before the request's end ends it. */
export function endResponseHead(tx: Transaction): void {
  endRequest(tx);
  runPhase(tx, 3);
}

/** Whether rules look at bodies of this content type. */
function isInspected(tx: Transaction): bool {
  for (let at = listOf(tx, V_RESPONSE_HEADERS).first; at != 0; at = changetype<Value>(at).next) {
    const header = changetype<Value>(at);
    if (equalsFold(header.name, header.nameLen, "content-type")) return inMimes(header.data, header.len);
  }
  return true;
}

function inMimes(ptr: usize, len: u32): bool {
  let n: u32 = 0;
  while (n < len && load<u8>(ptr + n) != 59 && load<u8>(ptr + n) != 32) n++;
  const list = rules + load<u32>(settings + S_MIMES);
  const end = load<u32>(settings + S_MIMES_LEN);
  let from: u32 = 0;
  while (from < end) {
    const space = findByte(list, end, 32, from);
    const to = space < 0 ? end : <u32>space;
    if (to - from == n && sameFold(list + from, ptr, n)) return true;
    from = to + 1;
  }
  return false;
}

function sameFold(lower: usize, ptr: usize, n: u32): bool {
  for (let i: u32 = 0; i < n; i++) {
    const c = <u32>load<u8>(ptr + i);
    if (<u32>load<u8>(lower + i) != (c - 65 < 26 ? c | 32 : c)) return false;
  }
  return true;
}

/** More of the response's body, decoded. */
export function feedResponseBody(tx: Transaction, ptr: usize, len: u32): void {
  if (!tx.responseBody || tx.generation != generation || !isInspected(tx)) return;
  const buffer = changetype<Buffer>(changetype<usize>(tx) + offsetof<Transaction>("response"));
  const limit = load<u32>(settings + S_RESPONSE_LIMIT);
  const room = limit - min(limit, buffer.len);
  if (len > room) tx.responseCut = true;
  if (!bufferAppend(buffer, ptr, min(len, room), limit)) tx.responseCut = true;
}

/** The response is complete: phase 4. */
export function endResponse(tx: Transaction): void {
  endResponseHead(tx);
  if (tx.responseLen > 0) {
    setScalar(tx, V_RESPONSE_BODY, tx.response, tx.responseLen);
    setScalarNumber(tx, V_RESPONSE_CONTENT_LENGTH, tx.responseLen);
  }
  runPhase(tx, 4);
}

/** The transaction is over: phase 5. */
export function endTransaction(tx: Transaction): void {
  runPhase(tx, 5);
}
