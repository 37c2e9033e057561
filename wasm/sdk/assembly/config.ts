// Configuration: lines of `key=value` with numbers, `#` comments and empty lines.

import { findByte, parseDecimal, textByte, trimStart, trimmedLen } from "./bytes";

/** Takes one setting; false refuses it. */
export type SettingFunction = (key: usize, keyLen: u32, value: i64) => bool;

/** Whether the bytes are exactly `text` (case counts). */
export function isKey(ptr: usize, len: u32, text: string): bool {
  if (len != <u32>text.length) return false;
  for (let i: u32 = 0; i < len; i++) {
    if (load<u8>(ptr + i) != textByte(text, i)) return false;
  }
  return true;
}

/** Gives each setting to `set`; false when a line is malformed or refused. */
export function readConfig(ptr: usize, len: u32, set: SettingFunction): bool {
  let at: u32 = 0;
  while (at < len) {
    const lf = findByte(ptr, len, 10, at);
    const end: u32 = lf < 0 ? len : <u32>lf;
    const line = trimStart(ptr + at, end - at);
    const size = trimmedLen(ptr + at, end - at);
    at = end + 1;
    if (size == 0 || load<u8>(line) == 35) continue;
    const eq = findByte(line, size, 61);
    if (eq <= 0) return false;
    const value = trimStart(line + eq + 1, size - eq - 1);
    const number = parseDecimal(value, trimmedLen(line + eq + 1, size - eq - 1));
    if (number < 0 || !set(line, trimmedLen(line, <u32>eq), number)) return false;
  }
  return true;
}
