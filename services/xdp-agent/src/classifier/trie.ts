import type { BitSets } from "./bit-sets.js";
import { COMPARE_BYTES, MAX_NODE_BITS, MAX_SKIP, nodeEntry, TRIE_REACH, TRIE_STEPS } from "./layout.js";
import { sortedOrder } from "./sort.js";
import { ImageTooLarge } from "./types.js";
import type { ImageWriter } from "./writer.js";

/** Prefixes with a set each (an index of {@link BitSets}), in any order, also repeated. */
export interface Prefixes {
  readonly count: number;
  /** Words of the addresses, most significant first: one array for IPv4, four for IPv6. Masked-out bits are zero. */
  readonly words: readonly Uint32Array[];
  readonly lengths: Uint8Array;
  readonly sets: Uint32Array;
}

/** The share of a node's entries that must have a prefix of their own, at the top and below. */
const FILL_TOP = 1 / 16;
const FILL = { skips: 1 / 8, compares: 1 / 2 };
/** Bits that each node looks at where a path would else get too long: TRIE_STEPS of them reach beyond 128 bits. */
const FORCED = 8;

/** "skips": what lies between two nodes is not compared, an address may get a set that is too large; "compares": it is. */
export type TrieKind = "skips" | "compares";

/**
 * Writes a trie whose leaves are, for each address, the union of the sets of all prefixes that hold it. Path and level
 * compression: S. Nilsson, G. Karlsson: IP-address lookup using LC-tries, IEEE JSAC 17(6), 1999.
 * @returns the entry of its root
 */
export function writeTrie(prefixes: Prefixes, kind: TrieKind, sets: BitSets, writer: ImageWriter): number {
  return new TrieBuilder(prefixes, kind, sets, writer).root();
}

class TrieBuilder {
  readonly #width: number;
  /** Sorted by address and length, each prefix once. */
  readonly #words: Uint32Array[];
  readonly #lengths: Uint8Array;
  readonly #values: Uint32Array;
  readonly #empty: number;

  constructor(prefixes: Prefixes, private readonly kind: TrieKind, private readonly sets: BitSets, private readonly writer: ImageWriter) {
    this.#width = prefixes.words.length * 32;
    const order = sortedOrder(prefixes.count, [...prefixes.words, prefixes.lengths]);
    this.#words = prefixes.words.map(() => new Uint32Array(prefixes.count));
    const lengths = new Uint8Array(prefixes.count);
    const values = new Uint32Array(prefixes.count);
    let last = -1;
    for (const from of order) {
      const same = last >= 0 && lengths[last] === prefixes.lengths[from] && prefixes.words.every((word, i) => word[from] === this.#words[i]![last]);
      if (same) {
        values[last] = sets.union(values[last]!, prefixes.sets[from]!);
        continue;
      }
      last++;
      for (let i = 0; i < this.#words.length; i++) this.#words[i]![last] = prefixes.words[i]![from]!;
      lengths[last] = prefixes.lengths[from]!;
      values[last] = prefixes.sets[from]!;
    }
    this.#lengths = lengths.subarray(0, last + 1);
    this.#values = values.subarray(0, last + 1);
    this.#empty = sets.intern(new Uint32Array(sets.width));
  }

  root(): number {
    const whole = this.#lengths[0] === 0 ? 1 : 0;
    return this.#node(whole, this.#lengths.length, 0, 0, 0, whole === 1 ? this.#values[0]! : this.#empty);
  }

  /**
   * The entry for prefixes [from, to), all longer than `at` bits and equal up to there; `set` holds whatever matches none.
   * @param reached how many bits the nodes above have looked at or skipped
   * @param depth how many nodes are above
   */
  #node(from: number, to: number, at: number, reached: number, depth: number, set: number): number {
    if (from === to) return set;
    const common = this.#common(from, to, at);
    if (this.kind === "compares") {
      const bits = Math.min(common - at, 32);
      return bits > 0 && this.#fits(at + bits, depth + 1) ? this.#compare(from, to, at, bits, depth, set) : this.#branch(from, to, at, at, depth, set);
    }
    if (this.#lengths[from] === common) return this.#node(from + 1, to, common, reached, depth, this.sets.union(set, this.#values[from]!));
    return this.#branch(from, to, Math.min(common, reached + MAX_SKIP), reached, depth, set);
  }

  #compare(from: number, to: number, at: number, bits: number, depth: number, set: number): number {
    const ends = this.#lengths[from] === at + bits;
    const inner = ends ? this.sets.union(set, this.#values[from]!) : set;
    const offset = this.#take(COMPARE_BYTES, 16);
    const child = this.#node(ends ? from + 1 : from, to, at + bits, at + bits, depth + 1, inner);
    const { u32 } = this.writer;
    u32[offset / 4] = (this.#bits(from, at, bits) << (32 - bits)) >>> 0;
    u32[offset / 4 + 1] = bits;
    u32[offset / 4 + 2] = child;
    u32[offset / 4 + 3] = set;
    return nodeEntry(0, 0, offset);
  }

  #branch(from: number, to: number, at: number, reached: number, depth: number, set: number): number {
    let bits = this.#stride(from, to, at);
    while (!this.#fits(at + bits, depth + 1)) bits++;
    const offset = this.#take(4 << bits, bits >= 4 ? 64 : 16);
    const base = offset / 4;
    const { u32 } = this.writer;
    u32.fill(set, base, base + (1 << bits));
    for (let next = from; next < to;) {
      const slot = this.#bits(next, at, bits);
      // Prefixes that end in this node come before the longer ones below them, wide ones first.
      while (next < to && this.#lengths[next]! <= at + bits && this.#bits(next, at, bits) === slot) {
        const first = base + slot;
        u32.fill(this.sets.union(u32[first]!, this.#values[next]!), first, first + (1 << (at + bits - this.#lengths[next]!)));
        next++;
      }
      const begin = next;
      while (next < to && this.#bits(next, at, bits) === slot) next++;
      if (next > begin) u32[base + slot] = this.#node(begin, next, at + bits, at + bits, depth + 1, u32[base + slot]!);
    }
    return nodeEntry(at - reached, bits, offset);
  }

  /** Whether nodes of FORCED bits get from here to the end in time. */
  #fits(reached: number, depth: number): boolean {
    return this.#width - reached <= FORCED * (TRIE_STEPS - depth);
  }

  #take(bytes: number, align: number): number {
    const offset = this.writer.take(bytes, align);
    if (offset + bytes > TRIE_REACH) throw new ImageTooLarge("tries of an image", offset + bytes, TRIE_REACH);
    return offset;
  }

  /** The most bits that still fill a node well. */
  #stride(from: number, to: number, at: number): number {
    const most = Math.min(MAX_NODE_BITS, this.#width - at);
    const fill = at === 0 ? FILL_TOP : FILL[this.kind];
    let bits = 1;
    while (bits < most && this.#slots(from, to, at, bits + 1) >= fill * 2 ** (bits + 1)) bits++;
    return bits;
  }

  /** In how many of the 2^bits entries a prefix begins. */
  #slots(from: number, to: number, at: number, bits: number): number {
    let count = 0;
    let last = -1;
    for (let i = from; i < to; i++) {
      const slot = this.#bits(i, at, bits);
      if (slot !== last) count++;
      last = slot;
    }
    return count;
  }

  /** Up to where all of [from, to) agree, and none of them ends before. */
  #common(from: number, to: number, at: number): number {
    let common = this.#width;
    for (let i = 0; i < this.#words.length; i++) {
      const difference = this.#words[i]![from]! ^ this.#words[i]![to - 1]!;
      if (difference === 0) continue;
      common = i * 32 + Math.clz32(difference);
      break;
    }
    for (let i = from; common > at && i < to; i++) common = Math.min(common, this.#lengths[i]!);
    return common;
  }

  /** `bits` (1 to 32) bits of the address from `at` on. */
  #bits(index: number, at: number, bits: number): number {
    const word = at >>> 5;
    const inner = at & 31;
    const high = (this.#words[word]![index]! << inner) >>> 0;
    const low = inner === 0 || word + 1 >= this.#words.length ? 0 : this.#words[word + 1]![index]! >>> (32 - inner);
    return (high | low) >>> (32 - bits);
  }
}
