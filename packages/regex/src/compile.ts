import { cat, type Node } from "./ast.js";
import { generate } from "./code.js";
import { encode } from "./encode.js";
import { automatonOf, NotRegular, type Automaton } from "./glushkov.js";
import { literalsOf } from "./literals.js";
import { parse } from "./parse.js";
import { isAnchored, isRegular, minLength, relax, simplify } from "./simplify.js";
import { LIMITS, RegexSyntaxError, type CompiledRegex } from "./types.js";

/** What a filter's counted repeats are cut to, from exact to coarse: the first that fits is taken. */
const CUTS: readonly (readonly [most: number, peeks: boolean])[] = [
  [64, true],
  [64, false],
  [8, false],
  [1, false],
];

/**
 * Compiles a regular expression in PCRE syntax with byte semantics (no UTF mode).
 *
 * @param pattern bytes, or a string with one character per byte (characters above 0xff stand for their UTF-8 bytes)
 * @param flags any of `i` (nocase), `s` (dot matches newline), `m` (^ and $ at lines), `x` (extended), `U` (ungreedy),
 *   `A` (only at the start offset), `D` or `E` ($ only at the very end)
 * @throws RegexSyntaxError for what is malformed, not supported or over a limit
 */
export function compileRegex(pattern: string | Uint8Array, flags = ""): CompiledRegex {
  const bytes = typeof pattern === "string" ? bytesOf(pattern) : pattern;
  if (bytes.length > LIMITS.pattern) throw new RegexSyntaxError(`the expression is longer than ${LIMITS.pattern} bytes`, 0);
  for (const flag of flags) if (!"ismxUADE".includes(flag)) throw new RegexSyntaxError(`the flag ${flag} is not known`, 0);
  const has = (flag: string) => flags.includes(flag);
  const end = has("D") || has("E");
  const parsed = parse(bytes, { i: has("i"), s: has("s"), m: has("m"), x: has("x"), U: has("U"), D: end, n: false });
  const anchor: readonly Node[] = has("A") ? [{ t: "assert", kind: "searchStart" }] : [];
  const node = cat([...anchor, simplify(parsed.node)]);
  const { groups, names } = parsed;
  const shortest = Math.min(minLength(node), 0xffffffff);
  const made = linearParts(node, groups) ?? filteredParts(node, groups);
  return {
    program: encode({ ...made, groups, minLength: shortest }),
    groups,
    names,
    linear: made.linear,
    minLength: shortest,
    anchored: isAnchored(node),
    literals: literalsOf(node),
  };
}

function linearParts(node: Node, groups: number) {
  if (!isRegular(node)) return undefined;
  try {
    const code = generate(node, groups, false);
    return { code, automaton: automatonOf(code), linear: true };
  } catch (error) {
    if (error instanceof NotRegular || error instanceof RegexSyntaxError) return undefined;
    throw error;
  }
}

function filteredParts(node: Node, groups: number) {
  const code = generate(node, groups, true);
  for (const [most, peeks] of CUTS) {
    const automaton = filterOf(relax(node, most, peeks));
    if (automaton !== undefined) return { code, automaton, linear: false };
  }
  throw new RegexSyntaxError(`the expression needs more than ${LIMITS.positions} positions: use smaller counts`, 0);
}

function filterOf(node: Node): Automaton | undefined {
  try {
    return automatonOf(generate(node, 0, false));
  } catch (error) {
    if (error instanceof NotRegular || error instanceof RegexSyntaxError) return undefined;
    throw error;
  }
}

function bytesOf(pattern: string): Uint8Array {
  const utf8 = new TextEncoder();
  const chars = Array.from(pattern, (char) => (char > "\xff" ? [...utf8.encode(char)] : [char.charCodeAt(0)]));
  return Uint8Array.from(chars.flat());
}
