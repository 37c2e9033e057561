// From instructions to an automaton without empty moves: a state is a set of positions, a position stands for a byte just read
// (V. Glushkov 1961; the bit-parallel use: Navarro and Raffinot, "Flexible Pattern Matching in Strings", 2002).
//
// Assertions are gone in it. They only look at the bytes on both sides of a place, so bytes are divided into kinds (newline, word
// byte, ...), positions next to assertions are divided by kind, and an assertion then only decides which moves exist. The edge of
// the subject is a kind of its own: the symbol EDGE before the first byte and behind the last one.
import { ByteSet, NEWLINE, WORD } from "./byteset.js";
import { ASSERTS, OP, type Code } from "./code.js";
import { LIMITS } from "./types.js";

/** Why there is no automaton; the expression is left to the backtracking matcher. */
export class NotRegular extends Error {
  override readonly name = "NotRegular";
}

export interface Position {
  readonly set: ByteSet;
  /** Reads the end of the subject, too. */
  readonly edge: boolean;
  readonly accept: boolean;
  /** Positions that may come next, ascending. */
  follow: number[];
}

export interface Automaton {
  readonly positions: readonly Position[];
  /** Kind of each byte; kind 0 is the edge. Position `k` is the start behind a byte of kind k. */
  readonly kindOf: Uint8Array;
  readonly kinds: number;
  /** The search goes on at later bytes: position kinds + k - 1 is "nothing yet, behind a byte of kind k". */
  readonly loops: boolean;
  /** Bytes that can begin a match. */
  readonly first: ByteSet;
}

const MOST_KINDS = 5;
const MOST_MOVES = 3_000_000;

interface Kinds {
  readonly count: number;
  readonly of: Uint8Array;
  readonly sets: readonly ByteSet[];
  /** All pairs of kinds: bit before * count + behind. */
  readonly full: number;
}

/** @throws NotRegular */
export function automatonOf(code: Code): Automaton {
  return new Builder(code).build();
}

function kindsOf(code: Code): Kinds {
  const sets: ByteSet[] = [];
  for (const { op, x } of code.instructions) {
    if (op === OP.PEEK) sets.push(code.sets[x]!);
    if (op !== OP.ASSERT) continue;
    const kind = ASSERTS[x]!;
    if (kind === "wordBoundary" || kind === "notWordBoundary") sets.push(WORD);
    if (kind === "lineStart" || kind === "lineEnd") sets.push(NEWLINE);
  }
  const of = new Uint8Array(257);
  const members: ByteSet[] = [new ByteSet()];
  const seen = new Map<string, number>();
  for (let byte = 0; byte < 256; byte++) {
    const signature = sets.map((set) => (set.has(byte) ? "1" : "0")).join("");
    let kind = seen.get(signature);
    if (kind === undefined) {
      kind = members.push(new ByteSet()) - 1;
      seen.set(signature, kind);
    }
    of[byte] = kind;
    members[kind]!.add(byte);
  }
  if (members.length > MOST_KINDS) throw new NotRegular("too many kinds of bytes in assertions");
  return { count: members.length, of, sets: members, full: 2 ** (members.length * members.length) - 1 };
}

/** Where the empty moves from one place lead: for each target the pairs of kinds that allow it. */
interface Reach {
  readonly sets: ReadonlyMap<number, number>;
  readonly match: number;
  /** Matches before a newline that ends the subject. */
  readonly tail: number;
}

class Builder {
  private readonly kinds: Kinds;
  private readonly positions: Position[] = [];
  /** Positions of an instruction, by kind; an instruction that is not divided has the same one everywhere. */
  private readonly parts = new Map<number, Int32Array>();
  private readonly ends = new Map<number, number>();
  private tailPosition = -1;
  private moves = 0;

  constructor(private readonly code: Code) {
    this.kinds = kindsOf(code);
  }

  build(): Automaton {
    const { kinds, positions } = this;
    const start = this.reach(0, true);
    const loop = this.reach(0, false);
    const reads = this.code.instructions.flatMap(({ op }, pc) => (op === OP.BYTE || op === OP.SET || op === OP.ANY ? [pc] : []));
    const reaches = new Map(reads.map((pc) => [pc, this.reach(pc + 1, false)]));
    const divided = this.divided(start, loop, reaches);
    for (let k = 0; k < kinds.count; k++) this.add(new ByteSet(), false, this.accepts(start, k));
    const loops = this.searches(loop);
    if (loops) for (let k = 1; k < kinds.count; k++) this.add(kinds.sets[k]!, false, this.accepts(loop, k));
    for (const pc of reads) this.addParts(pc, divided.has(pc), reaches.get(pc)!);
    const again = loops ? Array.from({ length: kinds.count - 1 }, (_, k) => kinds.count + k) : [];
    for (let k = 0; k < kinds.count; k++) positions[k]!.follow = this.follow(start, [k], again);
    for (const position of again) positions[position]!.follow = this.follow(loop, [position - kinds.count + 1], again);
    for (const pc of reads) {
      const parts = this.parts.get(pc)!;
      for (const part of new Set(parts)) {
        if (part < 0) continue;
        const of = [...parts.keys()].filter((k) => parts[k] === part);
        positions[part]!.follow = this.follow(reaches.get(pc)!, of, []);
      }
    }
    const first = new ByteSet();
    for (const position of again) {
      for (const next of positions[position]!.follow) if (!again.includes(next)) first.addAll(positions[next]!.set);
    }
    return { positions, kindOf: kinds.of.slice(0, 256), kinds: kinds.count, loops, first };
  }

  private add(set: ByteSet, edge: boolean, accept: boolean): number {
    if (this.positions.length >= LIMITS.positions) throw new NotRegular("too many positions");
    return this.positions.push({ set, edge, accept, follow: [] }) - 1;
  }

  private addParts(pc: number, divided: boolean, reach: Reach): void {
    const { kinds } = this;
    const set = this.setOf(pc);
    const parts = new Int32Array(kinds.count).fill(-1);
    let one = -1;
    for (let k = 1; k < kinds.count; k++) {
      const part = set.and(kinds.sets[k]!);
      if (part.isEmpty) continue;
      if (!divided && one < 0) one = this.add(set, false, this.accepts(reach, k));
      parts[k] = divided ? this.add(part, false, this.accepts(reach, k)) : one;
    }
    this.parts.set(pc, parts);
  }

  private setOf(pc: number): ByteSet {
    const { op, x } = this.code.instructions[pc]!;
    return op === OP.BYTE ? ByteSet.of(x) : op === OP.SET ? this.code.sets[x]! : new ByteSet().not();
  }

  /** Kinds that may follow, as bits, behind a byte of `kind`. */
  private row(matrix: number, kind: number): number {
    return Math.floor(matrix / 2 ** (kind * this.kinds.count)) % 2 ** this.kinds.count;
  }

  private accepts(reach: Reach, kind: number): boolean {
    return this.row(reach.match, kind) === 2 ** this.kinds.count - 1;
  }

  /** Whether anything can happen behind a byte: not so for expressions anchored to the start. */
  private searches(loop: Reach): boolean {
    const later = (matrix: number) => matrix >= 2 ** this.kinds.count;
    return later(loop.match) || later(loop.tail) || [...loop.sets.values()].some(later);
  }

  /** Instructions whose positions must be divided by kind: a move from or to them depends on it. */
  private divided(start: Reach, loop: Reach, reaches: ReadonlyMap<number, Reach>): Set<number> {
    const found = new Set<number>();
    const { count, sets, full } = this.kinds;
    const everything = Array.from({ length: count }, (_, k) => k);
    const kindsIn = new Map<number, number[]>();
    const kindsOfPc = (pc: number): number[] => {
      let known = kindsIn.get(pc);
      if (known === undefined) {
        const set = this.setOf(pc);
        known = everything.filter((k) => k > 0 && !set.and(sets[k]!).isEmpty);
        kindsIn.set(pc, known);
      }
      return known;
    };
    const same = (matrix: number, before: readonly number[], behind: readonly number[]) => {
      const values = new Set(before.flatMap((k) => behind.map((j) => Math.floor(matrix / 2 ** (k * count + j)) & 1)));
      return values.size < 2;
    };
    const look = (from: number | undefined, reach: Reach) => {
      const before = from === undefined ? everything : kindsOfPc(from);
      for (const [pc, matrix] of reach.sets) {
        if (matrix === full || same(matrix, before, kindsOfPc(pc))) continue;
        if (from !== undefined) found.add(from);
        found.add(pc);
      }
      const partly = (matrix: number) => matrix !== full && new Set(before.map((k) => this.row(matrix, k))).size > 1;
      if (from !== undefined && (partly(reach.match) || partly(reach.tail))) found.add(from);
    };
    look(undefined, start);
    look(undefined, loop);
    for (const [pc, reach] of reaches) look(pc, reach);
    return found;
  }

  private follow(reach: Reach, kindsBefore: readonly number[], also: readonly number[]): number[] {
    const { count } = this.kinds;
    const all = new Set<number>(also);
    for (const k of kindsBefore) {
      for (const [pc, matrix] of reach.sets) {
        const parts = this.parts.get(pc)!;
        const row = this.row(matrix, k);
        for (let j = 1; j < count; j++) if (((row >> j) & 1) === 1 && parts[j]! >= 0) all.add(parts[j]!);
      }
      const match = this.row(reach.match, k);
      if (match !== 0 && match !== 2 ** count - 1) all.add(this.endPosition(match));
      const tail = this.row(reach.tail, k);
      if (((tail >> this.kinds.of[10]!) & 1) === 1) all.add(this.newlinePosition());
    }
    this.moves += all.size;
    if (this.moves > MOST_MOVES) throw new NotRegular("too many moves");
    return [...all].sort((a, b) => a - b);
  }

  /** Reads the symbol behind the match, when it is of one of these kinds. */
  private endPosition(kinds: number): number {
    let at = this.ends.get(kinds);
    if (at === undefined) {
      const set = new ByteSet();
      this.kinds.sets.forEach((members, k) => ((kinds >> k) & 1) === 1 && set.addAll(members));
      at = this.add(set, (kinds & 1) === 1, true);
      this.ends.set(kinds, at);
    }
    return at;
  }

  private newlinePosition(): number {
    if (this.tailPosition < 0) {
      this.tailPosition = this.add(NEWLINE, false, false);
      this.positions[this.tailPosition]!.follow = [this.endPosition(1)];
    }
    return this.tailPosition;
  }

  /** Pairs of kinds between which an assertion holds. */
  private pairs(op: number, x: number, y: number): number {
    const { count, of } = this.kinds;
    const newline = of[10]!;
    const members = op === OP.PEEK ? this.code.sets[x]! : WORD;
    const isIn = (kind: number) => this.kinds.sets[kind]!.bytes().some((byte) => members.has(byte));
    const holds = (before: number, behind: number): boolean => {
      if (op === OP.PEEK) {
        const kind = (y & 1) === 1 ? behind : before;
        return kind === 0 ? (y & 2) === 2 : isIn(kind);
      }
      switch (ASSERTS[x]!) {
        case "textStart":
          return before === 0;
        case "textEnd":
        case "textEndNewline":
          return behind === 0;
        case "lineStart":
          return before === 0 || (before === newline && behind !== 0);
        case "lineEnd":
          return behind === 0 || behind === newline;
        case "wordBoundary":
          return isIn(before) !== isIn(behind);
        case "notWordBoundary":
          return isIn(before) === isIn(behind);
        case "searchStart":
          return true;
      }
    };
    let matrix = 0;
    for (let k = 0; k < count; k++) for (let j = 0; j < count; j++) if (holds(k, j)) matrix += 2 ** (k * count + j);
    return matrix;
  }

  private readonly pairsOf = new Map<number, number>();

  private cachedPairs(pc: number): number {
    const { op, x, y } = this.code.instructions[pc]!;
    const key = (op * 4 + y) * 65536 + x;
    let matrix = this.pairsOf.get(key);
    if (matrix === undefined) {
      matrix = this.pairs(op, x, y);
      this.pairsOf.set(key, matrix);
    }
    return matrix;
  }

  /** Whether empty moves lead from `pc` to the end when the byte before is the subject's last one, a newline. */
  private endsAfterNewline(pc: number): boolean {
    const { instructions } = this.code;
    const bit = 2 ** (this.kinds.of[10]! * this.kinds.count);
    const seen = new Set<number>();
    const work = [pc];
    while (work.length > 0) {
      const at = work.pop()!;
      if (seen.has(at)) continue;
      seen.add(at);
      const { op, x, y } = instructions[at]!;
      if (op === OP.MATCH) return true;
      if (op === OP.SPLIT || op === OP.LAZY || op === OP.JUMP) work.push(y);
      const tests = op === OP.PEEK || (op === OP.ASSERT && ASSERTS[x] !== "searchStart");
      const holds = tests && (this.cachedPairs(at) & bit) !== 0;
      if (op === OP.SPLIT || op === OP.LAZY || op === OP.SAVE || holds) work.push(at + 1);
    }
    return false;
  }

  /** Follows empty moves from `pc` until nothing new is allowed. `atStart` is where the search starts. */
  private reach(pc: number, atStart: boolean): Reach {
    const { instructions } = this.code;
    const { full, of } = this.kinds;
    // Twice each instruction: the second half is "only if a last newline is next", as \Z demands.
    const allowed = new Map<number, number>();
    const work: number[] = [];
    const tailMode = instructions.length;
    const go = (at: number, pairs: number) => {
      const known = allowed.get(at) ?? 0;
      if (pairs === 0 || (known | pairs) === known) return;
      allowed.set(at, known | pairs);
      work.push(at);
    };
    go(pc, full);
    const sets = new Map<number, number>();
    let match = 0;
    let tail = 0;
    while (work.length > 0) {
      const at = work.pop()!;
      const pairs = allowed.get(at)!;
      const half = at >= tailMode ? tailMode : 0;
      const here = at - half;
      const { op, x, y } = instructions[here]!;
      switch (op) {
        case OP.SPLIT:
        case OP.LAZY:
          go(at + 1, pairs);
          go(y + half, pairs);
          break;
        case OP.JUMP:
          go(y + half, pairs);
          break;
        case OP.SAVE:
          go(at + 1, pairs);
          break;
        case OP.ASSERT:
        case OP.PEEK: {
          if (op === OP.ASSERT && ASSERTS[x] === "searchStart" && !atStart) break;
          if (op === OP.ASSERT && ASSERTS[x] === "textEndNewline") {
            if (half > 0) go(at + 1, pairs);
            else {
              let newline = 0;
              for (let k = 0; k < this.kinds.count; k++) newline += 2 ** (k * this.kinds.count + of[10]!);
              go(here + 1 + tailMode, pairs & newline);
            }
          }
          go(at + 1, pairs & this.cachedPairs(here));
          break;
        }
        case OP.MATCH:
          if (half > 0) tail |= pairs;
          else match |= pairs;
          break;
        default:
          if (half === 0) sets.set(here, pairs);
          // The newline behind $ is read by the expression itself: nothing may follow it.
          else if (this.setOf(here).has(10) && this.endsAfterNewline(here + 1)) tail |= pairs;
      }
    }
    return { sets, match, tail };
  }
}
