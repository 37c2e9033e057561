// Big-endian (and SMB's little-endian) numbers in packets, and text in static data. Callers check bounds.

import { lower, textByte } from "../../sdk/assembly/bytes";

// @ts-ignore: decorator
@inline export function be16(ptr: usize): u32 {
  return ((<u32>load<u8>(ptr)) << 8) | load<u8>(ptr, 1);
}

// @ts-ignore: decorator
@inline export function be24(ptr: usize): u32 {
  return ((<u32>load<u8>(ptr)) << 16) | be16(ptr + 1);
}

// @ts-ignore: decorator
@inline export function be32(ptr: usize): u32 {
  return bswap<u32>(load<u32>(ptr));
}

/** Whether the bytes start with `text` exactly. */
export function starts(ptr: usize, len: u32, text: string): bool {
  const n = text.length;
  if (<u32>n > len) return false;
  for (let i = 0; i < n; i++) if (<u32>load<u8>(ptr + i) != textByte(text, i)) return false;
  return true;
}

/** Whether the bytes could still become something that starts with `text`: all that is there agrees with it. */
export function agrees(ptr: usize, len: u32, text: string, fold: bool): bool {
  const n = min<u32>(<u32>text.length, len);
  for (let i: u32 = 0; i < n; i++) {
    const c: u32 = load<u8>(ptr + i);
    if ((fold ? lower(c) : c) != textByte(text, i)) return false;
  }
  return true;
}

/** Writes ASCII text; returns where it ends. */
export function put(at: usize, text: string): usize {
  const n = text.length;
  for (let i = 0; i < n; i++) store<u8>(at + i, textByte(text, i));
  return at + n;
}

/** Writes a decimal number (20 bytes at most); returns where it ends. */
export function putNumber(at: usize, value: u64): usize {
  let digits = 1;
  for (let rest = value / 10; rest != 0; rest /= 10) digits++;
  let rest = value;
  for (let i = digits; i > 0; i--) {
    store<u8>(at + i - 1, 48 + <u8>(rest % 10));
    rest /= 10;
  }
  return at + digits;
}

/** Writes a byte as two small hexadecimal digits; returns where they end. */
export function putHex(at: usize, byte: u32): usize {
  const high = byte >> 4;
  const low = byte & 15;
  store<u8>(at, high < 10 ? 48 + high : 87 + high);
  store<u8>(at, low < 10 ? 48 + low : 87 + low, 1);
  return at + 2;
}

/** Writes bytes as they are; returns where they end. */
export function putBytes(at: usize, ptr: usize, len: u32): usize {
  memory.copy(at, ptr, len);
  return at + len;
}
