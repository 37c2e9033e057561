// "HTTP/1.1" and what people send instead.

import { VERSION_0_9, VERSION_1_0, VERSION_1_1, VERSION_INVALID } from "./types";

// @ts-ignore: decorator
@inline function white(c: u32): bool {
  return c == 32 || c == 9 || c == 10 || c == 12 || c == 13;
}

/** VERSION_ number; white space around the slash and zeros before the number are accepted. */
export function versionNumber(ptr: usize, len: u32): u32 {
  const end = ptr + len;
  let at = ptr;
  while (at < end && white(load<u8>(at))) at++;
  if (at + 4 > end || (load<u32>(at) | 0x20202020) != 0x70747468) return VERSION_INVALID;
  at += 4;
  while (at < end && white(load<u8>(at))) at++;
  if (at == end || load<u8>(at) != 47) return VERSION_INVALID;
  at++;
  while (at < end && (white(load<u8>(at)) || load<u8>(at) == 48)) at++;
  let version = VERSION_INVALID;
  if (at + 2 <= end && load<u16>(at) == 0x392e) {
    version = VERSION_0_9;
    at += 2;
  } else if (at + 3 <= end && load<u16>(at) == 0x2e31) {
    const minor: u32 = load<u8>(at + 2);
    if (minor == 48) version = VERSION_1_0;
    else if (minor == 49) version = VERSION_1_1;
    at += 3;
  }
  while (at < end && white(load<u8>(at))) at++;
  return at == end ? version : VERSION_INVALID;
}
