import { type PolicyInKernel, readPolicy, writePolicy, type KernelPolicy } from "../domain/encode.js";
import { KERNEL_LIMITS } from "../domain/layout.js";
import { SlotTable } from "../domain/slots.js";
import type { CounterValue, KernelPort } from "./kernel-port.js";

/** What a change gave up: it may still be read or counted on until a grace period has passed. */
interface Retired {
  readonly generation: number;
  readonly rules: readonly number[];
  readonly forwards: readonly number[];
}

/**
 * Puts policies in force. A change writes a generation that no packet reads, then stores its index: every packet sees
 * all of the old policy or all of the new one. A generation, and the counter slots of rules that are gone, are used
 * again only after a grace period.
 */
export class DataPlane {
  readonly #kernel: KernelPort;
  readonly #ruleSlots: SlotTable;
  readonly #forwardSlots: SlotTable;
  readonly #busy = new Set<number>();
  readonly #retired: Retired[] = [];
  #recycling: Promise<void> | undefined;
  #revision: number;

  constructor(kernel: KernelPort) {
    this.#kernel = kernel;
    const standing = readPolicy(this.#memory(kernel.active())) ?? ({ revision: 0, rules: new Map(), forwards: new Map() } satisfies PolicyInKernel);
    this.#revision = standing.revision;
    this.#ruleSlots = new SlotTable(KERNEL_LIMITS.rules, standing.rules);
    this.#forwardSlots = new SlotTable(KERNEL_LIMITS.forwards, standing.forwards);
  }

  /** The revision in force in the kernel; after a restart, the one the maps were left with. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Puts a policy in force and returns once packets are judged by it. Waits first where every spare generation may
   * still be read. Throws SlotsExhausted or PolicyNotApplicable (nothing changed).
   */
  async apply(policy: KernelPolicy, wallNowMs: () => number = Date.now): Promise<void> {
    const target = await this.#spareGeneration();
    const rules = this.#ruleSlots.assign(policy.rules.map((rule) => rule.id));
    const forwards = this.#forwardSlots.assign(policy.forwards.map((forward) => forward.id));
    this.#kernel.zeroCounters("rules", rules.fresh);
    this.#kernel.zeroCounters("forwards", forwards.fresh);
    const monotonicMinusWall = this.#kernel.monotonicNs() - BigInt(wallNowMs()) * 1_000_000n;
    writePolicy(
      this.#memory(target), policy,
      { rule: (id) => this.#ruleSlots.get(id) ?? 0, forward: (id) => this.#forwardSlots.get(id) ?? 0 },
      (iso) => BigInt(Date.parse(iso)) * 1_000_000n + monotonicMinusWall,
    );
    const previous = this.#kernel.active();
    this.#kernel.activate(target);
    this.#revision = policy.revision;
    this.#retire({ generation: previous, rules: rules.retired, forwards: forwards.retired });
  }

  /** Counters of all rules in force, by id. */
  ruleCounters(): Map<number, CounterValue> {
    return this.#counters("rules", this.#ruleSlots);
  }

  forwardCounters(): Map<number, CounterValue> {
    return this.#counters("forwards", this.#forwardSlots);
  }

  totals(slots: readonly number[]): CounterValue[] {
    return this.#kernel.readCounters("totals", slots);
  }

  /** What is retired during a grace period shares the next one: under a burst of changes there is one wait at a time. */
  #retire(retired: Retired): void {
    this.#busy.add(retired.generation);
    this.#retired.push(retired);
    this.#recycling ??= this.#recycle().finally(() => {
      this.#recycling = undefined;
    });
  }

  async #recycle(): Promise<void> {
    while (this.#retired.length > 0) {
      const batch = this.#retired.splice(0);
      await this.#kernel.gracePeriod();
      for (const { generation, rules, forwards } of batch) {
        this.#busy.delete(generation);
        this.#ruleSlots.recycle(rules);
        this.#forwardSlots.recycle(forwards);
      }
    }
  }

  #counters(map: "rules" | "forwards", table: SlotTable): Map<number, CounterValue> {
    const entries = [...table.entries()];
    const values = this.#kernel.readCounters(map, entries.map(([, slot]) => slot));
    return new Map(entries.map(([id], index) => [id, values[index] ?? { packets: 0, bytes: 0, lastNs: 0n }]));
  }

  #memory(generation: number): Uint8Array {
    const memory = this.#kernel.generations[generation];
    if (!memory) throw new RangeError(`the kernel maps name generation ${generation}, there are ${this.#kernel.generations.length}`);
    return memory;
  }

  async #spareGeneration(): Promise<number> {
    for (;;) {
      const active = this.#kernel.active();
      const spare = this.#kernel.generations.findIndex((_, index) => index !== active && !this.#busy.has(index));
      if (spare >= 0) return spare;
      await this.#recycling; // what is busy is being recycled: that wait is the one to share
    }
  }
}
