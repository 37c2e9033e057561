/** All counter slots are taken: more rules than the kernel maps hold. */
export class SlotsExhausted extends Error {
  override readonly name = "SlotsExhausted";
}

/**
 * Which counter of the kernel belongs to which rule. A rule keeps its slot over policy swaps, so that its counts survive;
 * a slot that a rule gave up is taken again only after `recycle`, when no packet can count on it any more.
 */
export class SlotTable {
  readonly #byId = new Map<number, number>();
  readonly #free: number[] = [];

  constructor(capacity: number, taken: ReadonlyMap<number, number> = new Map()) {
    const used = new Set(taken.values());
    for (let slot = capacity - 1; slot >= 0; slot--) if (!used.has(slot)) this.#free.push(slot);
    for (const [id, slot] of taken) this.#byId.set(id, slot);
  }

  /** The slot of a rule id, or undefined. */
  get(id: number): number | undefined {
    return this.#byId.get(id);
  }

  entries(): IterableIterator<[number, number]> {
    return this.#byId.entries();
  }

  /**
   * Gives every id in `wanted` a slot and forgets all others. Returns the slots that are new (their counters must be
   * zeroed before use) and those given up (pass them to `recycle` after a grace period). Throws SlotsExhausted, unchanged.
   */
  assign(wanted: Iterable<number>): { fresh: number[]; retired: number[] } {
    const ids = new Set(wanted);
    const missing = [...ids].filter((id) => !this.#byId.has(id));
    if (missing.length > this.#free.length) {
      throw new SlotsExhausted(`${ids.size} rules need counters, ${this.#free.length} of them new, but the kernel maps are full`);
    }
    const retired: number[] = [];
    for (const [id, slot] of this.#byId) {
      if (!ids.has(id)) {
        this.#byId.delete(id);
        retired.push(slot);
      }
    }
    const fresh = missing.map((id) => {
      const slot = this.#free.pop() ?? 0;
      this.#byId.set(id, slot);
      return slot;
    });
    return { fresh, retired };
  }

  recycle(slots: Iterable<number>): void {
    for (const slot of slots) this.#free.push(slot);
  }
}
