import { MIX_BLOOM, MIX_SLOT } from "./layout.js";
import type { Pattern } from "./pattern.js";
import { patternOf, windowKey } from "./pattern.js";
import { rarity } from "./rarity.js";

/** A pattern in a bucket, and where in the pattern the bucket's window is. */
export interface Placed {
  readonly pattern: number;
  readonly window: number;
  readonly width: number;
}

/** Patterns shorter than this are short: two windows of four bytes next to each other do not fit into them. */
export const LONG = 5;

/**
 * Gives patterns their windows. The engine looks for windows of four bytes at every second position, so a long pattern has two of
 * them next to each other; for those of two bytes it looks at every position, and a short pattern has one. Rare windows with few
 * patterns in them are taken first: both the ordinary and the worst case depend on it.
 */
export function placeWindows(patterns: readonly Pattern[], members: readonly number[]): Map<number, Placed[]> {
  const buckets = new Map<number, Placed[]>();
  const lengthOf = (i: number) => patterns[i]?.value.length ?? 0;
  for (const i of [...members].sort((a, b) => lengthOf(a) - lengthOf(b))) {
    const pattern = patternOf(patterns, i);
    const long = lengthOf(i) >= LONG;
    const width = long ? 4 : 2;
    const at = bestWindow(pattern, width, long ? 2 : 1, buckets);
    for (const window of long ? [at, at + 1] : [at]) {
      const key = windowKey(pattern, window, width);
      const bucket = buckets.get(key) ?? [];
      bucket.push({ pattern: i, window, width });
      buckets.set(key, bucket);
    }
  }
  // Earlier starts first, so that the first occurrence that is found is the first one there is.
  for (const bucket of buckets.values()) bucket.sort((a, b) => b.window - a.window);
  return buckets;
}

function bestWindow(pattern: Pattern, width: number, count: 1 | 2, buckets: ReadonlyMap<number, readonly Placed[]>): number {
  const costs: number[] = [];
  for (let at = 0; at + width <= pattern.value.length; at++) {
    const others = buckets.get(windowKey(pattern, at, width))?.length ?? 0;
    const share = 2 ** (-0.6 * rarity(pattern.value, at, width));
    costs.push((share + 2e-5) * (1 + others * others));
  }
  const costAt = (at: number) => (costs[at] ?? 0) + (count === 2 ? (costs[at + 1] ?? 0) : 0);
  let best = 0;
  for (let at = 1; at + count <= costs.length; at++) if (costAt(at) < costAt(best)) best = at;
  return best;
}

/** Bits of the bytes (without case, & 31) that may be right before the bucket's window, and right behind it. */
export function neighbours(patterns: readonly Pattern[], bucket: readonly Placed[]): { before: number; behind: number } {
  let before = 0;
  let behind = 0;
  for (const { pattern, window, width } of bucket) {
    const { value } = patternOf(patterns, pattern);
    before |= window === 0 ? -1 : 1 << ((value[window - 1] ?? 0) & 31);
    behind |= window + width === value.length ? -1 : 1 << ((value[window + width] ?? 0) & 31);
  }
  return { before: before >>> 0, behind: behind >>> 0 };
}

/** Bits for the keys of four bytes: two in one 32-bit word each. */
export function bloomOf(keys: readonly number[]): { words: Uint32Array; log2: number } {
  const log2 = Math.min(15, Math.max(6, Math.ceil(Math.log2(Math.max(1, keys.length)))));
  const words = new Uint32Array(1 << log2);
  for (const key of keys) {
    const hash = Math.imul(key, MIX_BLOOM) >>> 0;
    const word = hash >>> (32 - log2);
    words[word] = ((words[word] ?? 0) | (1 << ((hash >>> 7) & 31)) | (1 << ((hash >>> 12) & 31))) >>> 0;
  }
  return { words, log2 };
}

/** One slot's content, see layout.ts. */
export interface Slot {
  readonly key: number;
  readonly entry: number;
  readonly before: number;
  readonly behind: number;
}

/** Slots of the buckets as numbers, four each. */
export function slotsOf(buckets: readonly Slot[]): { slots: Uint32Array; log2: number } {
  const log2 = Math.max(3, Math.ceil(Math.log2(buckets.length * 2 + 1)));
  const slots = new Uint32Array(4 << log2);
  for (const { key, entry, before, behind } of buckets) {
    let at = Math.imul(key, MIX_SLOT) >>> (32 - log2);
    while (slots[at * 4 + 1] !== 0) at = (at + 1) & ((1 << log2) - 1);
    slots.set([key, entry + 1, before, behind], at * 4);
  }
  return { slots, log2 };
}
