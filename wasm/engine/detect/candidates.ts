// Rules that a prefilter points at, in the order of the rules and each once.

import { domainLookup, domainValues } from "../match/domains";
import { literalFirstEnd, literalHits, literalScan } from "../match/literals";
import { SLOT_NAMES, SLOT_NAME_TABLE, SLOT_PATTERNS, SLOT_PATTERN_TABLE } from "./layout";
import { listsAt, section, slotLiterals, slotNames, slotRecord } from "./rules";

/** Candidates of one look; what comes beyond is dropped and counted: thousands of rules on one buffer are an attack on the sensor. */
const MOST: u32 = 4096;
const numbers = memory.data(16384);
let count: u32 = 0;

/** How often there were too many. */
export let candidatesCut: u32 = 0;

export function clearCandidates(): void {
  count = 0;
}

export function candidateCount(): u32 {
  return count;
}

// @ts-ignore: decorator
@inline export function candidate(n: u32): u32 {
  return load<u32>(numbers + (<usize>n << 2));
}

/** Adds a rule. */
export function addCandidate(rule: u32): void {
  let at = count;
  while (at > 0 && load<u32>(numbers + (<usize>(at - 1) << 2)) > rule) at--;
  if (at > 0 && load<u32>(numbers + (<usize>(at - 1) << 2)) == rule) return;
  if (count == MOST) {
    candidatesCut++;
    return;
  }
  const place = numbers + (<usize>at << 2);
  if (at < count) memory.copy(place + 4, place, <usize>(count - at) << 2);
  store<u32>(place, rule);
  count++;
}

/** Adds a list of rules: where (start, count) of it is. */
export function addList(at: usize): void {
  const start = load<u32>(at);
  const n = load<u32>(at, 4);
  for (let i: u32 = 0; i < n; i++) addCandidate(load<u32>(listsAt + (<usize>(start + i) << 2)));
}

/** Adds the rules whose literals (the first one of a kind ending behind `after` bytes) or names are in the bytes. */
export function scanSlot(slot: u32, ptr: usize, len: u32, after: u32): void {
  const record = slotRecord(slot);
  const literals = slotLiterals(slot);
  if (literals != 0) {
    const found = literalScan(literals, ptr, len);
    if (found != 0) {
      const hits = literalHits();
      const total = load<u32>(record + SLOT_PATTERNS);
      const table = section + load<u32>(record + SLOT_PATTERN_TABLE);
      for (let i: u32 = 0; i < found; i++) {
        const pattern = load<u32>(hits + (<usize>i << 2));
        if (pattern < total && (after == 0 || literalFirstEnd(pattern) > after)) addList(table + (<usize>pattern << 3));
      }
    }
  }
  const names = slotNames(slot);
  if (names != 0) {
    const found = domainLookup(names, ptr, len);
    if (found != 0) {
      const values = domainValues();
      const total = load<u32>(record + SLOT_NAMES);
      const table = section + load<u32>(record + SLOT_NAME_TABLE);
      for (let i: u32 = 0; i < found; i++) {
        const name = load<u32>(values + (<usize>i << 2));
        if (name < total) addList(table + (<usize>name << 3));
      }
    }
  }
}
