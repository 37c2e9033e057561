import type { CounterBlock, CounterMap, CounterValue, KernelPort } from "../dataplane/application/kernel-port.js";
import { KERNEL_LIMITS, POLICY_VALUE_BYTES } from "../dataplane/domain/layout.js";

const GENERATION_BYTES = POLICY_VALUE_BYTES * (1 + KERNEL_LIMITS.overlay + KERNEL_LIMITS.forwards);

const memories = (count: number, bytes: number): Uint8Array[] => Array.from({ length: count }, () => new Uint8Array(bytes));

/** A kernel in memory whose grace periods end when the test says so. Counters read as their slot. */
export class FakeKernel implements KernelPort {
  readonly generations = memories(KERNEL_LIMITS.generations, GENERATION_BYTES);
  readonly images: readonly Uint8Array[];
  readonly setImages: readonly Uint8Array[];
  readonly zeroed: { map: string; slot: number }[] = [];
  readonly activated: number[] = [];
  nowNs = 1_000_000_000n;
  #active = 0;
  #waiting: (() => void)[] = [];
  #automatic = false;

  constructor(imageBytes = 1 << 18) {
    this.images = memories(KERNEL_LIMITS.images, imageBytes);
    this.setImages = memories(KERNEL_LIMITS.images, imageBytes);
  }

  active(): number {
    return this.#active;
  }

  activate(generation: number): void {
    this.#active = generation;
    this.activated.push(generation);
  }

  gracePeriod(): Promise<void> {
    if (this.#automatic) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** From now on grace periods end at once. */
  endGracePeriodsByThemselves(): this {
    this.#automatic = true;
    this.endGracePeriods();
    return this;
  }

  /** Lets all grace periods end that were asked for so far. */
  endGracePeriods(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Grace periods that were asked for and have not ended. */
  get waiting(): number {
    return this.#waiting.length;
  }

  zeroCounters(map: "rules" | "forwards", slots: readonly number[]): void {
    for (const slot of slots) this.zeroed.push({ map, slot });
  }

  readCounters(_map: CounterMap, slots: readonly number[]): CounterValue[] {
    return slots.map((slot) => ({ packets: slot, bytes: slot * 100, lastNs: 0 }));
  }

  *ruleCounterBlocks(end: number): Generator<CounterBlock> {
    const packets = Float64Array.from({ length: end }, (_, slot) => slot);
    yield { first: 0, count: end, packets, bytes: packets.map((value) => value * 100), lastNs: new Float64Array(end) };
  }

  monotonicNs(): bigint {
    return this.nowNs;
  }
}
