/** A pattern that is refused; `position` is the offset in the pattern (bytes, from 0) where it was noticed. */
export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
  constructor(
    readonly reason: string,
    readonly position: number,
  ) {
    super(`${reason} (at offset ${position} of the regular expression)`);
  }
}

/** A byte string that must occur. With `nocase`, ASCII letters match in either case and `bytes` has small letters only. */
export interface Literal {
  readonly kind: "literal";
  readonly bytes: Uint8Array;
  readonly nocase: boolean;
}

/** What every matching subject must contain. `always` demands nothing; an `or` of nothing can never be satisfied. */
export type LiteralFormula =
  | { readonly kind: "always" }
  | Literal
  | { readonly kind: "and" | "or"; readonly of: readonly LiteralFormula[] };

export interface CompiledRegex {
  /** For `wasm/engine/regex`; position-independent, to be placed 16-aligned, a multiple of 16 bytes long. */
  readonly program: Uint8Array;
  /** Capturing groups, without group 0. */
  readonly groups: number;
  /** Group numbers by name. */
  readonly names: ReadonlyMap<string, number>;
  /** Runs in time linear in the subject. If not, a step limit applies. */
  readonly linear: boolean;
  /** No match is shorter than this (bytes). */
  readonly minLength: number;
  /** A match can only start at the beginning of the subject, or at the offset where the search starts (flag A, \G). */
  readonly anchored: boolean;
  readonly literals: LiteralFormula;
}

/** Limits of one program; what exceeds them is refused with a RegexSyntaxError. */
export const LIMITS = {
  /** Bytes of a pattern. */
  pattern: 65_536,
  /** Nested groups. */
  depth: 250,
  /** Largest number in a counted repeat (as in PCRE). */
  repeat: 65_535,
  /** Positions (bytes of the pattern after counted repeats are written out) of the automaton. */
  positions: 8_192,
  /** Instructions of the matcher that finds bounds and groups. */
  instructions: 60_000,
  /** Capturing groups. */
  groups: 255,
} as const;
