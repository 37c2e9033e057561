// `os-policy=NAME NETWORK NETWORK …`: how the hosts of these networks put together what overlaps, in TCP streams and in
// fragments.

import {
  FRAG_BSD, FRAG_BSD_RIGHT, FRAG_FIRST, FRAG_LAST, FRAG_LINUX, FRAG_SOLARIS, FRAG_WINDOWS, addFragmentPolicy,
} from "../ip/policy";
import {
  POLICY_BSD, POLICY_BSD_RIGHT, POLICY_FIRST, POLICY_HPUX10, POLICY_HPUX11, POLICY_IRIX, POLICY_LAST, POLICY_LINUX, POLICY_MACOS,
  POLICY_OLD_LINUX, POLICY_OLD_SOLARIS, POLICY_SOLARIS, POLICY_VISTA, POLICY_WINDOWS, POLICY_WINDOWS2K3, addHostPolicy,
} from "../tcp/settings";
import { hexValue, parseDecimal } from "../../sdk/assembly/bytes";
import { isKey } from "../../sdk/assembly/config";

const address = memory.data(16, 8);
const groups = memory.data(16, 8);

/** Takes over one setting; false when the name or a network is none. */
export function osPolicy(ptr: usize, len: u32): bool {
  let at = wordEnd(ptr, len, 0);
  const policy = policyOf(ptr, at);
  if (policy < 0) return false;
  while (at < len) {
    if (load<u8>(ptr + at) == 32) {
      at++;
      continue;
    }
    const end = wordEnd(ptr, len, at);
    if (!network(ptr + at, end - at, <u32>policy)) return false;
    at = end;
  }
  return true;
}

function wordEnd(ptr: usize, len: u32, at: u32): u32 {
  while (at < len && load<u8>(ptr + at) != 32) at++;
  return at;
}

/** TCP policy of a system, or -1. */
function policyOf(ptr: usize, len: u32): i32 {
  if (isKey(ptr, len, "bsd")) return POLICY_BSD;
  if (isKey(ptr, len, "bsd-right")) return POLICY_BSD_RIGHT;
  if (isKey(ptr, len, "old-linux")) return POLICY_OLD_LINUX;
  if (isKey(ptr, len, "linux")) return POLICY_LINUX;
  if (isKey(ptr, len, "old-solaris")) return POLICY_OLD_SOLARIS;
  if (isKey(ptr, len, "solaris")) return POLICY_SOLARIS;
  if (isKey(ptr, len, "hpux10")) return POLICY_HPUX10;
  if (isKey(ptr, len, "hpux11")) return POLICY_HPUX11;
  if (isKey(ptr, len, "irix")) return POLICY_IRIX;
  if (isKey(ptr, len, "macos")) return POLICY_MACOS;
  if (isKey(ptr, len, "windows")) return POLICY_WINDOWS;
  if (isKey(ptr, len, "vista")) return POLICY_VISTA;
  if (isKey(ptr, len, "windows2k3")) return POLICY_WINDOWS2K3;
  if (isKey(ptr, len, "first")) return POLICY_FIRST;
  return isKey(ptr, len, "last") ? <i32>POLICY_LAST : -1;
}

/** What the same system does with fragments. */
function fragmentsOf(policy: u32): u32 {
  switch (policy) {
    case POLICY_BSD_RIGHT: return FRAG_BSD_RIGHT;
    case POLICY_OLD_LINUX:
    case POLICY_LINUX: return FRAG_LINUX;
    case POLICY_SOLARIS: return FRAG_SOLARIS;
    case POLICY_OLD_SOLARIS:
    case POLICY_HPUX11:
    case POLICY_MACOS:
    case POLICY_FIRST: return FRAG_FIRST;
    case POLICY_WINDOWS:
    case POLICY_VISTA:
    case POLICY_WINDOWS2K3: return FRAG_WINDOWS;
    case POLICY_LAST: return FRAG_LAST;
    default: return FRAG_BSD;
  }
}

function network(ptr: usize, len: u32, policy: u32): bool {
  let slash: u32 = 0;
  while (slash < len && load<u8>(ptr + slash) != 47) slash++;
  memory.fill(address, 0, 16);
  const four = v4(ptr, slash);
  if (!four && !v6(ptr, slash)) return false;
  const most: i64 = four ? 32 : 128;
  const bits = slash < len ? parseDecimal(ptr + slash + 1, len - slash - 1) : most;
  if (bits < 0 || bits > most) return false;
  const all = <u32>bits + (four ? 96 : 0);
  return addHostPolicy(address, all, policy) && addFragmentPolicy(address, all, fragmentsOf(policy));
}

function v4(ptr: usize, len: u32): bool {
  let part: u32 = 0;
  let value: u32 = 0;
  let digits: u32 = 0;
  for (let i: u32 = 0; i <= len; i++) {
    const c: u32 = i == len ? 46 : <u32>load<u8>(ptr + i);
    if (c == 46) {
      if (digits == 0 || part > 3) return false;
      store<u8>(address + 12 + part++, value);
      value = 0;
      digits = 0;
    } else {
      if (c - 48 > 9 || ++digits > 3) return false;
      value = value * 10 + (c - 48);
      if (value > 255) return false;
    }
  }
  store<u16>(address, 0xffff, 10);
  return part == 4;
}

/** Groups of hexadecimal digits, with one gap (::) at most. */
function v6(ptr: usize, len: u32): bool {
  let count: u32 = 0;
  let gap: i32 = -1;
  let i: u32 = 0;
  while (i < len) {
    if (load<u8>(ptr + i) == 58) {
      if (i + 1 < len && load<u8>(ptr + i + 1) == 58) {
        if (gap >= 0) return false;
        gap = <i32>count;
        i += 2;
        continue;
      }
      if (i == 0 || i + 1 == len) return false;
      i++;
    }
    let value: u32 = 0;
    let digits: u32 = 0;
    while (i < len && hexValue(load<u8>(ptr + i)) >= 0 && digits < 5) {
      value = (value << 4) | <u32>hexValue(load<u8>(ptr + i++));
      digits++;
    }
    if (digits == 0 || digits > 4 || count == 8) return false;
    store<u16>(groups + (count++ << 1), bswap<u16>(<u16>value));
  }
  if (gap < 0 ? count != 8 : count > 7) return false;
  const front: u32 = gap < 0 ? count : <u32>gap;
  memory.fill(address, 0, 16);
  memory.copy(address, groups, front << 1);
  memory.copy(address + 16 - ((count - front) << 1), groups + (front << 1), (count - front) << 1);
  return true;
}
