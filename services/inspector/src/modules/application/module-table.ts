import type { InspectorModule, ModuleBinding } from "@secuxflow/contracts";
import {
  canSwap, countOf, digestOf, rulesOf, sameInstance, type InstanceSpec, type Refusal, type Wanted,
} from "../../inspection/application/instance.js";
import type { LoadMessage, ToWorker } from "../../inspection/worker/to-worker.js";

/** The module mask of a packet has 32 bits. */
const MAX_MODULES = 32;
const ALL = 10_000;

type Told = Exclude<ToWorker, { type: "pack" }>;

interface Seat {
  readonly slot: number;
  readonly spec: InstanceSpec;
}

interface Row {
  readonly name: string;
  base: Seat | undefined;
  canary: (Seat & { readonly share: number; readonly bit: number; loaded: boolean }) | undefined;
  /** A version on its way out, and the threads in which it still has flows. */
  retiring: { readonly slot: number; readonly lanes: Set<number>; readonly bit: number; readonly before: InstanceSpec } | undefined;
  /** Rules that were given to the base, until every thread has taken them. */
  swap: { readonly before: InstanceSpec; readonly lanes: Set<number> } | undefined;
  wanted: Wanted;
  strikes: number;
  lastFault: string | undefined;
  /** Cut off here, after too many strikes. */
  quarantined: boolean;
  /** What failed here and is not tried again until something else is wanted. */
  refused: Refusal | undefined;
  canaryFailed: (Refusal & { readonly share: number; readonly versionName: string; readonly digest: string }) | undefined;
}

/** What to do with a module after a fault; `stale` when the fault is of an instance that is gone already. */
export interface Sentence {
  readonly verdict: "restart" | "quarantined" | "rolled-back" | "stale";
  readonly name: string;
  /** For all threads. */
  readonly tell: readonly Told[];
  /** For single threads. */
  readonly only: readonly { readonly lane: number; readonly message: Told }[];
}

/** @param drainMs how long flows stay with the version that they began with */
export interface TableOptions {
  readonly maxStrikes: number;
  readonly drainMs: number;
  readonly lanes: number;
}

/**
 * What this inspector runs, and how often it failed: for each name a base, maybe a canary beside it, maybe an old version that
 * still has flows. It says what the threads are to be told; pure, loading and ending is up to the caller. Slots name instances
 * and are never used twice.
 */
export class ModuleTable {
  readonly #rows = new Map<string, Row>();
  readonly #slots = new Map<number, { readonly name: string; readonly digest: string; readonly canary: boolean }>();
  #bindings: ReadonlyMap<string, ModuleBinding> = new Map();
  #nextSlot = 0;

  constructor(private readonly options: TableOptions) {}

  /**
   * What should run under a name from now on.
   * @returns what every thread is to be told; undefined when 32 names are known already
   */
  want(name: string, wanted: Wanted): Told[] | undefined {
    const known = this.#rows.get(name);
    if (known === undefined && this.#rows.size >= MAX_MODULES) return undefined;
    const row: Row = known ?? {
      name, base: undefined, canary: undefined, retiring: undefined, swap: undefined, wanted, strikes: 0, lastFault: undefined,
      quarantined: false, refused: undefined, canaryFailed: undefined,
    };
    this.#rows.set(name, row);
    const tell: Told[] = known === undefined ? [{ type: "bit", name, bit: this.bit(name) }] : [];
    // Another instance than before is free of what the one before did.
    if (!sameInstance(row.wanted.base, wanted.base)) {
      row.strikes = 0;
      row.quarantined = false;
      row.refused = undefined;
    }
    if (!sameInstance(row.wanted.canary?.spec, wanted.canary?.spec)) row.canaryFailed = undefined;
    row.wanted = wanted;
    const stays = wanted.base === undefined && wanted.refused !== undefined && wanted.off === undefined;
    if (!stays) this.#base(row, tell);
    this.#canary(row, tell);
    return tell;
  }

  /** An administrator trusts it again. */
  release(name: string): Told[] {
    const row = this.#rows.get(name);
    if (row === undefined) return [];
    Object.assign(row, { strikes: 0, quarantined: false, refused: undefined, canaryFailed: undefined });
    return this.want(name, row.wanted) ?? [];
  }

  /** What the policy says. @returns what every thread is to be told */
  bind(bindings: ReadonlyMap<string, ModuleBinding>): Told[] {
    const before = new Map([...this.#rows.keys()].map((name) => [name, this.bit(name)]));
    this.#bindings = bindings;
    const tell: Told[] = [];
    for (const [name, bit] of before) if (this.bit(name) !== bit) tell.push({ type: "bit", name, bit: this.bit(name) });
    // A bit that a canary borrowed may belong to a module now.
    const taken = new Set([...bindings.values()].map(({ bit }) => bit));
    for (const row of this.#rows.values()) {
      if (row.canary === undefined || !taken.has(row.canary.bit)) continue;
      this.#endCanary(row, tell);
      this.#canary(row, tell);
    }
    return tell;
  }

  /** The module's bit in the masks of packets, or -1 while the policy does not know its name. */
  bit(name: string): number {
    return this.#bindings.get(name)?.bit ?? -1;
  }

  /** The name of the module of an instance, also of one that is gone. */
  name(slot: number): string {
    return this.#slots.get(slot)?.name ?? `slot-${slot}`;
  }

  isCanary(slot: number): boolean {
    return this.#slots.get(slot)?.canary === true;
  }

  loaded(slot: number): void {
    for (const { canary } of this.#rows.values()) if (canary?.slot === slot) canary.loaded = true;
  }

  /** A thread has taken the rules that it was given. */
  swapped(slot: number, lane: number): void {
    const row = this.#rowOf(slot);
    if (row?.swap === undefined) return;
    row.swap.lanes.delete(lane);
    if (row.swap.lanes.size === 0) row.swap = undefined;
  }

  /** A thread has ended the old version. */
  retired(slot: number, lane: number): void {
    for (const row of this.#rows.values()) {
      if (row.retiring?.slot !== slot) continue;
      row.retiring.lanes.delete(lane);
      if (row.retiring.lanes.size === 0) row.retiring = undefined;
    }
  }

  /** An instance did not take the rules that it was given: all go back to those before. */
  rulesRefused(slot: number, detail: string): Told[] {
    const row = this.#rowOf(slot);
    return row?.swap === undefined ? [] : this.#revert(row, detail);
  }

  /** A fault of an instance. @param lane the thread in which it happened */
  strike(slot: number, fault: string, lane: number): Sentence {
    const row = this.#rowOf(slot);
    const name = this.name(slot);
    const nothing = { verdict: "stale", name, tell: [], only: [] } as const;
    if (row === undefined) return nothing;
    if (row.canary?.slot === slot) {
      const tell: Told[] = [];
      const { spec, share } = row.canary;
      row.canaryFailed = { ...this.#refusal(spec, fault), share, versionName: spec.loaded.manifest.version, digest: digestOf(spec) };
      this.#endCanary(row, tell);
      return { verdict: "rolled-back", name, tell, only: [] };
    }
    if (row.retiring?.slot === slot) {
      // It was on its way out anyway.
      this.retired(slot, lane);
      return { verdict: "rolled-back", name, tell: [], only: [] };
    }
    if (row.base?.slot !== slot || row.quarantined) return nothing;
    if (row.retiring !== undefined) {
      // A new version that fails while the old one is still there.
      const { spec } = row.base;
      const { before, slot: old, lanes } = row.retiring;
      row.refused = this.#refusal(spec, fault);
      row.base = { slot: old, spec: before };
      row.retiring = undefined;
      // Where the old one still has flows it keeps them, and gets the others back.
      const again = this.#load(row.base, "base");
      const only = [...this.#allLanes()].filter((each) => !lanes.has(each)).map((each) => ({ lane: each, message: again }));
      return { verdict: "rolled-back", name, tell: [{ type: "unload", slot }], only };
    }
    if (row.swap?.lanes.has(lane) === true) {
      const tell = this.#revert(row, fault);
      return { verdict: "rolled-back", name, tell, only: [{ lane, message: this.#load(row.base, "base") }] };
    }
    row.strikes += 1;
    row.lastFault = fault;
    if (row.strikes < this.options.maxStrikes) return { verdict: "restart", name, tell: [], only: [{ lane, message: this.#load(row.base, "base") }] };
    row.quarantined = true;
    const tell: Told[] = [];
    this.#base(row, tell);
    this.#canary(row, tell);
    return { verdict: "quarantined", name, tell, only: [] };
  }

  /** What a new thread has to be told: those with fewest strikes first, so that they see a batch before one that may hang. */
  everything(lane: number): Told[] {
    const rows = [...this.#rows.values()].sort((a, b) => a.strikes - b.strikes);
    return rows.flatMap((row): Told[] => {
      // It starts with the newest of all: there are no flows that an old one would have to keep.
      if (row.retiring) this.retired(row.retiring.slot, lane);
      if (row.base) this.swapped(row.base.slot, lane);
      return [
        { type: "bit", name: row.name, bit: this.bit(row.name) },
        ...(row.base ? [this.#load(row.base, "base")] : []),
        ...(row.base && row.canary ? [this.#load(row.canary, "aside"), this.#routeOf(row, row.canary)] : []),
      ];
    });
  }

  /** Mask of the bits of the modules that run. */
  runningMask(): number {
    return [...this.#rows.values()].reduce((mask, { name, base }) =>
      (base === undefined || this.bit(name) < 0 ? mask : mask | (1 << this.bit(name))), 0) >>> 0;
  }

  list(): InspectorModule[] {
    return [...this.#rows.values()].flatMap((row) => {
      const spec = row.base?.spec ?? row.wanted.base;
      if (spec === undefined && row.wanted.refused === undefined) return [];
      const manifest = spec?.loaded.manifest;
      const rules = spec && (spec.rules ?? spec.loaded.builtinRules);
      const refused = row.wanted.refused ?? row.refused;
      return [{
        name: row.name,
        version: manifest?.version ?? "",
        digest: spec ? digestOf(spec) : (row.wanted.refused?.version ?? ""),
        title: manifest?.title ?? "",
        strikes: row.strikes,
        state: this.#state(row),
        ...(manifest?.ruleLanguage && { ruleLanguage: manifest.ruleLanguage }),
        ...(rules && { rules: { digest: `sha256:${rules.digest}`, count: countOf(rules), builtin: spec.rules === undefined } }),
        ...this.#canaryStatus(row),
        ...(row.retiring && { draining: true }),
        ...(refused && { refused: told(refused) }),
      }];
    });
  }

  /** What is wrong with modules, for people. */
  problems(): string[] {
    return [...this.#rows.values()].flatMap((row) => {
      const { name, base, canaryFailed, wanted } = row;
      const bound = this.#bindings.get(name);
      const problems: string[] = [];
      const refused = wanted.refused ?? row.refused;
      const canary = wanted.canaryRefused ?? canaryFailed;
      if (refused) problems.push(`module ${name}: what should run was refused (${refused.kind}): ${refused.problem}`);
      if (canary) problems.push(`module ${name}: the canary was refused (${canary.kind}): ${canary.problem}`);
      const version = (base?.spec ?? wanted.base)?.loaded.manifest.version ?? "";
      if (row.quarantined) {
        problems.push(`module ${name} ${version} is quarantined after ${row.strikes} strikes `
          + `(last: ${row.lastFault ?? "unknown"}); replace it by a new version, or secuxflow-cli module release ${name}`);
      } else if (wanted.off === "quarantined") {
        problems.push(`module ${name} is quarantined in the whole pool: secuxflow-cli module show ${name} says why`);
      } else if (base && bound && bound.digest !== digestOf(base.spec) && refused === undefined) {
        problems.push(`module ${name} runs as version ${version} (${digestOf(base.spec).slice(0, 19)}), `
          + `the policy has ${bound.version} (${bound.digest.slice(0, 19)})`);
      }
      return problems;
    });
  }

  #state(row: Row): InspectorModule["state"] {
    if (row.wanted.off === "disabled") return "disabled";
    if (row.quarantined || row.wanted.off === "quarantined") return "quarantined";
    if (row.base === undefined) return "refused";
    return this.bit(row.name) < 0 ? "waiting" : "running";
  }

  #canaryStatus({ canary, canaryFailed, wanted }: Row): Pick<InspectorModule, "canary"> {
    if (canary) {
      const { spec, share, loaded } = canary;
      const rules = rulesOf(spec);
      return { canary: {
        version: spec.loaded.manifest.version, digest: digestOf(spec), share, state: loaded ? "running" : "loading", ...(rules && { rules }),
      } };
    }
    const refused = wanted.canaryRefused;
    const failed = refused ? { ...refused, versionName: "", digest: refused.version ?? "" } : canaryFailed;
    if (failed === undefined) return {};
    const { versionName, digest, share, rules, problem, kind } = failed;
    return { canary: { version: versionName, digest, share, state: "failed", problem: `${kind}: ${problem}`, ...(rules && { rules }) } };
  }

  #rowOf(slot: number): Row | undefined {
    const row = this.#rows.get(this.#slots.get(slot)?.name ?? "");
    return row && [row.base?.slot, row.canary?.slot, row.retiring?.slot].includes(slot) ? row : undefined;
  }

  #slot(spec: InstanceSpec, canary: boolean): number {
    const slot = this.#nextSlot++;
    this.#slots.set(slot, { name: spec.name, digest: digestOf(spec), canary });
    return slot;
  }

  #load({ slot, spec }: Seat, role: LoadMessage["role"]): LoadMessage {
    const { name, loaded, rules, configure } = spec;
    return { type: "load", slot, name, role, loaded, rules, configure };
  }

  #refusal(spec: InstanceSpec, problem: string): Refusal {
    return { kind: "rejected", version: digestOf(spec), rules: rulesOf(spec), problem };
  }

  /** Brings the base to what is wanted. */
  #base(row: Row, tell: Told[]): void {
    const { wanted, base } = row;
    const target = row.quarantined || wanted.off !== undefined ? undefined : wanted.base;
    if (target === undefined) {
      if (row.canary) this.#endCanary(row, tell);
      if (row.retiring) tell.push({ type: "unload", slot: row.retiring.slot });
      if (base) tell.push({ type: "unload", slot: base.slot });
      Object.assign(row, { base: undefined, retiring: undefined, swap: undefined });
      return;
    }
    if (sameInstance(base?.spec, target) || row.refused !== undefined) return;
    if (base === undefined) {
      row.base = { slot: this.#slot(target, false), spec: target };
      tell.push(this.#load(row.base, "base"));
      return;
    }
    const { canary } = row;
    const promoted = canary !== undefined && sameInstance(canary.spec, target) ? canary : undefined;
    if (promoted === undefined && canSwap(base.spec, target)) {
      row.swap = { before: base.spec, lanes: this.#allLanes() };
      row.base = { slot: base.slot, spec: target };
      tell.push({ type: "rules", slot: base.slot, rules: target.rules });
      return;
    }
    if (promoted === undefined && canary) this.#endCanary(row, tell);
    const bit = promoted?.bit ?? this.#freeBit(row);
    if (row.retiring) tell.push({ type: "unload", slot: row.retiring.slot }); // one at a time keeps flows
    if (bit === undefined) {
      // No bit to tell the two apart by: a clean cut.
      row.base = { slot: this.#slot(target, false), spec: target };
      row.retiring = undefined;
      tell.push(this.#load(row.base, "base"));
      return;
    }
    const next: Seat = promoted ?? { slot: this.#slot(target, false), spec: target };
    if (!promoted) tell.push(this.#load(next, "aside"));
    row.canary = undefined;
    row.swap = undefined;
    row.base = next;
    row.retiring = { slot: base.slot, lanes: this.#allLanes(), bit, before: base.spec };
    tell.push({ type: "route", name: row.name, next: next.slot, nextBit: bit, share: ALL, drainMs: this.options.drainMs, retire: true });
  }

  /** Brings the canary to what is wanted. */
  #canary(row: Row, tell: Told[]): void {
    const wanted = row.base === undefined || row.canaryFailed !== undefined ? undefined : row.wanted.canary;
    const { canary } = row;
    if (canary && wanted && sameInstance(canary.spec, wanted.spec) && canary.share === wanted.share) return;
    if (canary && wanted && sameInstance(canary.spec, wanted.spec)) {
      row.canary = { ...canary, share: wanted.share };
      tell.push(this.#routeOf(row, row.canary));
      return;
    }
    if (canary) this.#endCanary(row, tell);
    if (wanted === undefined || row.base === undefined || sameInstance(row.base.spec, wanted.spec)) return;
    const bit = this.#freeBit(row);
    if (bit === undefined) {
      row.canaryFailed = { ...this.#refusal(wanted.spec, "all 32 bits of the module mask are in use"), share: wanted.share,
        versionName: wanted.spec.loaded.manifest.version, digest: digestOf(wanted.spec) };
      return;
    }
    if (row.retiring) {
      tell.push({ type: "unload", slot: row.retiring.slot });
      row.retiring = undefined;
    }
    row.canary = { slot: this.#slot(wanted.spec, true), spec: wanted.spec, share: wanted.share, bit, loaded: false };
    tell.push(this.#load(row.canary, "aside"), this.#routeOf(row, row.canary));
  }

  #routeOf({ name }: Row, { slot, bit, share }: NonNullable<Row["canary"]>): Told {
    return { type: "route", name, next: slot, nextBit: bit, share, drainMs: this.options.drainMs, retire: false };
  }

  #endCanary(row: Row, tell: Told[]): void {
    if (row.canary) tell.push({ type: "unload", slot: row.canary.slot });
    row.canary = undefined;
  }

  #revert(row: Row, problem: string): Told[] {
    const { swap, base } = row;
    if (swap === undefined || base === undefined) return [];
    row.refused = { ...this.#refusal(base.spec, problem) };
    row.base = { slot: base.slot, spec: swap.before };
    row.swap = undefined;
    return [{ type: "rules", slot: base.slot, rules: swap.before.rules }];
  }

  #allLanes(): Set<number> {
    return new Set(Array.from({ length: this.options.lanes }, (_, lane) => lane));
  }

  /** The highest bit that neither a module nor another canary has. */
  #freeBit(row: Row): number | undefined {
    const taken = new Set([...this.#bindings.values()].map(({ bit }) => bit));
    for (const other of this.#rows.values()) {
      if (other.canary && other !== row) taken.add(other.canary.bit);
      if (other.retiring) taken.add(other.retiring.bit);
    }
    for (let bit = MAX_MODULES - 1; bit >= 0; bit--) if (!taken.has(bit)) return bit;
    return undefined;
  }
}

const told = ({ version, rules, kind, problem }: Refusal) =>
  ({ ...(version && { version }), ...(rules && { rules }), problem: `${kind}: ${problem}` });
