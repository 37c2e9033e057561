// Parameters in URL encoding: query strings and forms; and cookies.

import { findByte, hexValue } from "../../sdk/assembly/bytes";
import { V_ARGS_GET, V_ARGS_GET_NAMES, V_ARGS_POST, V_ARGS_POST_NAMES, V_REQUEST_COOKIES, V_REQUEST_COOKIES_NAMES } from "./ids";
import { S_ARGUMENTS, S_SEPARATOR } from "./layout";
import { settings } from "./program";
import { Transaction, addTo, txTake } from "./transaction";

let decodedLen: u32 = 0;

/** Enters an argument and its name; the bytes must live as long as the transaction. False when there are too many. */
export function addArgument(tx: Transaction, post: bool, name: usize, nameLen: u32, data: usize, len: u32): bool {
  if (tx.argCount >= load<u32>(settings + S_ARGUMENTS)) {
    tx.bodyError = true;
    return false;
  }
  tx.argCount++;
  tx.argsBytes += nameLen + len;
  const values = post ? V_ARGS_POST : V_ARGS_GET;
  const names = post ? V_ARGS_POST_NAMES : V_ARGS_GET_NAMES;
  return addTo(tx, values, values, name, nameLen, data, len) != 0 && addTo(tx, names, names, name, nameLen, name, nameLen) != 0;
}

/** Reads `a=1&b=2`, decoded once. */
export function parseParams(tx: Transaction, ptr: usize, len: u32, post: bool): void {
  const separator = load<u32>(settings + S_SEPARATOR);
  let from: u32 = 0;
  while (from < len) {
    const found = findByte(ptr, len, separator, from);
    const end = found < 0 ? len : <u32>found;
    if (end > from) {
      const equal = findByte(ptr, end, 61, from);
      const nameEnd = equal < 0 ? end : <u32>equal;
      const valueFrom = equal < 0 ? end : <u32>equal + 1;
      const name = decode(tx, ptr + from, nameEnd - from);
      const nameLen = decodedLen;
      const value = decode(tx, ptr + valueFrom, end - valueFrom);
      if (name == 0 || value == 0 || !addArgument(tx, post, name, nameLen, value, decodedLen)) return;
    }
    from = end + 1;
  }
}

/** A path: `%xx` is a byte. Its length is {@link decodedBytes}; 0 when memory is short. */
export function decodePercent(tx: Transaction, ptr: usize, len: u32): usize {
  return unescape(tx, ptr, len, 37);
}

/** Length of what was decoded last. */
export function decodedBytes(): u32 {
  return decodedLen;
}

/** A parameter: `+` is a space as well. */
function decode(tx: Transaction, ptr: usize, len: u32): usize {
  return unescape(tx, ptr, len, 43);
}

/** What is no valid encoding stays and is counted as an error. What has nothing to decode is used in place. */
function unescape(tx: Transaction, ptr: usize, len: u32, space: u32): usize {
  decodedLen = len;
  let i: u32 = 0;
  while (i < len && load<u8>(ptr + i) != 37 && <u32>load<u8>(ptr + i) != space) i++;
  if (i == len) return ptr;
  const out = txTake(tx, len);
  if (out == 0) {
    decodedLen = 0;
    return 0;
  }
  memory.copy(out, ptr, i);
  let n = i;
  while (i < len) {
    const c = <u32>load<u8>(ptr + i);
    if (c == 37) {
      const high = i + 2 < len ? hexValue(load<u8>(ptr + i + 1)) : -1;
      const low = i + 2 < len ? hexValue(load<u8>(ptr + i + 2)) : -1;
      if (high >= 0 && low >= 0) {
        store<u8>(out + n++, <u8>(high << 4 | low));
        i += 3;
        continue;
      }
      tx.urlError = true;
    }
    store<u8>(out + n++, <u8>(c == 43 && space == 43 ? 32 : c));
    i++;
  }
  decodedLen = n;
  return out;
}

/** Reads a Cookie header: pairs separated by semicolons. */
export function parseCookies(tx: Transaction, ptr: usize, len: u32): void {
  let from: u32 = 0;
  while (from < len) {
    const found = findByte(ptr, len, 59, from);
    const end = found < 0 ? len : <u32>found;
    while (from < end && (load<u8>(ptr + from) == 32 || load<u8>(ptr + from) == 9)) from++;
    if (end > from) {
      const equal = findByte(ptr, end, 61, from);
      const nameEnd = equal < 0 ? end : <u32>equal;
      const valueFrom = equal < 0 ? end : <u32>equal + 1;
      const name = ptr + from;
      const nameLen = nameEnd - from;
      addTo(tx, V_REQUEST_COOKIES, V_REQUEST_COOKIES, name, nameLen, ptr + valueFrom, end - valueFrom);
      addTo(tx, V_REQUEST_COOKIES_NAMES, V_REQUEST_COOKIES_NAMES, name, nameLen, name, nameLen);
    }
    from = end + 1;
  }
}
