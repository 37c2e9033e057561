import { RuleImageError } from "../errors.js";
import { MAX_LENGTH } from "./layout.js";
import { rarity } from "./rarity.js";

/** One byte string to look for. */
export interface Literal {
  readonly bytes: Uint8Array;
  /** ASCII letters match in both cases. */
  readonly nocase: boolean;
}

/** A distinct pattern; a text byte t matches when (t | mask) == value. */
export interface Pattern {
  readonly value: Uint8Array;
  readonly mask: Uint8Array;
  readonly indexes: number[];
}

/**
 * Patterns that differ, each with the indexes of the literals that are it.
 * @throws RuleImageError on an empty or too long literal
 */
export function distinct(literals: readonly Literal[]): Pattern[] {
  const patterns = new Map<string, Pattern>();
  literals.forEach(({ bytes, nocase }, index) => {
    if (bytes.length === 0 || bytes.length > MAX_LENGTH) {
      throw new RuleImageError("limit", `a literal has 1 to ${MAX_LENGTH} bytes, number ${index} has ${bytes.length}`);
    }
    const mask = bytes.map((byte) => (nocase && isLetter(byte) ? 0x20 : 0));
    const value = bytes.map((byte, i) => byte | (mask[i] ?? 0));
    const key = `${Buffer.from(value).toString("latin1")}\0${Buffer.from(mask).toString("latin1")}`;
    const known = patterns.get(key);
    if (known === undefined) patterns.set(key, { value, mask, indexes: [index] });
    else known.indexes.push(index);
  });
  return [...patterns.values()];
}

/** Pattern by its number. */
export function patternOf(patterns: readonly Pattern[], number: number): Pattern {
  const pattern = patterns[number];
  if (pattern === undefined) throw new RangeError(`there is no pattern ${number} of ${patterns.length}`);
  return pattern;
}

/** All bytes that match at position `at` of the pattern: one, or a letter in both cases. */
export function bytesAt(pattern: Pattern, at: number): number[] {
  const value = pattern.value[at] ?? 0;
  return (pattern.mask[at] ?? 0) === 0 ? [value] : [value, value & ~0x20];
}

/** Key of the window of 2 to 4 bytes at `at`: 0x20 is set in each byte, so that letters' case does not count. */
export function windowKey(pattern: Pattern, at: number, width: number): number {
  let key = 0;
  for (let i = 0; i < width; i++) key |= ((pattern.value[at + i] ?? 0) | 0x20) << (8 * i);
  return key >>> 0;
}

/** Four bytes of the pattern that are compared before all of it: the rarest ones, apart from the window when there is room. */
export function checkAt(pattern: Pattern, window: number, width: number): number {
  let best = -1;
  let bestBits = -1;
  for (let at = 0; at + 4 <= pattern.value.length; at++) {
    const overlap = Math.max(0, Math.min(at + 4, window + width) - Math.max(at, window));
    const bits = rarity(pattern.value, at, 4) - overlap * 16;
    if (best < 0 || bits > bestBits) [best, bestBits] = [at, bits];
  }
  return best;
}

function isLetter(byte: number): boolean {
  const folded = byte | 0x20;
  return folded >= 97 && folded <= 122;
}
