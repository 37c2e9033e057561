import type { Detection, InspectorModule, InspectorStats, ModuleBinding } from "@secuxflow/contracts";
import type { BatchLayout } from "@secuxflow/inspect-abi";
import type { LoadedModule } from "@secuxflow/module-host";
import { ModuleTable, type Sentence } from "../../modules/domain/module-table.js";
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
}

export interface InspectionOptions {
  readonly workers: number;
  readonly maxStrikes: number;
  readonly lane: LaneOptions;
  readonly log: InspectionLog;
  readonly events: InspectionEvents;
}

interface ModuleCounters {
  calls: number;
  packets: number;
  findings: number;
  busyMs: number;
  /** Bytes by lane. */
  readonly memory: number[];
}

/**
 * The inspection threads and the modules in them. Flows are pinned to a thread by their partition. A module that traps or lies
 * gets a strike and a new instance; one that hangs takes its thread with it: the thread is started anew with all modules that may
 * run, and the flow state that they had is lost and counted.
 */
export class Inspection {
  readonly #table: ModuleTable;
  readonly #lanes: readonly Lane[];
  readonly #loaded = new Map<number, LoadedModule>();
  readonly #counters = new Map<string, ModuleCounters>();
  #runningMask = 0;
  #refused: string[] = [];
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
    this.#table = new ModuleTable(options.maxStrikes);
    this.#lanes = Array.from({ length: options.workers }, (_, index) => this.#lane(index));
  }

  start(): void {
    for (const lane of this.#lanes) lane.start();
  }

  /** Takes up what the module folder offers; new digests are loaded in place of the old ones, between two packs. */
  offer(modules: readonly LoadedModule[]): void {
    this.#refused = [];
    let changed = false;
    for (const loaded of modules) {
      const { id, version, title } = loaded.manifest;
      const offered = this.#table.offer({ name: id, version, title, digest: `sha256:${loaded.sha256}` });
      if (offered === undefined) {
        this.#refused.push(`module ${id} is left out: there are 32 modules already`);
        continue;
      }
      if (!offered.changed) continue;
      changed = true;
      this.#loaded.set(offered.slot, loaded);
      this.options.log.info({ module: id, version, digest: loaded.sha256 }, "loading a module");
      this.#tellAll(this.#loadOf(offered.slot, loaded));
    }
    if (changed) this.#changed();
  }

  /** Takes up what the policy calls the modules. */
  bind(bindings: ReadonlyMap<string, ModuleBinding>): void {
    for (const slot of this.#table.bind(bindings)) this.#tellAll({ type: "bit", slot, bit: this.#table.bit(slot) });
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
    return this.#table.list();
  }

  problems(): string[] {
    return [...this.#table.problems(), ...this.#refused];
  }

  stats(): InspectorStats["modules"] {
    return this.#table.list().map(({ name }) => {
      const { calls, packets, findings, busyMs, memory } = this.#countersOf(name);
      return { name, calls, packets, findings, busyMs, memoryBytes: memory.reduce((sum, bytes) => sum + bytes, 0) };
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
        this.#strike(index, slot, this.#table.digest(slot) ?? "", "late", reason);
      },
      onCrash: (slot, reason) => {
        log.error({ worker: index, reason }, "an inspection thread has ended; it is started anew, flow state is lost");
        if (slot !== undefined) this.#strike(index, slot, this.#table.digest(slot) ?? "", "crashed", reason);
      },
      onLost: (packets) => {
        this.lostInCrash += packets;
      },
      modules: () => this.#table.runnable().flatMap((slot) => {
        const loaded = this.#loaded.get(slot);
        return loaded === undefined ? [] : [this.#loadOf(slot, loaded)];
      }),
    });
  }

  #loadOf(slot: number, loaded: LoadedModule): Extract<ToWorker, { type: "load" }> {
    return { type: "load", slot, loaded, bit: this.#table.bit(slot) };
  }

  #tellAll(message: Exclude<ToWorker, { type: "pack" }>): void {
    for (const lane of this.#lanes) lane.tell(message);
  }

  #receive(index: number, message: FromWorker): void {
    const { log, events } = this.options;
    switch (message.type) {
      case "loaded":
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
      case "done":
        this.frames += message.frames;
        this.packets += message.packets;
        this.bytes += message.bytes;
        for (const call of message.calls) {
          const name = this.#table.name(call.slot);
          const counters = this.#countersOf(name);
          counters.calls += 1;
          counters.packets += call.packets;
          counters.findings += call.findings;
          counters.busyMs += call.ms;
          events.onCall(name, call.ms / 1_000, call.findings);
        }
        for (const [slot, bytes] of message.memory) this.#countersOf(this.#table.name(slot)).memory[index] = bytes;
    }
  }

  /** The thread is sound: only the module is started anew in it. */
  #failed(index: number, { slot, digest, kind, detail }: Extract<FromWorker, { type: "fault" }>): void {
    this.options.log.error({ worker: index, module: this.#table.name(slot), kind, reason: detail }, "a module failed");
    if (this.#strike(index, slot, digest, kind, detail) === "restart") this.#reload(index, slot);
  }

  #strike(index: number, slot: number, digest: string, kind: string, detail: string): Sentence {
    const sentence = this.#table.strike(slot, digest, `${kind}: ${detail}`);
    if (sentence === "stale") return sentence;
    const module = this.#table.name(slot);
    this.options.events.onStrike(module, kind);
    if (sentence === "quarantined") {
      const text = "module is quarantined: it runs again as a new version or after a restart";
      this.options.log.error({ worker: index, module, digest }, text);
      this.#tellAll({ type: "unload", slot });
    }
    this.#changed();
    return sentence;
  }

  #reload(index: number, slot: number): void {
    const loaded = this.#loaded.get(slot);
    if (loaded !== undefined) this.#lanes[index]?.tell(this.#loadOf(slot, loaded));
  }

  #countersOf(name: string): ModuleCounters {
    let counters = this.#counters.get(name);
    if (counters === undefined) {
      counters = { calls: 0, packets: 0, findings: 0, busyMs: 0, memory: [] };
      this.#counters.set(name, counters);
    }
    return counters;
  }

  #changed(): void {
    this.#runningMask = this.#table.runningMask();
    this.options.events.onModulesChanged();
  }
}
