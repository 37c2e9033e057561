// Addresses in text, and whether they are in a list of networks.

import { hexValue } from "../../sdk/assembly/bytes";

const address = memory.data(16, 16);
const groups = memory.data(16, 16);

/** Reads an address; false when it is none. IPv4 counts as ::ffff:a.b.c.d. */
export function addressOf(ptr: usize, len: u32): bool {
  while (len > 0 && load<u8>(ptr) == 32) {
    ptr++;
    len--;
  }
  while (len > 0 && load<u8>(ptr + len - 1) == 32) len--;
  memory.fill(address, 0, 16);
  if (v4(ptr, len, address + 12)) {
    store<u16>(address, 0xffff, 10);
    return true;
  }
  return v6(ptr, len);
}

function v4(ptr: usize, len: u32, out: usize): bool {
  let part: u32 = 0;
  let digits: u32 = 0;
  let value: u32 = 0;
  for (let i: u32 = 0; i <= len; i++) {
    const c: u32 = i == len ? 46 : <u32>load<u8>(ptr + i);
    if (c == 46) {
      if (digits == 0 || part > 3) return false;
      store<u8>(out + part, <u8>value);
      part++;
      digits = 0;
      value = 0;
    } else {
      if (c - 48 > 9 || digits == 3) return false;
      value = value * 10 + c - 48;
      if (value > 255) return false;
      digits++;
    }
  }
  return part == 4;
}

function v6(ptr: usize, len: u32): bool {
  let count: u32 = 0;
  let gap: i32 = -1;
  let i: u32 = 0;
  if (len >= 2 && load<u16>(ptr) == 0x3a3a) {
    gap = 0;
    i = 2;
  }
  while (i < len) {
    let value: u32 = 0;
    let digits: u32 = 0;
    const start = i;
    while (i < len && hexValue(load<u8>(ptr + i)) >= 0) {
      value = value << 4 | <u32>hexValue(load<u8>(ptr + i));
      if (++digits > 4) return false;
      i++;
    }
    if (i < len && load<u8>(ptr + i) == 46) {
      if (count > 6 || !v4(ptr + start, len - start, groups + count * 2)) return false;
      count += 2;
      i = len;
      break;
    }
    if (digits == 0 || count == 8) return false;
    store<u8>(groups + count * 2, <u8>(value >> 8));
    store<u8>(groups + count * 2 + 1, <u8>value);
    count++;
    if (i == len) break;
    if (load<u8>(ptr + i) != 58) return false;
    i++;
    if (i == len) return false;
    if (load<u8>(ptr + i) == 58) {
      if (gap >= 0) return false;
      gap = <i32>count;
      i++;
    }
  }
  if (gap < 0) {
    if (count != 8) return false;
    memory.copy(address, groups, 16);
    return true;
  }
  if (count > 7) return false;
  const tail = count - <u32>gap;
  memory.copy(address, groups, gap * 2);
  memory.copy(address + 16 - tail * 2, groups + gap * 2, tail * 2);
  return true;
}

/** Whether the address that was read last is in one of `count` networks: 16 bytes and the number of bits, 20 bytes each. */
export function inNetworks(networks: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (inNetwork(networks + i * 20)) return true;
  }
  return false;
}

function inNetwork(network: usize): bool {
  const bits = min<u32>(load<u32>(network, 16), 128);
  // An IPv4 address is in no network of IPv6, however wide.
  if (bits < 96 && load<u64>(address) == 0 && load<u32>(address, 8) == 0xffff0000) return false;
  const whole = bits >> 3;
  if (memory.compare(address, network, whole) != 0) return false;
  const rest = bits & 7;
  if (rest == 0) return true;
  const mask: u32 = 0xff00 >> rest & 0xff;
  return ((<u32>load<u8>(address + whole) ^ <u32>load<u8>(network + whole)) & mask) == 0;
}
