// JSON bodies as arguments: {"a": {"b": [5]}} is json.a.b.0=5, and json.a.b=1 for the length of the array.

import { hexValue } from "../../sdk/assembly/bytes";
import { Buffer, bufferAppend } from "../core/buffer";
import { S_DEPTH } from "./layout";
import { addArgument } from "./params";
import { settings } from "./program";
import { Transaction, decimal, decimalLen, txCopy, txTake } from "./transaction";

/** Longest name of an argument. */
const PATH_LIMIT: u32 = 4096;
const STACK_LIMIT: u32 = 1024;

let at: usize = 0;
let end: usize = 0;
/** Name of the value that is being read: core Buffer. */
const path = memory.data(32, 16);
/** Per level: length of the path before it, and the index of an array's member or OBJECT. */
const stack = memory.data(1024 * 8, 16);
const OBJECT: u32 = 0xffffffff;
let textLen: u32 = 0;

/** Enters every string, number, true, false and null as an argument; what is malformed sets REQBODY_ERROR. */
export function parseJson(tx: Transaction, ptr: usize, len: u32): void {
  at = ptr;
  end = ptr + len;
  const name = changetype<Buffer>(path);
  name.len = 0;
  append(memory.data<u8>([106, 115, 111, 110]), 4);
  if (!document(tx)) tx.bodyError = true;
}

function append(ptr: usize, len: u32): void {
  bufferAppend(changetype<Buffer>(path), ptr, len, PATH_LIMIT);
}

// @ts-ignore: decorator
@inline function blank(): void {
  while (at < end && (load<u8>(at) == 32 || <u32>load<u8>(at) - 9 < 2 || load<u8>(at) == 13)) at++;
}

// @ts-ignore: decorator
@inline function peek(): u32 {
  return at < end ? <u32>load<u8>(at) : 0;
}

function document(tx: Transaction): bool {
  const name = changetype<Buffer>(path);
  const limit = min<u32>(load<u32>(settings + S_DEPTH), STACK_LIMIT);
  let depth: u32 = 0;
  while (true) {
    blank();
    // A value begins.
    const c = peek();
    let closed = true;
    if (c == 123 || c == 91) {
      if (depth >= limit) return false;
      at++;
      blank();
      store<u32>(stack + depth * 8, name.len);
      store<u32>(stack + depth * 8, c == 123 ? OBJECT : 0, 4);
      if (peek() == (c == 123 ? 125 : 93)) {
        at++;
        if (c == 91 && !enter(tx, decimal(tx, 0), decimalLen)) return false;
      }
      else {
        depth++;
        closed = false;
        if (!memberName(tx, depth)) return false;
      }
    } else if (!scalar(tx, c)) return false;
    // A value has ended: the next member, or the ends of what it is in.
    while (closed) {
      if (depth == 0) {
        blank();
        return at == end;
      }
      const level = stack + (depth - 1) * 8;
      name.len = load<u32>(level);
      blank();
      const next = peek();
      at++;
      if (next == 44) {
        if (load<u32>(level, 4) != OBJECT) store<u32>(level, load<u32>(level, 4) + 1, 4);
        blank();
        if (!memberName(tx, depth)) return false;
        closed = false;
      } else if (next == (load<u32>(level, 4) == OBJECT ? 125 : 93)) {
        if (next == 93 && !enter(tx, decimal(tx, load<u32>(level, 4) + 1), decimalLen)) return false;
        depth--;
      } else return false;
    }
  }
}

/** Appends `.key` or `.index` to the path. */
function memberName(tx: Transaction, depth: u32): bool {
  const index = load<u32>(stack + (depth - 1) * 8, 4);
  const dot = memory.data<u8>([46]);
  if (index != OBJECT) {
    append(dot, 1);
    const text = decimal(tx, index);
    if (text == 0) return false;
    append(text, decimalLen);
    return true;
  }
  if (peek() != 34) return false;
  const key = string(tx);
  if (key == 0) return false;
  append(dot, 1);
  append(key, textLen);
  blank();
  if (peek() != 58) return false;
  at++;
  return true;
}

function scalar(tx: Transaction, c: u32): bool {
  let data: usize;
  if (c == 34) {
    data = string(tx);
    if (data == 0) return false;
  } else {
    const from = at;
    while (at < end && isPlain(load<u8>(at))) at++;
    textLen = <u32>(at - from);
    if (textLen == 0 || !isLiteral(from, textLen)) return false;
    data = from;
    if (textLen == 4 && load<u32>(from) == 0x6c6c756e) textLen = 0;
  }
  return enter(tx, data, textLen);
}

/** An argument named by the path. */
function enter(tx: Transaction, data: usize, len: u32): bool {
  const name = changetype<Buffer>(path);
  const copy = txCopy(tx, name.ptr, name.len);
  return copy != 0 && data != 0 && addArgument(tx, true, copy, name.len, data, len);
}

function isPlain(c: u32): bool {
  return c - 48 < 10 || (c | 32) - 97 < 26 || c == 43 || c == 45 || c == 46;
}

/** true, false, null or a number. */
function isLiteral(ptr: usize, len: u32): bool {
  if (len == 4 && (load<u32>(ptr) == 0x65757274 || load<u32>(ptr) == 0x6c6c756e)) return true;
  if (len == 5 && load<u32>(ptr) == 0x736c6166 && load<u8>(ptr + 4) == 101) return true;
  const c = <u32>load<u8>(ptr);
  if (c != 45 && c - 48 > 9) return false;
  for (let i: u32 = 1; i < len; i++) {
    const d = <u32>load<u8>(ptr + i);
    if (d - 48 > 9 && d != 46 && (d | 32) != 101 && d != 43 && d != 45) return false;
  }
  return true;
}

/** Reads a string; without escapes it is used in place. 0 when it does not end or an escape is wrong. */
function string(tx: Transaction): usize {
  const from = ++at;
  let escaped = false;
  while (at < end && load<u8>(at) != 34) {
    if (load<u8>(at) == 92) {
      escaped = true;
      at++;
    }
    at++;
  }
  if (at >= end) return 0;
  const len = <u32>(at - from);
  at++;
  textLen = len;
  return escaped ? unescape(tx, from, len) : from;
}

function unescape(tx: Transaction, from: usize, len: u32): usize {
  const out = txTake(tx, max<u32>(len, 1));
  if (out == 0) return 0;
  let n: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    let c = <u32>load<u8>(from + i++);
    if (c != 92 || i >= len) {
      store<u8>(out + n++, <u8>c);
      continue;
    }
    c = load<u8>(from + i++);
    if (c == 117) {
      let code = hex4(from, i, len);
      if (code < 0) return 0;
      i += 4;
      if (code >= 0xd800 && code < 0xdc00 && i + 6 <= len && load<u16>(from + i) == 0x755c) {
        const low = hex4(from, i + 2, len);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + low - 0xdc00;
          i += 6;
        }
      }
      n += encode(out + n, <u32>code);
    } else if (c == 110) store<u8>(out + n++, 10);
    else if (c == 116) store<u8>(out + n++, 9);
    else if (c == 114) store<u8>(out + n++, 13);
    else if (c == 98) store<u8>(out + n++, 8);
    else if (c == 102) store<u8>(out + n++, 12);
    else if (c == 34 || c == 92 || c == 47) store<u8>(out + n++, <u8>c);
    else return 0;
  }
  textLen = n;
  return out;
}

function hex4(from: usize, i: u32, len: u32): i32 {
  if (i + 4 > len) return -1;
  let code = 0;
  for (let k: u32 = 0; k < 4; k++) {
    const d = hexValue(load<u8>(from + i + k));
    if (d < 0) return -1;
    code = code << 4 | d;
  }
  return code;
}

/** UTF-8 of a code point: never more bytes than its escape has. */
function encode(out: usize, code: u32): u32 {
  if (code < 0x80) {
    store<u8>(out, <u8>code);
    return 1;
  }
  if (code < 0x800) {
    store<u8>(out, <u8>(0xc0 | code >> 6));
    store<u8>(out, <u8>(0x80 | code & 63), 1);
    return 2;
  }
  if (code < 0x10000) {
    store<u8>(out, <u8>(0xe0 | code >> 12));
    store<u8>(out, <u8>(0x80 | code >> 6 & 63), 1);
    store<u8>(out, <u8>(0x80 | code & 63), 2);
    return 3;
  }
  store<u8>(out, <u8>(0xf0 | code >> 18));
  store<u8>(out, <u8>(0x80 | code >> 12 & 63), 1);
  store<u8>(out, <u8>(0x80 | code >> 6 & 63), 2);
  store<u8>(out, <u8>(0x80 | code & 63), 3);
  return 4;
}
