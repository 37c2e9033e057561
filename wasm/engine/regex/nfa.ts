// One move of the automaton on a whole set of positions at once.
import { Group, Program, base } from "./program";
import { addSteps } from "./state";

export const DEAD: u32 = 0;
export const ALIVE: u32 = 1;
export const ACCEPT: u32 = 2;

/** Room for a set of MOST_POSITIONS. */
const pending: usize = memory.data(1024, 16);

/** The set after reading a symbol of `column` from the set at `from`; `to` must be another place. Says what the set is. */
export function move(program: Program, from: usize, column: u32, to: usize): u32 {
  const size = program.setBytes;
  const masks = base(program) + program.masks;
  const mask = masks + column * size;
  const shift = masks + (program.columns + 1) * size;
  let work: u32 = size >> 4;
  let more: u64 = 0;
  let carry: u64 = 0;
  for (let i: u32 = 0; i < size; i += 16) {
    const low = load<u64>(from + i);
    const high = load<u64>(from + i, 8);
    if ((low | high | carry) == 0) {
      store<u64>(to + i, 0);
      store<u64>(to + i, 0, 8);
      store<u64>(pending + i, 0);
      store<u64>(pending + i, 0, 8);
      continue;
    }
    const next = shift + i;
    const self = next + size;
    store<u64>(to + i, (((low << 1) | carry) & load<u64>(next)) | (low & load<u64>(self)));
    store<u64>(to + i, (((high << 1) | (low >> 63)) & load<u64>(next, 8)) | (high & load<u64>(self, 8)), 8);
    carry = high >> 63;
    const others = self + size;
    const a = low & load<u64>(others);
    const b = high & load<u64>(others, 8);
    store<u64>(pending + i, a);
    store<u64>(pending + i, b, 8);
    more |= a | b;
  }
  if (more != 0) work += moveOthers(program, to);
  let any = i64x2.splat(0);
  let accepted = any;
  const accept = shift + 3 * size;
  for (let i: u32 = 0; i < size; i += 16) {
    const set = v128.and(v128.load(to + i), v128.load(mask + i));
    v128.store(to + i, set);
    any = v128.or(any, set);
    accepted = v128.or(accepted, v128.and(set, v128.load(accept + i)));
  }
  addSteps(work);
  return v128.any_true(accepted) ? ACCEPT : v128.any_true(any) ? ALIVE : DEAD;
}

/** Moves other than to oneself and to the next position: once for all positions that have the same ones. */
function moveOthers(program: Program, to: usize): u32 {
  const size = program.setBytes;
  const groupOf = base(program) + program.groupOf;
  const table = base(program) + program.groupTable;
  let work: u32 = 0;
  for (let i: u32 = 0; i < size; i += 8) {
    for (let word = load<u64>(pending + i); word != 0; word = load<u64>(pending + i)) {
      const position = (i << 3) + <u32>ctz(word);
      const group = changetype<Group>(table + ((<u32>load<u16>(groupOf + (position << 1))) << 4));
      let piece = base(program) + group.targets;
      let at = to + ((<usize>group.targetsFrom) << 4);
      for (let end = piece + ((<usize>group.targetsCount) << 4); piece < end; piece += 16, at += 16) {
        v128.store(at, v128.or(v128.load(at), v128.load(piece)));
      }
      piece = base(program) + group.sources;
      at = pending + ((<usize>group.sourcesFrom) << 4);
      for (let end = piece + ((<usize>group.sourcesCount) << 4); piece < end; piece += 16, at += 16) {
        v128.store(at, v128.andnot(v128.load(at), v128.load(piece)));
      }
      work += 1 + <u32>group.targetsCount + <u32>group.sourcesCount;
    }
  }
  return work;
}
