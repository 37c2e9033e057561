// HTTP/1 requests out of a byte stream (RFC 9112). The head is collected until it is complete and then parsed in one piece;
// the body is decoded (Content-Length or chunked) into a buffer of its own. So it does not matter how the stream was cut.
//
// Limits: heads of HEAD_MAX bytes, BODY_MAX inspected bytes of body (the rest is counted and skipped), HEADERS_MAX headers.
// What is over a limit, cut by a gap, or left unfinished at the end of a flow is reported as far as it came, marked PARTIAL.
// Bytes that are no HTTP make the parser wait for a segment that begins with a request line.

import {
  containsFold,
  equalsFold,
  findByte,
  hexValue,
  isAlpha,
  isDigit,
  isSpace,
  parseDecimal,
  reserve,
  startsFold,
  trimStart,
  trimmedLen,
} from "./bytes";
import { Flow } from "./flow";

export const HEAD_MAX: u32 = 16384;
export const BODY_MAX: u32 = 32768;
export const HEADERS_MAX: u32 = 96;

/** The request is not whole. */
export const HTTP_PARTIAL: u32 = 1;
/** Content-Length and Transfer-Encoding together. */
export const HTTP_BOTH_LENGTHS: u32 = 2;
/** Content-Length headers that differ, or that are no number. */
export const HTTP_BAD_LENGTH: u32 = 4;
/** A Transfer-Encoding other than chunked (or gzip, deflate, compress, identity), or one in disguise. */
export const HTTP_BAD_ENCODING: u32 = 8;
/** The head or the number of headers is over the limit. */
export const HTTP_TOO_LONG: u32 = 16;
/** White space before a colon, a control character in a name, or a NUL in the head. */
export const HTTP_BAD_HEADER: u32 = 32;
/** More body than BODY_MAX. */
export const HTTP_BODY_CUT: u32 = 64;

const IDLE: u32 = 0;
const HEAD: u32 = 1;
const BODY: u32 = 2;
const CHUNK_SIZE: u32 = 3;
const CHUNK_DATA: u32 = 4;
const CHUNK_END: u32 = 5;
const TRAILER: u32 = 6;
const LOST: u32 = 7;

/** The parser of one direction; lives in the flow's own bytes. */
@unmanaged
export class Http {
  state: u32;
  flags: u32;
  /** Pooled buffer: head, then body; 0 between requests. */
  buffer: usize;
  headLen: u32;
  bodyLen: u32;
  /** Bytes of the body or chunk still to come. */
  remaining: u64;
  /** Bytes of a chunk-size or trailer line so far; the size so far. */
  line: u32;
  size: u32;
  /** For the module: cleared when a request begins. */
  user: u32;
  /** Requests seen on this connection. */
  requests: u32;
}

/** Called with the parsed request in the `req` globals: when its head is complete (`body` false), and when its body is. */
export type RequestFunction = (flow: Flow, dir: u32, http: Http, body: bool) => void;

// The request being reported. Pointers are valid during the call.
export let reqMethod: usize = 0;
export let reqMethodLen: u32 = 0;
export let reqUri: usize = 0;
export let reqUriLen: u32 = 0;
/** 9 for HTTP/0.9, 10, 11. */
export let reqVersion: u32 = 0;
export let reqFlags: u32 = 0;
export let reqBody: usize = 0;
export let reqBodyLen: u32 = 0;
/** A body follows, or followed. */
export let reqHasBody: bool = false;
export let reqHeaders: u32 = 0;

@unmanaged
class Slice {
  name: usize;
  value: usize;
  nameLen: u32;
  valueLen: u32;
}

@unmanaged
class Pooled {
  /** The parser that has it, or 0. */
  owner: usize;
  link: usize;
}

let table: usize = 0;
let poolFree: usize = 0;
let pool: usize = 0;
let poolCount: u32 = 0;
let poolNext: u32 = 0;
let onRequest: RequestFunction = (flow: Flow, dir: u32, http: Http, body: bool): void => {};

const POOLED: usize = offsetof<Pooled>() + HEAD_MAX + BODY_MAX;

/** Call once at start-up. `buffers` requests may be unfinished at the same time, over all flows. */
export function initHttp(buffers: u32, request: RequestFunction): void {
  table = reserve(offsetof<Slice>() * HEADERS_MAX);
  pool = reserve(POOLED * buffers);
  poolCount = buffers;
  for (let i: u32 = buffers; i > 0; i--) {
    const entry = changetype<Pooled>(pool + (i - 1) * POOLED);
    entry.link = poolFree;
    poolFree = changetype<usize>(entry);
  }
  onRequest = request;
}

export function headerName(i: u32): usize {
  return changetype<Slice>(table + i * offsetof<Slice>()).name;
}
export function headerNameLen(i: u32): u32 {
  return changetype<Slice>(table + i * offsetof<Slice>()).nameLen;
}
export function headerValue(i: u32): usize {
  return changetype<Slice>(table + i * offsetof<Slice>()).value;
}
export function headerValueLen(i: u32): u32 {
  return changetype<Slice>(table + i * offsetof<Slice>()).valueLen;
}

/** Number of the first header of that name (in small letters), or -1. */
export function findHeader(name: string): i32 {
  for (let i: u32 = 0; i < reqHeaders; i++) {
    if (equalsFold(headerName(i), headerNameLen(i), name)) return <i32>i;
  }
  return -1;
}

// @ts-ignore: decorator
@inline function headOf(http: Http): usize {
  return http.buffer + offsetof<Pooled>();
}

// @ts-ignore: decorator
@inline function bodyOf(http: Http): usize {
  return http.buffer + offsetof<Pooled>() + HEAD_MAX;
}

/** Gives the buffer back without reporting anything; call it when the flow is forgotten. */
export function releaseHttp(http: Http): void {
  release(http);
  http.state = LOST;
}

function acquire(http: Http): void {
  if (poolFree == 0) {
    // Take the buffer of some other unfinished request, in turns. It is not reported: findings belong to the current record's
    // flow, and its head was inspected if it was complete.
    const victim = changetype<Pooled>(pool + poolNext * POOLED);
    poolNext = (poolNext + 1) % poolCount;
    releaseHttp(changetype<Http>(victim.owner));
  }
  const entry = changetype<Pooled>(poolFree);
  poolFree = entry.link;
  entry.owner = changetype<usize>(http);
  http.buffer = changetype<usize>(entry);
  http.headLen = 0;
  http.bodyLen = 0;
  http.flags = 0;
  http.user = 0;
}

function release(http: Http): void {
  if (http.buffer == 0) return;
  const entry = changetype<Pooled>(http.buffer);
  entry.owner = 0;
  entry.link = poolFree;
  poolFree = http.buffer;
  http.buffer = 0;
}

/** Reports what there is of the request, and waits for the next one to begin. */
function abandon(flow: Flow, dir: u32, http: Http): void {
  if (http.buffer != 0) {
    http.flags |= HTTP_PARTIAL;
    if (http.state == HEAD) {
      reqHasBody = false;
      if (parseHead(http)) report(flow, dir, http, false);
    } else if (http.bodyLen > 0 && (http.flags & HTTP_BODY_CUT) == 0) {
      if (parseHead(http)) report(flow, dir, http, true);
    }
    release(http);
  }
  http.state = LOST;
}

function report(flow: Flow, dir: u32, http: Http, body: bool): void {
  reqFlags = http.flags;
  reqBody = bodyOf(http);
  reqBodyLen = body ? http.bodyLen : 0;
  onRequest(flow, dir, http, body);
}

/** The stream ends, or starts anew. */
export function endHttp(flow: Flow, dir: u32, http: Http): void {
  if (http.buffer != 0) abandon(flow, dir, http);
  http.state = IDLE;
}

/** Bytes are missing from the stream; 0 when nobody knows how many. */
export function gapHttp(flow: Flow, dir: u32, http: Http, missing: u32): void {
  if (missing > 0 && http.remaining > missing && (http.state == BODY || http.state == CHUNK_DATA)) {
    // Inside of a body the count still holds.
    http.remaining -= missing;
    http.flags |= HTTP_PARTIAL;
    return;
  }
  abandon(flow, dir, http);
}

/** Whether bytes begin like a request line: a known method and a space, as far as they go. */
function beginsRequest(ptr: usize, len: u32): bool {
  let i: u32 = 0;
  while (i < len && i < 16 && isAlpha(load<u8>(ptr + i))) i++;
  if (i < 3 || i == len || load<u8>(ptr + i) != 32) return false;
  const first: u32 = i + 1 < len ? load<u8>(ptr + i + 1) : 0;
  return first == 47 || first == 42 || first == 104 || first == 72;
}

/** Takes the next bytes of the stream. */
export function feedHttp(flow: Flow, dir: u32, http: Http, ptr: usize, len: u32): void {
  let at: u32 = 0;
  if (http.state == LOST) {
    if (!beginsRequest(ptr, len)) return;
    http.state = IDLE;
  }
  while (at < len && http.state != LOST) {
    const state = http.state;
    if (state == IDLE) {
      const c = load<u8>(ptr + at);
      if (c == 13 || c == 10) {
        at++;
        continue;
      }
      acquire(http);
      http.state = HEAD;
    } else if (state == HEAD) {
      at += feedHead(flow, dir, http, ptr + at, len - at);
    } else if (state == BODY || state == CHUNK_DATA) {
      const size = <u32>min(http.remaining, <u64>(len - at));
      storeBody(flow, dir, http, ptr + at, size);
      at += size;
      http.remaining -= size;
      if (http.remaining == 0) {
        if (state == BODY) finish(flow, dir, http);
        else http.state = CHUNK_END;
      }
    } else {
      feedChunkLine(flow, dir, http, load<u8>(ptr + at));
      at++;
    }
  }
}

function storeBody(flow: Flow, dir: u32, http: Http, ptr: usize, len: u32): void {
  if ((http.flags & HTTP_BODY_CUT) != 0) return;
  const size = min(len, BODY_MAX - http.bodyLen);
  memory.copy(bodyOf(http) + http.bodyLen, ptr, size);
  http.bodyLen += size;
  if (size < len) {
    // Enough to judge: an upload that takes minutes is not waited for.
    http.flags |= HTTP_BODY_CUT;
    if (parseHead(http)) report(flow, dir, http, true);
  }
}

function finish(flow: Flow, dir: u32, http: Http): void {
  if (http.bodyLen > 0 && (http.flags & HTTP_BODY_CUT) == 0 && parseHead(http)) report(flow, dir, http, true);
  release(http);
  http.state = IDLE;
}

/** Chunk sizes, chunk ends and trailers, a byte at a time. */
function feedChunkLine(flow: Flow, dir: u32, http: Http, c: u32): void {
  if (http.state == CHUNK_END) {
    if (c == 13) return;
    if (c != 10) {
      abandon(flow, dir, http);
      return;
    }
    http.state = CHUNK_SIZE;
    http.line = 0;
    http.size = 0;
    return;
  }
  if (http.state == TRAILER) {
    if (c == 10) {
      if (http.line == 0) finish(flow, dir, http);
      http.line = 0;
    } else if (c != 13) {
      if (++http.line > HEAD_MAX) abandon(flow, dir, http);
    }
    return;
  }
  // CHUNK_SIZE: hexadecimal digits, then anything (extensions) up to the line feed. Bit 31 of `line`: digits are over.
  if (c == 10) {
    if ((http.line & 0x7fffffff) == 0) {
      abandon(flow, dir, http);
    } else if (http.size == 0) {
      http.state = TRAILER;
      http.line = 0;
    } else {
      http.remaining = http.size;
      http.state = CHUNK_DATA;
    }
    return;
  }
  const digit = hexValue(c);
  if (digit >= 0 && http.line < 8) {
    http.size = (http.size << 4) | (<u32>digit);
    http.line++;
  } else if (http.line == 0 || (digit >= 0 && http.line == 8)) {
    abandon(flow, dir, http);
  } else {
    http.line |= 0x80000000;
  }
}

/** Collects the head; returns the bytes taken. */
function feedHead(flow: Flow, dir: u32, http: Http, ptr: usize, len: u32): u32 {
  const head = headOf(http);
  const before = http.headLen;
  const size = min(len, HEAD_MAX - before);
  memory.copy(head + before, ptr, size);
  // An empty line ends the head: two line feeds with at most a CR between them.
  let at: i32 = before == 0 ? findByte(head, size, 10) : findByte(head, before + size, 10, before > 3 ? before - 3 : 0);
  const total = before + size;
  while (at >= 0) {
    const i = <u32>at;
    let end: u32 = 0;
    if (i + 1 < total && load<u8>(head + i + 1) == 10) end = i + 2;
    else if (i + 2 < total && load<u8>(head + i + 1) == 13 && load<u8>(head + i + 2) == 10) end = i + 3;
    if (end > 0) {
      http.headLen = end;
      headComplete(flow, dir, http);
      return end > before ? end - before : 0;
    }
    at = findByte(head, total, 10, i + 1);
  }
  http.headLen = total;
  if (!couldBeRequest(head, total)) {
    release(http);
    http.state = LOST;
    return size;
  }
  if (total == HEAD_MAX) {
    http.flags |= HTTP_TOO_LONG;
    abandon(flow, dir, http);
  }
  return size;
}

/** Whether the collected bytes may still become a request: a token, a space, and HTTP/ at the end of the first line. */
function couldBeRequest(head: usize, len: u32): bool {
  let i: u32 = 0;
  while (i < len && (isAlpha(load<u8>(head + i)) || load<u8>(head + i) == 45 || load<u8>(head + i) == 95)) i++;
  if (i > 24 || i == 0) return false;
  if (i == len) return true;
  if (load<u8>(head + i) != 32) return false;
  const lf = findByte(head, len, 10, i);
  return lf < 0 || isRequestLine(head, <u32>lf);
}

function isRequestLine(ptr: usize, len: u32): bool {
  return containsFold(ptr, len, " http/") || startsFold(ptr, len, "get /");
}

function headComplete(flow: Flow, dir: u32, http: Http): void {
  if (!parseHead(http)) {
    release(http);
    http.state = LOST;
    return;
  }
  http.requests++;
  let length: i64 = -1;
  let chunked = false;
  let lengths = false;
  for (let i: u32 = 0; i < reqHeaders; i++) {
    const value = headerValue(i);
    const valueLen = headerValueLen(i);
    if (equalsFold(headerName(i), headerNameLen(i), "content-length")) {
      const number = parseDecimal(value, valueLen);
      if (number < 0 || (lengths && number != length)) http.flags |= HTTP_BAD_LENGTH;
      if (!lengths) length = number;
      lengths = true;
    } else if (equalsFold(headerName(i), headerNameLen(i), "transfer-encoding")) {
      if (equalsFold(value, valueLen, "chunked")) {
        if (chunked) http.flags |= HTTP_BAD_ENCODING;
        chunked = true;
      } else if (containsFold(value, valueLen, "chunked")) {
        chunked = true;
        if (!(startsFold(value, valueLen, "gzip,") || startsFold(value, valueLen, "deflate,"))) http.flags |= HTTP_BAD_ENCODING;
      } else if (!equalsFold(value, valueLen, "identity")) {
        http.flags |= HTTP_BAD_ENCODING;
      }
    }
  }
  if (lengths && chunked) http.flags |= HTTP_BOTH_LENGTHS;
  reqHasBody = chunked || length > 0;
  const connect = equalsFold(reqMethod, reqMethodLen, "connect");
  report(flow, dir, http, false);
  if (connect) {
    release(http);
    http.state = LOST;
  } else if (chunked) {
    http.state = CHUNK_SIZE;
    http.line = 0;
    http.size = 0;
  } else if (length > 0) {
    http.state = BODY;
    http.remaining = <u64>length;
  } else {
    release(http);
    http.state = IDLE;
  }
}

/** Parses the head into the `req` globals; false when the first line is no request line. */
function parseHead(http: Http): bool {
  const head = headOf(http);
  const len = http.headLen;
  let lf = findByte(head, len, 10);
  let end: u32 = lf < 0 ? len : <u32>lf;
  // A head cut by a gap: its last line may be half, which is better than nothing.
  let lineLen = end;
  while (lineLen > 0 && isSpace(load<u8>(head + lineLen - 1))) lineLen--;
  if (lf >= 0 ? !isRequestLine(head, end) : !beginsRequest(head, len)) return false;
  const space = findByte(head, lineLen, 32);
  if (space <= 0) return false;
  reqMethod = head;
  reqMethodLen = <u32>space;
  let uri: u32 = <u32>space;
  while (uri < lineLen && load<u8>(head + uri) == 32) uri++;
  reqUri = head + uri;
  let uriEnd = lineLen;
  reqVersion = 9;
  // The version is what follows the last " HTTP/".
  for (let i = lineLen; i > uri; i--) {
    if (load<u8>(head + i - 1) == 32 && startsFold(head + i, lineLen - i, "http/")) {
      uriEnd = i - 1;
      reqVersion =
        i + 8 <= lineLen && isDigit(load<u8>(head + i + 5)) && isDigit(load<u8>(head + i + 7))
          ? (load<u8>(head + i + 5) - 48) * 10 + (load<u8>(head + i + 7) - 48)
          : 0;
      break;
    }
  }
  while (uriEnd > uri && load<u8>(head + uriEnd - 1) == 32) uriEnd--;
  reqUriLen = uriEnd - uri;
  if (findByte(head, len, 0) >= 0) http.flags |= HTTP_BAD_HEADER;
  reqHeaders = 0;
  let at = end + 1;
  let last: Slice | null = null;
  while (at < len) {
    lf = findByte(head, len, 10, at);
    end = lf < 0 ? len : <u32>lf;
    let size = end - at;
    const line = head + at;
    at = end + 1;
    while (size > 0 && load<u8>(line + size - 1) == 13) size--;
    if (size == 0) break;
    const c = load<u8>(line);
    if ((c == 32 || c == 9) && last !== null) {
      // A folded line continues the value before it.
      last.valueLen = <u32>(line + size - last.value);
      continue;
    }
    const colon = findByte(line, size, 58);
    if (colon < 0) continue;
    if (reqHeaders == HEADERS_MAX) {
      http.flags |= HTTP_TOO_LONG;
      break;
    }
    const slice = changetype<Slice>(table + reqHeaders++ * offsetof<Slice>());
    last = slice;
    slice.name = line;
    slice.nameLen = <u32>colon;
    while (slice.nameLen > 0 && load<u8>(line + slice.nameLen - 1) <= 32) {
      slice.nameLen--;
      http.flags |= HTTP_BAD_HEADER;
    }
    slice.value = trimStart(line + colon + 1, size - colon - 1);
    slice.valueLen = trimmedLen(line + colon + 1, size - colon - 1);
  }
  return true;
}
