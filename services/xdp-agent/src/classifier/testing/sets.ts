/** Address sets at random, and the obvious way to ask them. */
import fc from "fast-check";
import { PREFIX_BYTES, type SetEntries } from "../types.js";
import { prefixes, within, type Address } from "./policy.js";

export interface TestSet {
  readonly bit: number;
  readonly prefixes: readonly Address[];
}

export const testSets = (maxLength: number): fc.Arbitrary<TestSet[]> =>
  fc.uniqueArray(fc.record({ bit: fc.constantFrom(0, 1, 2, 31, 32, 63), prefixes: fc.array(prefixes, { maxLength, size: "max" }) }), { selector: ({ bit }) => bit });

export function encodeSets(sets: readonly TestSet[]): SetEntries[] {
  return sets.map(({ bit, prefixes: members }) => {
    const bytes = new Uint8Array(members.length * PREFIX_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [i, { words, length }] of members.entries()) {
      for (const [w, word] of words.entries()) view.setUint32(i * PREFIX_BYTES + w * 4, word);
      bytes[i * PREFIX_BYTES + 16] = length;
    }
    return { bit, prefixes: bytes, count: members.length };
  });
}

const isIpv4 = (words: readonly number[]): boolean => words[0] === 0 && words[1] === 0 && words[2] === 0xffff;

/** The bit mask of the sets that hold an address; a prefix holds addresses of its own family only. */
export function maskOf(sets: readonly TestSet[], family: 4 | 6, words: Address["words"]): bigint {
  return sets.filter(({ prefixes: members }) => members.some((prefix) =>
    (prefix.length >= 96 && isIpv4(prefix.words)) === (family === 4) && within(prefix, words))).reduce((mask, { bit }) => mask | (1n << BigInt(bit)), 0n);
}
