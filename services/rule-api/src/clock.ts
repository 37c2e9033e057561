/** Where time comes from, so that tests can hold it. */
export interface Clock {
  /** Wall clock: what is written into events. */
  now(): Date;
  /** Milliseconds that only grow: what waiting and liveness are measured by. */
  monotonicMs(): number;
}

export const systemClock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
