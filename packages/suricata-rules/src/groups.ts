// The form that address and port lists share: items, `!` before an item or a group, `[…]` around a list, `$NAME`, `any`.

import { semantics, syntax } from "./errors.js";

const MAX_DEPTH = 16;

/** How one kind of list is computed. `S` is a set. */
export interface GroupRules<S> {
  what: string;
  variables: ReadonlyMap<string, string>;
  all: () => S;
  /** A single item such as an address or a port range. @throws RuleError */
  item: (text: string, at: number) => S;
  union: (sets: readonly S[]) => S;
  subtract: (a: S, b: S) => S;
  isEmpty: (set: S) => boolean;
}

/** Evaluates a list. Within brackets, what is negated is taken from the union of the rest, without a rest from everything. */
export function evaluateGroup<S>(rules: GroupRules<S>, text: string, at: number): S {
  const set = evaluate(rules, text, at, 0);
  if (rules.isEmpty(set))
    throw semantics(at, `the ${rules.what} list ${shorten(text)} is empty once its negations are taken away`);
  return set;
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text);

function evaluate<S>(rules: GroupRules<S>, text: string, at: number, depth: number): S {
  if (depth > MAX_DEPTH)
    throw syntax(at, `${rules.what} lists are nested more than ${MAX_DEPTH} deep, or a variable contains itself`);
  if (text.startsWith("!")) {
    const rest = text.slice(1).trimStart();
    if (rest === "") throw syntax(at, "nothing follows the !");
    if (rest.startsWith("!")) throw syntax(at, "!! is not allowed");
    return rules.subtract(rules.all(), evaluate(rules, rest, at + 1, depth + 1));
  }
  if (text.startsWith("$")) {
    const value = rules.variables.get(text.slice(1));
    if (value === undefined) throw semantics(at, `the ${rules.what} variable ${text} is not defined`);
    return evaluate(rules, value.trim(), at, depth + 1);
  }
  if (text.toLowerCase() === "any") return rules.all();
  if (!text.startsWith("[")) {
    // Variables may hold a list without brackets.
    if (text.includes(",")) return list(rules, text, at, depth);
    return rules.item(text, at);
  }
  if (!text.endsWith("]")) throw syntax(at, "[ has no ] at the end of the list");
  return list(rules, text.slice(1, -1), at + 1, depth);
}

function list<S>(rules: GroupRules<S>, text: string, at: number, depth: number): S {
  const plus: S[] = [];
  const minus: S[] = [];
  let start = 0;
  let level = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = i === text.length ? "," : text[i];
    if (char === "[") level++;
    else if (char === "]") level--;
    if (level < 0) throw syntax(at + i, "] has no [");
    if (char !== "," || (level > 0 && i < text.length)) continue;
    if (level > 0) throw syntax(at + start, "[ has no ]");
    const part = text.slice(start, i).trim();
    if (part === "") throw syntax(at + start, `an item of the ${rules.what} list is empty`);
    const where = at + start + text.slice(start, i).indexOf(part);
    if (part.startsWith("!")) minus.push(evaluate(rules, part.slice(1).trim(), where + 1, depth + 1));
    else plus.push(evaluate(rules, part, where, depth + 1));
    start = i + 1;
  }
  const base = plus.length === 0 ? rules.all() : rules.union(plus);
  return minus.length === 0 ? base : rules.subtract(base, rules.union(minus));
}
