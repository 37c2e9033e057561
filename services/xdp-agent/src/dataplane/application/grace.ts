/**
 * Runs actions once no packet that began before is still being judged. Actions that come during a grace period share the
 * next one: under a burst of changes there is one wait at a time.
 */
export class GraceQueue {
  readonly #gracePeriod: () => Promise<void>;
  #waiting: (() => void)[] = [];
  #running: Promise<void> | undefined;

  constructor(gracePeriod: () => Promise<void>) {
    this.#gracePeriod = gracePeriod;
  }

  /** The wait begins once the caller's synchronous code has ended: what it puts in force then counts. */
  after(action: () => void): void {
    this.#waiting.push(action);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when a grace period that is under way has ended, with those that are asked for until then. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#gracePeriod();
      // One that fails must not keep the others from giving their maps back.
      for (const action of batch) {
        try {
          action();
        } catch (error) {
          process.emitWarning(error instanceof Error ? error : String(error));
        }
      }
    }
  }
}

/** Maps of which one is in force and the others are spare, or may still be read. */
export class SpareMaps {
  readonly #grace: GraceQueue;
  readonly #free: number[];
  #wanted: (() => void)[] = [];

  constructor(grace: GraceQueue, count: number, inForce: number) {
    this.#grace = grace;
    this.#free = Array.from({ length: count }, (_, index) => index).filter((index) => index !== inForce);
  }

  /** A map that no packet reads, the longest unused one. Waits where all may still be read. Give it back, or retire it after use. */
  async take(): Promise<number> {
    for (;;) {
      const index = this.#free.shift();
      if (index !== undefined) return index;
      await new Promise<void>((resolve) => this.#wanted.push(resolve));
    }
  }

  /** It was never put in force. */
  giveBack(index: number): void {
    this.#free.push(index);
    const wanted = this.#wanted;
    this.#wanted = [];
    for (const wake of wanted) wake();
  }

  /** It is no longer in force: spare again after a grace period. */
  retire(index: number): void {
    this.#grace.after(() => { this.giveBack(index); });
  }
}
