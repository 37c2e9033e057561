// Classes of bytes: which kinds of bytes a value has, as bits of a 64-bit number. What a transformation cannot change and what a
// regular expression cannot match is seen from them without looking at the value again. `wasm/engine/seclang/classes.ts` has the
// same classes (a test compares).
import type { LiteralFormula } from "@secuxflow/regex";
import { TRANSFORMATION_IDS as T } from "@secuxflow/rule-image";

const bit = (n: number): bigint => 1n << BigInt(n);

const OTHERS = { nul: 32, space: 33, blank: 34, control: 35, digit: 36, upper: 37, lower: 38, a0: 39, high: 40 } as const;
/** Set for every value: for what cannot be ruled out. */
const ALWAYS = bit(63);

/** The class of a byte: punctuation characters have one each (bits 0 to 31 in the order of their codes). */
export function classOf(byte: number): number {
  if (byte === 0) return OTHERS.nul;
  if (byte === 32) return OTHERS.space;
  if (byte >= 9 && byte <= 13) return OTHERS.blank;
  if (byte < 32 || byte === 127) return OTHERS.control;
  if (byte >= 48 && byte <= 57) return OTHERS.digit;
  if (byte >= 65 && byte <= 90) return OTHERS.upper;
  if (byte >= 97 && byte <= 122) return OTHERS.lower;
  if (byte === 0xa0) return OTHERS.a0;
  if (byte > 127) return OTHERS.high;
  if (byte < 48) return byte - 33;
  if (byte < 65) return byte - 58 + 15;
  if (byte < 97) return byte - 91 + 22;
  return byte - 123 + 28;
}

const maskOf = (text: string): bigint => [...text].reduce((mask, c) => mask | bit(classOf(c.charCodeAt(0))), 0n);

const NUL = bit(OTHERS.nul);
const HIGH = bit(OTHERS.high) | bit(OTHERS.a0);
/** White space; in UTF-8 some of it is written with high bytes. */
const SPACES = maskOf(" \t") | HIGH;

/** A transformation leaves values alone that have none of these classes. */
const CHANGES: ReadonlyMap<number, bigint> = new Map([
  [T.NONE, 0n],
  [T.LOWERCASE, bit(OTHERS.upper)],
  [T.UPPERCASE, bit(OTHERS.lower)],
  [T.URL_DECODE, maskOf("%+")],
  [T.URL_DECODE_UNI, maskOf("%+")],
  [T.HTML_ENTITY_DECODE, maskOf("&")],
  [T.JS_DECODE, maskOf("\\")],
  [T.CSS_DECODE, maskOf("\\")],
  [T.ESCAPE_SEQ_DECODE, maskOf("\\")],
  [T.UTF8_TO_UNICODE, HIGH],
  [T.CMD_LINE, maskOf("\\\"'^,;/( ") | SPACES | bit(OTHERS.upper)],
  [T.COMPRESS_WHITESPACE, SPACES],
  [T.REMOVE_WHITESPACE, SPACES],
  [T.REMOVE_NULLS, NUL],
  [T.REPLACE_NULLS, NUL],
  [T.REMOVE_COMMENTS, maskOf("/*-#<!>")],
  [T.REMOVE_COMMENTS_CHAR, maskOf("/*-#<!>")],
  [T.REPLACE_COMMENTS, maskOf("/*")],
  [T.NORMALIZE_PATH, maskOf("/.")],
  [T.NORMALIZE_PATH_WIN, maskOf("/.\\")],
  [T.TRIM, SPACES | NUL],
  [T.TRIM_LEFT, SPACES | NUL],
  [T.TRIM_RIGHT, SPACES | NUL],
]);

/** Classes of which a value must have one for the transformation to change it. */
export const changing = (transformation: number): bigint => CHANGES.get(transformation) ?? ALWAYS;

/** Classes of the bytes that `allowed` does not have: a value with none of them has only allowed bytes. */
export function outside(allowed: (byte: number) => boolean): bigint {
  let mask = 0n;
  for (let byte = 0; byte < 256; byte++) if (!allowed(byte)) mask |= bit(classOf(byte));
  return mask;
}

const COMMON = bit(OTHERS.lower) | bit(OTHERS.digit) | bit(OTHERS.upper);
const NO_MASK = (1n << 64n) - 1n;

/**
 * At most two masks, of each of which a matching value has at least one class; the most telling ones that the formula has. A mask
 * of all ones says nothing.
 */
export function requiredClasses(formula: LiteralFormula): [bigint, bigint] {
  const masks = [...new Set(masksOf(formula))].filter((mask) => (mask & COMMON) === 0n).sort((a, b) => ones(a) - ones(b));
  return [masks[0] ?? NO_MASK, masks[1] ?? NO_MASK];
}

function masksOf(formula: LiteralFormula): bigint[] {
  switch (formula.kind) {
    case "always":
      return [];
    case "literal":
      return [...formula.bytes].map((byte) => {
        const own = bit(classOf(byte));
        return formula.nocase && (own & COMMON) !== 0n ? COMMON : own;
      });
    case "and":
      return formula.of.flatMap(masksOf);
    case "or": {
      let union = 0n;
      for (const part of formula.of) {
        const best = masksOf(part).sort((a, b) => weight(a) - weight(b))[0];
        if (best === undefined) return [];
        union |= best;
      }
      return union === 0n ? [] : [union];
    }
  }
}

const weight = (mask: bigint): number => ((mask & COMMON) === 0n ? ones(mask) : 100);

function ones(mask: bigint): number {
  let count = 0;
  for (let rest = mask; rest !== 0n; rest &= rest - 1n) count++;
  return count;
}
