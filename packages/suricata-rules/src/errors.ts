// Why a rule is refused: one error class, with the place in the rule's text.

import type { Refusal } from "./ir.js";

export class RuleError extends Error {
  override readonly name = "RuleError";

  /** `at` is an offset into the text of the rule (continuation lines joined), or -1 for the rule as a whole. */
  constructor(
    readonly kind: Refusal["kind"],
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

/** The text is not a rule. */
export const syntax = (at: number, message: string): RuleError => new RuleError("syntax", at, message);

/** It is a rule, but its parts contradict each other or can never match. */
export const semantics = (at: number, message: string): RuleError => new RuleError("semantics", at, message);

/** It asks for something that this engine does not do. */
export const unsupported = (at: number, message: string): RuleError => new RuleError("unsupported", at, message);
