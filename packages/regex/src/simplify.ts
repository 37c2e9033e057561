// Rewrites that turn what needs a backtracking matcher into what does not, where the language and the priorities stay the same.
import { alt, cat, EMPTY, type Node } from "./ast.js";
import { ALL, ByteSet, NEWLINE } from "./byteset.js";

/** What may come next: bytes, the end of the match, and whether no assertion is tried before either. */
interface Follow {
  readonly set: ByteSet;
  readonly nullable: boolean;
  readonly clean: boolean;
}

const END: Follow = { set: new ByteSet(), nullable: true, clean: true };

/**
 * One-byte look-around becomes `peek`; possessive repeats and atomic groups become plain ones where giving bytes back could not
 * help (what follows starts with other bytes, or nothing follows).
 */
export function simplify(node: Node): Node {
  return rewrite(node, END);
}

function rewrite(node: Node, follow: Follow): Node {
  switch (node.t) {
    case "cat": {
      const of: Node[] = [];
      let after = follow;
      for (const child of node.of.toReversed()) {
        const made = rewrite(child, after);
        of.unshift(made);
        after = sequence(first(made), after);
      }
      return cat(of);
    }
    case "alt": {
      const of = node.of.map((child) => rewrite(child, follow));
      if (of.every((child) => child.t === "set")) {
        const set = new ByteSet();
        for (const child of of) set.addAll(child.set);
        return { t: "set", set };
      }
      return alt(of);
    }
    case "group":
      return { ...node, of: rewrite(node.of, follow) };
    case "atomic": {
      const of = rewrite(node.of, follow);
      const nothing = follow.clean && follow.nullable && follow.set.isEmpty;
      return nothing || of.t === "set" || of.t === "empty" || isLiteral(of) ? of : { t: "atomic", of };
    }
    case "repeat": {
      const again = node.max > 1 ? { ...first(node.of), nullable: true } : END;
      const of = rewrite(node.of, either(again, follow));
      if (node.max === 0) return EMPTY;
      const single = of.t === "group" ? of.of : of;
      const apart = single.t === "set" && follow.clean && single.set.and(follow.set).isEmpty;
      const mode = node.mode === "possessive" && (apart || node.min === node.max) && single.t === "set" ? "greedy" : node.mode;
      return { ...node, of, mode };
    }
    case "look": {
      const of = rewrite(node.of, END);
      if (of.t === "set") {
        const set = node.negative ? of.set.not() : of.set;
        return { t: "peek", ahead: node.ahead, set, edge: node.negative };
      }
      return { ...node, of };
    }
    case "cond":
      return {
        ...node,
        test: typeof node.test === "number" ? node.test : rewrite(node.test, END),
        yes: rewrite(node.yes, follow),
        no: rewrite(node.no, follow),
      };
    default:
      return node;
  }
}

function isLiteral(node: Node): boolean {
  return node.t === "cat" && node.of.every((child) => child.t === "set");
}

function sequence(a: Follow, b: Follow): Follow {
  return {
    set: a.nullable ? new ByteSet().addAll(a.set).addAll(b.set) : a.set,
    nullable: a.nullable && b.nullable,
    clean: a.clean && (!a.nullable || b.clean),
  };
}

function either(a: Follow, b: Follow): Follow {
  return { set: new ByteSet().addAll(a.set).addAll(b.set), nullable: a.nullable || b.nullable, clean: a.clean && b.clean };
}

function first(node: Node): Follow {
  switch (node.t) {
    case "empty":
    case "keep":
      return END;
    case "set":
      return { set: node.set, nullable: false, clean: true };
    case "cat":
      return node.of.reduceRight<Follow>((after, child) => sequence(first(child), after), END);
    case "alt":
      return node.of.map(first).reduce(either);
    case "group":
    case "atomic":
      return first(node.of);
    case "repeat": {
      const inner = first(node.of);
      return node.min === 0 ? { ...inner, nullable: true } : inner;
    }
    case "cond":
    case "backref":
      return { set: ALL, nullable: true, clean: false };
    default:
      return { set: new ByteSet(), nullable: true, clean: false };
  }
}

/** Whether an automaton can do it. */
export function isRegular(node: Node): boolean {
  switch (node.t) {
    case "look":
    case "backref":
    case "atomic":
    case "cond":
      return false;
    case "repeat":
      return node.mode !== "possessive" && isRegular(node.of);
    case "cat":
    case "alt":
      return node.of.every(isRegular);
    case "group":
      return isRegular(node.of);
    default:
      return true;
  }
}

const ANYTHING: Node = { t: "repeat", of: { t: "set", set: ALL }, min: 0, max: Infinity, mode: "greedy" };
const LINE_OR_END: Node = { t: "peek", ahead: true, set: NEWLINE, edge: true };

/**
 * An expression that an automaton can do and that matches wherever `node` does (and elsewhere): a filter before the matcher.
 * Counted repeats are cut at `most`; without `peeks`, one-byte look-around is dropped as well.
 */
export function relax(node: Node, most: number, peeks: boolean): Node {
  const inner = (child: Node) => relax(child, most, peeks);
  switch (node.t) {
    case "look":
    case "keep":
      return EMPTY;
    case "peek":
      return peeks ? node : EMPTY;
    case "assert":
      return node.kind === "textEndNewline" ? (peeks ? LINE_OR_END : EMPTY) : node;
    case "backref":
      return ANYTHING;
    case "atomic":
      return inner(node.of);
    case "group":
      return inner(node.of);
    case "cond":
      return alt([inner(node.yes), inner(node.no)]);
    case "cat":
      return cat(node.of.map(inner));
    case "alt":
      return alt(node.of.map(inner));
    case "repeat": {
      const max = node.max > most ? Infinity : node.max;
      return { ...node, of: inner(node.of), min: Math.min(node.min, most), max, mode: "greedy" };
    }
    default:
      return node;
  }
}

/** Bytes of the shortest match, at least. */
export function minLength(node: Node): number {
  switch (node.t) {
    case "set":
      return 1;
    case "cat":
      return node.of.reduce((sum, child) => sum + minLength(child), 0);
    case "alt":
      return Math.min(...node.of.map(minLength));
    case "group":
    case "atomic":
      return minLength(node.of);
    case "repeat":
      return node.min === 0 ? 0 : node.min * minLength(node.of);
    case "cond":
      return Math.min(minLength(node.yes), minLength(node.no));
    default:
      return 0;
  }
}

/** The one length that all matches have, or undefined. */
export function fixedLength(node: Node): number | undefined {
  switch (node.t) {
    case "set":
      return 1;
    case "cat":
    case "alt": {
      const lengths = node.of.map(fixedLength);
      if (lengths.includes(undefined)) return undefined;
      const known = lengths as number[];
      if (node.t === "cat") return known.reduce((a, b) => a + b, 0);
      return known.every((length) => length === known[0]) ? known[0] : undefined;
    }
    case "group":
    case "atomic":
      return fixedLength(node.of);
    case "repeat": {
      const length = fixedLength(node.of);
      return length === undefined || node.min !== node.max ? undefined : length * node.min;
    }
    case "backref":
    case "cond":
      return undefined;
    default:
      return 0;
  }
}

/** Whether a match can start only where the subject or the search starts. */
export function isAnchored(node: Node): boolean {
  switch (node.t) {
    case "assert":
      return node.kind === "textStart" || node.kind === "searchStart";
    case "cat":
      return node.of.some((child, i) => isAnchored(child) && node.of.slice(0, i).every((before) => fixedLength(before) === 0));
    case "alt":
      return node.of.every(isAnchored);
    case "group":
    case "atomic":
      return isAnchored(node.of);
    case "repeat":
      return node.min > 0 && isAnchored(node.of);
    default:
      return false;
  }
}
