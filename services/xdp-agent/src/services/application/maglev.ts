import { createHash } from "node:crypto";

/** A backend as the table knows it. The name decides where it stands: the same name, the same preferences, on every host. */
export interface MaglevBackend {
  readonly name: string;
  /** Its share relative to the others, a whole number; with 0 it gets nothing. */
  readonly weight: number;
  /** What stands in the table for it, 0 to 255. */
  readonly slot: number;
}

/** One permutation of the entries for each backend (Maglev 3.4): offset + i * skip modulo the size. */
const preferences = (name: string, size: number): { offset: number; skip: number } => {
  const digest = createHash("sha256").update(name).digest();
  return { offset: Number(digest.readBigUInt64LE(0) % BigInt(size)), skip: Number(digest.readBigUInt64LE(8) % BigInt(size - 1)) + 1 };
};

/**
 * Fills a look-up table by Maglev's consistent hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer", NSDI 2016, section 3.4): backends take turns, each taking the next entry of its own permutation that is still
 * free; one with weight w takes w turns a round. Shares are even, and when a backend goes, nearly all entries of the others
 * stay. The order of `backends` does not matter.
 *
 * @param size number of entries, a prime, so that every permutation visits all of them
 * @returns the slot of a backend for each entry; undefined where no backend has a weight
 */
export function maglevTable(backends: readonly MaglevBackend[], size: number): Uint8Array | undefined {
  const turns = backends.filter(({ weight }) => weight > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, weight, slot }) => ({ weight, slot, position: preferences(name, size).offset, skip: preferences(name, size).skip }));
  if (turns.length === 0) return undefined;
  const table = new Uint8Array(size);
  const taken = new Uint8Array(size);
  for (let filled = 0; filled < size;) {
    for (const turn of turns) {
      for (let i = 0; i < turn.weight && filled < size; i++) {
        while (taken[turn.position] !== 0) turn.position = (turn.position + turn.skip) % size;
        table[turn.position] = turn.slot;
        taken[turn.position] = 1;
        filled++;
      }
    }
  }
  return table;
}
