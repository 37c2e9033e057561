// The program format, read by wasm/engine/regex/program.ts, which checks it. Little-endian, offsets from its start, sets of
// positions as bits in ascending order, their size a multiple of 16 bytes.
import type { ByteSet } from "./byteset.js";
import type { Code } from "./code.js";
import type { Automaton } from "./glushkov.js";

const MAGIC = 0x58525853;
const VERSION = 1;
const FLAG = {
  /** The automaton is exact, bounds come from the simulation. Else the automaton is a filter for the backtracking matcher. */
  LINEAR: 1,
  /** The table of first bytes may be used to skip. */
  SKIP: 2,
  /** There are positions for "nothing yet". */
  LOOPS: 4,
} as const;
const HEADER = 96;

export interface Parts {
  readonly automaton: Automaton;
  readonly code: Code;
  readonly linear: boolean;
  readonly groups: number;
  readonly minLength: number;
}

export function encode({ automaton, code, linear, groups, minLength }: Parts): Uint8Array {
  const { positions, kinds } = automaton;
  const setBytes = Math.ceil(positions.length / 128) * 16;
  const columns = columnsOf(automaton);
  const out = new Writer();
  out.at(HEADER);
  const classMap = out.append(columns.map);
  const kindMap = out.append(automaton.kindOf);
  const moves = movesOf(automaton, setBytes);
  const masks = out.length;
  for (const byte of columns.samples) out.append(bits(setBytes, positions.flatMap((p, i) => (p.set.has(byte) ? [i] : []))));
  out.append(bits(setBytes, positions.flatMap((p, i) => (p.edge ? [i] : []))));
  for (const set of [moves.shift, moves.self, moves.others]) out.append(bits(setBytes, set));
  out.append(bits(setBytes, positions.flatMap((p, i) => (p.accept ? [i] : []))));
  const groupOf = out.append(new Uint8Array(moves.groupOf.buffer));
  out.align(16);
  const spans = moves.groups.map(({ targets, sources }) => [span(setBytes, targets), span(setBytes, sources)] as const);
  const spanAt = spans.map((pair) => pair.map(({ data }) => out.append(data)));
  const groupTable = out.length;
  spans.forEach((pair, i) => {
    pair.forEach(({ from, data }, j) => {
      out.u32(spanAt[i]![j]!);
      out.u16(from);
      out.u16(data.length / 16);
    });
  });
  const skip = out.append(skipTable(automaton.first));
  const instructions = out.length;
  for (const { op, x, y } of code.instructions) {
    out.u32((op | (x << 8)) >>> 0);
    out.u32(y);
  }
  out.align(16);
  const sets = out.length;
  for (const { words } of code.sets) words.forEach((word) => out.u32(word));
  out.align(16);
  const canSkip = automaton.loops && !positions.slice(kinds, kinds * 2 - 1).some((p) => p.accept);
  const flags = (linear ? FLAG.LINEAR : 0) | (canSkip ? FLAG.SKIP : 0) | (automaton.loops ? FLAG.LOOPS : 0);
  const header = [
    MAGIC,
    VERSION | (flags << 16),
    out.length,
    positions.length,
    setBytes,
    columns.samples.length,
    kinds,
    moves.groups.length,
    classMap,
    kindMap,
    masks,
    groupOf,
    groupTable,
    skip,
    instructions,
    code.instructions.length,
    sets,
    code.sets.length,
    code.slots,
    groups + 1,
    minLength,
  ];
  return out.finish(header);
}

/** Bytes that no set tells apart share a column. */
function columnsOf({ positions, kindOf }: Automaton): { map: Uint8Array; samples: number[] } {
  const distinct = [...new Map(positions.map(({ set }) => [set.key, set])).values()];
  const map = new Uint8Array(256);
  const samples: number[] = [];
  const seen = new Map<string, number>();
  for (let byte = 0; byte < 256; byte++) {
    const signature = `${kindOf[byte]!}${distinct.map((set) => (set.has(byte) ? 1 : 0)).join("")}`;
    let column = seen.get(signature);
    if (column === undefined) {
      column = samples.push(byte) - 1;
      seen.set(signature, column);
    }
    map[byte] = column;
  }
  return { map, samples };
}

interface Moves {
  /** Positions reached from the one before them. */
  readonly shift: number[];
  /** Positions that lead to themselves. */
  readonly self: number[];
  /** Positions with other moves, and these moves: equal ones are shared. */
  readonly others: number[];
  readonly groupOf: Uint16Array;
  readonly groups: { readonly targets: readonly number[]; readonly sources: number[] }[];
}

function movesOf({ positions }: Automaton, setBytes: number): Moves {
  const moves: Moves = { shift: [], self: [], others: [], groupOf: new Uint16Array(setBytes * 8), groups: [] };
  const known = new Map<string, number>();
  positions.forEach(({ follow }, p) => {
    const rest = follow.filter((q) => q !== p && q !== p + 1);
    if (follow.includes(p)) moves.self.push(p);
    if (follow.includes(p + 1)) moves.shift.push(p + 1);
    if (rest.length === 0) return;
    moves.others.push(p);
    const key = rest.join();
    let group = known.get(key);
    if (group === undefined) {
      group = moves.groups.push({ targets: rest, sources: [] }) - 1;
      known.set(key, group);
    }
    moves.groups[group]!.sources.push(p);
    moves.groupOf[p] = group;
  });
  return moves;
}

function bits(size: number, members: readonly number[]): Uint8Array {
  const set = new Uint8Array(size);
  for (const member of members) set[member >> 3]! |= 1 << (member & 7);
  return set;
}

/** The 16-byte pieces of a set from its first to its last that is not zero. */
function span(size: number, members: readonly number[]): { from: number; data: Uint8Array } {
  const from = Math.floor(Math.min(...members) / 128);
  const to = Math.floor(Math.max(...members) / 128);
  return { from, data: bits(size, members).slice(from * 16, (to + 1) * 16) };
}

/** Membership by two 16-byte look-ups: at the low half-byte, one bit for each high half-byte; bytes below 128, then above. */
function skipTable(first: ByteSet): Uint8Array {
  const table = new Uint8Array(32);
  for (const byte of first.bytes()) table[(byte >> 7) * 16 + (byte & 15)]! |= 1 << ((byte >> 4) & 7);
  return table;
}

class Writer {
  private data = new Uint8Array(1024);
  length = 0;

  at(length: number): void {
    this.grow(length);
    this.length = length;
  }

  align(to: number): void {
    this.at(Math.ceil(this.length / to) * to);
  }

  append(bytes: Uint8Array): number {
    const at = this.length;
    this.at(at + bytes.length);
    this.data.set(bytes, at);
    return at;
  }

  u16(value: number): void {
    this.at(this.length + 2);
    new DataView(this.data.buffer).setUint16(this.length - 2, value, true);
  }

  u32(value: number): void {
    this.at(this.length + 4);
    new DataView(this.data.buffer).setUint32(this.length - 4, value, true);
  }

  finish(header: readonly number[]): Uint8Array {
    const view = new DataView(this.data.buffer);
    header.forEach((value, i) => view.setUint32(i * 4, value, true));
    return this.data.slice(0, this.length);
  }

  private grow(length: number): void {
    if (length <= this.data.length) return;
    const bigger = new Uint8Array(Math.max(length, this.data.length * 2));
    bigger.set(this.data);
    this.data = bigger;
  }
}
