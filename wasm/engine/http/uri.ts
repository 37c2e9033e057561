// Request targets: splitting, and the normal form that http.uri rules see (as Suricata's libhtp with the IDS personality makes
// it): percent-decoding once, backslashes to slashes, runs of slashes to one, dot segments removed, the scheme and authority of
// an absolute target left out, the query percent-decoded with "+" kept.

import { scan2, scan } from "./bytes";

// What splitUri found; a length is only meaningful when its address is not 0.
export let uriHostAt: usize = 0;
export let uriHostLen: u32 = 0;
export let uriPortAt: usize = 0;
export let uriPortLen: u32 = 0;
export let uriPathAt: usize = 0;
export let uriPathLen: u32 = 0;
export let uriQueryAt: usize = 0;
export let uriQueryLen: u32 = 0;
export let uriFragmentAt: usize = 0;
export let uriFragmentLen: u32 = 0;
// What decoding met.
export let uriInvalidEncoding: bool = false;
export let uriEncodedNul: bool = false;

/** Splits a target into host, port, path, query and fragment; makes no attempt to validate it. */
export function splitUri(ptr: usize, len: u32): void {
  const end = ptr + len;
  let at = ptr;
  uriHostAt = 0;
  uriPortAt = 0;
  uriPathAt = 0;
  uriQueryAt = 0;
  uriFragmentAt = 0;
  if (len == 0) return;
  if (load<u8>(at) != 47) {
    const colon = scan(at, end, 58);
    if (colon < end) at = splitAuthority(colon + 1, end);
  }
  let stop = scan2(at, end, 35, 63);
  if (stop > at) {
    uriPathAt = at;
    uriPathLen = <u32>(stop - at);
  }
  if (stop < end && load<u8>(stop) == 63) {
    uriQueryAt = stop + 1;
    stop = scan(stop + 1, end, 35);
    uriQueryLen = <u32>(stop - uriQueryAt);
  }
  if (stop < end) {
    uriFragmentAt = stop + 1;
    uriFragmentLen = <u32>(end - stop - 1);
  }
}

/** Behind the scheme: "//user@host:port", or nothing. Where the path starts. */
function splitAuthority(at: usize, end: usize): usize {
  let start = at;
  const slashes = at + 1 < end && load<u8>(at) == 47 && load<u8>(at + 1) == 47;
  if (slashes && at + 2 < end && load<u8>(at + 2) != 47) {
    const sign = scan(at + 2, end, 64);
    if (sign < end) start = sign + 1;
  }
  let host = start;
  if (host + 1 < end && load<u8>(host) == 47 && load<u8>(host + 1) == 47) host += 2;
  if (host >= end || load<u8>(host) == 47) return start;
  while (host < end && load<u8>(host) == 32) host++;
  let stop = host;
  if (host < end && load<u8>(host) == 91) {
    stop++;
    while (stop < end && !ends(load<u8>(stop)) && load<u8>(stop) != 93) stop++;
    if (stop < end && load<u8>(stop) == 93) stop++;
  } else {
    while (stop < end && !ends(load<u8>(stop)) && load<u8>(stop) != 58) stop++;
  }
  if (stop == host) return start;
  uriHostAt = host;
  let last = stop;
  while (last > host && load<u8>(last - 1) == 32) last--;
  uriHostLen = <u32>(last - host);
  if (stop >= end || load<u8>(stop) != 58) return stop;
  let port = stop + 1;
  while (port < end && load<u8>(port) == 32) port++;
  let portEnd = port;
  while (portEnd < end && !ends(load<u8>(portEnd))) portEnd++;
  if (portEnd == port) return stop;
  uriPortAt = port;
  uriPortLen = <u32>(portEnd - port);
  return portEnd;
}

// @ts-ignore: decorator
@inline function ends(c: u32): bool {
  return c == 47 || c == 63 || c == 35;
}

// @ts-ignore: decorator
@inline function hex(c: u32): u32 {
  const d = c - 48;
  if (d < 10) return d;
  const l = (c | 32) - 97;
  return l < 6 ? l + 10 : 255;
}

/** Percent-decodes [ptr, ptr + len) to `to`; the bytes written. "+" stays. */
export function percentDecode(ptr: usize, len: u32, to: usize): u32 {
  let w = to;
  for (let i: u32 = 0; i < len; i++) {
    let c: u32 = load<u8>(ptr + i);
    if (c == 37) {
      const h = i + 2 < len ? hex(load<u8>(ptr + i + 1)) : 255;
      const l = h < 16 ? hex(load<u8>(ptr + i + 2)) : 255;
      if (l < 16) {
        c = (h << 4) | l;
        i += 2;
        if (c == 0) uriEncodedNul = true;
      } else uriInvalidEncoding = true;
    }
    store<u8>(w++, c);
  }
  return <u32>(w - to);
}

/** The path decoded, with backslashes turned and slashes joined; the bytes written. */
function decodePath(ptr: usize, len: u32, to: usize): u32 {
  let w = to;
  let slash = false;
  for (let i: u32 = 0; i < len; i++) {
    let c: u32 = load<u8>(ptr + i);
    if (c == 37) {
      const h = i + 2 < len ? hex(load<u8>(ptr + i + 1)) : 255;
      const l = h < 16 ? hex(load<u8>(ptr + i + 2)) : 255;
      if (l < 16) {
        c = (h << 4) | l;
        i += 2;
        if (c == 0) uriEncodedNul = true;
      } else uriInvalidEncoding = true;
    }
    if (c == 92) c = 47;
    if (c == 47) {
      if (slash) continue;
      slash = true;
    } else slash = false;
    store<u8>(w++, c);
  }
  return <u32>(w - to);
}

const AT_START: u32 = 0;
const DOT: u32 = 1;
const TWO_DOTS: u32 = 2;
const SLASH: u32 = 3;
const SLASH_DOT: u32 = 4;
const SLASH_TWO_DOTS: u32 = 5;
const REGULAR: u32 = 6;
/** As SLASH, but behind a dot segment: at the end it leaves nothing. */
const SLASH_AGAIN: u32 = 7;

/** Removes dot segments in place (RFC 3986, 5.2.4); the new length. */
function removeDots(ptr: usize, len: u32): u32 {
  let state = AT_START;
  let w: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (state == REGULAR) {
      if (c == 47) state = SLASH;
      else store<u8>(ptr + w++, c);
    } else if (state == SLASH || state == SLASH_AGAIN) {
      if (c == 46) state = SLASH_DOT;
      else {
        store<u8>(ptr + w++, 47);
        store<u8>(ptr + w++, c);
        state = REGULAR;
      }
    } else if (state == SLASH_DOT) {
      if (c == 46) state = SLASH_TWO_DOTS;
      else if (c == 47) state = SLASH_AGAIN;
      else {
        store<u8>(ptr + w++, 47);
        store<u8>(ptr + w++, 46);
        store<u8>(ptr + w++, c);
        state = REGULAR;
      }
    } else if (state == SLASH_TWO_DOTS) {
      if (c == 47) {
        w = dropSegment(ptr, w);
        state = SLASH_AGAIN;
      } else {
        store<u8>(ptr + w++, 47);
        store<u8>(ptr + w++, 46);
        store<u8>(ptr + w++, 46);
        store<u8>(ptr + w++, c);
        state = REGULAR;
      }
    } else if (state == AT_START) {
      if (c == 46) state = DOT;
      else if (c == 47) state = SLASH;
      else {
        store<u8>(ptr + w++, c);
        state = REGULAR;
      }
    } else if (c == 47) state = AT_START;
    else if (state == DOT && c == 46) state = TWO_DOTS;
    else {
      store<u8>(ptr + w++, 46);
      if (state == TWO_DOTS) store<u8>(ptr + w++, 46);
      store<u8>(ptr + w++, c);
      state = REGULAR;
    }
  }
  if (state == SLASH) store<u8>(ptr + w++, 47);
  else if (state == SLASH_TWO_DOTS) w = dropSegment(ptr, w);
  return w;
}

/** Length without the last segment and the slash before it. */
function dropSegment(ptr: usize, w: u32): u32 {
  while (w > 0) {
    w--;
    if (load<u8>(ptr + w) == 47) break;
  }
  return w;
}

/** Normal form of a target into `to` (room: len + 3); its length. */
export function normalizeUri(ptr: usize, len: u32, to: usize): u32 {
  uriInvalidEncoding = false;
  uriEncodedNul = false;
  splitUri(ptr, len);
  let w = to;
  if (uriPathAt != 0) w += removeDots(w, decodePath(uriPathAt, uriPathLen, w));
  if (uriQueryAt != 0) {
    store<u8>(w++, 63);
    w += percentDecode(uriQueryAt, uriQueryLen, w);
  }
  if (uriFragmentAt != 0) {
    store<u8>(w++, 35);
    memory.copy(w, uriFragmentAt, uriFragmentLen);
    w += uriFragmentLen;
  }
  return <u32>(w - to);
}

/** Normalized path alone, into `to` (room: len + 1); its length. Used as the name of files that have none. */
export function normalizePath(ptr: usize, len: u32, to: usize): u32 {
  splitUri(ptr, len);
  return uriPathAt != 0 ? removeDots(to, decodePath(uriPathAt, uriPathLen, to)) : 0;
}
