// DER (X.690): one element at a time.

import { be16, be24, be32 } from "./bytes";

/** The element read last: tag byte, where its content starts and ends. */
export let derTag: u32 = 0;
export let derAt: usize = 0;
export let derEnd: usize = 0;
/** The last element that could not be read was cut: there were too few bytes for it. */
export let derShort: bool = false;

/** Reads the element at `at`; false when it does not fit before `end`, or its head is not DER. */
export function der(at: usize, end: usize): bool {
  derShort = true;
  if (at >= end || end - at < 2) return false;
  const tag: u32 = load<u8>(at);
  if ((tag & 0x1f) == 0x1f) {
    derShort = false;
    return false;
  }
  let len: u32 = load<u8>(at, 1);
  let body = at + 2;
  if (len >= 0x80) {
    const count = len & 0x7f;
    if (count == 0 || count > 4) {
      derShort = false;
      return false;
    }
    if (end - body < <usize>count) return false;
    len = count == 1 ? <u32>load<u8>(body) : count == 2 ? be16(body) : count == 3 ? be24(body) : be32(body);
    body += count;
  }
  if (end - body < <usize>len) return false;
  derShort = false;
  derTag = tag;
  derAt = body;
  derEnd = body + len;
  return true;
}

/** The same, when it has that tag. */
export function derIs(at: usize, end: usize, tag: u32): bool {
  return der(at, end) && derTag == tag;
}
