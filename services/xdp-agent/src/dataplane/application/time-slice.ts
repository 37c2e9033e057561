import { setImmediate } from "node:timers/promises";

/** Long work on the event loop, in pieces: between them, timers and sockets get their turn. */
export class TimeSlice {
  readonly #longestMs: number;
  #began = performance.now();

  constructor(longestMs = 5) {
    this.#longestMs = longestMs;
  }

  /** Whether it is time to `yield`. A look at the clock: ask once in some tens of elements. */
  get over(): boolean {
    return performance.now() - this.#began > this.#longestMs;
  }

  async yield(): Promise<void> {
    await setImmediate();
    this.#began = performance.now();
  }
}
