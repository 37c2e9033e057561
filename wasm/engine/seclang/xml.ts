// XML bodies: text of elements (XML:/*) and values of attributes (XML://@*). Not validating: no DTD is read, no entity but the five
// predefined ones and character references is replaced, nothing is fetched.

import { findByte } from "../../sdk/assembly/bytes";
import { L_XML_ATTRIBUTES, V_XML } from "./ids";
import { S_ARGUMENTS } from "./layout";
import { settings } from "./program";
import { Transaction, addTo, listOf, txTake } from "./transaction";

let end: usize = 0;

/** Enters the document's texts and attributes; what is malformed sets REQBODY_ERROR, and what was read before it stays. */
export function parseXml(tx: Transaction, ptr: usize, len: u32): void {
  end = ptr + len;
  let at = ptr;
  let depth: i32 = 0;
  let elements: u32 = 0;
  let good = true;
  while (at < end && good) {
    if (load<u8>(at) != 60) {
      const next = find(at, 60);
      text(tx, at, next);
      at = next;
      continue;
    }
    const kind: u32 = at + 1 < end ? <u32>load<u8>(at + 1) : 0;
    if (kind == 33) at = declaration(tx, at);
    else if (kind == 63) at = after2(at + 2, 63, 62);
    else if (kind == 47) {
      depth--;
      at = find(at, 62) + 1;
    } else {
      at = element(tx, at + 1);
      elements++;
      if (!emptyElement) depth++;
    }
    good = at != 0 && at <= end && depth >= 0;
  }
  if (!good || depth != 0 || elements == 0) tx.bodyError = true;
}

/** Address of the next byte `c`, or the end. */
function find(from: usize, c: u32): usize {
  if (from >= end) return end;
  const found = findByte(from, <u32>(end - from), c, 0);
  return found < 0 ? end : from + found;
}

/** Behind the next pair of bytes, or 0. */
function after2(from: usize, a: u32, b: u32): usize {
  let at = from;
  while (true) {
    at = find(at, a);
    if (at + 1 >= end) return 0;
    if (load<u8>(at + 1) == b) return at + 2;
    at++;
  }
}

/** Comment, CDATA section or document type; behind it, or 0. */
function declaration(tx: Transaction, at: usize): usize {
  if (at + 4 <= end && load<u16>(at + 2) == 0x2d2d) {
    let from = at + 4;
    while (true) {
      const close = after2(from, 45, 45);
      if (close == 0 || close >= end) return 0;
      if (load<u8>(close) == 62) return close + 1;
      from = close - 1;
    }
  }
  if (at + 9 <= end && load<u64>(at + 1) == 0x5b41544144435b21) {
    let from = at + 9;
    while (true) {
      const close = after2(from, 93, 93);
      if (close == 0 || close >= end) return 0;
      if (load<u8>(close) == 62) {
        enter(tx, V_XML, at + 9, <u32>(close - 2 - at - 9));
        return close + 1;
      }
      from = close - 1;
    }
  }
  // A document type ends with ">" outside of its brackets.
  let brackets: i32 = 0;
  for (let i = at + 2; i < end; i++) {
    const c = <u32>load<u8>(i);
    if (c == 91) brackets++;
    else if (c == 93) brackets--;
    else if (c == 62 && brackets <= 0) return i + 1;
  }
  return 0;
}

let emptyElement: bool = false;

/** A start tag from its name on: attributes; behind it, or 0. */
function element(tx: Transaction, from: usize): usize {
  let at = from;
  emptyElement = false;
  while (at < end && !isBlank(load<u8>(at)) && load<u8>(at) != 62 && load<u8>(at) != 47) at++;
  if (at == from) return 0;
  while (true) {
    while (at < end && isBlank(load<u8>(at))) at++;
    if (at >= end) return 0;
    const c = <u32>load<u8>(at);
    if (c == 62) return at + 1;
    if (c == 47) {
      emptyElement = true;
      at++;
      continue;
    }
    const name = at;
    while (at < end && load<u8>(at) != 61 && load<u8>(at) != 62 && !isBlank(load<u8>(at))) at++;
    while (at < end && isBlank(load<u8>(at))) at++;
    if (at >= end || load<u8>(at) != 61) return 0;
    at++;
    while (at < end && isBlank(load<u8>(at))) at++;
    if (at >= end) return 0;
    const quote = <u32>load<u8>(at);
    if ((quote != 34 && quote != 39) || at == name) return 0;
    const close = find(at + 1, quote);
    if (close >= end) return 0;
    decoded(tx, L_XML_ATTRIBUTES, at + 1, <u32>(close - at - 1));
    at = close + 1;
  }
}

// @ts-ignore: decorator
@inline function isBlank(c: u32): bool {
  return c == 32 || c - 9 < 5;
}

/** Text between tags, unless it is only white space. */
function text(tx: Transaction, from: usize, to: usize): void {
  let at = from;
  while (at < to && isBlank(load<u8>(at))) at++;
  if (at < to) decoded(tx, V_XML, from, <u32>(to - from));
}

function enter(tx: Transaction, list: u32, ptr: usize, len: u32): void {
  if (listOf(tx, list).count >= load<u32>(settings + S_ARGUMENTS)) tx.bodyError = true;
  else addTo(tx, list, V_XML, 0, 0, ptr, len);
}

/** Enters the text with its references replaced. */
function decoded(tx: Transaction, list: u32, ptr: usize, len: u32): void {
  if (findByte(ptr, len, 38, 0) < 0) {
    enter(tx, list, ptr, len);
    return;
  }
  const out = txTake(tx, len);
  if (out == 0) return;
  let n: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    const c = <u32>load<u8>(ptr + i);
    if (c == 38) {
      const used = reference(ptr + i, len - i);
      if (used != 0) {
        n += encode(out + n, referred);
        i += used;
        continue;
      }
    }
    store<u8>(out + n++, <u8>c);
    i++;
  }
  enter(tx, list, out, n);
}

let referred: u32 = 0;

/** Bytes of a reference that can be replaced, or 0. */
function reference(ptr: usize, len: u32): u32 {
  const found = findByte(ptr, min<u32>(len, 12), 59, 0);
  if (found < 2) return 0;
  const n = <u32>found;
  if (load<u8>(ptr + 1) == 35) {
    const hex = (load<u8>(ptr + 2) | 32) == 120;
    referred = 0;
    let digits: u32 = 0;
    for (let i: u32 = hex ? 3 : 2; i < n; i++, digits++) {
      const c = <u32>load<u8>(ptr + i);
      const d = c - 48 < 10 ? c - 48 : hex && (c | 32) - 97 < 6 ? (c | 32) - 87 : 99;
      if (d == 99) return 0;
      referred = referred * (hex ? 16 : 10) + d;
      if (referred > 0x10ffff) return 0;
    }
    return digits == 0 || referred == 0 ? 0 : n + 1;
  }
  const word = n == 3 ? <u32>load<u16>(ptr + 1) : n == 4 ? load<u32>(ptr) >> 8 : n == 5 ? load<u32>(ptr + 1) : 0;
  if (word == 0x746c) referred = 60;
  else if (word == 0x7467) referred = 62;
  else if (word == 0x706d61) referred = 38;
  else if (word == 0x746f7571) referred = 34;
  else if (word == 0x736f7061) referred = 39;
  else return 0;
  return n + 1;
}

/** UTF-8; a reference has at least as many bytes. */
function encode(out: usize, code: u32): u32 {
  if (code < 0x80) {
    store<u8>(out, <u8>code);
    return 1;
  }
  const more: u32 = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  store<u8>(out, <u8>((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | code >> (more * 6)));
  for (let i: u32 = 1; i <= more; i++) store<u8>(out + i, <u8>(0x80 | code >> ((more - i) * 6) & 63));
  return more + 1;
}
