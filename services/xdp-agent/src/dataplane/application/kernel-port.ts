/** Totals and per-slot counters, summed over CPUs. Times are CLOCK_MONOTONIC in nanoseconds, 0 for never. */
export interface CounterValue {
  readonly packets: number;
  readonly bytes: number;
  readonly lastNs: number;
}

export type CounterMap = "rules" | "forwards" | "totals";

/** Counters of consecutive slots, element by element; valid until the next block is read. */
export interface CounterBlock {
  /** Slot of the first element. */
  readonly first: number;
  readonly count: number;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly lastNs: Float64Array;
}

/** The kernel as the data plane needs it: mapped memory, counters, and grace periods. */
export interface KernelPort {
  /** Memory of each generation's policy map. */
  readonly generations: readonly Uint8Array[];
  /** Memory of each rule image, and of each image of address sets. */
  readonly images: readonly Uint8Array[];
  readonly setImages: readonly Uint8Array[];
  /** Index of the generation in force. */
  active(): number;
  /** Puts a generation in force: one aligned store, after all that was written before. */
  activate(generation: number): void;
  /** Resolves when no packet that began before the call is still being judged (RCU grace period). */
  gracePeriod(): Promise<void>;
  /** Sets the counters of these slots to zero: many with few system calls. Blocks some microseconds for each hundred. */
  zeroCounters(map: "rules" | "forwards", slots: readonly number[]): void;
  readCounters(map: CounterMap, slots: readonly number[]): CounterValue[];
  /** Reads the counters of slots below `end` in blocks, some thousand each, as the caller asks for them. */
  ruleCounterBlocks(end: number): Iterable<CounterBlock>;
  /** CLOCK_MONOTONIC now, nanoseconds. */
  monotonicNs(): bigint;
}
