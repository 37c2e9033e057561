// What every match must contain, for filters that look for many literals at once (the idea of FilteredRE2 and of Russ Cox,
// "Regular Expression Matching with a Trigram Index": exact sets are joined while they stay small, then become a condition).
import type { Node } from "./ast.js";
import type { ByteSet } from "./byteset.js";
import type { Literal, LiteralFormula } from "./types.js";

/** A string of bytes; letters in either case are their small letter + FOLD. */
type Text = readonly number[];

const FOLD = 256;
const MOST_TEXTS = 64;
const MOST_IN_SET = 16;
const LONGEST = 48;
const ALWAYS: LiteralFormula = { kind: "always" };

/** All strings that the part matches, while they are few, and what else must occur. */
interface Info {
  readonly exact: readonly Text[] | undefined;
  readonly need: LiteralFormula;
}

/** The condition on subjects of the expression. */
export function literalsOf(node: Node): LiteralFormula {
  const info = infoOf(node);
  return both(info.need, info.exact === undefined ? ALWAYS : oneOf(info.exact));
}

/**
 * The best set of literals of which at least one occurs in every match, or undefined when there is none with `minLength` bytes
 * each and at most `maxCount` members. The best has long literals and few of them.
 */
export function anyOfLiterals(formula: LiteralFormula, minLength = 2, maxCount = 256): readonly Literal[] | undefined {
  switch (formula.kind) {
    case "always":
      return undefined;
    case "literal":
      return formula.bytes.length >= minLength && maxCount > 0 ? [formula] : undefined;
    case "or": {
      const all: Literal[] = [];
      for (const part of formula.of) {
        const found = anyOfLiterals(part, minLength, maxCount);
        if (found === undefined) return undefined;
        all.push(...found);
      }
      const unique = [...new Map(all.map((literal) => [`${literal.nocase}:${literal.bytes.join()}`, literal])).values()];
      return unique.length <= maxCount ? unique : undefined;
    }
    case "and": {
      const sets = formula.of.flatMap((part) => {
        const found = anyOfLiterals(part, minLength, maxCount);
        return found === undefined ? [] : [found];
      });
      return sets.toSorted((a, b) => worth(b) - worth(a))[0];
    }
  }
}

function worth(set: readonly Literal[]): number {
  if (set.length === 0) return Infinity;
  const shortest = Math.min(...set.map(({ bytes }) => Math.min(bytes.length, 12)));
  return shortest - Math.log2(set.length) / 2;
}

function infoOf(node: Node): Info {
  switch (node.t) {
    case "set":
      return { exact: textsOfSet(node.set), need: ALWAYS };
    case "cat":
      return join(node.of.map(infoOf));
    case "alt":
      return either(node.of.map(infoOf));
    case "group":
    case "atomic":
      return infoOf(node.of);
    case "repeat":
      return repeated(node);
    case "cond":
      return either([infoOf(node.yes), infoOf(node.no)]);
    case "backref":
      return { exact: undefined, need: ALWAYS };
    default:
      return { exact: [[]], need: ALWAYS };
  }
}

function repeated(node: Node & { t: "repeat" }): Info {
  const inner = infoOf(node.of);
  const longest = Math.max(1, ...(inner.exact ?? []).map((text) => text.length));
  if (node.min === 0) {
    if (node.max !== 1 || inner.exact === undefined || inner.need.kind !== "always") return { exact: undefined, need: ALWAYS };
    const exact = unique([...inner.exact, []]);
    return { exact: exact.length <= MOST_IN_SET ? exact : undefined, need: ALWAYS };
  }
  const copies = Math.max(1, Math.min(node.min, Math.floor(LONGEST / longest)));
  const parts = Array.from({ length: copies }, () => inner);
  if (node.max !== copies) parts.push({ exact: undefined, need: ALWAYS });
  return join(parts);
}

function join(parts: readonly Info[]): Info {
  let need: LiteralFormula = ALWAYS;
  let exact: readonly Text[] | undefined = [[]];
  let broken = false;
  for (const part of parts) {
    need = both(need, part.need);
    const product: number = (exact?.length ?? 1) * (part.exact?.length ?? Infinity);
    const longest = Math.max(0, ...(exact ?? []).map((text) => text.length));
    if (part.exact !== undefined && exact !== undefined && product <= MOST_TEXTS && longest < LONGEST) {
      const before: readonly Text[] = exact;
      exact = unique(part.exact.flatMap((text) => before.map((prefix) => [...prefix, ...text])));
      continue;
    }
    broken = true;
    if (exact !== undefined) need = both(need, oneOf(exact));
    exact = part.exact;
  }
  if (!broken) return { exact, need };
  return { exact: undefined, need: exact === undefined ? need : both(need, oneOf(exact)) };
}

function either(parts: readonly Info[]): Info {
  const exact = unique(parts.flatMap((part) => part.exact ?? []));
  const simple = parts.every((part) => part.exact !== undefined && part.need.kind === "always");
  if (simple && exact.length <= MOST_TEXTS) return { exact, need: ALWAYS };
  const of = parts.map((part) => both(part.need, part.exact === undefined ? ALWAYS : oneOf(part.exact)));
  if (of.some((part) => part.kind === "always")) return { exact: undefined, need: ALWAYS };
  return { exact: undefined, need: { kind: "or", of: of.flatMap((part) => (part.kind === "or" ? part.of : [part])) } };
}

function textsOfSet(set: ByteSet): readonly Text[] | undefined {
  const texts: Text[] = [];
  if (set.size > MOST_IN_SET * 2) return undefined;
  for (const byte of set.bytes()) {
    const letter = (byte | 32) >= 97 && (byte | 32) <= 122 && byte < 128;
    if (letter && set.has(byte ^ 32)) {
      if (byte >= 97) texts.push([byte + FOLD]);
    } else texts.push([byte]);
  }
  return texts.length <= MOST_IN_SET ? texts : undefined;
}

function unique(texts: readonly Text[]): readonly Text[] {
  return [...new Map(texts.map((text) => [text.join(), text])).values()];
}

function both(a: LiteralFormula, b: LiteralFormula): LiteralFormula {
  if (a.kind === "always") return b;
  if (b.kind === "always") return a;
  const parts = [a, b].flatMap((part) => (part.kind === "and" ? part.of : [part]));
  return { kind: "and", of: parts };
}

/** A text that contains another one of the set says nothing more than that one. */
function oneOf(texts: readonly Text[]): LiteralFormula {
  if (texts.some((text) => text.length === 0)) return ALWAYS;
  const literals = texts.map(literalOf);
  const least: Literal[] = [];
  for (const literal of literals.toSorted((a, b) => a.bytes.length - b.bytes.length)) {
    if (!least.some((shorter) => implies(literal, shorter))) least.push(literal);
  }
  return least.length === 1 ? least[0]! : { kind: "or", of: least };
}

function implies(long: Literal, short: Literal): boolean {
  if (long.nocase && !short.nocase) return false;
  const text = (literal: Literal) => {
    const raw = String.fromCharCode(...literal.bytes);
    return short.nocase ? raw.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : raw;
  };
  return text(long).includes(text(short));
}

function literalOf(text: Text): Literal {
  const nocase = text.some((char) => char >= FOLD);
  const lower = (byte: number) => (nocase && byte >= 65 && byte <= 90 ? byte + 32 : byte);
  return { kind: "literal", bytes: Uint8Array.from(text, (char) => lower(char % FOLD)), nocase };
}
