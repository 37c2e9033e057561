// The buffers that rules look at, built when they are asked for and kept in the transaction's arena.

import { arenaTake } from "../core/arena";
import { TO_CLIENT, TO_SERVER } from "../core/tx";
import { hashName, hashText, sameFold } from "./bytes";

import { fileName } from "./files";
import { arenaOf, SETTLED } from "./headers";
import { hostAt, hostLen, parseAuthority } from "./host";
import { findHeader, headerValue, headerValueLen } from "./lookup";
import {
  BUF_ACCEPT, BUF_ACCEPT_ENC, BUF_ACCEPT_LANG, BUF_BODY, BUF_BODY_RAW, BUF_CONNECTION, BUF_CONTENT_LEN, BUF_CONTENT_TYPE,
  BUF_COOKIE, BUF_COUNT, BUF_HEADER, BUF_HEADER_NAMES, BUF_HEADER_RAW, BUF_HOST, BUF_HOST_RAW, BUF_LINE, BUF_LOCATION,
  BUF_METHOD, BUF_PROTOCOL, BUF_REFERER, BUF_SERVER, BUF_START, BUF_STAT_CODE, BUF_STAT_MSG, BUF_TRAILER, BUF_URI,
  BUF_URI_RAW, BUF_USER_AGENT, HDR_REPEATS, HttpFile, HttpHeader, HttpMessage, HttpTx, messageOf, TXF_NO_REQUEST,
  TXF_URI_ENCODED_NUL, TXF_URI_INVALID_ENCODING,
} from "./types";
import { normalizeUri, uriEncodedNul, uriInvalidEncoding } from "./uri";

/** Length of the buffer that was given last. */
export let httpBufferLen: u32 = 0;

const H_USER_AGENT: u32 = hashText("user-agent");
const H_HOST: u32 = hashText("host");
const H_CONTENT_TYPE: u32 = hashText("content-type");
const H_CONTENT_LENGTH: u32 = hashText("content-length");
const H_REFERER: u32 = hashText("referer");
const H_ACCEPT: u32 = hashText("accept");
const H_ACCEPT_LANGUAGE: u32 = hashText("accept-language");
const H_ACCEPT_ENCODING: u32 = hashText("accept-encoding");
const H_CONNECTION: u32 = hashText("connection");
const H_LOCATION: u32 = hashText("location");
const H_SERVER: u32 = hashText("server");
const H_COOKIE: u32 = hashText("cookie");
const H_SET_COOKIE: u32 = hashText("set-cookie");

/** What the request of a response without one is said to have asked for. */
const NOT_SEEN = "/libhtp::request_uri_not_seen";

/**
 * A buffer (BUF_) of a transaction: its address, with the length in `httpBufferLen`, or 0 when there is none. Buffers of a
 * message that is not complete are as far as it came; those of headers should be asked for from HTTP_HEADERS on.
 */
export function httpBuffer(tx: usize, id: u32, dir: u32): usize {
  const t = changetype<HttpTx>(tx);
  const m = messageOf(tx, dir);
  httpBufferLen = 0;
  switch (id) {
    case BUF_URI_RAW: return t.flags & TXF_NO_REQUEST ? built(t, m, id, dir) : span(t.uri, t.uriLen);
    case BUF_METHOD: return span(t.methodAt, t.methodLen);
    case BUF_PROTOCOL: return span(m.protocol, m.protocolLen);
    case BUF_HEADER_RAW: return span(m.raw, m.rawLen);
    case BUF_COOKIE: return dir == TO_CLIENT ? value(t, m, "set-cookie", H_SET_COOKIE) : value(t, m, "cookie", H_COOKIE);
    case BUF_USER_AGENT: return value(t, m, "user-agent", H_USER_AGENT);
    case BUF_CONTENT_TYPE: return value(t, m, "content-type", H_CONTENT_TYPE);
    case BUF_CONTENT_LEN: return value(t, m, "content-length", H_CONTENT_LENGTH);
    case BUF_REFERER: return value(t, m, "referer", H_REFERER);
    case BUF_ACCEPT: return value(t, m, "accept", H_ACCEPT);
    case BUF_ACCEPT_LANG: return value(t, m, "accept-language", H_ACCEPT_LANGUAGE);
    case BUF_ACCEPT_ENC: return value(t, m, "accept-encoding", H_ACCEPT_ENCODING);
    case BUF_CONNECTION: return value(t, m, "connection", H_CONNECTION);
    case BUF_LOCATION: return value(t, m, "location", H_LOCATION);
    case BUF_SERVER: return value(t, m, "server", H_SERVER);
    case BUF_STAT_CODE: return span(t.statusAt, t.statusLen);
    case BUF_STAT_MSG: return span(t.message, t.messageLen);
    case BUF_LINE: return span(m.line, m.lineLen);
    case BUF_BODY: return span(m.body, m.bodyLen);
    case BUF_BODY_RAW: return m.rawBody != 0 ? span(m.rawBody, m.rawBodyLen) : span(m.body, m.bodyLen);
    case BUF_TRAILER: return span(m.trailer, m.trailerLen);
    case BUF_HOST_RAW:
      return t.uriHost != 0 ? span(t.uriHost, t.uriHostLen) : value(t, messageOf(tx, TO_SERVER), "host", H_HOST);
    case BUF_URI:
    case BUF_HOST:
    case BUF_HEADER:
    case BUF_HEADER_NAMES:
    case BUF_START: return built(t, m, id, dir);
    default: return 0;
  }
}

// @ts-ignore: decorator
@inline function span(at: usize, len: u32): usize {
  httpBufferLen = len;
  return at;
}

function value(tx: HttpTx, message: HttpMessage, name: string, hash: u32): usize {
  const h = findHeader(message, name, hash);
  if (h == 0) return 0;
  const at = headerValue(tx, h);
  httpBufferLen = headerValueLen;
  return at;
}

/** From the cache, or made now. */
function built(tx: HttpTx, message: HttpMessage, id: u32, dir: u32): usize {
  if (message.built == 0) {
    message.built = arenaTake(arenaOf(tx), BUF_COUNT * 8);
    if (message.built == 0) return 0;
    memory.fill(message.built, 0, BUF_COUNT * 8);
  }
  const slot = message.built + (id << 3);
  const seen = load<u32>(slot);
  // Headers grow with the trailer: the upper bits of the cached length say how many there were.
  if (seen != 0) {
    httpBufferLen = load<u32>(slot + 4);
    return seen;
  }
  let at: usize = 0;
  if (id == BUF_URI) at = makeUri(tx);
  else if (id == BUF_URI_RAW) at = notSeen(tx);
  else if (id == BUF_HOST) at = makeHost(tx);
  else if (id == BUF_HEADER) at = makeHeaders(tx, message, dir);
  else if (id == BUF_HEADER_NAMES) at = makeNames(tx, message);
  else at = makeStart(tx, message);
  const stage = dir == TO_CLIENT ? tx.progressToClient : tx.progressToServer;
  if (at != 0 && (stage >= 4 || id == BUF_URI || (stage >= 2 && message.coding != 2))) {
    store<u32>(slot, <u32>at);
    store<u32>(slot + 4, httpBufferLen);
  }
  return at;
}

function notSeen(tx: HttpTx): usize {
  const n = NOT_SEEN.length;
  const to = arenaTake(arenaOf(tx), n);
  if (to == 0) return 0;
  for (let i = 0; i < n; i++) store<u8>(to + i, <u8>load<u16>(changetype<usize>(NOT_SEEN) + (i << 1)));
  httpBufferLen = n;
  return to;
}

function makeUri(tx: HttpTx): usize {
  if (tx.flags & TXF_NO_REQUEST) return notSeen(tx);
  if (tx.uri == 0) return 0;
  const to = arenaTake(arenaOf(tx), tx.uriLen + 4);
  if (to == 0) return 0;
  httpBufferLen = normalizeUri(tx.uri, tx.uriLen, to);
  if (uriInvalidEncoding) tx.flags |= TXF_URI_INVALID_ENCODING;
  if (uriEncodedNul) tx.flags |= TXF_URI_ENCODED_NUL;
  return to;
}

/** Host in small letters without its port; that of an absolute target comes first. */
function makeHost(tx: HttpTx): usize {
  let at = tx.uriHost;
  let n = tx.uriHostLen;
  if (at == 0) {
    at = value(tx, messageOf(changetype<usize>(tx), TO_SERVER), "host", H_HOST);
    if (at == 0 || !parseAuthority(at, httpBufferLen)) return 0;
    at = hostAt;
    n = hostLen;
  } else {
    while (n > 0 && load<u8>(at + n - 1) == 46) n--;
  }
  const to = arenaTake(arenaOf(tx), max<u32>(n, 1));
  if (to == 0) return 0;
  for (let i: u32 = 0; i < n; i++) {
    let c: u32 = load<u8>(at + i);
    if (c - 65 < 26) c |= 32;
    store<u8>(to + i, c);
  }
  httpBufferLen = n;
  return to;
}

/** Whether a header is left out of http.header: cookies have a buffer of their own. */
function isCookie(header: HttpHeader, dir: u32): bool {
  return dir == TO_CLIENT ? header.hash == H_SET_COOKIE && header.nameLen == 10 : header.hash == H_COOKIE && header.nameLen == 6;
}

/** "Name: value" of each name with CR LF behind, repetitions joined. */
function makeHeaders(tx: HttpTx, message: HttpMessage, dir: u32): usize {
  let size: u32 = 0;
  let h = message.headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (listed(header) && !isCookie(header, dir)) size += lineSize(tx, h) + 2;
    h = header.next;
  }
  if (size == 0) return 0;
  const to = arenaTake(arenaOf(tx), size);
  if (to == 0) return 0;
  let w = to;
  h = message.headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (listed(header) && !isCookie(header, dir)) w = writeLine(tx, h, w);
    h = header.next;
  }
  httpBufferLen = size;
  return to;
}

// @ts-ignore: decorator
@inline function listed(header: HttpHeader): bool {
  return (header.flags & (HDR_REPEATS | SETTLED)) == SETTLED;
}

/** CR LF, each name with CR LF behind, CR LF. */
function makeNames(tx: HttpTx, message: HttpMessage): usize {
  let size: u32 = 4;
  let h = message.headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (listed(header)) size += header.nameLen + 2;
    h = header.next;
  }
  if (size == 4) return 0;
  const to = arenaTake(arenaOf(tx), size);
  if (to == 0) return 0;
  store<u16>(to, 0x0a0d);
  let w = to + 2;
  h = message.headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (listed(header)) {
      memory.copy(w, header.name, header.nameLen);
      w += header.nameLen;
      store<u16>(w, 0x0a0d);
      w += 2;
    }
    h = header.next;
  }
  store<u16>(w, 0x0a0d);
  httpBufferLen = size;
  return to;
}

/** First line, each name with its (joined) value, and an empty line. */
function makeStart(tx: HttpTx, message: HttpMessage): usize {
  if (message.line == 0) return 0;
  let size = message.lineLen + 4;
  let h = message.headers;
  while (h != 0) {
    if (listed(changetype<HttpHeader>(h))) size += lineSize(tx, h) + 2;
    h = changetype<HttpHeader>(h).next;
  }
  const to = arenaTake(arenaOf(tx), size);
  if (to == 0) return 0;
  memory.copy(to, message.line, message.lineLen);
  store<u16>(to + message.lineLen, 0x0a0d);
  let w = to + message.lineLen + 2;
  h = message.headers;
  while (h != 0) {
    if (listed(changetype<HttpHeader>(h))) w = writeLine(tx, h, w);
    h = changetype<HttpHeader>(h).next;
  }
  store<u16>(w, 0x0a0d);
  httpBufferLen = size;
  return to;
}

/** Length of "Name: value". */
function lineSize(tx: HttpTx, h: usize): u32 {
  headerValue(tx, h);
  return changetype<HttpHeader>(h).nameLen + 2 + headerValueLen;
}

/** Writes "Name: value" with CR LF behind; where it ends. */
function writeLine(tx: HttpTx, h: usize, w: usize): usize {
  const header = changetype<HttpHeader>(h);
  memory.copy(w, header.name, header.nameLen);
  w += header.nameLen;
  store<u16>(w, 0x203a);
  const at = headerValue(tx, h);
  memory.copy(w + 2, at, headerValueLen);
  w += 2 + headerValueLen;
  store<u16>(w, 0x0a0d);
  return w + 2;
}

/** Headers of a message, each name once. */
export function httpHeaderCount(tx: usize, dir: u32): u32 {
  let count: u32 = 0;
  let h = messageOf(tx, dir).headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (listed(header)) count++;
    h = header.next;
  }
  return count;
}

/** "Name: value" of header `index` (each name once, repetitions joined), or 0; the length is in `httpBufferLen`. */
export function httpHeaderLine(tx: usize, dir: u32, index: u32): usize {
  const t = changetype<HttpTx>(tx);
  let h = messageOf(tx, dir).headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (listed(header) && index-- == 0) {
      const size = lineSize(t, h);
      const to = arenaTake(arenaOf(t), size + 2);
      if (to == 0) return 0;
      writeLine(t, h, to);
      httpBufferLen = size;
      return to;
    }
    h = header.next;
  }
  return 0;
}

/** Joined value of the header called `name` (small letters), or 0; the length is in `httpBufferLen`. */
export function httpFindHeader(tx: usize, dir: u32, name: usize, nameLen: u32): usize {
  const hash = hashName(name, nameLen);
  let h = messageOf(tx, dir).headers;
  while (h != 0) {
    const header = changetype<HttpHeader>(h);
    if (header.hash == hash && header.nameLen == nameLen && listed(header) && sameFold(header.name, name, nameLen)) {
      const at = headerValue(changetype<HttpTx>(tx), h);
      httpBufferLen = headerValueLen;
      return at;
    }
    h = header.next;
  }
  return 0;
}

/** Name of a file (file.name): its address, with the length in `httpBufferLen`; 0 without. */
export function httpFileName(tx: usize, file: usize): usize {
  const at = fileName(changetype<HttpTx>(tx), file);
  return span(at, changetype<HttpFile>(file).nameLen);
}

/** Bytes of a file (file.data): its address, with the length in `httpBufferLen`; 0 when none were kept. */
export function httpFileData(tx: usize, dir: u32, file: usize): usize {
  const f = changetype<HttpFile>(file);
  const m = messageOf(tx, dir);
  if (m.wholeFile && dir == TO_CLIENT) return span(m.body, m.bodyLen);
  return span(f.data, f.dataLen);
}
