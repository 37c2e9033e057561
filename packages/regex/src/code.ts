// From the syntax tree to instructions for the matchers (Thompson's construction, as in Russ Cox, "Regular Expression Matching:
// the Virtual Machine Approach").
import type { Node } from "./ast.js";
import { ALL, type ByteSet } from "./byteset.js";
import { fixedLength, minLength } from "./simplify.js";
import { LIMITS, RegexSyntaxError } from "./types.js";

/** Operations; the numbers are those of the program format. */
export const OP = {
  BYTE: 1,
  SET: 2,
  ANY: 3,
  /** Next instruction first, then `y`. */
  SPLIT: 4,
  /** `y` first, then the next instruction. */
  LAZY: 5,
  JUMP: 6,
  SAVE: 7,
  ASSERT: 8,
  PEEK: 9,
  MATCH: 10,
  BACKREF: 11,
  LOOK: 12,
  LOOK_END: 13,
  ATOMIC: 14,
  ATOMIC_END: 15,
  BACK: 16,
  IF_GROUP: 17,
  MARK: 18,
  CHECK: 19,
  RUN: 20,
  RUN_MAX: 21,
} as const;

export const ASSERTS = [
  "textStart",
  "textEnd",
  "textEndNewline",
  "lineStart",
  "lineEnd",
  "wordBoundary",
  "notWordBoundary",
  "searchStart",
] as const;

export interface Instruction {
  readonly op: number;
  /** 24 bits: byte, set, slot, kind. */
  x: number;
  /** 32 bits: target or number. */
  y: number;
}

export interface Code {
  readonly instructions: readonly Instruction[];
  readonly sets: readonly ByteSet[];
  /** Slots that the matcher saves: two for each group, then marks. */
  readonly slots: number;
}

const UNLIMITED = 0xffffffff;

/** @param backtracking for the matcher that backtracks: repeats of one byte stay counted, and all operations may be used */
export function generate(node: Node, groups: number, backtracking: boolean): Code {
  return new Generator(groups, backtracking).run(node);
}

class Generator {
  private readonly code: Instruction[] = [];
  private readonly sets: ByteSet[] = [];
  private readonly setIndex = new Map<string, number>();
  private slots: number;

  constructor(
    groups: number,
    private readonly backtracking: boolean,
  ) {
    this.slots = (groups + 1) * 2;
  }

  run(node: Node): Code {
    this.emit(OP.SAVE, 0);
    this.node(node);
    this.emit(OP.SAVE, 1);
    this.emit(OP.MATCH);
    return { instructions: this.code, sets: this.sets, slots: this.slots };
  }

  private emit(op: number, x = 0, y = 0): number {
    if (this.code.length >= LIMITS.instructions) {
      throw new RegexSyntaxError(`the expression needs more than ${LIMITS.instructions} instructions: use smaller counts`, 0);
    }
    return this.code.push({ op, x, y }) - 1;
  }

  private target(at: number): void {
    this.code[at]!.y = this.code.length;
  }

  private set(set: ByteSet): number {
    const { key } = set;
    let index = this.setIndex.get(key);
    if (index === undefined) {
      index = this.sets.push(set) - 1;
      this.setIndex.set(key, index);
    }
    return index;
  }

  private node(node: Node): void {
    switch (node.t) {
      case "empty":
        return;
      case "set": {
        const bytes = node.set.size === 1 ? node.set.bytes() : [];
        if (bytes.length === 1) this.emit(OP.BYTE, bytes[0]);
        else if (node.set.key === ALL.key) this.emit(OP.ANY);
        else this.emit(OP.SET, this.set(node.set));
        return;
      }
      case "cat":
        for (const child of node.of) this.node(child);
        return;
      case "alt":
        this.alternatives(node.of.map((child) => () => this.node(child)));
        return;
      case "group":
        this.emit(OP.SAVE, node.n * 2);
        this.node(node.of);
        this.emit(OP.SAVE, node.n * 2 + 1);
        return;
      case "assert":
        this.emit(OP.ASSERT, ASSERTS.indexOf(node.kind));
        return;
      case "peek":
        this.emit(OP.PEEK, this.set(node.set), (node.ahead ? 1 : 0) | (node.edge ? 2 : 0));
        return;
      case "keep":
        this.emit(OP.SAVE, 0);
        return;
      case "repeat":
        this.repeat(node);
        return;
      case "backref":
        this.emit(OP.BACKREF, node.n, node.nocase ? 1 : 0);
        return;
      case "atomic":
        this.fenced(OP.ATOMIC, OP.ATOMIC_END, 0, () => this.node(node.of));
        return;
      case "look":
        this.fenced(OP.LOOK, OP.LOOK_END, node.negative ? 1 : 0, () => (node.ahead ? this.node(node.of) : this.behind(node.of)));
        return;
      case "cond":
        this.conditional(node);
    }
  }

  private alternatives(branches: readonly (() => void)[]): void {
    const ends: number[] = [];
    branches.forEach((branch, i) => {
      if (i === branches.length - 1) {
        branch();
        return;
      }
      const split = this.emit(OP.SPLIT);
      branch();
      ends.push(this.emit(OP.JUMP));
      this.target(split);
    });
    for (const end of ends) this.target(end);
  }

  private fenced(open: number, close: number, x: number, body: () => void): void {
    const start = this.emit(open, x);
    body();
    this.emit(close, x, start);
    this.target(start);
  }

  /** Look-behind: each alternative goes back its length first. */
  private behind(node: Node): void {
    const branches = node.t === "alt" ? node.of : [node];
    this.alternatives(
      branches.map((branch) => () => {
        const length = fixedLength(branch);
        if (length === undefined) throw new RegexSyntaxError("look-behind needs alternatives of one length each", 0);
        this.emit(OP.BACK, length);
        this.node(branch);
      }),
    );
  }

  private conditional(node: Node & { t: "cond" }): void {
    if (typeof node.test === "number") {
      const test = this.emit(OP.IF_GROUP, node.test);
      this.node(node.yes);
      const end = this.emit(OP.JUMP);
      this.target(test);
      this.node(node.no);
      this.target(end);
      return;
    }
    const { test } = node;
    const negated: Node =
      test.t === "peek"
        ? { ...test, set: test.set.not(), edge: !test.edge }
        : test.t === "look"
          ? { ...test, negative: !test.negative }
          : test;
    this.alternatives([
      () => {
        this.node(test);
        this.node(node.yes);
      },
      () => {
        this.node(negated);
        this.node(node.no);
      },
    ]);
  }

  private repeat(node: Node & { t: "repeat" }): void {
    const { of, min, max, mode } = node;
    if (this.backtracking) {
      if (of.t === "set") {
        this.emit(OP.RUN, this.set(of.set), min);
        this.emit(OP.RUN_MAX, ["greedy", "lazy", "possessive"].indexOf(mode), max === Infinity ? UNLIMITED : max);
        return;
      }
      if (mode === "possessive") {
        this.fenced(OP.ATOMIC, OP.ATOMIC_END, 0, () => this.repeat({ ...node, mode: "greedy" }));
        return;
      }
    }
    const split = mode === "lazy" ? OP.LAZY : OP.SPLIT;
    if (max === Infinity) {
      if (this.backtracking) {
        for (let i = 0; i < min; i++) this.node(of);
        this.star(of, split);
        return;
      }
      // x* is written (x+)?: only so do simulations keep Perl's priorities when x can be empty, and a round is one jump shorter.
      for (let i = 1; i < min; i++) this.node(of);
      const skip = min === 0 ? this.emit(split) : -1;
      const again = this.code.length;
      this.node(of);
      // The loop goes back first when greedy: SPLIT prefers the next instruction, so the roles are exchanged.
      this.emit(split === OP.SPLIT ? OP.LAZY : OP.SPLIT, 0, again);
      if (skip >= 0) this.target(skip);
      return;
    }
    for (let i = 0; i < min; i++) this.node(of);
    const exits: number[] = [];
    for (let i = min; i < max; i++) {
      exits.push(this.emit(split));
      this.node(of);
    }
    for (const exit of exits) this.target(exit);
  }

  private star(of: Node, split: number): void {
    const again = this.emit(split);
    if (minLength(of) > 0) {
      this.node(of);
      this.emit(OP.JUMP, 0, again);
      this.target(again);
      return;
    }
    const mark = this.slots++;
    this.emit(OP.MARK, mark);
    this.node(of);
    const check = this.emit(OP.CHECK, mark);
    this.emit(OP.JUMP, 0, again);
    this.target(again);
    this.target(check);
  }
}
