// What values must have for a rule to match at all, as far as that can be said without trying it.
import { anyOfLiterals, compileRegex, type CompiledRegex, type LiteralFormula } from "@secuxflow/regex";
import type { Literal } from "@secuxflow/rule-image";
import { outside, requiredClasses } from "./classes.js";
import type { Link } from "./ir.js";
import { constantOf } from "./macro.js";
import { byteRange } from "./operands.js";
import { OPERATORS } from "./operators.js";

const PCRE_FLAGS = "sD";
/** Literals that a prefilter asks for, per rule. */
const MOST_LITERALS = 4096;

export const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0) & 255);
export const lower = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => (byte >= 65 && byte <= 90 ? byte | 32 : byte));

const cache = new Map<string, CompiledRegex>();

/**
 * A rule's regular expression, compiled as ModSecurity does: `.` matches line ends and `$` only the very end.
 * @throws RegexSyntaxError
 */
export function compiled(pattern: string): CompiledRegex {
  const found = cache.get(pattern);
  if (found !== undefined) return found;
  const made = compileRegex(pattern, PCRE_FLAGS);
  if (cache.size > 4096) cache.clear();
  cache.set(pattern, made);
  return made;
}

/** What a value must contain for the link to match, or undefined when literals say nothing. */
export function wantedLiterals(link: Link): readonly Literal[] | undefined {
  const { operator } = link;
  if (operator === undefined || operator.negated) return undefined;
  switch (OPERATORS[operator.name]) {
    case OPERATORS.rx:
      return anyOfLiterals(compiled(operator.argument).literals, 2, MOST_LITERALS);
    case OPERATORS.pm:
      return (operator.phrases ?? []).map((phrase) => ({ bytes: lower(latin(phrase)), nocase: true }));
    case OPERATORS.contains:
    case OPERATORS.streq:
    case OPERATORS.beginswith:
    case OPERATORS.endswith: {
      const constant = constantOf(operator.macro);
      return constant === undefined || constant.length < 2 ? undefined : [{ bytes: latin(constant), nocase: false }];
    }
    default:
      return undefined;
  }
}

/** Classes of bytes of which a value must have some, two masks; all ones say nothing. */
export function wantedClasses(link: Link): [bigint, bigint] {
  const all = (1n << 64n) - 1n;
  const { operator } = link;
  if (operator === undefined || operator.negated) return [all, all];
  switch (OPERATORS[operator.name]) {
    case OPERATORS.rx:
      return requiredClasses(compiled(operator.argument).literals);
    case OPERATORS.validatebyterange: {
      const bits = byteRange(operator.argument, link.at);
      return [outside((byte) => ((bits[byte >> 3] ?? 0) & (1 << (byte & 7))) !== 0), all];
    }
    case OPERATORS.validateurlencoding:
      return [outside((byte) => byte !== 37), all];
    case OPERATORS.contains: {
      const constant = constantOf(operator.macro);
      if (constant === undefined || constant === "") return [all, all];
      const formula: LiteralFormula = { kind: "literal", bytes: latin(constant), nocase: false };
      return requiredClasses(formula);
    }
    default:
      return [all, all];
  }
}
