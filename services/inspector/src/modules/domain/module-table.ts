import type { InspectorModule, ModuleBinding } from "@secuxflow/contracts";

/** The module mask of a packet has 32 bits. */
const MAX_MODULES = 32;

/** A module as its file describes it. */
export type Offer = Pick<InspectorModule, "name" | "version" | "digest" | "title">;

interface Row extends Offer {
  readonly slot: number;
  readonly strikes: number;
  readonly lastFault: string | undefined;
}

/** What to do with a module after a fault; `stale` when the fault is of a version that was replaced since. */
export type Sentence = "restart" | "quarantined" | "stale";

/**
 * What this inspector knows of its modules: which are offered, what the policy calls them, and how often each failed. Each name
 * has a slot for the life of the process. Pure: loading and ending is up to the caller.
 */
export class ModuleTable {
  readonly #rows: Row[] = [];
  #bindings: ReadonlyMap<string, ModuleBinding> = new Map();

  constructor(private readonly maxStrikes: number) {}

  /**
   * Takes up a module. A new digest of a known name replaces it and is free of strikes.
   * @returns its slot, and whether it has to be loaded; undefined when 32 names are known already
   */
  offer(offer: Offer): { readonly slot: number; readonly changed: boolean } | undefined {
    const known = this.#rows.find(({ name }) => name === offer.name);
    if (known?.digest === offer.digest) return { slot: known.slot, changed: false };
    const slot = known?.slot ?? this.#rows.length;
    if (slot >= MAX_MODULES) return undefined;
    this.#rows[slot] = { ...offer, slot, strikes: 0, lastFault: undefined };
    return { slot, changed: true };
  }

  /** What the policy says. @returns slots whose bit is another one now */
  bind(bindings: ReadonlyMap<string, ModuleBinding>): number[] {
    const before = this.#rows.map(({ slot }) => this.bit(slot));
    this.#bindings = bindings;
    return this.#rows.map(({ slot }) => slot).filter((slot) => this.bit(slot) !== before[slot]);
  }

  /** The module's bit in the masks of packets, or -1 while the policy does not know its name. */
  bit(slot: number): number {
    const row = this.#rows[slot];
    return (row && this.#bindings.get(row.name)?.bit) ?? -1;
  }

  name(slot: number): string {
    return this.#rows[slot]?.name ?? `slot-${slot}`;
  }

  strike(slot: number, digest: string, fault: string): Sentence {
    const row = this.#rows[slot];
    if (row?.digest !== digest || this.#quarantined(row)) return "stale";
    const struck = { ...row, strikes: row.strikes + 1, lastFault: fault };
    this.#rows[slot] = struck;
    return this.#quarantined(struck) ? "quarantined" : "restart";
  }

  /** Slots of the modules that may run; those with fewest strikes first, so that they see a batch before one that may hang. */
  runnable(): number[] {
    return this.#rows.filter((row) => !this.#quarantined(row)).sort((a, b) => a.strikes - b.strikes || a.slot - b.slot)
      .map(({ slot }) => slot);
  }

  digest(slot: number): string | undefined {
    return this.#rows[slot]?.digest;
  }

  /** Mask of the bits of the modules that run. */
  runningMask(): number {
    return this.runnable().reduce((mask, slot) => (this.bit(slot) < 0 ? mask : mask | (1 << this.bit(slot))), 0) >>> 0;
  }

  list(): InspectorModule[] {
    return this.#rows.map((row) => ({
      name: row.name, version: row.version, digest: row.digest, title: row.title, strikes: row.strikes,
      state: this.#quarantined(row) ? "quarantined" : this.bit(row.slot) < 0 ? "waiting" : "running",
    }));
  }

  /** What is wrong with modules, for people. */
  problems(): string[] {
    return this.#rows.flatMap((row) => {
      const bound = this.#bindings.get(row.name);
      if (this.#quarantined(row)) {
        return [`module ${row.name} ${row.version} is quarantined after ${row.strikes} strikes `
          + `(last: ${row.lastFault ?? "unknown"}); replace it by a new version, or restart this inspector to try it again`];
      }
      if (bound && bound.digest !== row.digest) {
        return [`module ${row.name} runs as version ${row.version} (${row.digest.slice(0, 19)}), `
          + `the policy has ${bound.version} (${bound.digest.slice(0, 19)})`];
      }
      return [];
    });
  }

  #quarantined({ strikes }: Row): boolean {
    return strikes >= this.maxStrikes;
  }
}
