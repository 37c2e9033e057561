import type { LimitCost } from "../domain/rate.js";

/**
 * A token bucket in exact fractions, the obvious way: tokens are nanoseconds in fixed point 32.32, `burstNs` of them at
 * most. A packet passes if its cost is there, or if the bucket is full.
 */
export class BucketModel {
  readonly #cost: LimitCost;
  readonly #depth: bigint;
  #tokens: bigint;
  #at = 0n;

  constructor(cost: LimitCost) {
    this.#cost = cost;
    this.#depth = cost.burstNs << 32n;
    this.#tokens = this.#depth;
  }

  /** How far from a decision the bucket was at the last packet, in nanoseconds: rounding may decide what is nearer than one. */
  margin = 0n;

  passes(nowNs: bigint, amount: number): boolean {
    const earned = (nowNs - this.#at) << 32n;
    this.#at = nowNs;
    this.#tokens = this.#tokens + earned > this.#depth ? this.#depth : this.#tokens + earned;
    const price = this.#cost.unitNs * BigInt(amount);
    const needed = price < this.#depth ? price : this.#depth;
    const spare = this.#tokens - needed;
    this.margin = (spare < 0n ? -spare : spare) >> 32n;
    if (spare < 0n) return false;
    this.#tokens -= price;
    return true;
  }
}
