/** Sets of small numbers, kept once each and named by an index (hash consing); unions are remembered. */
export class BitSets {
  #words: Uint32Array;
  #count = 0;
  #table = new Int32Array(1024).fill(-1);
  readonly #unions = new Map<number, number>();

  /** @param width 32-bit words of a set */
  constructor(readonly width: number) {
    this.#words = new Uint32Array(width * 512);
  }

  get count(): number { return this.#count; }

  /** All sets, one after the other. */
  get words(): Uint32Array { return this.#words.subarray(0, this.#count * this.width); }

  /** The index of the set that stands in `words` from `at` on. */
  intern(words: Uint32Array, at = 0): number {
    const { width } = this;
    let hash = 0x9e3779b9;
    for (let i = 0; i < width; i++) hash = Math.imul(hash ^ words[at + i]! ^ (hash >>> 15), 0x85ebca6b);
    const mask = this.#table.length - 1;
    for (let slot = (hash ^ (hash >>> 16)) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#table[slot]!;
      if (index === -1) return this.#append(words, at, slot);
      let same = true;
      for (let i = 0; same && i < width; i++) same = this.#words[index * width + i] === words[at + i];
      if (same) return index;
    }
  }

  /** The index of the union of two sets. */
  union(left: number, right: number): number {
    if (left === right) return left;
    const key = left < right ? left * 2 ** 26 + right : right * 2 ** 26 + left;
    let found = this.#unions.get(key);
    if (found === undefined) {
      const words = new Uint32Array(this.width);
      for (let i = 0; i < this.width; i++) words[i] = this.#words[left * this.width + i]! | this.#words[right * this.width + i]!;
      found = this.intern(words);
      this.#unions.set(key, found);
    }
    return found;
  }

  #append(words: Uint32Array, at: number, slot: number): number {
    const index = this.#count++;
    if ((index + 1) * this.width > this.#words.length) {
      const larger = new Uint32Array(this.#words.length * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words.set(words.subarray(at, at + this.width), index * this.width);
    this.#table[slot] = index;
    if (this.#count * 2 > this.#table.length) this.#grow();
    return index;
  }

  #grow(): void {
    const sets = this.words;
    this.#table = new Int32Array(this.#table.length * 2).fill(-1);
    this.#count = 0;
    for (let index = 0; index * this.width < sets.length; index++) this.intern(sets, index * this.width);
  }
}
