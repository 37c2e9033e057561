// Bits on hosts and pairs of hosts (xbits, hostbits), with an end. A table of fixed size: in a full row the oldest gives way.

import { takeZeroed } from "../core/memory";

const ROWS: u32 = 4096;
const WAYS: u32 = 4;
const ENTRY: u32 = 16;

/** Entries: key u64 (0 is free), end u64 (unix ns). Taken at the first use. */
let table: usize = 0;

/** Key of a bit: its name's hash with one address or two (16 bytes each; 0 for none). A pair has no order. */
export function hostKey(hash: u32, kind: u32, a: usize, b: usize): u64 {
  let key: u64 = mix(<u64>hash | (<u64>kind << 32));
  const x = a == 0 ? 0 : mix(load<u64>(a) ^ mix(load<u64>(a, 8)));
  const y = b == 0 ? 0 : mix(load<u64>(b) ^ mix(load<u64>(b, 8)));
  key = mix(key + x + y + mix(x ^ y));
  return key == 0 ? 1 : key;
}

// @ts-ignore: decorator
@inline export function mix(value: u64): u64 {
  let x = value + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

export function hostBit(key: u64, now: u64): bool {
  const at = find(key);
  return at != 0 && load<u64>(at, 8) > now;
}

export function setHostBit(key: u64, now: u64, seconds: u32): void {
  if (table == 0) table = takeZeroed(ROWS * WAYS * ENTRY);
  if (table == 0) return;
  let at = find(key);
  if (at == 0) {
    const row = rowOf(key);
    at = row;
    for (let i: u32 = 0; i < WAYS; i++) {
      const entry = row + i * ENTRY;
      if (load<u64>(entry) == 0) {
        at = entry;
        break;
      }
      if (load<u64>(entry, 8) < load<u64>(at, 8)) at = entry;
    }
    store<u64>(at, key);
  }
  store<u64>(at, now + <u64>(seconds == 0 ? 30 : seconds) * 1000000000, 8);
}

export function clearHostBit(key: u64): void {
  const at = find(key);
  if (at != 0) {
    store<u64>(at, 0);
    store<u64>(at, 0, 8);
  }
}

// @ts-ignore: decorator
@inline function rowOf(key: u64): usize {
  return table + <usize>(<u32>key & (ROWS - 1)) * (WAYS * ENTRY);
}

function find(key: u64): usize {
  if (table == 0) return 0;
  const row = rowOf(key);
  for (let i: u32 = 0; i < WAYS; i++) if (load<u64>(row + i * ENTRY) == key) return row + i * ENTRY;
  return 0;
}
