/** All counter slots are taken: more rules than the kernel maps hold. */
export class SlotsExhausted extends Error {
  override readonly name = "SlotsExhausted";
}

/**
 * Which counters of the kernel are free. A rule keeps its slot over policy swaps, so that its counts survive; a slot that
 * a rule gave up is given again only after `recycle`, when no packet can count on it any more. Low slots are given first,
 * so that reading all counters in use reads few others.
 */
export class SlotTable {
  readonly #free: Uint32Array;
  #count = 0;
  #end = 0;

  constructor(capacity: number, taken: Iterable<number> = []) {
    const used = new Uint8Array(capacity);
    for (const slot of taken) {
      used[slot] = 1;
      this.#end = Math.max(this.#end, slot + 1);
    }
    this.#free = new Uint32Array(capacity);
    for (let slot = capacity - 1; slot >= 0; slot--) if (used[slot] === 0) this.#free[this.#count++] = slot;
  }

  /** Slots that can be taken now. */
  get free(): number {
    return this.#count;
  }

  /** All slots that were ever taken are below this one. */
  get end(): number {
    return this.#end;
  }

  /** Throws SlotsExhausted. */
  take(): number {
    if (this.#count === 0) throw new SlotsExhausted(`all ${this.#free.length} counters are taken`);
    const slot = this.#free[--this.#count] ?? 0;
    if (slot >= this.#end) this.#end = slot + 1;
    return slot;
  }

  recycle(slots: Iterable<number>): void {
    for (const slot of slots) this.#free[this.#count++] = slot;
  }
}
