import type { Detection, InspectorModule, InspectorStats, ModuleBinding } from "@secuxflow/contracts";
import type { BatchLayout } from "@secuxflow/inspect-abi";
import { ModuleTable } from "../../modules/application/module-table.js";
import type { Wanted } from "./instance.js";
import type { FlowCounts } from "@secuxflow/module-host";
import type { FromWorker } from "../worker/from-worker.js";
import type { ToWorker } from "../worker/to-worker.js";
import { Lane, type LaneOptions } from "./lane.js";

/** pino's signature. */
export interface InspectionLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** Told about what happens, besides the counters. */
export interface InspectionEvents {
  onDetections(detections: readonly Detection[]): void;
  /** A module's state or strikes have changed. */
  onModulesChanged(): void;
  onCall(module: string, seconds: number, findings: number): void;
  onStrike(module: string, kind: string): void;
  /** Rules were swapped in one thread, which took so long. */
  onSwap(module: string, ms: number): void;
}

export interface InspectionOptions {
  readonly workers: number;
  readonly maxStrikes: number;
  /** How long flows stay with the version of a module that they began with, ms. */
  readonly drainMs: number;
  readonly lane: LaneOptions;
  readonly log: InspectionLog;
  readonly events: InspectionEvents;
}

interface ModuleCounters {
  calls: number;
  packets: number;
  findings: number;
  busyMs: number;
  canaryPackets: number;
  swaps: number;
  /** The last swap in any thread. */
  swapMs: number;
  /** Bytes by thread. */
  readonly memory: Map<number, number>;
  /** Flows by thread, of a module that counts them. */
  readonly flows: Map<number, FlowCounts>;
}

const sumOfFlows = (a: FlowCounts, b: FlowCounts): FlowCounts =>
  ({ read: a.read + b.read, encrypted: a.encrypted + b.encrypted, other: a.other + b.other });

/**
 * The inspection threads and the modules in them. Flows are pinned to a thread by their partition. A module that traps or lies
 * gets a strike and a new instance; one that hangs takes its thread with it: the thread is started anew with all modules that may
 * run, and the flow state that they had is lost and counted.
 */
export class Inspection {
  readonly #table: ModuleTable;
  readonly #lanes: readonly Lane[];
  readonly #counters = new Map<string, ModuleCounters>();
  #runningMask = 0;
  readonly #refused = new Map<string, string>();
  frames = 0;
  packets = 0;
  bytes = 0;
  findings = 0;
  /** Findings over the limit of one call. */
  suppressed = 0;
  /** Packets refused by a full queue. */
  lostInQueue = 0;
  /** Packets that were at a thread when it was ended. */
  lostInCrash = 0;
  /** Packets for modules that do not run here. */
  unaddressed = 0;

  constructor(private readonly options: InspectionOptions) {
    this.#table = new ModuleTable({ maxStrikes: options.maxStrikes, drainMs: options.drainMs, lanes: options.workers });
    this.#lanes = Array.from({ length: options.workers }, (_, index) => this.#lane(index));
  }

  start(): void {
    for (const lane of this.#lanes) lane.start();
  }

  /** What should run under a name from now on: it begins between two packs, and takes no flow state away. */
  want(name: string, wanted: Wanted): void {
    const tell = this.#table.want(name, wanted);
    if (tell === undefined) this.#refused.set(name, `module ${name} is left out: there are 32 modules already`);
    else this.#refused.delete(name);
    for (const message of tell ?? []) {
      if (message.type === "load") {
        const { manifest: { version }, sha256 } = message.loaded;
        this.options.log.info({ module: name, version, digest: sha256, rules: message.rules?.digest }, "loading a module");
      }
      this.#tellAll(message);
    }
    this.#changed();
  }

  /** An administrator trusts a module again: its strikes are forgotten. */
  release(name: string): void {
    for (const message of this.#table.release(name)) this.#tellAll(message);
    this.#changed();
  }

  /** Takes up what the policy calls the modules. */
  bind(bindings: ReadonlyMap<string, ModuleBinding>): void {
    for (const message of this.#table.bind(bindings)) this.#tellAll(message);
    this.#changed();
  }

  /**
   * Hands a checked frame to its thread; never waits.
   * @param mask OR of the module masks of its records
   */
  inspect(partition: number, frame: Uint8Array, mask: number, layout: BatchLayout, gap: boolean): void {
    const lane = this.#lanes[partition % this.#lanes.length];
    if ((mask & this.#runningMask) === 0) this.unaddressed += layout.count;
    else if (lane?.offer(frame, mask, layout, gap) !== true) this.lostInQueue += layout.count;
  }

  /** Looks after hanging threads; to be called regularly. */
  look(): void {
    for (const lane of this.#lanes) lane.look();
  }

  modules(): InspectorModule[] {
    return this.#table.list().map((module) => {
      const flows = [...(this.#counters.get(module.name)?.flows.values() ?? [])];
      return flows.length === 0 ? module : { ...module, flows: flows.reduce(sumOfFlows) };
    });
  }

  problems(): string[] {
    return [...this.#table.problems(), ...this.#refused.values()];
  }

  stats(): InspectorStats["modules"] {
    return this.#table.list().map(({ name }) => {
      const { memory, flows: _flows, ...counters } = this.#countersOf(name);
      return { name, ...counters, memoryBytes: [...memory.values()].reduce((sum, bytes) => sum + bytes, 0) };
    });
  }

  /** Fullest queue, 0 to 1. */
  get backlog(): number {
    return Math.max(...this.#lanes.map(({ fill }) => fill));
  }

  get queuedPackets(): number {
    return this.#lanes.reduce((sum, { queuedPackets }) => sum + queuedPackets, 0);
  }

  get queuedBytes(): number {
    return this.#lanes.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
  }

  /** How often a thread was started anew; the flow state in it was lost each time. */
  get restarts(): number {
    return this.#lanes.reduce((sum, { restarts }) => sum + restarts, 0);
  }

  /** Waits until all that was taken is inspected. */
  async drained(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.drained()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
  }

  #lane(index: number): Lane {
    const { log } = this.options;
    return new Lane(this.options.lane, {
      onMessage: (message) => this.#receive(index, message),
      onLate: (slot, loading) => {
        const reason = loading ? "it did not start in time" : "a call took too long";
        log.error({ worker: index, module: this.#table.name(slot), reason },
          "a module hangs; its thread is started anew, flow state is lost");
        this.#strike(index, slot, "late", reason);
      },
      onCrash: (slot, reason) => {
        log.error({ worker: index, reason }, "an inspection thread has ended; it is started anew, flow state is lost");
        if (slot !== undefined) this.#strike(index, slot, "crashed", reason);
      },
      onLost: (packets) => {
        this.lostInCrash += packets;
      },
      modules: () => this.#table.everything(index),
    });
  }

  #tellAll(message: Exclude<ToWorker, { type: "pack" }>): void {
    for (const lane of this.#lanes) lane.tell(message);
  }

  #receive(index: number, message: FromWorker): void {
    const { log, events } = this.options;
    switch (message.type) {
      case "loaded":
        this.#table.loaded(message.slot);
        events.onModulesChanged();
        log.info({ worker: index, module: this.#table.name(message.slot), digest: message.digest }, "module is loaded");
        return;
      case "log":
        log.info({ worker: index, module: this.#table.name(message.slot), level: message.level }, `module says: ${message.text}`);
        return;
      case "detections":
        this.findings += message.detections.length + message.suppressed;
        this.suppressed += message.suppressed;
        events.onDetections(message.detections);
        return;
      case "fault":
        this.#failed(index, message);
        return;
      case "swapped": {
        this.#table.swapped(message.slot, index);
        const name = this.#table.name(message.slot);
        const counters = this.#countersOf(name);
        counters.swaps += 1;
        counters.swapMs = message.ms;
        events.onSwap(name, message.ms);
        log.info({ worker: index, module: name, ms: Math.round(message.ms) }, "rules are swapped");
        this.#changed();
        return;
      }
      case "rules-refused": {
        const module = this.#table.name(message.slot);
        log.error({ worker: index, module, reason: message.detail }, "a module refused its rules; those before stay in force");
        for (const each of this.#table.rulesRefused(message.slot, message.detail)) this.#tellAll(each);
        this.#changed();
        return;
      }
      case "retired":
        this.#table.retired(message.slot, index);
        log.info({ worker: index, module: this.#table.name(message.slot) }, "the old version of a module has no flows any more");
        this.#changed();
        return;
      case "done":
        this.frames += message.frames;
        this.packets += message.packets;
        this.bytes += message.bytes;
        for (const call of message.calls) {
          const name = this.#table.name(call.slot);
          const counters = this.#countersOf(name);
          counters.calls += 1;
          counters.packets += call.packets;
          if (this.#table.isCanary(call.slot)) counters.canaryPackets += call.packets;
          counters.findings += call.findings;
          counters.busyMs += call.ms;
          events.onCall(name, call.ms / 1_000, call.findings);
        }
        this.#noteMemory(index, message.memory);
        this.#noteFlows(index, message.flows ?? []);
    }
  }

  #noteMemory(index: number, memory: Extract<FromWorker, { type: "done" }>["memory"]): void {
    const now = new Map<string, number>();
    for (const [slot, bytes] of memory) now.set(this.#table.name(slot), (now.get(this.#table.name(slot)) ?? 0) + bytes);
    for (const [name, { memory: of }] of this.#counters) of.set(index, now.get(name) ?? 0);
    for (const [name, bytes] of now) this.#countersOf(name).memory.set(index, bytes);
  }

  #noteFlows(index: number, flows: NonNullable<Extract<FromWorker, { type: "done" }>["flows"]>): void {
    const now = new Map<string, FlowCounts>();
    for (const [slot, counts] of flows) {
      const name = this.#table.name(slot);
      const before = now.get(name);
      now.set(name, before === undefined ? counts : sumOfFlows(before, counts));
    }
    for (const [name, counts] of now) this.#countersOf(name).flows.set(index, counts);
  }

  /** The thread is sound: only the module is started anew in it. */
  #failed(index: number, { slot, kind, detail }: Extract<FromWorker, { type: "fault" }>): void {
    this.options.log.error({ worker: index, module: this.#table.name(slot), kind, reason: detail }, "a module failed");
    this.#strike(index, slot, kind, detail);
  }

  #strike(index: number, slot: number, kind: string, detail: string): void {
    const { verdict, name: module, tell, only } = this.#table.strike(slot, `${kind}: ${detail}`, index);
    if (verdict === "stale") return;
    this.options.events.onStrike(module, kind);
    if (verdict === "quarantined") {
      this.options.log.error({ worker: index, module }, "module is quarantined: it runs again as a new version, or when it is released");
    }
    if (verdict === "rolled-back") {
      this.options.log.error({ worker: index, module, kind, reason: detail }, "what was new of a module is taken back");
    }
    for (const message of tell) this.#tellAll(message);
    for (const { lane, message } of only) this.#lanes[lane]?.tell(message);
    this.#changed();
  }

  #countersOf(name: string): ModuleCounters {
    let counters = this.#counters.get(name);
    if (counters === undefined) {
      counters = { calls: 0, packets: 0, findings: 0, busyMs: 0, canaryPackets: 0, swaps: 0, swapMs: 0, memory: new Map(), flows: new Map() };
      this.#counters.set(name, counters);
    }
    return counters;
  }

  #changed(): void {
    this.#runningMask = this.#table.runningMask();
    this.options.events.onModulesChanged();
  }
}
