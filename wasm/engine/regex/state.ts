// Settings, counters and results that the parts of the engine share.

/** Bytes that all caches may take together, and the cache of one program. */
export let cacheBudget: u32 = 16 << 20;
export let programBudget: u32 = 512 << 10;
/** Steps of one call of a matcher. */
export let stepLimit: u32 = 1000000;

export let steps: u64 = 0;
export let limited: bool = false;
export let limitedCount: u32 = 0;

/** Where the automaton saw the first match complete, and a place before which no match can start. */
export let hitEnd: u32 = 0;
export let hitFrom: u32 = 0;

/** Groups of the last match: start and end of each, in memory that the matchers own. */
export let slots: usize = 0;
export let slotCount: u32 = 0;
/** Bounds of the last match. */
export let matchStart: u32 = 0;
export let matchEnd: u32 = 0;

export function setLimits(cacheBytes: u32, programBytes: u32, most: u32): void {
  cacheBudget = cacheBytes;
  programBudget = programBytes;
  stepLimit = most;
}

// @ts-ignore: decorator
@inline export function addSteps(count: u32): void {
  steps += count;
}

export function setLimited(): void {
  limited = true;
  limitedCount++;
}

export function clearResult(): void {
  limited = false;
  slotCount = 0;
  matchStart = 0;
  matchEnd = 0;
}

export function setHit(from: u32, end: u32): void {
  hitFrom = from;
  hitEnd = end;
}

export function setMatch(start: u32, end: u32, at: usize, count: u32): void {
  matchStart = start;
  matchEnd = end;
  slots = at;
  slotCount = count;
}
