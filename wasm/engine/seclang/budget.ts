// What looking at a transaction may cost, in steps: about the bytes that rules and transformations go over, and what regular
// expressions do besides. One step takes about a nanosecond. Who sends requests that cost more gets an event, and only what was
// found so far is judged.

import { regexSetLimits, regexSteps } from "../regex/regex";

/** Steps of a transaction at most: some twenty times those of 100 KB of JSON with CRS at paranoia level 4. */
let limit: u64 = 1000000000;
/** Steps since the start, and the value at which the transaction under way has used up its own. */
export let spent: u64 = 0;
let end: u64 = 0;
let regexBefore: u64 = 0;

export function setStepBudget(steps: u64): void {
  limit = steps;
}

/** A transaction that has used `before` steps goes on. */
export function resumeBudget(before: u64): void {
  end = spent - before + limit;
  regexBefore = regexSteps();
}

/** Steps of the transaction under way. */
export function budgetUsed(): u64 {
  settle();
  return spent + limit - end;
}

// @ts-ignore: decorator
@inline export function spend(steps: u32): void {
  spent += steps;
}

function settle(): void {
  const now = regexSteps();
  spent += now - regexBefore;
  regexBefore = now;
}

/** Whether the transaction under way has used up its steps. */
// @ts-ignore: decorator
@inline export function overBudget(): bool {
  return spent >= end;
}

/** As {@link overBudget}, with what regular expressions did. */
export function settledOverBudget(): bool {
  settle();
  return spent >= end;
}

/** Steps of one search for the groups of a match: a few milliseconds. Beyond, a match is one, but its place is approximate. */
const SEARCH: u32 = 400000;

/** Memory for automata, at most so many bytes of the module's; and steps of one search. */
export function limitRegexes(memory: usize): void {
  regexSetLimits(<u32>min<usize>(memory >> 2, 12 << 20), 512 << 10, SEARCH);
}
