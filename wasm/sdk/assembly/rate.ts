// Counts events per key in windows of time, in a fixed table: 4 places per hash, of which the one quiet for longest gives way.

import { now } from "./batch";
import { reserve } from "./bytes";

const WAYS: u32 = 4;
/** Distinct values remembered per key. */
const VALUES: u32 = 64;

@unmanaged
export class RateEntry {
  keyA: u64;
  keyB: u64;
  keyC: u64;
  keyD: u64;
  keyE: u32;
  count: u32;
  start: u64;
  seen: u64;
  /** What was reported in this window, bits of the module's choice. */
  reported: u32;
  reserved: u32;
}

const ENTRY: usize = offsetof<RateEntry>() + VALUES * 2;

/** One table; make it at start-up. */
@unmanaged
export class RateTable {
  entries: usize;
  sets: u32;
  reserved: u32;
}

/** A table of `sets` (a power of two) times 4 keys. */
export function makeRateTable(sets: u32): RateTable {
  const table = changetype<RateTable>(reserve(offsetof<RateTable>()));
  table.sets = sets;
  table.entries = reserve(ENTRY * WAYS * sets);
  return table;
}

/** The entry of a key (two addresses and a number), begun anew when its window of `windowNs` is over. */
export function rateEntry(table: RateTable, src: usize, dst: usize, extra: u32, windowNs: u64): RateEntry {
  const a = load<u64>(src);
  const b = load<u64>(src, 8);
  const c = load<u64>(dst);
  const d = load<u64>(dst, 8);
  let h = (a ^ (b << 1)) * 0x9e3779b185ebca87 + (c ^ (d << 1)) * 0xc2b2ae3d27d4eb4f + extra;
  h ^= h >> 29;
  h *= 0x165667b19e3779f9;
  h ^= h >> 32;
  const set = table.entries + <usize>((<u32>h) & (table.sets - 1)) * WAYS * ENTRY;
  let oldest = changetype<RateEntry>(set);
  for (let i: u32 = 0; i < WAYS; i++) {
    const entry = changetype<RateEntry>(set + i * ENTRY);
    if (entry.start != 0 && entry.keyA == a && entry.keyB == b && entry.keyC == c && entry.keyD == d && entry.keyE == extra) {
      if (now - entry.start > windowNs) begin(entry);
      entry.seen = now;
      return entry;
    }
    if (entry.seen < oldest.seen) oldest = entry;
  }
  oldest.keyA = a;
  oldest.keyB = b;
  oldest.keyC = c;
  oldest.keyD = d;
  oldest.keyE = extra;
  begin(oldest);
  oldest.seen = now;
  return oldest;
}

function begin(entry: RateEntry): void {
  entry.count = 0;
  entry.reported = 0;
  entry.start = max(now, 1);
}

/** Counts `value` (a port, say) unless it was seen in this window; returns the number of distinct ones, at most 64 exactly. */
export function countDistinct(entry: RateEntry, value: u16): u32 {
  const list = changetype<usize>(entry) + offsetof<RateEntry>();
  const n = min(entry.count, VALUES);
  for (let i: u32 = 0; i < n; i++) {
    if (load<u16>(list + i * 2) == value) return entry.count;
  }
  if (entry.count < VALUES) {
    store<u16>(list + entry.count * 2, value);
    entry.count++;
  }
  return entry.count;
}

/** Marks `bit` as reported in this window; false when it was. */
export function firstInWindow(entry: RateEntry, bit: u32): bool {
  const mask = (1 as u32) << bit;
  if ((entry.reported & mask) != 0) return false;
  entry.reported |= mask;
  return true;
}
