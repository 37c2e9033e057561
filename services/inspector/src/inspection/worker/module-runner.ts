import { createHash } from "node:crypto";
import type { Detection } from "@secuxflow/contracts";
import { BATCH_TIME_BASE_NS, BatchReader, RECORD_MODULES, RECORD_WIRE_LEN } from "@secuxflow/inspect-abi";
import { ModuleInstance, ModuleLied, ModuleRejected, type LoadedModule } from "@secuxflow/module-host";
import { gravest, toDetection, type DetectionSource } from "../../detections/domain/detection.js";
import { readPack } from "../domain/pack.js";
import type { CallReport, FaultKind, FromWorker } from "./from-worker.js";
import type { CallMarks } from "./shared.js";
import type { ToWorker, WorkerStart } from "./to-worker.js";

/** Modules with a `tick` get it once in so much time, by the clock of the batches: runs can be replayed. */
const TICK_MS = 1_000;

interface Running {
  readonly slot: number;
  readonly instance: ModuleInstance;
  readonly source: DetectionSource;
  bit: number;
  tickedMs: number;
}

/** The modules of one worker thread and what is done with them. Calls nothing of a module without marking it for the watchdog. */
export class ModuleRunner {
  readonly #modules = new Map<number, Running>();

  constructor(
    private readonly start: Omit<WorkerStart, "shared">,
    private readonly marks: CallMarks,
    private readonly tell: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void,
  ) {}

  async handle(message: ToWorker): Promise<void> {
    switch (message.type) {
      case "load":
        return this.#load(message.slot, message.loaded, message.bit);
      case "bit": {
        const running = this.#modules.get(message.slot);
        if (running) running.bit = message.bit;
        return;
      }
      case "unload":
        this.#modules.delete(message.slot);
        return;
      case "pack":
        this.#inspect(message.buffer, message.bytes);
    }
  }

  async #load(slot: number, loaded: LoadedModule, bit: number): Promise<void> {
    const digest = `sha256:${loaded.sha256}`;
    this.#modules.delete(slot);
    this.marks.enter(slot, true);
    try {
      const instance = await ModuleInstance.create(loaded,
        { log: (level, text) => this.tell({ type: "log", slot, level, text }) });
      const { failures } = await instance.selfTest();
      if (failures.length > 0) {
        throw new ModuleRejected("self-test", failures.slice(0, 3).map(({ name, detail }) => `${name}: ${detail}`).join("; "));
      }
      this.#modules.set(slot, { slot, instance, source: this.#source(loaded), bit, tickedMs: -Infinity });
    } catch (error) {
      this.#fault(slot, digest, error);
      return;
    } finally {
      this.marks.leave();
    }
    this.tell({ type: "loaded", slot, digest });
  }

  #source(loaded: LoadedModule): DetectionSource {
    const { id, version, rules } = loaded.manifest;
    return {
      policy: this.start.policy,
      inspector: this.start.inspectorId,
      module: { name: id, version, digest: `sha256:${loaded.sha256}` },
      rules: new Map(rules.map((rule) => [rule.id, { name: rule.name, category: rule.category }])),
      digest: (text) => createHash("sha256").update(text).digest("hex").slice(0, 32),
    };
  }

  #inspect(buffer: ArrayBuffer, bytes: number): void {
    const calls: CallReport[] = [];
    let frames = 0;
    let packets = 0;
    let wireBytes = 0;
    for (const { frame, mask } of readPack(buffer, bytes)) {
      const batch = new BatchReader(frame);
      for (const running of [...this.#modules.values()]) {
        if (running.bit >= 0 && ((mask >>> running.bit) & 1) === 1) calls.push(this.#call(running, batch));
      }
      frames += 1;
      packets += batch.count;
      wireBytes += sumOf(batch, RECORD_WIRE_LEN);
    }
    const memory = [...this.#modules.values()].map(({ slot, instance }) => [slot, instance.memory.bytes] as const);
    this.tell({ type: "done", buffer, frames, packets, bytes: wireBytes, calls, memory }, [buffer]);
  }

  #call(running: Running, batch: BatchReader): CallReport {
    const { slot, instance, source } = running;
    const moduleBit = (1 << running.bit) >>> 0;
    const begun = performance.now();
    let findings = 0;
    this.marks.enter(slot, false);
    try {
      const found = instance.inspect(batch, moduleBit);
      findings = found.length;
      if (findings > 0) {
        const kept = gravest(found, this.start.maxDetectionsPerCall);
        const detections: Detection[] = kept.map((finding) => toDetection(source, batch, finding));
        this.tell({ type: "detections", detections, suppressed: findings - kept.length });
      }
      const nowMs = Number(batch.view.getBigUint64(BATCH_TIME_BASE_NS, true) / 1_000_000n);
      if (nowMs - running.tickedMs >= TICK_MS) {
        instance.tick(nowMs);
        running.tickedMs = nowMs;
      }
    } catch (error) {
      // Only this module's instance is lost: nothing that it does reaches the others' memory.
      this.#modules.delete(slot);
      this.#fault(slot, source.module.digest, error);
    } finally {
      this.marks.leave();
    }
    return { slot, packets: countAddressed(batch, moduleBit), findings, ms: performance.now() - begun };
  }

  #fault(slot: number, digest: string, error: unknown): void {
    const kind: FaultKind = error instanceof ModuleRejected ? "rejected" : error instanceof ModuleLied ? "lied" : "trapped";
    const detail = (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
    this.tell({ type: "fault", slot, digest, kind, detail });
  }
}

function sumOf(batch: BatchReader, field: number): number {
  const { count, headerLen, recordLen } = batch.layout;
  let sum = 0;
  for (let i = 0, at = headerLen + field; i < count; i++, at += recordLen) sum += batch.view.getUint32(at, true);
  return sum;
}

function countAddressed(batch: BatchReader, moduleBit: number): number {
  const { count, headerLen, recordLen } = batch.layout;
  let addressed = 0;
  for (let i = 0, at = headerLen + RECORD_MODULES; i < count; i++, at += recordLen) {
    if ((batch.view.getUint32(at, true) & moduleBit) !== 0) addressed += 1;
  }
  return addressed;
}
