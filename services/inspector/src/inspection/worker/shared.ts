import type { WorkerSample } from "../domain/watchdog.js";

/** The memory that a worker and the watchdog share: three 32-bit numbers. */
export const SHARED_BYTES = 12;
const CALLS = 0;
const SLOT = 1;
const LOADING = 2;

/** The worker's side: notes which module runs. */
export class CallMarks {
  readonly #shared: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.#shared = new Int32Array(shared);
  }

  enter(slot: number, loading: boolean): void {
    Atomics.store(this.#shared, SLOT, slot);
    Atomics.store(this.#shared, LOADING, loading ? 1 : 0);
    Atomics.add(this.#shared, CALLS, 1);
  }

  leave(): void {
    Atomics.add(this.#shared, CALLS, 1);
  }
}

/** The watchdog's side. */
export function sampleOf(shared: SharedArrayBuffer): WorkerSample {
  const marks = new Int32Array(shared);
  return { calls: Atomics.load(marks, CALLS) >>> 0, slot: Atomics.load(marks, SLOT),
    loading: Atomics.load(marks, LOADING) === 1 };
}
