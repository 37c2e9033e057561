/** A seeded stream of random numbers: equal seeds give equal rules and packets on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 bits (the mulberry32 generator of Tommy Ettinger, public domain). */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.u32() / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** One of the list. @throws {RangeError} it is empty */
  pick<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.fraction() * list.length)];
    if (found === undefined) throw new RangeError("a choice from nothing");
    return found;
  }

  /** One of the pairs' first members, chosen by the weights behind them. @throws {RangeError} it is empty */
  weighted<T>(choices: readonly (readonly [T, number])[]): T {
    let left = this.fraction() * choices.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of choices) {
      left -= weight;
      if (left < 0) return value;
    }
    const last = choices.at(-1);
    if (last === undefined) throw new RangeError("a choice from nothing");
    return last[0];
  }

  /**
   * A Pareto number of at least 1 with shape `a` (inverse transform); small `a` means a heavy tail. At most `most`.
   * @throws {RangeError} `a` is not positive
   */
  pareto(a: number, most: number): number {
    if (!(a > 0)) throw new RangeError("the shape of a Pareto distribution is positive");
    return Math.min(most, Math.floor((1 - this.fraction()) ** (-1 / a)));
  }
}
