import type { MatchFields, PolicyState } from "@secuxflow/contracts";
import type { Slots } from "../compare.js";

/**
 * Where policies stand in the kernel. An overlay is scanned, an image is classified; `mixed`: the first of several
 * policies in an image, what changes after it in an overlay before that.
 */
export type Place = "overlay" | "image" | "mixed";

/** Counts of one rule. */
export interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

/** The agent's data plane, as the fuzzer drives it. */
export interface Plane {
  /** Puts a policy in force, all of it in an image if `settled`; packets are judged by it when this resolves. */
  apply(state: PolicyState, settled: boolean): Promise<void>;
  /** Writes the management allow-list. */
  allow(entries: readonly MatchFields[]): void;
  /** Where the rules in force are counted. */
  slots(): Slots;
  ruleCounters(): ReadonlyMap<number, Counted>;
  close(): Promise<void>;
}
