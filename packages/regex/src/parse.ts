// A recursive-descent parser of PCRE syntax (pcre2pattern(3)) for byte strings.
import { alt, cat, EMPTY, type AssertKind, type Mode, type Node } from "./ast.js";
import { ALL, ByteSet, NOT_NEWLINE } from "./byteset.js";
import { parseClass } from "./class.js";
import { byteEscape, LINE_ENDING, octal, typeSet } from "./escapes.js";
import { Scanner } from "./scanner.js";
import { LIMITS } from "./types.js";

export interface Flags {
  readonly i: boolean;
  readonly s: boolean;
  readonly m: boolean;
  readonly x: boolean;
  readonly U: boolean;
  /** $ only at the very end. */
  readonly D: boolean;
  /** Parentheses do not capture. */
  readonly n: boolean;
}

export interface Parsed {
  readonly node: Node;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
}

/** @throws RegexSyntaxError */
export function parse(bytes: Uint8Array, flags: Flags): Parsed {
  return new Parser(bytes, flags).all();
}

const SIMPLE_ASSERTS: Readonly<Record<string, AssertKind>> = {
  A: "textStart",
  z: "textEnd",
  Z: "textEndNewline",
  b: "wordBoundary",
  B: "notWordBoundary",
  G: "searchStart",
};

class Parser {
  private readonly scan: Scanner;
  private groups = 0;
  private depth = 0;
  private readonly names = new Map<string, number>();
  /** Names and numbers that may be defined further on. */
  private readonly pending: { readonly name: string | number; readonly at: number; readonly node: { n: number } }[] = [];
  private readonly total: number;

  constructor(
    bytes: Uint8Array,
    private flags: Flags,
  ) {
    this.scan = new Scanner(bytes);
    this.total = countGroups(bytes);
  }

  all(): Parsed {
    const node = this.alternatives();
    if (!this.scan.done) throw this.scan.error("there is a ) without its (");
    for (const { name, at, node: target } of this.pending) {
      const n = typeof name === "number" ? name : this.names.get(name);
      if (n === undefined || n > this.groups || n < 1) throw this.scan.error(`there is no group ${String(name)}`, at);
      target.n = n;
    }
    return { node, groups: this.groups, names: this.names };
  }

  /** Up to the end or a closing parenthesis, which is left. Flags set inside end with it. */
  private alternatives(): Node {
    if (++this.depth > LIMITS.depth) throw this.scan.error(`groups are nested more than ${LIMITS.depth} deep`);
    const outer = this.flags;
    const branches: Node[] = [];
    do branches.push(this.sequence());
    while (this.scan.take("|"));
    this.flags = outer;
    this.depth--;
    return alt(branches);
  }

  private sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      this.skipSpace();
      const char = this.scan.peek();
      if (char === "" || char === "|" || char === ")") return cat(nodes);
      if (this.scan.take("\\Q")) {
        this.quote(nodes);
        continue;
      }
      if (this.scan.take("\\E")) continue;
      const at = this.scan.at;
      const atom = this.atom();
      if (atom === undefined) continue;
      nodes.push(this.quantified(atom, at));
    }
  }

  /** \Q has been read. A quantifier behind \E belongs to the last character. */
  private quote(nodes: Node[]): void {
    let last: Node | undefined;
    let at = this.scan.at;
    while (!this.scan.done && !this.scan.take("\\E")) {
      if (last !== undefined) nodes.push(last);
      at = this.scan.at;
      last = this.byte(this.scan.next().charCodeAt(0));
    }
    if (last !== undefined) nodes.push(this.quantified(last, at));
  }

  private quantified(atom: Node, at: number): Node {
    let node = atom;
    for (;;) {
      this.skipSpace();
      const range = this.quantifier();
      if (range === undefined) return node;
      if (node.t === "assert" || node.t === "keep") {
        if (node !== atom) throw this.scan.error("there is nothing to repeat", at);
        // A repeated assertion is the assertion, or nothing when it may be left out.
        this.mode();
        node = range.min === 0 ? EMPTY : node;
        continue;
      }
      const mode = this.mode();
      node = { t: "repeat", of: node, ...range, mode };
    }
  }

  private mode(): Mode {
    if (this.scan.take("+")) return "possessive";
    return this.scan.take("?") === this.flags.U ? "greedy" : "lazy";
  }

  private quantifier(): { min: number; max: number } | undefined {
    if (this.scan.take("*")) return { min: 0, max: Infinity };
    if (this.scan.take("+")) return { min: 1, max: Infinity };
    if (this.scan.take("?")) return { min: 0, max: 1 };
    const from = this.scan.at;
    if (!this.scan.take("{")) return undefined;
    const low = this.scan.digits(/[0-9]/, 9);
    const comma = this.scan.take(",");
    const high = comma ? this.scan.digits(/[0-9]/, 9) : low;
    if (low === "" || !this.scan.take("}")) {
      this.scan.at = from;
      return undefined;
    }
    const min = Number(low);
    const max = high === "" ? Infinity : Number(high);
    if (min > LIMITS.repeat || (max !== Infinity && max > LIMITS.repeat)) {
      throw this.scan.error(`numbers in quantifiers must not be above ${LIMITS.repeat}`, from);
    }
    if (min > max) throw this.scan.error("the numbers in the quantifier are out of order", from);
    return { min, max };
  }

  /** One thing that can be repeated, or undefined for what only changes flags. */
  private atom(): Node | undefined {
    const at = this.scan.at;
    const quantifier = this.quantifier();
    if (quantifier !== undefined) throw this.scan.error("there is nothing to repeat", at);
    const char = this.scan.next();
    switch (char) {
      case "(":
        return this.parenthesis(at);
      case "[":
        return { t: "set", set: parseClass(this.scan, this.flags.i) };
      case ".":
        return { t: "set", set: this.flags.s ? ALL : NOT_NEWLINE };
      case "^":
        return { t: "assert", kind: this.flags.m ? "lineStart" : "textStart" };
      case "$":
        return { t: "assert", kind: this.flags.m ? "lineEnd" : this.flags.D ? "textEnd" : "textEndNewline" };
      case "\\":
        return this.escape(at);
      default:
        return this.byte(char.charCodeAt(0));
    }
  }

  private byte(value: number): Node {
    const set = ByteSet.of(value);
    return { t: "set", set: this.flags.i ? set.folded() : set };
  }

  private escape(at: number): Node {
    const { scan } = this;
    const char = scan.peek();
    if (char === "") throw scan.error("the expression ends with a backslash", at);
    if (Object.hasOwn(SIMPLE_ASSERTS, char)) {
      scan.at++;
      return { t: "assert", kind: SIMPLE_ASSERTS[char]! };
    }
    const type = typeSet(char);
    if (type !== undefined) {
      scan.at++;
      return { t: "set", set: type };
    }
    if (scan.take("R")) return LINE_ENDING;
    if (scan.take("K")) return { t: "keep" };
    if (char === "k") return this.namedReference(at);
    if (char === "g") return this.numberedReference(at);
    if (/[1-9]/.test(char)) return this.digitEscape(at);
    const byte = byteEscape(scan);
    if (byte !== undefined) return this.byte(byte);
    throw scan.error(`\\${char} is not known`, at);
  }

  /** \1 to \9 are always references; more digits only when there are as many groups, else an octal number. */
  private digitEscape(at: number): Node {
    const { scan } = this;
    const from = scan.at;
    const n = Number(scan.digits(/[0-9]/, 6));
    if (n < 10 || n <= this.total) return this.reference(n, at);
    scan.at = from;
    if (/[89]/.test(scan.peek())) throw scan.error(`there is no group ${n}`, at);
    return this.byte(octal(scan));
  }

  private namedReference(at: number): Node {
    const { scan } = this;
    scan.at++;
    const close = scan.take("<") ? ">" : scan.take("'") ? "'" : scan.take("{") ? "}" : undefined;
    if (close === undefined) throw scan.error("\\k must be followed by a group name", at);
    return this.reference(scan.until(close, "the group name"), at);
  }

  private numberedReference(at: number): Node {
    const { scan } = this;
    scan.at++;
    if (scan.peek() === "<" || scan.peek() === "'") throw scan.error("calling a group (\\g<>) is not supported", at);
    const text = scan.take("{") ? scan.until("}", "\\g{") : (scan.take("-") ? "-" : "") + scan.digits(/[0-9]/, 6);
    if (!/^[-+]?[0-9]+$/.test(text)) {
      if (text === "" || /^[-+0-9]/.test(text)) throw scan.error("\\g must be followed by a group", at);
      return this.reference(text, at);
    }
    if (text.startsWith("-")) return this.reference(this.groups + 1 + Number(text), at);
    return this.reference(text.startsWith("+") ? this.groups + Number(text) : Number(text), at);
  }

  private reference(name: string | number, at: number): Node {
    const node = { t: "backref" as const, n: 0, nocase: this.flags.i };
    this.pending.push({ name, at, node });
    return node;
  }

  /** The opening parenthesis has been read. */
  private parenthesis(at: number): Node | undefined {
    const { scan } = this;
    if (scan.peek() === "*") throw scan.error("verbs such as (*...) are not supported", at);
    if (!scan.take("?")) return this.flags.n ? this.close(this.alternatives(), at) : this.capture(undefined, at);
    if (scan.take(":")) return this.close(this.alternatives(), at);
    if (scan.take(">")) return { t: "atomic", of: this.close(this.alternatives(), at) };
    if (scan.take("=")) return this.look(true, false, at);
    if (scan.take("!")) return this.look(true, true, at);
    if (scan.take("<=")) return this.look(false, false, at);
    if (scan.take("<!")) return this.look(false, true, at);
    if (scan.take("P=")) return this.reference(scan.until(")", "the group name"), at);
    if (scan.take("P<") || scan.take("<")) return this.capture(scan.until(">", "the group name"), at);
    if (scan.take("'")) return this.capture(scan.until("'", "the group name"), at);
    if (scan.take("(")) return this.conditional(at);
    if (/[-^a-zA-Z]/.test(scan.peek()) && !/[RPC]/.test(scan.peek())) return this.inlineFlags(at);
    throw scan.error(`(?${scan.peek()} is not supported`, at);
  }

  private close(node: Node, at: number): Node {
    if (!this.scan.take(")")) throw this.scan.error("a ( is not closed", at);
    return node;
  }

  private capture(name: string | undefined, at: number): Node {
    const n = ++this.groups;
    if (n > LIMITS.groups) throw this.scan.error(`there are more than ${LIMITS.groups} groups`, at);
    if (name !== undefined) {
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name)) throw this.scan.error("the group name is not a name", at);
      if (this.names.has(name)) throw this.scan.error(`two groups are named ${name}`, at);
      this.names.set(name, n);
    }
    return { t: "group", n, of: this.close(this.alternatives(), at) };
  }

  private look(ahead: boolean, negative: boolean, at: number): Node {
    const of = this.close(this.alternatives(), at);
    return { t: "look", ahead, negative, of };
  }

  /** Both opening parentheses have been read. */
  private conditional(at: number): Node {
    const { scan } = this;
    let test: Node | { n: number };
    if (scan.take("?")) {
      scan.at -= 2;
      const look = scan.take("(?=") || scan.take("(?!") || scan.take("(?<=") || scan.take("(?<!");
      if (!look) throw scan.error("a condition must be a group or look around", at);
      const text = String.fromCharCode(...scan.bytes.subarray(scan.at - 2, scan.at));
      test = this.look(!text.startsWith("<"), text.endsWith("!"), at);
    } else {
      const name = scan.until(")", "the condition").replace(/^(<.*>|'.*')$/, (quoted) => quoted.slice(1, -1));
      if (name === "" || name === "R" || name === "DEFINE") throw scan.error(`the condition (${name}) is not supported`, at);
      test = { n: 0 };
      const relative = name.startsWith("-") ? this.groups + 1 + Number(name) : Number(name);
      this.pending.push({ name: /^[-+]?[0-9]+$/.test(name) ? relative : name, at, node: test });
    }
    const body = this.close(this.alternatives(), at);
    const branches = body.t === "alt" ? body.of : [body];
    if (branches.length > 2) throw scan.error("a conditional group has more than two branches", at);
    const node = { t: "cond" as const, yes: branches[0]!, no: branches[1] ?? EMPTY };
    if ("t" in test) return { ...node, test };
    const group = test;
    return Object.defineProperty({ ...node, test: 0 }, "test", { get: () => group.n, enumerable: true });
  }

  /** (?i-s) up to the end of the group around, or (?i-s:...). */
  private inlineFlags(at: number): Node | undefined {
    const { scan } = this;
    const outer = this.flags;
    const changed: Record<string, boolean> = {};
    let on = true;
    if (scan.take("^")) Object.assign(changed, { i: false, m: false, s: false, x: false, n: false });
    for (;;) {
      const char = scan.next();
      if (char === "-") on = false;
      else if (char === ")" || char === ":") {
        this.flags = { ...outer, ...changed };
        if (char === ")") return undefined;
        const node = this.close(this.alternatives(), at);
        this.flags = outer;
        return node;
      } else if ("imsxUn".includes(char)) changed[char] = on;
      else if (char !== "J") throw scan.error(`(?${char} is not a known flag`, at);
    }
  }

  /** Comments in parentheses; with flag x also white space and comments up to the end of the line. */
  private skipSpace(): void {
    const { scan } = this;
    for (;;) {
      if (scan.take("(?#")) scan.until(")", "the comment");
      else if (this.flags.x && /[\t-\r ]/.test(scan.peek())) scan.at++;
      else if (this.flags.x && scan.peek() === "#") while (!scan.done && scan.next() !== "\n");
      else return;
    }
  }
}

/** Capturing groups, roughly: only decides whether \10 and above are references. */
function countGroups(bytes: Uint8Array): number {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const bare = text.replace(/\\[^]/g, "").replace(/\[\^?\]?[^\]]*\]/g, "");
  return (bare.match(/\((?!\?)|\(\?(?:P?<(?![=!])|')/g) ?? []).length;
}
