// The program format; packages/regex/src/encode.ts writes it.

export const MAGIC: u32 = 0x58525853;
export const VERSION: u32 = 1;
export const FLAG_LINEAR: u32 = 1;
export const FLAG_SKIP: u32 = 2;
export const FLAG_LOOPS: u32 = 4;

export const MOST_POSITIONS: u32 = 8192;
export const MOST_KINDS: u32 = 5;
const MOST_INSTRUCTIONS: u32 = 65536;
const MOST_SLOTS: u32 = 65536;
const HEADER: u32 = 96;

export const OP_BYTE: u32 = 1;
export const OP_SET: u32 = 2;
export const OP_ANY: u32 = 3;
export const OP_SPLIT: u32 = 4;
export const OP_LAZY: u32 = 5;
export const OP_JUMP: u32 = 6;
export const OP_SAVE: u32 = 7;
export const OP_ASSERT: u32 = 8;
export const OP_PEEK: u32 = 9;
export const OP_MATCH: u32 = 10;
export const OP_BACKREF: u32 = 11;
export const OP_LOOK: u32 = 12;
export const OP_LOOK_END: u32 = 13;
export const OP_ATOMIC: u32 = 14;
export const OP_ATOMIC_END: u32 = 15;
export const OP_BACK: u32 = 16;
export const OP_IF_GROUP: u32 = 17;
export const OP_MARK: u32 = 18;
export const OP_CHECK: u32 = 19;
export const OP_RUN: u32 = 20;
export const OP_RUN_MAX: u32 = 21;

@unmanaged
export class Program {
  magic: u32;
  versionAndFlags: u32;
  length: u32;
  positions: u32;
  /** Bytes of a set of positions. */
  setBytes: u32;
  /** Kinds of bytes that the automaton tells apart; one more column is the end of the subject. */
  columns: u32;
  /** Kinds of bytes that assertions tell apart, the edge of the subject being kind 0. */
  kinds: u32;
  groups: u32;
  /** Offsets from the program's start. */
  columnOf: u32;
  kindOf: u32;
  masks: u32;
  groupOf: u32;
  groupTable: u32;
  skip: u32;
  code: u32;
  instructions: u32;
  sets: u32;
  setCount: u32;
  slots: u32;
  captures: u32;
  minLength: u32;
}

/** Moves that several positions have in common: pieces of 16 bytes of their targets and of the positions themselves. */
@unmanaged
export class Group {
  targets: u32;
  targetsFrom: u16;
  targetsCount: u16;
  sources: u32;
  sourcesFrom: u16;
  sourcesCount: u16;
}

// @ts-ignore: decorator
@inline export function flagsOf(program: Program): u32 {
  return program.versionAndFlags >> 16;
}

// @ts-ignore: decorator
@inline export function base(program: Program): usize {
  return changetype<usize>(program);
}

// @ts-ignore: decorator
@inline export function inSet(set: usize, byte: u32): bool {
  return ((load<u32>(set + ((byte >> 5) << 2)) >> (byte & 31)) & 1) != 0;
}

let limit: u32 = 0;

/** Whether `count` items of `size` bytes from `offset` on are in the program, aligned to `align`. */
function fits(offset: u32, count: u32, size: u32, align: u32): bool {
  return offset >= HEADER && (offset & (align - 1)) == 0 && <u64>offset + <u64>count * <u64>size <= <u64>limit;
}

/** Whether nothing in the program points out of it. */
export function checkProgram(at: usize, length: u32): bool {
  if (length < HEADER || (at & 15) != 0) return false;
  const p = changetype<Program>(at);
  if (p.magic != MAGIC || (p.versionAndFlags & 0xffff) != VERSION || p.length != length) return false;
  limit = length;
  if (p.positions == 0 || p.positions > MOST_POSITIONS || p.setBytes != ((p.positions + 127) >> 7) << 4) return false;
  if (p.columns == 0 || p.columns > 256 || p.kinds < 2 || p.kinds > MOST_KINDS || p.groups > p.positions) return false;
  const loops: u32 = (flagsOf(p) & FLAG_LOOPS) != 0 ? p.kinds - 1 : 0;
  if (p.kinds + loops > p.positions) return false;
  if (!fits(p.columnOf, 256, 1, 1) || !fits(p.kindOf, 256, 1, 1) || !fits(p.masks, p.columns + 5, p.setBytes, 1)) return false;
  if (!fits(p.groupOf, p.setBytes << 3, 2, 2) || !fits(p.groupTable, p.groups, 16, 4) || !fits(p.skip, 32, 1, 1)) return false;
  if (p.instructions == 0 || p.instructions > MOST_INSTRUCTIONS || !fits(p.code, p.instructions, 8, 4)) return false;
  if (p.setCount > MOST_INSTRUCTIONS || !fits(p.sets, p.setCount, 32, 4)) return false;
  if (p.captures == 0 || p.captures > 256 || p.slots < p.captures << 1 || p.slots > MOST_SLOTS) return false;
  for (let i: u32 = 0; i < 256; i++) {
    if (<u32>load<u8>(at + p.columnOf + i) >= p.columns) return false;
    const kind = <u32>load<u8>(at + p.kindOf + i);
    if (kind == 0 || kind >= p.kinds) return false;
  }
  return checkGroups(p, at) && checkCode(p, at);
}

function checkGroups(p: Program, at: usize): bool {
  const pieces = p.setBytes >> 4;
  for (let i: u32 = 0; i < p.groups; i++) {
    const group = changetype<Group>(at + p.groupTable + (i << 4));
    const targets = <u32>group.targetsCount;
    const sources = <u32>group.sourcesCount;
    if (<u32>group.targetsFrom + targets > pieces || !fits(group.targets, targets, 16, 1)) return false;
    if (<u32>group.sourcesFrom + sources > pieces || !fits(group.sources, sources, 16, 1)) return false;
  }
  // A position with moves of its own must be among its group's sources: the simulation relies on it to come to an end.
  const others = at + p.masks + (p.columns + 3) * p.setBytes;
  for (let i: u32 = 0; i < p.setBytes << 3; i++) {
    if (!((<u32>load<u8>(others + (i >> 3)) >> (i & 7)) & 1)) continue;
    const g = <u32>load<u16>(at + p.groupOf + (i << 1));
    if (g >= p.groups) return false;
    const group = changetype<Group>(at + p.groupTable + (g << 4));
    const piece = (i >> 7) - <u32>group.sourcesFrom;
    if (piece >= <u32>group.sourcesCount) return false;
    const byte = <u32>load<u8>(at + group.sources + (piece << 4) + ((i & 127) >> 3));
    if (!((byte >> (i & 7)) & 1)) return false;
  }
  return true;
}

function checkCode(p: Program, at: usize): bool {
  const code = at + p.code;
  const count = p.instructions;
  const most: u32 = (flagsOf(p) & FLAG_LINEAR) != 0 ? OP_MATCH : OP_RUN_MAX;
  for (let i: u32 = 0; i < count; i++) {
    const word = load<u32>(code + (i << 3));
    const op = word & 0xff;
    const x = word >> 8;
    const y = load<u32>(code + (i << 3), 4);
    if (op == 0 || op > most) return false;
    if (i == count - 1 && op != OP_MATCH) return false;
    const jumps = op == OP_SPLIT || op == OP_LAZY || op == OP_JUMP || op == OP_CHECK;
    if ((jumps || op == OP_LOOK || op == OP_ATOMIC || op == OP_IF_GROUP) && y >= count) return false;
    if ((op == OP_SET || op == OP_PEEK || op == OP_RUN) && x >= p.setCount) return false;
    if ((op == OP_SAVE || op == OP_MARK || op == OP_CHECK) && x >= p.slots) return false;
    if ((op == OP_SAVE && x >= p.captures << 1) || (op == OP_BYTE && x > 255) || (op == OP_ASSERT && x > 7)) return false;
    if ((op == OP_BACKREF || op == OP_IF_GROUP) && (x == 0 || x >= p.captures)) return false;
    if (op == OP_LOOK_END || op == OP_ATOMIC_END) {
      if (y >= i || (load<u32>(code + (y << 3)) & 0xff) != op - 1) return false;
    }
    if (op == OP_RUN && (i + 2 >= count || (load<u32>(code + ((i + 1) << 3)) & 0xff) != OP_RUN_MAX)) return false;
  }
  return true;
}
