import type { ByteSet } from "./byteset.js";

/** Assertions of PCRE on the place between two bytes. */
export type AssertKind =
  /** \A, and ^ without flag m. */
  | "textStart"
  /** \z, and $ with flag D. */
  | "textEnd"
  /** \Z, and $ without flags m and D: at the end or before a newline that is the last byte. */
  | "textEndNewline"
  /** ^ with flag m. */
  | "lineStart"
  /** $ with flag m. */
  | "lineEnd"
  | "wordBoundary"
  | "notWordBoundary"
  /** \G: where the search started. */
  | "searchStart";

export type Mode = "greedy" | "lazy" | "possessive";

export type Node =
  | { readonly t: "empty" }
  /** One byte of a set; the empty set never matches. */
  | { readonly t: "set"; readonly set: ByteSet }
  | { readonly t: "cat" | "alt"; readonly of: readonly Node[] }
  /** `max` is Infinity without an upper limit. */
  | { readonly t: "repeat"; readonly of: Node; readonly min: number; readonly max: number; readonly mode: Mode }
  | { readonly t: "group"; readonly n: number; readonly of: Node }
  | { readonly t: "atomic"; readonly of: Node }
  | { readonly t: "assert"; readonly kind: AssertKind }
  | { readonly t: "look"; readonly ahead: boolean; readonly negative: boolean; readonly of: Node }
  /** The byte before or behind is in the set; `edge` says whether the subject's end counts as being in it. */
  | { readonly t: "peek"; readonly ahead: boolean; readonly set: ByteSet; readonly edge: boolean }
  | { readonly t: "backref"; readonly n: number; readonly nocase: boolean }
  | { readonly t: "cond"; readonly test: Node | number; readonly yes: Node; readonly no: Node }
  /** \K. */
  | { readonly t: "keep" };

export const EMPTY: Node = { t: "empty" };

export function cat(of: readonly Node[]): Node {
  const flat = of.flatMap((node) => (node.t === "cat" ? node.of : node.t === "empty" ? [] : [node]));
  return flat.length === 0 ? EMPTY : flat.length === 1 ? flat[0]! : { t: "cat", of: flat };
}

export function alt(of: readonly Node[]): Node {
  return of.length === 1 ? of[0]! : { t: "alt", of };
}
