/** Changes inputs: bytes within a step, and which steps there are in which order. */
import type { Random } from "../random.js";
import { sizeOf, type Input, type Step } from "./input.js";

export interface Material {
  /** Words of the format: put in whole. */
  readonly words: readonly Uint8Array[];
  /** Kinds that a step may have. */
  readonly kinds: readonly number[];
  /** Longest input, bytes. */
  readonly most: number;
  /** Most steps. */
  readonly steps: number;
}

/** Borders at which lengths and counters go wrong. */
const NUMBERS = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 129, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 16_383, 16_384, 32_767, 32_768,
  65_534, 65_535, 65_536, 0xff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

function numberBytes(random: Random): Uint8Array {
  const width = random.pick([1, 2, 2, 3, 4, 4, 8]);
  const value = random.chance(20) ? random.u32() : random.pick(NUMBERS);
  const bytes = Buffer.alloc(8);
  if (random.chance(50)) {
    bytes.writeUInt32BE(value, 4);
    return bytes.subarray(8 - width);
  }
  bytes.writeUInt32LE(value, 0);
  return bytes.subarray(0, width);
}

const spliced = (bytes: Uint8Array, at: number, remove: number, put: Uint8Array): Uint8Array => {
  const result = new Uint8Array(bytes.length - remove + put.length);
  result.set(bytes.subarray(0, at));
  result.set(put, at);
  result.set(bytes.subarray(at + remove), at + put.length);
  return result;
};

const piece = (random: Random, bytes: Uint8Array, most: number): { readonly at: number; readonly length: number } => {
  const at = random.below(bytes.length + 1);
  return { at, length: Math.min(bytes.length - at, random.below(most) + 1) };
};

/** One change of the bytes. */
function changed(random: Random, bytes: Uint8Array, words: readonly Uint8Array[], other: Uint8Array): Uint8Array {
  if (bytes.length === 0) return words.length > 0 ? random.pick(words) : Uint8Array.of(random.below(256));
  const { at, length } = piece(random, bytes, random.chance(80) ? 8 : 512);
  switch (random.weighted([[6, 0], [6, 1], [5, 2], [5, 3], [4, 4], [4, 5], [3, 6], [2, 7], [2, 8]] as const)) {
    case 0: { // One bit.
      const copy = bytes.slice();
      const where = random.below(copy.length);
      copy[where] = (copy[where] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 1: { // One byte, a little up or down or anything.
      const copy = bytes.slice();
      const where = random.below(copy.length);
      copy[where] = random.chance(50) ? random.below(256) : (copy[where] ?? 0) + random.between(-4, 4);
      return copy;
    }
    case 2: { // A number over what was there.
      const number = numberBytes(random);
      return spliced(bytes, at, Math.min(number.length, bytes.length - at), number);
    }
    case 3: return words.length === 0 ? bytes : spliced(bytes, at, random.chance(50) ? length : 0, random.pick(words));
    case 4: return spliced(bytes, at, length, new Uint8Array());
    case 5: return spliced(bytes, random.below(bytes.length + 1), 0, bytes.subarray(at, at + length));
    case 6: { // A piece of something else.
      const from = piece(random, other, 64);
      return spliced(bytes, at, random.chance(50) ? length : 0, other.subarray(from.at, from.at + from.length));
    }
    case 7: return spliced(bytes, at, 0, new Uint8Array(random.pick([1, 16, 100, 1_000])).fill(bytes[Math.min(at, bytes.length - 1)] ?? 0));
    case 8: return bytes.slice(0, at);
  }
}

function changedSteps(random: Random, steps: Step[], kinds: readonly number[], other: Input): void {
  const at = random.below(steps.length);
  const step = steps[at];
  if (step === undefined) return;
  switch (random.below(7)) {
    case 0: steps.splice(at, 1); break;
    case 1: steps.splice(random.below(steps.length + 1), 0, step); break;
    case 2: steps.push(...steps.splice(at, 1)); break;
    case 3: { // In two.
      const cut = random.below(step.bytes.length + 1);
      steps.splice(at, 1, { ...step, bytes: step.bytes.slice(0, cut) }, { ...step, bytes: step.bytes.slice(cut) });
      break;
    }
    case 4: steps[at] = { ...step, kind: random.pick(kinds) }; break;
    case 5: if (other.length > 0) steps.splice(at, 0, random.pick(other)); break;
    case 6: steps.length = at + 1; break;
  }
}

/** A changed input, from 1 to about 12 changes away. */
export function mutate(random: Random, input: Input, other: Input, { words, kinds, most, steps: mostSteps }: Material): Input {
  const steps = [...input];
  for (let changes = random.chance(50) ? 1 : random.between(2, 12); changes > 0; changes--) {
    if (steps.length === 0 || random.chance(20)) {
      if (steps.length === 0) steps.push(...other);
      changedSteps(random, steps, kinds, other);
      continue;
    }
    const at = random.below(steps.length);
    const step = steps[at];
    const foreign = other.length === 0 ? new Uint8Array() : random.pick(other).bytes;
    if (step !== undefined) steps[at] = { ...step, bytes: changed(random, step.bytes, words, foreign) };
  }
  steps.length = Math.min(steps.length, mostSteps);
  while (steps.length > 1 && sizeOf(steps) > most) steps.pop();
  return steps.map((step) => (step.bytes.length > most ? { ...step, bytes: step.bytes.slice(0, most) } : step));
}
