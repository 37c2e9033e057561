// Fingerprints of hellos: JA3 and JA3S (salesforce/ja3: md5 of the hello's fields in decimal) and JA4 (FoxIO's technical
// description: version, counts and ALPN in the open, then 12 digits of SHA-256 of the sorted ciphers and extensions).

import { arenaCopy, arenaTake } from "../core/arena";
import { Arena } from "../core/arena";
import { be16, putHex, putNumber } from "./bytes";
import { md5Hex, sha256Hex } from "./hash";
import { isGrease, TlsSide } from "./tls-types";

const TEXT: u32 = 16384;
const MAX_LIST: u32 = 512;
const text: usize = memory.data(16448, 16);
const list: usize = memory.data(1024, 16);

/** Where the parts of a hello are, as its parser found them. */
@unmanaged
export class HelloParts {
  ciphers: usize;
  ciphersLen: u32;
  extensions: usize;
  extensionsLen: u32;
  groups: usize;
  groupsLen: u32;
  points: usize;
  pointsLen: u32;
  signatures: usize;
  signaturesLen: u32;
  /** Highest of supported_versions, or 0. */
  highest: u32;
  hasSni: bool;
}

/** Numbers joined by dashes, without GREASE; `bytes` of each 1 or 2. Returns where they end, 0 when there is no room. */
function joined(at: usize, ptr: usize, len: u32, bytes: u32): usize {
  let to = at;
  for (let i: u32 = 0; i + bytes <= len; i += bytes) {
    const value = bytes == 2 ? be16(ptr + i) : load<u8>(ptr + i);
    if (bytes == 2 && isGrease(value)) continue;
    if (to - text > TEXT) return 0;
    if (to != at) store<u8>(to++, 45);
    to = putNumber(to, value);
  }
  return to;
}

function joinedExtensions(at: usize, ptr: usize, len: u32): usize {
  let to = at;
  for (let i: u32 = 0; i + 4 <= len; i += 4 + be16(ptr + i + 2)) {
    const type = be16(ptr + i);
    if (isGrease(type)) continue;
    if (to - text > TEXT) return 0;
    if (to != at) store<u8>(to++, 45);
    to = putNumber(to, type);
  }
  return to;
}

/** JA3 of a client's hello, JA3S of a server's. */
export function fingerprintJa3(side: TlsSide, parts: HelloParts, arena: Arena, server: bool): void {
  let at = putNumber(text, side.helloVersion);
  store<u8>(at++, 44);
  at = joined(at, parts.ciphers, parts.ciphersLen, 2);
  if (at == 0) return;
  store<u8>(at++, 44);
  at = joinedExtensions(at, parts.extensions, parts.extensionsLen);
  if (at == 0) return;
  if (!server) {
    store<u8>(at++, 44);
    at = joined(at, parts.groups, parts.groupsLen, 2);
    if (at == 0) return;
    store<u8>(at++, 44);
    at = joined(at, parts.points, parts.pointsLen, 1);
    if (at == 0) return;
  }
  const len = <u32>(at - text);
  side.ja3 = arenaCopy(arena, text, len);
  side.ja3Hash = arenaTake(arena, 32);
  if (side.ja3 == 0 || side.ja3Hash == 0) {
    side.ja3 = 0;
    side.ja3Hash = 0;
    return;
  }
  side.ja3Len = len;
  md5Hex(text, len, side.ja3Hash);
}

function sortList(count: u32): void {
  for (let i: u32 = 1; i < count; i++) {
    const value = load<u16>(list + <usize>(2 * i));
    let j = i;
    while (j > 0 && load<u16>(list + <usize>(2 * (j - 1))) > value) {
      store<u16>(list + <usize>(2 * j), load<u16>(list + <usize>(2 * (j - 1))));
      j--;
    }
    store<u16>(list + <usize>(2 * j), value);
  }
}

/** `count` numbers of the list as four hexadecimal digits each, joined by commas. */
function hexList(at: usize, count: u32): usize {
  let to = at;
  for (let i: u32 = 0; i < count; i++) {
    const value: u32 = load<u16>(list + <usize>(2 * i));
    if (i != 0) store<u8>(to++, 44);
    to = putHex(to, value >> 8);
    to = putHex(to, value & 0xff);
  }
  return to;
}

function twoDigits(at: usize, count: u32): usize {
  const n = min<u32>(count, 99);
  store<u8>(at, 48 + n / 10);
  store<u8>(at, 48 + n % 10, 1);
  return at + 2;
}

function hash12(at: usize, len: u32): usize {
  if (len == 0) {
    for (let i: usize = 0; i < 12; i++) store<u8>(at + i, 48);
  } else {
    sha256Hex(text, len, text + TEXT);
    memory.copy(at, text + TEXT, 12);
  }
  return at + 12;
}

function versionCode(version: u32): u32 {
  if (version == 0x0304) return 0x3331;
  if (version == 0x0303) return 0x3231;
  if (version == 0x0302) return 0x3131;
  if (version == 0x0301) return 0x3031;
  if (version == 0x0300) return 0x3373;
  if (version == 0x0002) return 0x3273;
  return 0x3030;
}

function alphanumeric(c: u32): bool {
  return c - 48 < 10 || (c | 32) - 97 < 26;
}

/** JA4 of a client's hello; `transport` is 't' or 'q'. */
export function fingerprintJa4(side: TlsSide, parts: HelloParts, arena: Arena, transport: u32): void {
  const at = arenaTake(arena, 36);
  if (at == 0) return;
  store<u8>(at, transport);
  store<u16>(at, <u16>versionCode(parts.highest != 0 ? parts.highest : side.helloVersion), 1);
  store<u8>(at, parts.hasSni ? 100 : 105, 3);
  let ciphers: u32 = 0;
  let kept: u32 = 0;
  for (let i: u32 = 0; i + 2 <= parts.ciphersLen; i += 2) {
    const value = be16(parts.ciphers + i);
    if (isGrease(value)) continue;
    ciphers++;
    if (kept < MAX_LIST) store<u16>(list + <usize>(2 * kept++), <u16>value);
  }
  sortList(kept);
  let to = twoDigits(at + 4, ciphers);
  hash12(at + 11, <u32>(hexList(text, kept) - text));

  let extensions: u32 = 0;
  kept = 0;
  for (let i: u32 = 0; i + 4 <= parts.extensionsLen; i += 4 + be16(parts.extensions + i + 2)) {
    const type = be16(parts.extensions + i);
    if (isGrease(type)) continue;
    extensions++;
    if (type == 0 || type == 16) continue;
    if (kept < MAX_LIST) store<u16>(list + <usize>(2 * kept++), <u16>type);
  }
  sortList(kept);
  to = twoDigits(to, extensions);
  let first: u32 = 48;
  let last: u32 = 48;
  const alpnLen: u32 = side.alpnLen > 1 ? load<u8>(side.alpn) : 0;
  if (alpnLen != 0 && alpnLen < side.alpnLen) {
    first = load<u8>(side.alpn + 1);
    last = load<u8>(side.alpn + alpnLen);
    if (!alphanumeric(first) || !alphanumeric(last)) {
      const high = first >> 4;
      const low = last & 15;
      first = high < 10 ? 48 + high : 87 + high;
      last = low < 10 ? 48 + low : 87 + low;
    }
  }
  store<u8>(to, first);
  store<u8>(to, last, 1);
  store<u8>(at, 95, 10);
  let end = hexList(text, kept);
  if (kept != 0 && parts.signaturesLen >= 2) {
    store<u8>(end++, 95);
    kept = 0;
    for (let i: u32 = 0; i + 2 <= parts.signaturesLen && kept < MAX_LIST; i += 2) {
      const value = be16(parts.signatures + i);
      if (!isGrease(value)) store<u16>(list + <usize>(2 * kept++), <u16>value);
    }
    end = hexList(end, kept);
  }
  store<u8>(at, 95, 23);
  hash12(at + 24, <u32>(end - text));
  side.ja4 = at;
}
