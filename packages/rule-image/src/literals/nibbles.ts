import { NIBBLE_WIDTH } from "./layout.js";
import type { Pattern } from "./pattern.js";
import { bytesAt, patternOf } from "./pattern.js";
import { pairBits, rarity } from "./rarity.js";
import type { Placed } from "./windows.js";

const BUCKETS = 8;

/** Masks by low and high nibble for each position of a window, one bit a bucket; and the patterns in the buckets. */
export interface Nibbles {
  readonly masks: Uint8Array;
  readonly buckets: readonly (readonly Placed[])[];
}

/**
 * Puts a few patterns into eight buckets whose nibble masks let through as little as possible. The method is that of "Teddy"
 * (Hyperscan; X. Wang and others, "Hyperscan: a fast multi-pattern regex matcher for modern CPUs", NSDI 2019).
 */
export function nibblesOf(patterns: readonly Pattern[], members: readonly number[]): Nibbles {
  const share = byteShares();
  const buckets: Placed[][] = Array.from({ length: BUCKETS }, () => []);
  const sets = Array.from({ length: BUCKETS }, () => emptySets());
  const placed = members.map((i): Placed => {
    const pattern = patternOf(patterns, i);
    return { pattern: i, window: rarest(pattern), width: Math.min(NIBBLE_WIDTH, pattern.value.length) };
  });
  placed.sort((a, b) => a.width - b.width);
  for (const item of placed) {
    const pattern = patternOf(patterns, item.pattern);
    const costs = sets.map((set, b) => {
      const count = buckets[b]?.length ?? 0;
      return costOf(joined(set, pattern, item), share) * (count + 1) - (count === 0 ? 0 : costOf(set, share) * count);
    });
    const best = costs.indexOf(Math.min(...costs));
    buckets[best]?.push(item);
    sets[best] = joined(sets[best] ?? emptySets(), pattern, item);
  }
  for (const bucket of buckets) bucket.sort((a, b) => b.window - a.window);
  const masks = new Uint8Array(NIBBLE_WIDTH * 32);
  sets.forEach((set, b) => {
    set.forEach(({ low, high }, k) => {
      for (let n = 0; n < 16; n++) {
        const at = k * 32 + n;
        if ((low >> n) & 1) masks[at] = (masks[at] ?? 0) | (1 << b);
        if ((high >> n) & 1) masks[at + 16] = (masks[at + 16] ?? 0) | (1 << b);
      }
    });
  });
  return { masks, buckets };
}

interface NibbleSet {
  readonly low: number;
  readonly high: number;
}

const emptySets = (): NibbleSet[] => Array.from({ length: NIBBLE_WIDTH }, () => ({ low: 0, high: 0 }));

/** The sets with one pattern more; positions behind a short pattern let everything through. */
function joined(sets: readonly NibbleSet[], pattern: Pattern, { window, width }: Placed): NibbleSet[] {
  return sets.map(({ low, high }, k) => {
    if (k >= width) return { low: 0xffff, high: 0xffff };
    for (const byte of bytesAt(pattern, window + k)) {
      low |= 1 << (byte & 15);
      high |= 1 << (byte >> 4);
    }
    return { low, high };
  });
}

function costOf(sets: readonly NibbleSet[], share: readonly number[]): number {
  let cost = 1;
  for (const { low, high } of sets) {
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      if ((low >> (byte & 15)) & 1 && (high >> (byte >> 4)) & 1) sum += share[byte] ?? 0;
    }
    cost *= sum;
  }
  return cost;
}

function rarest({ value }: Pattern): number {
  let best = 0;
  for (let at = 1; at + NIBBLE_WIDTH <= value.length; at++) {
    if (rarity(value, at, NIBBLE_WIDTH) > rarity(value, best, NIBBLE_WIDTH)) best = at;
  }
  return best;
}

/** How common each byte is, from the table of pairs; capitals count as much as small letters. */
function byteShares(): number[] {
  const shares = Array.from({ length: 256 }, (_, byte) => {
    let sum = 0;
    for (let next = 0; next < 256; next++) sum += 2 ** -pairBits(byte, next);
    return sum;
  });
  const total = shares.reduce((a, b) => a + b);
  return shares.map((value) => value / total);
}
