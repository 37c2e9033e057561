import type { CounterMap, CounterValue, KernelPort } from "../dataplane/application/kernel-port.js";
import { KERNEL_LIMITS, POLICY_VALUE_BYTES } from "../dataplane/domain/layout.js";

/** A kernel in memory whose grace periods end when the test says so. */
export class FakeKernel implements KernelPort {
  readonly generations = Array.from({ length: KERNEL_LIMITS.generations }, () => new Uint8Array(POLICY_VALUE_BYTES * (1 + KERNEL_LIMITS.rules + KERNEL_LIMITS.forwards)));
  readonly zeroed: { map: string; slot: number }[] = [];
  readonly activated: number[] = [];
  nowNs = 1_000_000_000n;
  #active = 0;
  #waiting: (() => void)[] = [];

  active(): number {
    return this.#active;
  }

  activate(generation: number): void {
    this.#active = generation;
    this.activated.push(generation);
  }

  gracePeriod(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets all grace periods end that were asked for so far. */
  endGracePeriods(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Lets grace periods end, as they are asked for, until something is done. */
  async endGracePeriodsUntil(done: Promise<unknown>): Promise<void> {
    let finished = false;
    void done.finally(() => { finished = true; });
    for (let i = 0; i < 1_000 && !finished; i++) {
      this.endGracePeriods();
      await Promise.resolve();
    }
    await done;
  }

  zeroCounters(map: "rules" | "forwards", slots: readonly number[]): void {
    for (const slot of slots) this.zeroed.push({ map, slot });
  }

  readCounters(_map: CounterMap, slots: readonly number[]): CounterValue[] {
    return slots.map((slot) => ({ packets: slot, bytes: slot * 100, lastNs: 0n }));
  }

  monotonicNs(): bigint {
    return this.nowNs;
  }
}
