import type { PolicyState } from "@secuxflow/contracts";
import { KERNEL_LIMITS } from "../domain/layout.js";
import { readRecords } from "../domain/generation.js";
import { PolicyNotApplicable } from "../domain/names.js";
import type { PolicyChange } from "../domain/policy-change.js";
import { Generations, type StandingImage } from "./generations.js";
import { GraceQueue, SpareMaps } from "./grace.js";
import type { CompiledImage, ImageCompiler } from "./image-compiler.js";
import type { CounterBlock, CounterValue, KernelPort } from "./kernel-port.js";
import { PolicyTables, type PreparedRules } from "./policy-tables.js";
import { SetImages } from "./set-images.js";

/** Parts of the kernel's tables that others write: a policy is put in force once they are ready for it. */
export interface PolicyFeature {
  /** Before the swap: everything that the new policy needs is there, what the old one needs still is. Throws to refuse the policy. */
  prepare(state: PolicyState): void | Promise<void>;
  /** After the swap. */
  applied(state: PolicyState): void;
}

export interface DataPlaneOptions {
  readonly kernel: KernelPort;
  readonly compiler: ImageCompiler;
  /** Index of a service in the kernel's tables, after the features were prepared. Throws PolicyNotApplicable. */
  readonly serviceIndex?: (name: string) => number;
  /** Indexes of the filtered interfaces of that name. */
  readonly ifindexes?: (name: string) => readonly number[];
  readonly features?: readonly PolicyFeature[];
  readonly wallNowMs?: () => number;
  readonly tuning?: Partial<typeof TUNING>;
  /** Told when images cannot be compiled in the background (undefined: it is over). */
  readonly onProblem?: (problem: string | undefined) => void;
}

const TUNING = {
  /** A policy of so few records stands in the overlay alone. */
  smallRecords: 32,
  /** Milliseconds without a change after which an overlay larger than that goes into an image. */
  largeOverlayMs: 250,
  /** The same for a smaller one beside an image: the flow cache works only without an overlay. */
  smallOverlayMs: 1_000,
  /** An image is compiled in the background no more often than this many times its own compile time. */
  compileShare: 5,
};

/**
 * Puts policies in force. A generation is a small overlay of records over an image that was compiled from the whole policy.
 * A change writes a spare generation (a copy of the overlay with what is new), marks what is deleted in the image, and
 * stores the index of the generation: every packet sees all of the old policy or all of the new one. When the overlay is
 * full, or has stood a while, a worker compiles a new image. Maps and counter slots are used again only after a grace period.
 */
export class DataPlane {
  readonly #kernel: KernelPort;
  readonly #options: DataPlaneOptions;
  readonly #tuning: typeof TUNING;
  readonly #grace: GraceQueue;
  readonly #generations: Generations;
  readonly #setImages: SetImages;
  readonly #tables: PolicyTables;
  /** Rules that stand in the overlay, and their records. */
  #overlay: Set<number>;
  #overlayRecords: number;
  /** Rules changed since a compilation in the background began. */
  #since: Set<number> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #settleTimer: NodeJS.Timeout | undefined;
  #lastCompileMs = 0;
  #lastCompiledAt = -Infinity;
  #closed = false;

  constructor(options: DataPlaneOptions) {
    const { kernel } = options;
    this.#kernel = kernel;
    this.#options = options;
    this.#tuning = { ...TUNING, ...options.tuning };
    this.#grace = new GraceQueue(() => kernel.gracePeriod());
    this.#generations = new Generations(kernel, this.#grace);
    const { head, memory, imageMemory } = this.#generations;
    this.#setImages = new SetImages(kernel.setImages, new SpareMaps(this.#grace, kernel.setImages.length, head.sets), options.compiler);
    this.#tables = new PolicyTables({
      kernel, ifindexes: options.ifindexes ?? (() => []), wallNowMs: options.wallNowMs ?? Date.now,
      serviceIndex: options.serviceIndex ?? ((name) => {
        throw new PolicyNotApplicable(`this agent has no services: ${name}`);
      }),
    }, head, memory, imageMemory);
    this.#overlay = new Set(Array.from(readRecords(memory, 1, head.rules), ({ id }) => id));
    this.#overlayRecords = head.rules;
  }

  /** The revision in force in the kernel; after a restart, the one the maps were left with. */
  get revision(): number {
    return this.#generations.head.revision;
  }

  /** What stands where, for status and tests. */
  get standing(): { readonly rules: number; readonly records: number; readonly overlayRecords: number; readonly image: boolean } {
    const { state, store } = this.#tables;
    return { rules: state?.rules.size ?? store.size, records: store.records, overlayRecords: this.#overlayRecords, image: this.#generations.image !== undefined };
  }

  /**
   * After a restart, says what the policy is that the maps were left with: nothing is written. False where the maps do not
   * hold it; then only `apply` puts it in force.
   */
  adopt(state: PolicyState): boolean {
    const bits = this.#tables.adopt(state);
    if (!bits) return false;
    this.#setImages.adopt(state.sets, bits, this.#generations.head.sets);
    this.#settleSoon();
    return true;
  }

  /**
   * Puts a policy in force and returns once packets are judged by it. A small change takes a fraction of a millisecond; one
   * that does not fit the overlay waits for an image. Throws PolicyNotApplicable, SlotsExhausted or ImageRefused: then
   * nothing has changed, and the rules touched must be named again with the next change.
   */
  apply(change: PolicyChange): Promise<void> {
    return this.#exclusive(() => this.#apply(change));
  }

  /** Encodes again what names interfaces, after some came or went. */
  refreshInterfaces(): Promise<void> {
    return this.#exclusive(async () => {
      const { state, store } = this.#tables;
      if (!state) return;
      const touched = new Set(store.namingInterface);
      const forwards = [...state.forwards.values()].some(({ iface }) => iface !== undefined);
      if (touched.size > 0 || forwards) await this.#apply({ revision: this.revision, state, touched }, true);
    });
  }

  /** Moves the overlay into an image (or a small policy out of it) now, where that is wanted. */
  async settle(): Promise<void> {
    const rows = await this.#exclusive(() => this.#beginSettling());
    const since = this.#since;
    if (rows === undefined) return;
    try {
      const compiled = await this.#options.compiler.rules(rows, this.#generations.imageCapacity);
      await this.#exclusive(() => (this.#since === since ? this.#finishSettling(compiled) : Promise.resolve()));
      this.#options.onProblem?.(undefined);
    } catch (error) {
      // The policy is in force all the same, only slower. A change that needs an image of its own gives up this one.
      if (this.#since === since && !this.#closed) {
        this.#options.onProblem?.(`the rules stand in an overlay, which is slower: ${error instanceof Error ? error.message : String(error)}`);
      }
    } finally {
      if (this.#since === since) this.#since = undefined;
    }
  }

  forwardCounters(): Map<number, CounterValue> {
    const entries = [...this.#tables.forwards.slots];
    const values = this.#kernel.readCounters("forwards", entries.map(([, slot]) => slot));
    return new Map(entries.map(([id], index) => [id, values[index] ?? { packets: 0, bytes: 0, lastNs: 0 }]));
  }

  totals(slots: readonly number[]): CounterValue[] {
    return this.#kernel.readCounters("totals", slots);
  }

  /** Counters of one rule. */
  ruleCounter(id: number): CounterValue | undefined {
    const slot = this.#tables.store.slotOf(id);
    return slot === undefined ? undefined : this.#kernel.readCounters("rules", [slot])[0];
  }

  /** Counters of all slots that were ever in use, in blocks; `ruleOfSlot` says whose they are. */
  ruleCounterBlocks(): Iterable<CounterBlock> {
    return this.#kernel.ruleCounterBlocks(this.#tables.slotsEnd);
  }

  /** The rule whose counters a slot has now; 0 for none. */
  ruleOfSlot(slot: number): number {
    return this.#tables.ruleOfSlot(slot);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#settleTimer);
    await this.#options.compiler.close();
    await this.#turn;
  }

  async #apply({ revision, state, touched }: PolicyChange, interfacesChanged = false): Promise<void> {
    if (state.rules.size > KERNEL_LIMITS.rules || state.forwards.size > KERNEL_LIMITS.forwards) {
      throw new PolicyNotApplicable(
        `revision ${revision} has ${state.rules.size} rules and ${state.forwards.size} forwarding rules; this agent holds ${KERNEL_LIMITS.rules} and ${KERNEL_LIMITS.forwards}`,
      );
    }
    for (const feature of this.#options.features ?? []) await feature.prepare(state);
    const setNumbers = this.#tables.numbersFor(state);
    const sets = await this.#setImages.prepare(state.sets, setNumbers);
    let prepared: PreparedRules | undefined;
    let image: StandingImage | undefined;
    let generation: number;
    try {
      prepared = await this.#tables.prepare(state, touched, setNumbers, interfacesChanged);
      if (!this.#fits(prepared)) image = await this.#compileFor(prepared);
      generation = await this.#generations.take();
    } catch (error) {
      sets.discard();
      if (prepared) this.#tables.discard(prepared);
      throw error;
    }
    const before = this.#tables.forwards;
    if (interfacesChanged && prepared.removed.length === 0 && Buffer.compare(prepared.forwards.bytes, before.bytes) === 0) {
      this.#generations.giveBack(generation);
      sets.discard();
      return;
    }
    // From here on nothing fails, and until the swap nothing waits.
    this.#tables.begin(state, prepared);
    if (image) {
      this.#overlay.clear();
      this.#overlayRecords = 0;
    } else {
      this.#changeOverlay(prepared);
      this.#tables.commit(prepared);
    }
    this.#publish(generation, revision, image ?? this.#generations.image, sets.commit(), prepared.asking);
    if (image) await this.#tables.commitInPieces(prepared);
    this.#tables.account(prepared, before, this.#grace);
    for (const feature of this.#options.features ?? []) feature.applied(state);
    this.#settleSoon();
  }

  /** Whether the overlay would hold the change. */
  #fits({ removed, staged }: PreparedRules): boolean {
    if (this.#generations.isExhausted) return false;
    const { store } = this.#tables;
    let records = this.#overlayRecords;
    for (const id of removed) if (this.#overlay.has(id)) records -= store.recordsOf(id);
    for (const one of staged) records += store.stagedRecords(one);
    return records <= KERNEL_LIMITS.overlay;
  }

  async #compileFor({ removed }: PreparedRules): Promise<StandingImage> {
    this.#since = undefined; // what is being compiled in the background is old
    this.#options.compiler.cancel();
    const compiled = await this.#options.compiler.rules(this.#tables.store.snapshot(removed), this.#generations.imageCapacity);
    return this.#copyImage(compiled);
  }

  #copyImage(compiled: CompiledImage): Promise<StandingImage> {
    this.#lastCompileMs = compiled.milliseconds;
    this.#lastCompiledAt = performance.now();
    return this.#generations.copyImage(compiled);
  }

  /** Puts a small change into the overlay, and marks what it deletes in the image. */
  #changeOverlay({ removed, staged }: PreparedRules): void {
    const { store } = this.#tables;
    const { image, nextSequence } = this.#generations;
    for (const id of removed) {
      if (this.#overlay.delete(id)) this.#overlayRecords -= store.recordsOf(id);
      else image?.index.setDeadFrom(id, nextSequence);
      this.#since?.add(id);
    }
    for (const one of staged) {
      this.#overlay.add(one.id);
      this.#overlayRecords += store.stagedRecords(one);
      this.#since?.add(one.id);
    }
  }

  #publish(generation: number, revision: number, image: StandingImage | undefined, sets: number, asking?: number): void {
    this.#generations.publish(generation, {
      revision, image, sets, flags: this.#tables.flags(this.#generations.head.flags, asking),
      rules: this.#overlayRecords, forwards: this.#tables.forwards.count,
      write: (memory, at) => { this.#tables.write(this.#overlay, memory, at); },
    });
  }

  /** Whether records stand elsewhere than they should. */
  #isUnsettled(): boolean {
    const small = this.#tables.store.records <= this.#tuning.smallRecords;
    return small ? this.#generations.image !== undefined : this.#overlayRecords > 0;
  }

  #settleSoon(): void {
    clearTimeout(this.#settleTimer);
    if (!this.#isUnsettled() || this.#closed) return;
    const quiet = this.#overlayRecords > this.#tuning.smallRecords ? this.#tuning.largeOverlayMs : this.#tuning.smallOverlayMs;
    const rest = this.#lastCompiledAt + this.#lastCompileMs * this.#tuning.compileShare - performance.now();
    this.#settleTimer = setTimeout(() => { void this.settle(); }, Math.max(quiet, rest));
    this.#settleTimer.unref();
  }

  /** The rows to compile; undefined where there is nothing to do, or it is done. */
  async #beginSettling(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.#isUnsettled() || this.#since || this.#closed) return undefined;
    const { store } = this.#tables;
    if (store.records > this.#tuning.smallRecords) {
      this.#since = new Set();
      return store.snapshot([]);
    }
    const generation = await this.#generations.take();
    this.#overlay = new Set(store.ids());
    this.#overlayRecords = store.records;
    this.#publish(generation, this.revision, undefined, this.#generations.head.sets);
    return undefined;
  }

  async #finishSettling(compiled: CompiledImage): Promise<void> {
    const since = this.#since;
    if (!since || this.#closed) return;
    const { store } = this.#tables;
    const overlay = new Set([...since].filter((id) => store.has(id)));
    let records = 0;
    for (const id of overlay) records += store.recordsOf(id);
    if (records > KERNEL_LIMITS.overlay) return;
    const image = await this.#copyImage(compiled);
    const generation = await this.#generations.take();
    // Dead from the first: no generation has ever named this image.
    for (const id of since) image.index.setDeadFrom(id, 1);
    this.#overlay = overlay;
    this.#overlayRecords = records;
    this.#publish(generation, this.revision, image, this.#generations.head.sets);
    this.#since = undefined;
    this.#settleSoon();
  }

  /** One at a time: changes, and images that are put in force. */
  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action, action);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
