// Bodies of forms with files (RFC 7578), read strictly: what two readers may read differently sets a MULTIPART_ variable.

import { equalsFold, findByte, findFold, lower } from "../../sdk/assembly/bytes";
import { findLiteral } from "../detect/literal";
import {
  V_FILES, V_FILES_NAMES, V_FILES_SIZES, V_FILES_TMP_CONTENT, V_MULTIPART_FILENAME, V_MULTIPART_NAME, V_MULTIPART_PART_HEADERS,
  V_REQUEST_HEADERS,
} from "./ids";
import { addArgument } from "./params";
import { Transaction, Value, addTo, decimal, decimalLen, listOf, txTake } from "./transaction";

/** Bits of `Transaction.multipart`, in the order of the variables' numbers from MULTIPART_STRICT_ERROR on. */
const STRICT: u32 = 1;
const UNMATCHED: u32 = 2;
const QUOTED: u32 = 4;
const WHITESPACE: u32 = 8;
const BEFORE: u32 = 16;
const AFTER: u32 = 32;
const FOLDING: u32 = 64;
const LF_LINE: u32 = 128;
const CRLF_LF: u32 = 256;
const INVALID_QUOTING: u32 = 1024;
const INVALID_PART: u32 = 2048;
const INVALID_FOLDING: u32 = 4096;
const FILE_LIMIT: u32 = 8192;

const MOST_PARTS: u32 = 1024;
const MOST_HEADERS: u32 = 64;

let boundary: usize = 0;
let boundaryLen: u32 = 0;

/** Takes a multipart body apart: fields become arguments, files get the FILES variables. */
export function parseMultipart(tx: Transaction, ptr: usize, len: u32): void {
  if (!findBoundary(tx)) {
    tx.bodyError = true;
    return;
  }
  let at = next(ptr, len, 0);
  if (at < 0) {
    tx.multipart |= STRICT | UNMATCHED;
    tx.bodyError = true;
    return;
  }
  if (at > 0) tx.multipart |= BEFORE | STRICT;
  let parts: u32 = 0;
  while (true) {
    let from = <u32>at + boundaryLen;
    if (from + 2 <= len && load<u16>(ptr + from) == 0x2d2d) {
      let rest = from + 2;
      while (rest < len && isBlank(load<u8>(ptr + rest))) rest++;
      if (rest < len) tx.multipart |= AFTER | STRICT;
      return;
    }
    // White space may stand between the boundary and the end of its line.
    while (from < len && (load<u8>(ptr + from) == 32 || load<u8>(ptr + from) == 9)) from++;
    from = lineEnd(tx, ptr, len, from);
    const end = next(ptr, len, from);
    const stop = end < 0 ? len : <u32>end;
    if (++parts > MOST_PARTS) {
      tx.multipart |= FILE_LIMIT | STRICT;
      tx.bodyError = true;
      return;
    }
    part(tx, ptr + from, trimEnd(ptr, from, stop));
    if (end < 0) {
      tx.multipart |= STRICT | INVALID_PART;
      tx.bodyError = true;
      return;
    }
    at = end;
  }
}

// @ts-ignore: decorator
@inline function isBlank(c: u32): bool {
  return c == 32 || c - 9 < 5;
}

/** `--boundary` from the content type, in memory of the transaction. */
function findBoundary(tx: Transaction): bool {
  for (let at = listOf(tx, V_REQUEST_HEADERS).first; at != 0; at = changetype<Value>(at).next) {
    const header = changetype<Value>(at);
    if (!equalsFold(header.name, header.nameLen, "content-type")) continue;
    const found = findFold(header.data, header.len, "boundary");
    if (found < 0) return false;
    let i = <u32>found + 8;
    while (i < header.len && isBlank(load<u8>(header.data + i))) {
      tx.multipart |= WHITESPACE | STRICT;
      i++;
    }
    if (i >= header.len || load<u8>(header.data + i) != 61) return false;
    i++;
    while (i < header.len && isBlank(load<u8>(header.data + i))) {
      tx.multipart |= WHITESPACE | STRICT;
      i++;
    }
    let end = i;
    if (i < header.len && load<u8>(header.data + i) == 34) {
      tx.multipart |= QUOTED | STRICT;
      i++;
      const close = findByte(header.data, header.len, 34, i);
      end = close < 0 ? header.len : <u32>close;
    } else {
      while (end < header.len && load<u8>(header.data + end) != 59 && load<u8>(header.data + end) != 44) end++;
      while (end > i && isBlank(load<u8>(header.data + end - 1))) end--;
    }
    if (end == i || end - i > 256) return false;
    boundaryLen = end - i + 2;
    boundary = txTake(tx, boundaryLen);
    if (boundary == 0) return false;
    store<u16>(boundary, 0x2d2d);
    memory.copy(boundary + 2, header.data + i, end - i);
    return true;
  }
  return false;
}

/** Next boundary at the start of a line, or -1. */
function next(ptr: usize, len: u32, from: u32): i32 {
  let at = findLiteral(ptr, len, boundary, boundaryLen, false, from);
  while (at > 0 && load<u8>(ptr + at - 1) != 10) at = findLiteral(ptr, len, boundary, boundaryLen, false, <u32>at + 1);
  return at;
}

/** Behind the end of the line; mixed ends are noted. */
function lineEnd(tx: Transaction, ptr: usize, len: u32, from: u32): u32 {
  const found = findByte(ptr, len, 10, from);
  if (found < 0) return len;
  const i = <u32>found;
  if (i == 0 || load<u8>(ptr + i - 1) != 13) tx.multipart |= LF_LINE | CRLF_LF;
  return i + 1;
}

/** Length of a part without the line end before the next boundary. */
function trimEnd(ptr: usize, from: u32, stop: u32): u32 {
  let end = stop;
  if (end > from && load<u8>(ptr + end - 1) == 10) end--;
  if (end > from && load<u8>(ptr + end - 1) == 13) end--;
  return end - from;
}

let nameAt: usize = 0;
let nameLen: u32 = 0;
let fileAt: usize = 0;
let fileLen: u32 = 0;

function part(tx: Transaction, ptr: usize, len: u32): void {
  nameAt = 0;
  nameLen = 0;
  fileAt = 0;
  let at: u32 = 0;
  const first = listOf(tx, V_MULTIPART_PART_HEADERS).last;
  let count: u32 = 0;
  let disposition = false;
  let body = false;
  while (at < len) {
    const lineStart = at;
    let stop = lineEnd(tx, ptr, len, at);
    let end = stop;
    while (end > lineStart && (load<u8>(ptr + end - 1) == 10 || load<u8>(ptr + end - 1) == 13)) end--;
    if (end == lineStart) {
      at = stop;
      body = true;
      break;
    }
    // Folded lines belong to the one before.
    while (stop < len && (load<u8>(ptr + stop) == 32 || load<u8>(ptr + stop) == 9)) {
      tx.multipart |= FOLDING | STRICT;
      stop = lineEnd(tx, ptr, len, stop);
      end = stop;
      while (end > lineStart && (load<u8>(ptr + end - 1) == 10 || load<u8>(ptr + end - 1) == 13)) end--;
    }
    at = stop;
    if (++count > MOST_HEADERS) {
      tx.multipart |= INVALID_FOLDING | STRICT;
      break;
    }
    const colon = findByte(ptr, end, 58, lineStart);
    if (colon < 0) tx.multipart |= INVALID_PART | STRICT;
    else if (isDisposition(ptr + lineStart, <u32>colon - lineStart)) {
      disposition = true;
      readDisposition(tx, ptr + <u32>colon + 1, end - <u32>colon - 1);
    }
    addTo(tx, V_MULTIPART_PART_HEADERS, V_MULTIPART_PART_HEADERS, ptr, 0, ptr + lineStart, end - lineStart);
  }
  nameHeaders(tx, first);
  if (!disposition || nameAt == 0) {
    tx.multipart |= INVALID_PART | STRICT;
    tx.bodyError = true;
  }
  if (!body) at = len;
  enterPart(tx, ptr + at, len - at);
}

/** The part's headers are found by its name. */
function nameHeaders(tx: Transaction, before: usize): void {
  let at = before == 0 ? listOf(tx, V_MULTIPART_PART_HEADERS).first : changetype<Value>(before).next;
  for (; at != 0; at = changetype<Value>(at).next) {
    const header = changetype<Value>(at);
    header.name = nameAt;
    header.nameLen = nameLen;
    let hash: u32 = 0x811c9dc5;
    for (let i: u32 = 0; i < nameLen; i++) hash = (hash ^ lower(load<u8>(nameAt + i))) * 0x01000193;
    header.hash = hash;
  }
}

function isDisposition(ptr: usize, len: u32): bool {
  let n = len;
  while (n > 0 && isBlank(load<u8>(ptr + n - 1))) n--;
  return equalsFold(ptr, n, "content-disposition");
}

function enterPart(tx: Transaction, data: usize, len: u32): void {
  const name = nameAt == 0 ? data : nameAt;
  if (fileAt == 0) {
    addTo(tx, V_MULTIPART_NAME, V_MULTIPART_NAME, name, nameLen, name, nameLen);
    addArgument(tx, true, name, nameLen, data, len);
    return;
  }
  tx.filesBytes += len;
  addTo(tx, V_FILES, V_FILES, name, nameLen, fileAt, fileLen);
  addTo(tx, V_FILES_NAMES, V_FILES_NAMES, name, nameLen, name, nameLen);
  addTo(tx, V_MULTIPART_FILENAME, V_MULTIPART_FILENAME, name, nameLen, fileAt, fileLen);
  addTo(tx, V_MULTIPART_NAME, V_MULTIPART_NAME, name, nameLen, name, nameLen);
  addTo(tx, V_FILES_TMP_CONTENT, V_FILES_TMP_CONTENT, name, nameLen, data, len);
  const size = decimal(tx, len);
  if (size != 0) addTo(tx, V_FILES_SIZES, V_FILES_SIZES, name, nameLen, size, decimalLen);
}

/** `form-data; name="a"; filename="b"`. */
function readDisposition(tx: Transaction, ptr: usize, len: u32): void {
  let i: u32 = 0;
  while (i < len && load<u8>(ptr + i) != 59) i++;
  while (i < len) {
    while (i < len && (load<u8>(ptr + i) == 59 || isBlank(load<u8>(ptr + i)))) i++;
    const key = i;
    while (i < len && load<u8>(ptr + i) != 61 && load<u8>(ptr + i) != 59) i++;
    let keyEnd = i;
    while (keyEnd > key && isBlank(load<u8>(ptr + keyEnd - 1))) keyEnd--;
    if (i >= len || load<u8>(ptr + i) == 59) continue;
    i++;
    while (i < len && isBlank(load<u8>(ptr + i))) i++;
    i = readValue(tx, ptr, len, i);
    if (equalsFold(ptr + key, keyEnd - key, "name")) {
      nameAt = valueAt;
      nameLen = valueLen;
    } else if (equalsFold(ptr + key, keyEnd - key, "filename") || (fileAt == 0 && equalsFold(ptr + key, keyEnd - key,
      "filename*"))) {
      fileAt = valueAt;
      fileLen = valueLen;
    }
  }
}

let valueAt: usize = 0;
let valueLen: u32 = 0;

/** A quoted string, in which a backslash escapes quotes and backslashes, or a token; behind it. */
function readValue(tx: Transaction, ptr: usize, len: u32, from: u32): u32 {
  let i = from;
  if (i >= len || load<u8>(ptr + i) != 34) {
    if (i < len && load<u8>(ptr + i) == 39) tx.multipart |= INVALID_QUOTING | STRICT;
    while (i < len && load<u8>(ptr + i) != 59) i++;
    valueAt = ptr + from;
    valueLen = i - from;
    while (valueLen > 0 && isBlank(load<u8>(valueAt + valueLen - 1))) valueLen--;
    return i;
  }
  i++;
  const out = txTake(tx, len);
  valueAt = out == 0 ? ptr : out;
  valueLen = 0;
  let n: u32 = 0;
  while (i < len && load<u8>(ptr + i) != 34) {
    if (load<u8>(ptr + i) == 92 && i + 1 < len && (load<u8>(ptr + i + 1) == 34 || load<u8>(ptr + i + 1) == 92)) i++;
    if (out != 0) store<u8>(out + n++, load<u8>(ptr + i));
    i++;
  }
  if (i >= len) tx.multipart |= INVALID_QUOTING | STRICT;
  valueLen = n;
  return min(i + 1, len);
}
