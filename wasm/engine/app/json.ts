// JSON into a block of fixed size: nothing is allocated, what does not fit sets `overflow` and is left out. Bytes that are not
// printable ASCII become \u00XX, so that the output is ASCII whatever came in.

import { textByte } from "../../sdk/assembly/bytes";
import { putNumber } from "./bytes";

@unmanaged
export class JsonWriter {
  ptr: usize;
  len: u32;
  capacity: u32;
  /** Something did not fit: the JSON is not complete. Rewind to a mark, or throw it away. */
  overflow: bool;
}

const digits: usize = memory.data(32);

/** Starts over in the block. */
export function jsonStart(out: JsonWriter, ptr: usize, capacity: u32): void {
  out.ptr = ptr;
  out.len = 0;
  out.capacity = capacity;
  out.overflow = false;
}

/** A position to come back to with {@link jsonRewind}. */
export function jsonMark(out: JsonWriter): u32 {
  return out.len;
}

/** Takes back what was written since the mark, and the overflow with it. */
export function jsonRewind(out: JsonWriter, mark: u32): void {
  out.len = mark;
  out.overflow = false;
}

function raw(out: JsonWriter, byte: u32): void {
  if (out.len >= out.capacity) {
    out.overflow = true;
    return;
  }
  store<u8>(out.ptr + out.len, byte);
  out.len++;
}

/** A comma where one is needed: not at the start of an object or array. */
function comma(out: JsonWriter): void {
  if (out.len == 0) return;
  const last: u32 = load<u8>(out.ptr + out.len - 1);
  if (last != 123 && last != 91 && last != 58) raw(out, 44);
}

function quoted(out: JsonWriter, ptr: usize, len: u32): void {
  raw(out, 34);
  for (let i: u32 = 0; i < len && !out.overflow; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (c - 32 < 95 && c != 34 && c != 92) {
      raw(out, c);
      continue;
    }
    raw(out, 92);
    if (c == 34 || c == 92) raw(out, c);
    else if (c == 10) raw(out, 110);
    else if (c == 13) raw(out, 114);
    else if (c == 9) raw(out, 116);
    else {
      raw(out, 117);
      raw(out, 48);
      raw(out, 48);
      raw(out, (c >> 4) < 10 ? 48 + (c >> 4) : 87 + (c >> 4));
      raw(out, (c & 15) < 10 ? 48 + (c & 15) : 87 + (c & 15));
    }
  }
  raw(out, 34);
}

function name(out: JsonWriter, key: string): void {
  comma(out);
  raw(out, 34);
  const n = key.length;
  for (let i = 0; i < n; i++) raw(out, textByte(key, i));
  raw(out, 34);
  raw(out, 58);
}

/** `{`, as an item of an array or the whole. */
export function jsonOpen(out: JsonWriter): void {
  comma(out);
  raw(out, 123);
}

/** `"key":{` */
export function jsonObject(out: JsonWriter, key: string): void {
  name(out, key);
  raw(out, 123);
}

/** `}` */
export function jsonClose(out: JsonWriter): void {
  raw(out, 125);
}

/** `"key":[` */
export function jsonArray(out: JsonWriter, key: string): void {
  name(out, key);
  raw(out, 91);
}

/** `]` */
export function jsonArrayEnd(out: JsonWriter): void {
  raw(out, 93);
}

/** `"key":"bytes"` */
export function jsonBytes(out: JsonWriter, key: string, ptr: usize, len: u32): void {
  name(out, key);
  quoted(out, ptr, len);
}

/** The same, or nothing when there are no bytes. */
export function jsonBytesIf(out: JsonWriter, key: string, ptr: usize, len: u32): void {
  if (ptr != 0 && len != 0) jsonBytes(out, key, ptr, len);
}

/** `"key":"text"`, of ASCII text without quotes. */
export function jsonText(out: JsonWriter, key: string, text: string): void {
  name(out, key);
  raw(out, 34);
  const n = text.length;
  for (let i = 0; i < n; i++) raw(out, textByte(text, i));
  raw(out, 34);
}

/** `"key":number` */
export function jsonNumber(out: JsonWriter, key: string, value: u64): void {
  name(out, key);
  const end = putNumber(digits, value);
  for (let at = digits; at < end; at++) raw(out, load<u8>(at));
}

/** `"key":true` or `false` */
export function jsonBool(out: JsonWriter, key: string, value: bool): void {
  name(out, key);
  const text = value ? "true" : "false";
  for (let i = 0; i < text.length; i++) raw(out, textByte(text, i));
}

/** `"bytes"`, an item of an array. */
export function jsonItem(out: JsonWriter, ptr: usize, len: u32): void {
  comma(out);
  quoted(out, ptr, len);
}
