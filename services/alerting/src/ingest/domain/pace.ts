/** A batch of so many messages shows that they come faster than they are stored. */
const LOAD = 16;
/** Inserts a second that need no pause for as long as anybody likes. */
const STEADY = 25;

/**
 * Decides how long to wait after an insert. Each insert makes a part that ClickHouse has to merge, so under load the next
 * batch gathers for a while; on a quiet stream nothing waits. Quiet is: batches below 16 messages, and not more inserts than
 * `burst` at once and 25 a second in the long run.
 */
export class Pace {
  #credit: number;
  #at: number | undefined;

  /** @param burst 0: each insert is followed by the pause */
  constructor(
    private readonly spacingMs: number,
    private readonly burst: number,
  ) {
    this.#credit = burst;
  }

  /** Milliseconds to wait after a batch. @param nowMs of a clock that does not go back */
  after(messages: number, nowMs: number): number {
    this.#credit = Math.min(this.burst, this.#credit + ((nowMs - (this.#at ?? nowMs)) * STEADY) / 1_000);
    this.#at = nowMs;
    if (this.#credit < 1) return this.spacingMs;
    this.#credit--;
    return messages < LOAD ? 0 : this.spacingMs;
  }
}
