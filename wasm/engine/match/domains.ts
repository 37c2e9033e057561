// Domain names: which entries of a table a name matches, with one hash look-up for each suffix that starts at a label.
// packages/rule-image/src/domains.ts makes the tables.
//
// header, 48 bytes of u32: 0 magic, 4 bytes in all, 8 slots (a power of two), 12 where they are, 16 nodes, 20 where, 24 values,
// 28 where, 32 names (bytes up to the end), 36 mask of key lengths that `endswith` names use
// slot, 8: hash, node plus one (0: empty); node, 20: u32 name from the start of names, u32 its length, u32 first value,
// u16 values for exact, u16 for suffix, u32 for endswith, in this order

import { give, takeZeroed } from "../core/memory";

const MAGIC: u32 = 0x534d4f44;
const HEADER: u32 = 48;
const NODE: u32 = 20;
const SEED: u32 = 0x811c9dc5;
const SEED_ENDSWITH: u32 = 0x1b873593;
const PRIME: u32 = 0x01000193;
const MIX: u32 = 0x9e3779b1;
/** What of a node counts. */
const WHOLE: u32 = 0;
const AT_DOT: u32 = 1;
const ANYWHERE: u32 = 2;

@unmanaged
class Table {
  base: usize;
  values: usize;
  found: u32;
  /** Bit n: names of `endswith` have a key of KEYS[n] bytes. */
  keys: u32;
}

/** Key lengths of `endswith` names. */
const KEYS: usize = memory.data<u8>([1, 2, 3, 4, 6, 8, 12, 16]);

let last: Table = changetype<Table>(0);

/**
 * Checks a table of `encodeDomains` and takes the memory for results (4 bytes an entry): a handle, or 0. The bytes must be
 * 16-aligned
 * and stay where they are.
 */
export function domainsAttach(ptr: usize, len: u32): usize {
  if (!sound(ptr, len)) return 0;
  const head = <u32>offsetof<Table>();
  const at = takeZeroed(head + load<u32>(ptr, 24) * 4 + 4);
  if (at == 0) return 0;
  const table = changetype<Table>(at);
  table.base = ptr;
  table.values = at + head;
  table.keys = load<u32>(ptr, 36);
  return at;
}

/** Gives the handle's memory back. 0 is allowed. */
export function domainsDetach(table: usize): void {
  if (changetype<usize>(last) == table) last = changetype<Table>(0);
  give(table);
}

/** Number of values of all entries that the name matches; they are at {@link domainValues}. Table 0 finds nothing. */
export function domainLookup(table: usize, ptr: usize, len: u32): u32 {
  const t = changetype<Table>(table);
  last = t;
  if (table == 0) return 0;
  t.found = 0;
  if (len == 0) return 0;
  let hash = SEED;
  for (let i = len; i > 0; i--) {
    const c: u32 = load<u8>(ptr + i - 1);
    // What follows a dot is a suffix that starts at a label.
    if (c == 0x2e && i < len) find(t, hash, ptr + i, len - i, AT_DOT);
    hash = (hash ^ fold(c)) * PRIME;
  }
  find(t, hash, ptr, len, WHOLE);
  if (t.keys != 0) ends(t, ptr, len);
  return t.found;
}

/** Values (u32 each) of the last look-up; they stay until the same table is used again. */
export function domainValues(): usize {
  return changetype<usize>(last) == 0 ? 0 : last.values;
}

function ends(t: Table, ptr: usize, len: u32): void {
  let hash = SEED_ENDSWITH;
  let done: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    const length: u32 = load<u8>(KEYS + n);
    if (length > len) return;
    for (; done < length; done++) hash = (hash ^ fold(load<u8>(ptr + len - 1 - done))) * PRIME;
    if ((t.keys & (1 << n)) != 0) find(t, hash, ptr, len, ANYWHERE);
  }
}

// @ts-ignore: decorator
@inline function fold(c: u32): u32 {
  return c - 65 < 26 ? c | 32 : c;
}

function find(t: Table, hash: u32, ptr: usize, len: u32, how: u32): void {
  const base = t.base;
  const mask = load<u32>(base, 8) - 1;
  const slots = base + load<u32>(base, 12);
  const nodes = base + load<u32>(base, 20);
  for (let slot = (hash * MIX) & mask; ; slot = (slot + 1) & mask) {
    const number = load<u32>(slots + (slot << 3), 4);
    if (number == 0) return;
    if (load<u32>(slots + (slot << 3)) == hash) collect(t, nodes + (number - 1) * NODE, ptr, len, how);
  }
}

function collect(t: Table, node: usize, ptr: usize, len: u32, how: u32): void {
  const length = load<u32>(node, 4);
  if (how == ANYWHERE ? length > len : length != len) return;
  const exact: u32 = load<u16>(node, 12);
  const suffix: u32 = load<u16>(node, 14);
  const endswith = load<u32>(node, 16);
  let from = load<u32>(node, 8);
  let count: u32 = 0;
  if (how == WHOLE) {
    count = exact + suffix;
  } else if (how == AT_DOT) {
    from += exact;
    count = suffix;
  } else {
    from += exact + suffix;
    count = endswith;
  }
  if (count == 0) return;
  const name = t.base + load<u32>(t.base, 32) + load<u32>(node);
  const at = ptr + len - length;
  for (let i: u32 = 0; i < length; i++) {
    if (fold(load<u8>(at + i)) != <u32>load<u8>(name + i)) return;
  }
  memory.copy(t.values + (t.found << 2), t.base + load<u32>(t.base, 28) + (from << 2), count << 2);
  t.found += count;
}

function sound(ptr: usize, len: u32): bool {
  if ((ptr & 15) != 0 || len < HEADER || load<u32>(ptr) != MAGIC || load<u32>(ptr, 4) > len) return false;
  const total = load<u32>(ptr, 4);
  const slots = load<u32>(ptr, 8);
  const nodes = load<u32>(ptr, 16);
  const values = load<u32>(ptr, 24);
  const names = load<u32>(ptr, 32);
  if (slots == 0 || (slots & (slots - 1)) != 0 || names > total || load<u32>(ptr, 36) > 255) return false;
  if (!fits(total, load<u32>(ptr, 12), slots, 8) || !fits(total, load<u32>(ptr, 20), nodes, NODE)) return false;
  if (!fits(total, load<u32>(ptr, 28), values, 4)) return false;
  let next: u32 = 0;
  for (let i: u32 = 0; i < nodes; i++) {
    const node = ptr + load<u32>(ptr, 20) + i * NODE;
    const name = load<u32>(node);
    const length = load<u32>(node, 4);
    const endswith = load<u32>(node, 16);
    if (name > total - names || length == 0 || length > total - names - name || load<u32>(node, 8) != next) return false;
    const count = <u32>load<u16>(node, 12) + <u32>load<u16>(node, 14);
    if (endswith > values || count + endswith > values - next) return false;
    next += count + endswith;
  }
  return slotsSound(ptr + load<u32>(ptr, 12), slots, nodes);
}

/** No slot points outside, none points where another does (results have room for each value once), and one is free. */
function slotsSound(at: usize, slots: u32, nodes: u32): bool {
  let used: u32 = 0;
  let sum: u64 = 0;
  for (let i: u32 = 0; i < slots; i++) {
    const number = load<u32>(at + (i << 3), 4);
    if (number > nodes) return false;
    if (number == 0) continue;
    used++;
    sum += number;
  }
  return used < slots && used == nodes && sum == (<u64>nodes * (<u64>nodes + 1)) / 2;
}

function fits(total: u32, at: u32, count: u32, size: u32): bool {
  return (at & 3) == 0 && at <= total && count <= (total - at) / size;
}
