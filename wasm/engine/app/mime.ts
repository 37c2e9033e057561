// Internet messages (RFC 5322) with MIME (RFC 2045, 2046), line by line: headers of the message, parts, attachments decoded into
// files, addresses of the web in text parts.

import { arenaTake } from "../core/arena";
import { Buffer, bufferAppend, bufferFree } from "../core/buffer";
import { equalsFold, findFold, hexValue, lower, startsFold } from "../../sdk/assembly/bytes";
import { AppTx, txArena, txEvent } from "./conn";
import { File, fileAppend, fileOpen } from "./file";

export const EV_MIME_PARSE_FAILED: u32 = 10;
export const EV_MIME_MALFORMED: u32 = 11;
export const EV_MIME_BASE64: u32 = 12;
export const EV_MIME_QP: u32 = 13;
export const EV_MIME_LONG_LINE: u32 = 14;
export const EV_MIME_LONG_ENC_LINE: u32 = 15;
export const EV_MIME_LONG_HEADER_NAME: u32 = 16;
export const EV_MIME_LONG_HEADER_VALUE: u32 = 17;
export const EV_MIME_LONG_BOUNDARY: u32 = 18;
export const EV_MIME_LONG_FILENAME: u32 = 19;

export const FIELD_FROM: u8 = 1;
export const FIELD_SUBJECT: u8 = 2;
export const FIELD_TO: u8 = 3;
export const FIELD_CC: u8 = 4;
export const FIELD_DATE: u8 = 5;
export const FIELD_MESSAGE_ID: u8 = 6;
export const FIELD_X_MAILER: u8 = 7;
export const FIELD_RECEIVED: u8 = 8;
export const FIELD_URL: u8 = 9;

const MAX_DEPTH: u32 = 8;
const MAX_BOUNDARY: u32 = 254;
const MAX_HEADER: u32 = 16384;
const MAX_FIELDS_BYTES: u32 = 131072;
const MAX_NAME: u32 = 255;
const MAX_URLS: u32 = 64;

const ENCODING_NONE: u8 = 0;
const ENCODING_BASE64: u8 = 1;
const ENCODING_QP: u8 = 2;

/** One header, or web address, of a message; a list in the transaction's arena. */
@unmanaged
export class EmailField {
  next: usize;
  kind: u8;
  ptr: usize;
  len: u32;
}

@unmanaged
export class Mime {
  /** EmailField list. */
  fields: usize;
  lastField: usize;
  /** The header that is being collected (Buffer). */
  header: usize;
  headerLen: u32;
  headerCapacity: u32;
  /** Between headers and the empty line. */
  inHeaders: bool;
  /** Headers of the message itself are behind us. */
  topDone: bool;
  multipart: bool;
  text: bool;
  attachment: bool;
  encoding: u8;
  /** The text's line end waits: the one before a boundary belongs to the boundary. */
  pendingEnd: u8;
  /** Base64 digits that wait for the rest of their group. */
  carry: u32;
  carryCount: u32;
  depth: u32;
  urls: u32;
  file: usize;
  nameLen: u32;
  /** Boundaries: a length byte and the text each; then the file name. */
  boundaries: usize;
}

export const MIME_BYTES: usize = ((offsetof<Mime>() + 7) & ~7) + 8 * 256 + 256;

// @ts-ignore: decorator
@inline function boundaryAt(mime: Mime, i: u32): usize {
  return changetype<usize>(mime) + ((offsetof<Mime>() + 7) & ~7) + <usize>(i * 256);
}

// @ts-ignore: decorator
@inline function nameAt(mime: Mime): usize {
  return boundaryAt(mime, MAX_DEPTH);
}

// @ts-ignore: decorator
@inline function headerOf(mime: Mime): Buffer {
  return changetype<Buffer>(changetype<usize>(mime) + offsetof<Mime>("header"));
}

/** A new message starts. The memory is zeroed. */
export function mimeStart(mime: Mime): void {
  mime.inHeaders = true;
}

function startPart(mime: Mime): void {
  closeFile(mime);
  mime.inHeaders = true;
  mime.multipart = false;
  mime.text = false;
  mime.attachment = false;
  mime.encoding = ENCODING_NONE;
  mime.pendingEnd = 0;
  mime.carryCount = 0;
  mime.carry = 0;
  mime.nameLen = 0;
}

function closeFile(mime: Mime): void {
  if (mime.file != 0) changetype<File>(mime.file).closed = true;
  mime.file = 0;
}

/** One line of the message without its end; `delimiter` is the length of its end, 0 when it was cut. */
export function mimeLine(mime: Mime, tx: AppTx, ptr: usize, len: u32, delimiter: u32): void {
  if (len > 998) txEvent(tx, EV_MIME_LONG_LINE);
  if (mime.depth != 0 && len >= 2 && load<u16>(ptr) == 0x2d2d && boundary(mime, tx, ptr + 2, len - 2)) return;
  if (!mime.inHeaders) {
    if (!mime.multipart) bodyLine(mime, tx, ptr, len, delimiter);
    return;
  }
  const header = headerOf(mime);
  if (len != 0 && (load<u8>(ptr) == 32 || load<u8>(ptr) == 9) && header.len != 0) {
    bufferAppend(header, ptr, len, MAX_HEADER);
    return;
  }
  endHeader(mime, tx);
  if (len == 0) {
    endHeaders(mime, tx);
    return;
  }
  if (!bufferAppend(header, ptr, len, MAX_HEADER)) txEvent(tx, EV_MIME_LONG_HEADER_VALUE);
}

/** Whether the line (behind its dashes) is one of the open boundaries. */
function boundary(mime: Mime, tx: AppTx, ptr: usize, len: u32): bool {
  for (let i = mime.depth; i > 0; i--) {
    const at = boundaryAt(mime, i - 1);
    const size: u32 = load<u8>(at);
    if (size == 0 || len < size || memory.compare(ptr, at + 1, size) != 0) continue;
    mimeEnd(mime, tx);
    mime.depth = i;
    startPart(mime);
    if (len >= size + 2 && load<u16>(ptr + size) == 0x2d2d) {
      mime.depth = i - 1;
      mime.inHeaders = false;
      // What comes behind the last part is for nobody.
      mime.multipart = true;
    }
    return true;
  }
  return false;
}

/** The header that was collected is whole. */
function endHeader(mime: Mime, tx: AppTx): void {
  const header = headerOf(mime);
  if (header.len == 0) return;
  const ptr = header.ptr;
  const len = header.len;
  let colon: u32 = 0;
  while (colon < len && load<u8>(ptr + colon) != 58) colon++;
  if (colon == len) txEvent(tx, EV_MIME_MALFORMED);
  else {
    if (colon > 200) txEvent(tx, EV_MIME_LONG_HEADER_NAME);
    let nameLen = colon;
    while (nameLen > 0 && load<u8>(ptr + nameLen - 1) <= 32) nameLen--;
    let at = colon + 1;
    while (at < len && load<u8>(ptr + at) <= 32) at++;
    let end = len;
    while (end > at && load<u8>(ptr + end - 1) <= 32) end--;
    if (end - at > 2000) txEvent(tx, EV_MIME_LONG_HEADER_VALUE);
    useHeader(mime, tx, ptr, nameLen, ptr + at, end - at);
  }
  header.len = 0;
}

function useHeader(mime: Mime, tx: AppTx, name: usize, nameLen: u32, value: usize, len: u32): void {
  if (equalsFold(name, nameLen, "content-type")) return contentType(mime, tx, value, len);
  if (equalsFold(name, nameLen, "content-transfer-encoding")) {
    if (startsFold(value, len, "base64")) mime.encoding = ENCODING_BASE64;
    else if (startsFold(value, len, "quoted-printable")) mime.encoding = ENCODING_QP;
    return;
  }
  if (equalsFold(name, nameLen, "content-disposition")) {
    if (startsFold(value, len, "attachment")) mime.attachment = true;
    fileName(mime, tx, value, len, "filename");
    return;
  }
  if (mime.topDone) return;
  let kind: u8 = 0;
  if (equalsFold(name, nameLen, "from")) kind = FIELD_FROM;
  else if (equalsFold(name, nameLen, "subject")) kind = FIELD_SUBJECT;
  else if (equalsFold(name, nameLen, "to")) kind = FIELD_TO;
  else if (equalsFold(name, nameLen, "cc")) kind = FIELD_CC;
  else if (equalsFold(name, nameLen, "date")) kind = FIELD_DATE;
  else if (equalsFold(name, nameLen, "message-id")) kind = FIELD_MESSAGE_ID;
  else if (equalsFold(name, nameLen, "x-mailer")) kind = FIELD_X_MAILER;
  else if (equalsFold(name, nameLen, "received")) kind = FIELD_RECEIVED;
  if (kind != 0) addField(mime, tx, kind, value, len);
}

function addField(mime: Mime, tx: AppTx, kind: u8, ptr: usize, len: u32): void {
  if (tx.arenaBytes > MAX_FIELDS_BYTES) return;
  const head = <u32>((offsetof<EmailField>() + 7) & ~7);
  const at = arenaTake(txArena(tx), head + len);
  if (at == 0) return;
  const field = changetype<EmailField>(at);
  memory.copy(at + head, ptr, len);
  field.next = 0;
  field.kind = kind;
  field.ptr = at + head;
  field.len = len;
  if (mime.lastField == 0) mime.fields = at;
  else changetype<EmailField>(mime.lastField).next = at;
  mime.lastField = at;
}

function contentType(mime: Mime, tx: AppTx, value: usize, len: u32): void {
  if (startsFold(value, len, "text/")) mime.text = true;
  if (startsFold(value, len, "multipart/")) {
    const at = parameter(value, len, "boundary");
    if (at != 0 && mime.depth < MAX_DEPTH) {
      if (parameterLen > MAX_BOUNDARY) txEvent(tx, EV_MIME_LONG_BOUNDARY);
      else {
        const slot = boundaryAt(mime, mime.depth++);
        store<u8>(slot, <u8>parameterLen);
        memory.copy(slot + 1, at, parameterLen);
        mime.multipart = true;
      }
    }
  }
  fileName(mime, tx, value, len, "name");
}

function fileName(mime: Mime, tx: AppTx, value: usize, len: u32, key: string): void {
  const at = parameter(value, len, key);
  if (at == 0 || parameterLen == 0) return;
  mime.attachment = true;
  if (parameterLen > MAX_NAME) txEvent(tx, EV_MIME_LONG_FILENAME);
  mime.nameLen = min(parameterLen, MAX_NAME);
  memory.copy(nameAt(mime), at, mime.nameLen);
}

let parameterLen: u32 = 0;

/** Value of a parameter `key=value` or `key="value"` behind a semicolon, or 0. */
function parameter(value: usize, len: u32, key: string): usize {
  let at: u32 = 0;
  while (true) {
    const hit = findFold(value, len, key, at);
    if (hit < 0) return 0;
    let end = <u32>hit + key.length;
    at = end;
    let before = <u32>hit;
    while (before > 0 && load<u8>(value + before - 1) <= 32) before--;
    if (before == 0 || load<u8>(value + before - 1) != 59) continue;
    while (end < len && (load<u8>(value + end) <= 32 || load<u8>(value + end) == 42)) end++;
    if (end >= len || load<u8>(value + end) != 61) continue;
    end++;
    while (end < len && load<u8>(value + end) <= 32) end++;
    const start = end;
    if (end < len && load<u8>(value + end) == 34) {
      end++;
      while (end < len && load<u8>(value + end) != 34) end++;
      parameterLen = end - start - 1;
      return value + start + 1;
    }
    while (end < len && load<u8>(value + end) > 32 && load<u8>(value + end) != 59) end++;
    parameterLen = end - start;
    return value + start;
  }
  return 0;
}

/** The empty line behind headers. */
function endHeaders(mime: Mime, tx: AppTx): void {
  mime.inHeaders = false;
  mime.topDone = true;
  if (mime.attachment && !mime.multipart) mime.file = fileOpen(tx, 0, nameAt(mime), mime.nameLen);
}

function bodyLine(mime: Mime, tx: AppTx, ptr: usize, len: u32, delimiter: u32): void {
  if (mime.text && mime.file == 0 && mime.encoding != ENCODING_BASE64) urls(mime, tx, ptr, len);
  if (mime.file == 0) return;
  const file = changetype<File>(mime.file);
  if (mime.encoding == ENCODING_BASE64) {
    if (len > 76) txEvent(tx, EV_MIME_LONG_ENC_LINE);
    base64(mime, tx, file, ptr, len);
    return;
  }
  if (mime.pendingEnd != 0) fileAppend(file, lineEnd + (mime.pendingEnd == 2 ? 0 : 1), mime.pendingEnd);
  mime.pendingEnd = <u8>delimiter;
  if (mime.encoding == ENCODING_QP) quotedPrintable(mime, tx, file, ptr, len);
  else fileAppend(file, ptr, len);
}

const lineEnd: usize = memory.data<u8>([13, 10]);
const decoded: usize = memory.data(3072, 16);
const DECODED: u32 = 3000;

function base64(mime: Mime, tx: AppTx, file: File, ptr: usize, len: u32): void {
  let out: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    let value: u32;
    if (c - 65 < 26) value = c - 65;
    else if (c - 97 < 26) value = c - 71;
    else if (c - 48 < 10) value = c + 4;
    else if (c == 43) value = 62;
    else if (c == 47) value = 63;
    else {
      if (c > 32 && c != 61) txEvent(tx, EV_MIME_BASE64);
      if (c == 61) out = flush(mime, out);
      continue;
    }
    mime.carry = (mime.carry << 6) | value;
    if (++mime.carryCount == 4) {
      store<u8>(decoded + out, mime.carry >> 16);
      store<u8>(decoded + out, mime.carry >> 8, 1);
      store<u8>(decoded + out, mime.carry, 2);
      out += 3;
      mime.carryCount = 0;
      mime.carry = 0;
      if (out >= DECODED) {
        fileAppend(file, decoded, out);
        out = 0;
      }
    }
  }
  if (out != 0) fileAppend(file, decoded, out);
}

/** Padding ends a group: what is whole of it comes out. */
function flush(mime: Mime, from: u32): u32 {
  let out = from;
  if (mime.carryCount == 2) store<u8>(decoded + out++, mime.carry >> 4);
  else if (mime.carryCount == 3) {
    store<u8>(decoded + out++, mime.carry >> 10);
    store<u8>(decoded + out++, mime.carry >> 2);
  }
  mime.carryCount = 0;
  mime.carry = 0;
  return out;
}

function quotedPrintable(mime: Mime, tx: AppTx, file: File, ptr: usize, len: u32): void {
  let out: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (c != 61) store<u8>(decoded + out++, c);
    else if (i + 1 == len) mime.pendingEnd = 0;
    else if (i + 2 < len && hexValue(load<u8>(ptr + i + 1)) >= 0 && hexValue(load<u8>(ptr + i + 2)) >= 0) {
      store<u8>(decoded + out++, (hexValue(load<u8>(ptr + i + 1)) << 4) | hexValue(load<u8>(ptr + i + 2)));
      i += 2;
    } else {
      txEvent(tx, EV_MIME_QP);
      store<u8>(decoded + out++, c);
    }
    if (out >= DECODED) {
      fileAppend(file, decoded, out);
      out = 0;
    }
  }
  if (out != 0) fileAppend(file, decoded, out);
}

/** Web addresses in a line of text, without their scheme, in small letters. */
function urls(mime: Mime, tx: AppTx, ptr: usize, len: u32): void {
  if (mime.urls >= MAX_URLS) return;
  // One byte of three is one of "://".
  for (let at: u32 = 2; at < len; at += 3) {
    const c: u32 = load<u8>(ptr + at);
    if (c != 58 && c != 47) continue;
    let i = at;
    while (i > 2 && at - i < 2 && load<u8>(ptr + i) != 58) i--;
    if (i + 3 >= len || load<u8>(ptr + i) != 58 || load<u8>(ptr + i + 1) != 47 || load<u8>(ptr + i + 2) != 47) continue;
    const http = (i >= 4 && startsFold(ptr + i - 4, 4, "http")) || (i >= 5 && startsFold(ptr + i - 5, 5, "https")) ||
      (i >= 3 && startsFold(ptr + i - 3, 3, "ftp"));
    if (!http || mime.urls >= MAX_URLS) continue;
    const start = i + 3;
    let end = start;
    while (end < len && end - start < 1000 && isUrlByte(load<u8>(ptr + end))) end++;
    at = end;
    if (end == start) continue;
    for (let k = start; k < end; k++) store<u8>(decoded + k - start, lower(load<u8>(ptr + k)));
    mime.urls++;
    addField(mime, tx, FIELD_URL, decoded, end - start);
  }
}

function isUrlByte(c: u32): bool {
  return c > 32 && c != 34 && c != 39 && c != 60 && c != 62 && c != 92;
}

/** The message is over. */
export function mimeEnd(mime: Mime, tx: AppTx): void {
  endHeader(mime, tx);
  if (mime.file != 0 && mime.carryCount > 1) {
    const out = flush(mime, 0);
    fileAppend(changetype<File>(mime.file), decoded, out);
  }
  closeFile(mime);
}

/** Bytes of the message are missing. */
export function mimeGap(mime: Mime): void {
  if (mime.file != 0) changetype<File>(mime.file).gap = true;
  mime.carryCount = 0;
  mime.carry = 0;
}

/** Field number `index` of that kind: 0, or its EmailField. */
export function mimeField(first: usize, kind: u8, index: u32): usize {
  let left = index;
  for (let at = first; at != 0; at = changetype<EmailField>(at).next) {
    if (changetype<EmailField>(at).kind != kind) continue;
    if (left == 0) return at;
    left--;
  }
  return 0;
}

/** Gives back what is not in the transaction's arena. */
export function mimeFree(mime: Mime): void {
  bufferFree(headerOf(mime));
}
