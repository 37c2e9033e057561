/** What a worker is doing, as it writes it into memory that it shares with the watchdog. */
export interface WorkerSample {
  /** Grows at the start and at the end of each call: odd while a call runs. */
  readonly calls: number;
  /** The module that runs, or that ran last. */
  readonly slot: number;
  /** Whether the call loads the module or lets it inspect. */
  readonly loading: boolean;
}

/**
 * Finds calls that take too long. It counts looks, not time: when the whole process stood still (suspended, starved), one look is
 * missed and no module is blamed.
 */
export class Watchdog {
  #calls = 0;
  #unchanged = 0;

  /** @param looks how many looks in a row may see the same call; @param looksLoading the same for loading */
  constructor(private readonly looks: number, private readonly looksLoading: number) {}

  /** @returns the slot of the module whose call is overdue */
  look({ calls, slot, loading }: WorkerSample): number | undefined {
    if (calls % 2 === 0 || calls !== this.#calls) {
      this.#calls = calls;
      this.#unchanged = 0;
      return undefined;
    }
    this.#unchanged += 1;
    return this.#unchanged >= (loading ? this.looksLoading : this.looks) ? slot : undefined;
  }
}
