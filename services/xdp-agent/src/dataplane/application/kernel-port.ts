/** Totals and per-slot counters, summed over CPUs. Times are CLOCK_MONOTONIC in nanoseconds, 0 for never. */
export interface CounterValue {
  readonly packets: number;
  readonly bytes: number;
  readonly lastNs: bigint;
}

export type CounterMap = "rules" | "forwards" | "totals";

/** The kernel as the data plane needs it: mapped memory, counters, and grace periods. */
export interface KernelPort {
  /** Memory of each generation's policy map. */
  readonly generations: readonly Uint8Array[];
  /** Index of the generation in force. */
  active(): number;
  /** Puts a generation in force: one aligned store. */
  activate(generation: number): void;
  /** Resolves when no packet that began before the call is still being judged (RCU grace period). */
  gracePeriod(): Promise<void>;
  zeroCounters(map: "rules" | "forwards", slots: readonly number[]): void;
  readCounters(map: CounterMap, slots: readonly number[]): CounterValue[];
  /** CLOCK_MONOTONIC now, nanoseconds. */
  monotonicNs(): bigint;
}
