// Takes a request apart into values, and gives each to detect.ts with the place it came from.

import {
  containsFold,
  equalsFold,
  findByte,
  findFold,
  inWords,
  isSpace,
  reserve,
  startsFold,
  trimStart,
  trimmedLen,
} from "../../../sdk/assembly/bytes";
import { changed, jsonUnescape, normalizeSlashes, urlDecode } from "../../../sdk/assembly/decode";
import {
  HTTP_BAD_ENCODING,
  HTTP_BAD_HEADER,
  HTTP_BAD_LENGTH,
  HTTP_BOTH_LENGTHS,
  HTTP_PARTIAL,
  findHeader,
  headerName,
  headerNameLen,
  headerValue,
  headerValueLen,
  reqBody,
  reqBodyLen,
  reqFlags,
  reqHeaders,
  reqMethod,
  reqMethodLen,
  reqUri,
  reqUriLen,
  reqVersion,
} from "../../../sdk/assembly/http1";
import { inspectSignatures, inspectTraversal, inspectValue, isNoSqlOperator, isProto, isScriptName } from "./detect";
import {
  PLACE_BODY,
  PLACE_HEADER,
  PLACE_NAME,
  PLACE_PATH,
  PLACE_QUERY,
  PLACE_UPLOAD,
  PLACE_USER_AGENT,
  RULE_9100008,
  RULE_9101101,
  RULE_9101102,
  RULE_9101103,
  RULE_9101104,
  RULE_9101105,
  RULE_9101107,
  RULE_9101202,
  RULE_9101301,
} from "./generated/rules";
import { T_JSON, T_PATH, T_URL, hit, setPlace, setTransforms } from "./score";

const BUFFER: u32 = 32768 + 16;
const nameBuffer = reserve(BUFFER);
const valueBuffer = reserve(BUFFER);
/** Arguments and strings inspected of one request. */
const VALUES_MAX: u32 = 1024;
let values: u32 = 0;

/** Headers whose values have a syntax of their own, quotes and comments included, and no meaning to applications. */
const PLAIN_HEADERS =
  "accept accept-encoding accept-language accept-charset authorization cache-control connection " +
  "content-length content-type cookie date dnt " +
  "expect host if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive origin " +
  "pragma priority proxy-authorization range " +
  "save-data te trailer transfer-encoding upgrade upgrade-insecure-requests via";

/** Everything that is known when the head is complete. */
export function inspectHead(): void {
  values = 0;
  inspectProtocol();
  inspectPath();
  inspectQuery();
  inspectHeaders();
}

function inspectProtocol(): void {
  setPlace("request");
  setTransforms(0);
  const flags = reqFlags;
  if ((flags & HTTP_BOTH_LENGTHS) != 0) hit(RULE_9101101, reqUri, reqUriLen);
  if ((flags & HTTP_BAD_LENGTH) != 0) hit(RULE_9101102, reqUri, reqUriLen);
  if ((flags & HTTP_BAD_ENCODING) != 0) hit(RULE_9101103, reqUri, reqUriLen);
  if ((flags & HTTP_BAD_HEADER) != 0) hit(RULE_9101105, reqUri, reqUriLen);
  if ((flags & HTTP_PARTIAL) == 0 && reqVersion == 11 && findHeader("host") < 0) hit(RULE_9101104, reqUri, reqUriLen);
  if (inWords(reqMethod, reqMethodLen, "trace track debug")) hit(RULE_9101107, reqMethod, reqMethodLen);
}

function pathLen(): u32 {
  const question = findByte(reqUri, reqUriLen, 63);
  return question < 0 ? reqUriLen : <u32>question;
}

function inspectPath(): void {
  setPlace("uri");
  const len = min(pathLen(), BUFFER - 16);
  setTransforms(0);
  inspectSignatures(PLACE_PATH, reqUri, len);
  // In a path, %2e is as good as a dot; browsers send neither.
  let n = urlDecode(reqUri, len, valueBuffer, false);
  let transforms = changed() ? T_URL : 0;
  if (changed() && findByte(valueBuffer, n, 37) >= 0) n = urlDecode(valueBuffer, n, valueBuffer, false);
  setTransforms(transforms);
  inspectTraversal(valueBuffer, n);
  n = normalizeSlashes(valueBuffer, n, valueBuffer);
  if (changed()) transforms |= T_PATH;
  store<u8>(valueBuffer + n, 32);
  setTransforms(transforms);
  inspectSignatures(PLACE_PATH, valueBuffer, n + 1);
  // Applications take identifiers from paths too.
  if (transforms != 0) inspectValue(valueBuffer, n);
}

function inspectQuery(): void {
  const at = pathLen();
  if (at + 1 < reqUriLen) inspectForm(reqUri + at + 1, reqUriLen - at - 1, "args", PLACE_QUERY);
}

/** `a=b&c=d`, percent-encoded. */
function inspectForm(ptr: usize, len: u32, kind: string, more: u32): void {
  let at: u32 = 0;
  while (at < len && values < VALUES_MAX) {
    const amp = findByte(ptr, len, 38, at);
    const end: u32 = amp < 0 ? len : <u32>amp;
    const eq = findByte(ptr, end, 61, at);
    const split: u32 = eq < 0 ? end : <u32>eq;
    inspectPair(ptr + at, split - at, ptr + min(split + 1, end), end - min(split + 1, end), kind, more);
    at = end + 1;
  }
}

function inspectPair(name: usize, nameLen: u32, value: usize, valueLen: u32, kind: string, more: u32): void {
  values++;
  const n = urlDecode(name, min(nameLen, BUFFER - 16), nameBuffer, true);
  const nameTransforms = changed() ? T_URL : 0;
  setPlace(kind, nameBuffer, n);
  setTransforms(nameTransforms);
  inspectSignatures(PLACE_NAME, nameBuffer, n);
  // A name is inspected like a value only when it could carry something.
  if (valueLen == 0 || nameTransforms != 0) inspectValue(nameBuffer, n, more);
  const m = urlDecode(value, min(valueLen, BUFFER - 16), valueBuffer, true);
  setTransforms(changed() ? T_URL : 0);
  inspectValue(valueBuffer, m, more);
}

function inspectHeaders(): void {
  setTransforms(0);
  for (let i: u32 = 0; i < reqHeaders; i++) {
    const name = headerName(i);
    const nameLen = headerNameLen(i);
    const value = headerValue(i);
    const len = headerValueLen(i);
    setPlace("header", name, nameLen);
    inspectSignatures(PLACE_HEADER, value, len);
    if (equalsFold(name, nameLen, "cookie")) {
      inspectCookies(value, len);
    } else if (equalsFold(name, nameLen, "user-agent")) {
      inspectSignatures(PLACE_USER_AGENT | PLACE_HEADER, value, len);
    } else if (equalsFold(name, nameLen, "referer")) {
      // A page's own address, query and all: only what is in its arguments counts.
      const question = findByte(value, len, 63);
      if (question >= 0) inspectForm(value + question + 1, len - question - 1, "header.referer", 0);
    } else if (!startsFold(name, nameLen, "sec-") && !inWords(name, nameLen, PLAIN_HEADERS)) {
      inspectValue(value, len);
    }
  }
}

function inspectCookies(ptr: usize, len: u32): void {
  let at: u32 = 0;
  while (at < len && values < VALUES_MAX) {
    const semi = findByte(ptr, len, 59, at);
    const end: u32 = semi < 0 ? len : <u32>semi;
    const part = trimStart(ptr + at, end - at);
    const size = trimmedLen(ptr + at, end - at);
    at = end + 1;
    const eq = findByte(part, size, 61);
    values++;
    if (eq < 0) continue;
    setPlace("cookie", part, <u32>eq);
    const n = urlDecode(part + eq + 1, size - eq - 1, valueBuffer, false);
    setTransforms(changed() ? T_URL : 0);
    inspectValue(valueBuffer, n);
  }
  setTransforms(0);
}

/** The body, by its type. */
export function inspectBody(): void {
  const header = findHeader("content-type");
  const type: usize = header < 0 ? 0 : headerValue(header);
  const typeLen: u32 = header < 0 ? 0 : headerValueLen(header);
  setTransforms(0);
  setPlace("body");
  inspectSignatures(PLACE_BODY, reqBody, reqBodyLen);
  if (containsFold(type, typeLen, "json")) {
    inspectJson(reqBody, reqBodyLen);
  } else if (startsFold(type, typeLen, "multipart/")) {
    inspectMultipart(type, typeLen);
  } else if (startsFold(type, typeLen, "application/x-www-form-urlencoded") || typeLen == 0) {
    inspectBareBody();
  } else if (containsFold(type, typeLen, "xml")) {
    // The markup is not an attack by itself; what is between the tags may be.
    inspectXmlText(reqBody, reqBodyLen);
  } else if (startsFold(type, typeLen, "text/") || containsFold(type, typeLen, "graphql")) {
    inspectValue(reqBody, reqBodyLen);
  }
}

/** A form, unless it looks like JSON or XML all the same: servers guess too. */
function inspectBareBody(): void {
  const start = trimStart(reqBody, reqBodyLen);
  const first: u32 = start < reqBody + reqBodyLen ? load<u8>(start) : 0;
  if (first == 123 || first == 91) inspectJson(reqBody, reqBodyLen);
  else if (first == 60) inspectXmlText(reqBody, reqBodyLen);
  else inspectForm(reqBody, reqBodyLen, "body", 0);
}

/** The strings of a JSON text, however broken: keys are names, the rest are values. */
function inspectJson(ptr: usize, len: u32): void {
  let key: usize = 0;
  let keyLen: u32 = 0;
  let i: u32 = 0;
  while (i < len && values < VALUES_MAX) {
    if (load<u8>(ptr + i) != 34) {
      i++;
      continue;
    }
    let k = i + 1;
    while (k < len && load<u8>(ptr + k) != 34) k += load<u8>(ptr + k) == 92 ? 2 : 1;
    const end = min(k, len);
    const from = ptr + i + 1;
    const size = end > i ? end - i - 1 : 0;
    let next = end + 1;
    while (next < len && isSpace(load<u8>(ptr + next))) next++;
    values++;
    if (next < len && load<u8>(ptr + next) == 58) {
      key = from;
      keyLen = size;
      setPlace("body", key, keyLen);
      setTransforms(T_JSON);
      inspectSignatures(PLACE_NAME, from, size);
      if (isNoSqlOperator(from, size)) hit(RULE_9100008, from, size);
      if (isProto(from, size)) hit(RULE_9101202, from, size);
    } else {
      const n = jsonUnescape(from, min(size, BUFFER - 16), valueBuffer);
      setPlace("body", key, keyLen);
      setTransforms(changed() ? T_JSON : 0);
      inspectValue(valueBuffer, n);
    }
    i = end + 1;
  }
  setTransforms(0);
}

/** What stands between the tags. */
function inspectXmlText(ptr: usize, len: u32): void {
  setPlace("body");
  let at: u32 = 0;
  while (at < len && values < VALUES_MAX) {
    const open = findByte(ptr, len, 60, at);
    const end: u32 = open < 0 ? len : <u32>open;
    const text = trimStart(ptr + at, end - at);
    const size = trimmedLen(ptr + at, end - at);
    if (size > 0) {
      values++;
      inspectValue(text, size);
    }
    if (startsFold(ptr + end, len - end, "<![cdata[")) {
      const close = findFold(ptr, len, "]]>", end);
      const stop: u32 = close < 0 ? len : <u32>close;
      values++;
      inspectValue(ptr + end + 9, stop - min(stop, end + 9));
      at = stop;
    }
    const close = findByte(ptr, len, 62, max(at, end));
    at = close < 0 ? len : <u32>close + 1;
  }
}

function parameter(ptr: usize, len: u32, name: string): i32 {
  const at = findFold(ptr, len, name);
  return at < 0 ? -1 : at + name.length;
}

/** End of a parameter's value that starts at `from`, quoted or not; the start moves past the quote. */
let parameterStart: u32 = 0;
function parameterEnd(ptr: usize, len: u32, from: u32): u32 {
  let k = from;
  if (k < len && load<u8>(ptr + k) == 34) {
    parameterStart = k + 1;
    const close = findByte(ptr, len, 34, k + 1);
    return close < 0 ? len : <u32>close;
  }
  parameterStart = from;
  while (k < len && load<u8>(ptr + k) != 59 && load<u8>(ptr + k) != 13 && load<u8>(ptr + k) != 10 && load<u8>(ptr + k) != 32) k++;
  return k;
}

/** multipart/form-data (RFC 7578): fields are values; files are looked at by name and for code. */
function inspectMultipart(type: usize, typeLen: u32): void {
  const at = parameter(type, typeLen, "boundary=");
  if (at < 0) return;
  const end = parameterEnd(type, typeLen, <u32>at);
  const boundary = type + parameterStart;
  const boundaryLen = end - parameterStart;
  if (boundaryLen == 0 || boundaryLen > 200) return;
  let part = nextBoundary(0, boundary, boundaryLen);
  while (part >= 0 && values < VALUES_MAX) {
    const from = <u32>part + boundaryLen + 2;
    const next = nextBoundary(from, boundary, boundaryLen);
    const stop: u32 = next < 0 ? reqBodyLen : <u32>next;
    if (from < stop) inspectPart(reqBody + from, stop - from);
    part = next;
  }
}

function nextBoundary(from: u32, boundary: usize, len: u32): i32 {
  for (let i = from; i + len + 2 <= reqBodyLen; i++) {
    const dash = findByte(reqBody, reqBodyLen, 45, i);
    if (dash < 0 || <u32>dash + len + 2 > reqBodyLen) return -1;
    i = <u32>dash;
    if (load<u8>(reqBody + i + 1) == 45 && memory.compare(reqBody + i + 2, boundary, len) == 0) return <i32>i;
  }
  return -1;
}

function inspectPart(ptr: usize, len: u32): void {
  let gap = findFold(ptr, len, "\r\n\r\n");
  let head: u32 = gap < 0 ? 0 : <u32>gap + 4;
  if (gap < 0) {
    gap = findFold(ptr, len, "\n\n");
    if (gap < 0) return;
    head = <u32>gap + 2;
  }
  values++;
  let content = len - head;
  while (content > 0 && (load<u8>(ptr + head + content - 1) == 10 || load<u8>(ptr + head + content - 1) == 13)) content--;
  const name = parameter(ptr, <u32>gap, " name=");
  if (name >= 0) {
    const end = parameterEnd(ptr, <u32>gap, <u32>name);
    setPlace("body", ptr + parameterStart, end - parameterStart);
  } else {
    setPlace("body");
  }
  setTransforms(0);
  const file = parameter(ptr, <u32>gap, "filename=");
  if (file < 0) {
    inspectValue(ptr + head, content);
    return;
  }
  const fileEnd = parameterEnd(ptr, <u32>gap, <u32>file);
  const fileName = ptr + parameterStart;
  const fileNameLen = fileEnd - parameterStart;
  if (isScriptName(fileName, fileNameLen)) hit(RULE_9101301, fileName, fileNameLen);
  inspectValue(fileName, fileNameLen);
  inspectSignatures(PLACE_UPLOAD, ptr + head, content);
}
