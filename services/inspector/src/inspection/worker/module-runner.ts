import { createHash } from "node:crypto";
import type { Detection } from "@secuxflow/contracts";
import { detectionFields } from "@secuxflow/eve";
import { BATCH_TIME_BASE_NS, BatchReader, RECORD_MODULES, RECORD_WIRE_LEN } from "@secuxflow/inspect-abi";
import { ModuleInstance, ModuleLied, ModuleRejected } from "@secuxflow/module-host";
import type { FlowCounts } from "@secuxflow/module-host";
import { gravest, ruleNames, toDetection, type DetectionSource } from "../../detections/domain/detection.js";
import { openBundle, type RulesBundle } from "../application/rules-bundle.js";
import { FlowMemory } from "../domain/flow-memory.js";
import { readPack } from "../domain/pack.js";
import { divide, noteFlows } from "../domain/routing.js";
import type { CallReport, FaultKind, FromWorker } from "./from-worker.js";
import type { CallMarks } from "./shared.js";
import type { LoadMessage, RouteMessage, ToWorker, WorkerStart } from "./to-worker.js";

/** Modules with a `tick` get it once in so much time, by the clock of the batches: runs can be replayed. */
const TICK_MS = 1_000;

interface Running {
  readonly slot: number;
  readonly name: string;
  readonly instance: ModuleInstance;
  readonly digest: string;
  source: DetectionSource;
  tickedMs: number;
}

/** The flows of a module go to two instances. */
interface Plan {
  readonly next: Running;
  readonly nextBit: number;
  readonly generation: number;
  readonly share: number;
  readonly before: number;
  /** When the flows from before have had their time, by the clock of the thread. */
  readonly untilMs: number;
  readonly retire: boolean;
  settled: boolean;
}

/** What runs under one name. */
interface Seat {
  bit: number;
  base: Running | undefined;
  plan: Plan | undefined;
}

/** What a module counted. One that fails at that has no counts here; its next call shows what is wrong with it. */
function flowsOf(instance: ModuleInstance): FlowCounts | undefined {
  try {
    return instance.flows();
  } catch {
    return undefined;
  }
}

/** The modules of one worker thread and what is done with them. Calls nothing of a module without marking it for the watchdog. */
export class ModuleRunner {
  readonly #seats = new Map<string, Seat>();
  /** Instances that wait for their route. */
  readonly #aside = new Map<number, Running>();
  readonly #flows = new FlowMemory();

  /** @param clock milliseconds, never backwards */
  constructor(
    private readonly start: Omit<WorkerStart, "shared">,
    private readonly marks: CallMarks,
    private readonly tell: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  async handle(message: ToWorker): Promise<void> {
    switch (message.type) {
      case "load":
        return this.#load(message);
      case "bit":
        this.#seat(message.name).bit = message.bit;
        return;
      case "route":
        return this.#route(message);
      case "rules":
        return this.#swap(message.slot, message.rules);
      case "unload":
        return this.#drop(message.slot);
      case "pack":
        this.settle();
        this.#inspect(message.buffer, message.bytes);
    }
  }

  /** Ends what has no flows any more; to be called now and then. */
  settle(): void {
    const now = this.clock();
    for (const seat of this.#seats.values()) {
      const { plan } = seat;
      if (plan === undefined || (plan.settled && !plan.retire)) continue;
      if (now < plan.untilMs && this.#remains(plan, now)) continue;
      plan.settled = true;
      if (!plan.retire) continue;
      const old = seat.base;
      seat.base = plan.next;
      seat.plan = undefined;
      if (old) this.tell({ type: "retired", slot: old.slot });
    }
  }

  #lookedMs = 0;
  /** Looks at most once a second: it is a walk over all flows. */
  #remains(plan: Plan, now: number): boolean {
    if (now - this.#lookedMs < TICK_MS) return true;
    this.#lookedMs = now;
    return this.#flows.remains(plan.generation, seconds(now));
  }

  #seat(name: string): Seat {
    let seat = this.#seats.get(name);
    if (seat === undefined) {
      seat = { bit: -1, base: undefined, plan: undefined };
      this.#seats.set(name, seat);
    }
    return seat;
  }

  async #load({ slot, name, role, loaded, rules, configure }: LoadMessage): Promise<void> {
    const digest = `sha256:${loaded.sha256}`;
    const seat = this.#seat(name);
    if (role === "base") {
      // What was started last is called last: one that may hang comes after the others.
      this.#seats.delete(name);
      this.#seats.set(name, { ...seat, base: undefined });
    }
    this.marks.enter(slot, true);
    try {
      const instance = await ModuleInstance.create(loaded,
        { log: (level, text) => this.tell({ type: "log", slot, level, text }), configure, ...(rules && { rules: openBundle(rules) }) });
      const { failures } = await instance.selfTest();
      if (failures.length > 0) {
        throw new ModuleRejected("self-test", failures.slice(0, 3).map(({ name: test, detail }) => `${test}: ${detail}`).join("; "));
      }
      const running: Running = { slot, name, instance, digest, source: this.#source(instance), tickedMs: -Infinity };
      if (role === "base") this.#seat(name).base = running;
      else this.#aside.set(slot, running);
    } catch (error) {
      this.#fault(slot, digest, error);
      return;
    } finally {
      this.marks.leave();
    }
    this.tell({ type: "loaded", slot, digest });
  }

  #source(instance: ModuleInstance): DetectionSource {
    const { manifest: { id, version, rules }, sha256 } = instance.loaded;
    return {
      policy: this.start.policy,
      inspector: this.start.inspectorId,
      module: { name: id, version, digest: `sha256:${sha256}` },
      rules: ruleNames(rules, instance.ruleSet?.texts),
      digest: (text) => createHash("sha256").update(text).digest("hex").slice(0, 32),
    };
  }

  #route({ name, next: slot, nextBit, share, drainMs, retire }: RouteMessage): void {
    const seat = this.#seat(name);
    const standing = seat.plan?.next.slot === slot ? seat.plan : undefined;
    const next = standing?.next ?? this.#aside.get(slot);
    if (next === undefined) return; // it did not start, which was told
    this.#aside.delete(slot);
    if (seat.base === undefined && retire) {
      seat.base = next;
      seat.plan = undefined;
      return;
    }
    seat.plan = {
      next, nextBit, share, retire, settled: false, generation: this.#flows.next(), before: standing?.share ?? 0,
      untilMs: this.clock() + drainMs,
    };
  }

  #swap(slot: number, rules: RulesBundle | undefined): void {
    const running = this.#find(slot);
    if (running === undefined) return;
    const wanted = rules ? openBundle(rules) : running.instance.loaded.builtinRules;
    const begun = this.clock();
    this.marks.enter(slot, true);
    try {
      if (wanted === undefined) throw new ModuleRejected("bad-rules", "the module brings no rules along");
      running.instance.loadRules(wanted);
      running.source = this.#source(running.instance);
    } catch (error) {
      if (error instanceof ModuleRejected) this.tell({ type: "rules-refused", slot, detail: error.message });
      else this.#failed(running, error);
      return;
    } finally {
      this.marks.leave();
    }
    this.tell({ type: "swapped", slot, ms: this.clock() - begun });
  }

  #find(slot: number): Running | undefined {
    for (const { base, plan } of this.#seats.values()) {
      if (base?.slot === slot) return base;
      if (plan?.next.slot === slot) return plan.next;
    }
    return this.#aside.get(slot);
  }

  #drop(slot: number): void {
    this.#aside.delete(slot);
    for (const seat of this.#seats.values()) {
      if (seat.plan?.next.slot === slot) seat.plan = undefined;
      if (seat.base?.slot !== slot) continue;
      // Where another instance has a part of the flows and is to have all of them, it has them now.
      seat.base = seat.plan?.retire === true ? seat.plan.next : undefined;
      if (seat.base !== undefined) seat.plan = undefined;
    }
  }

  #inspect(buffer: ArrayBuffer, bytes: number): void {
    const calls: CallReport[] = [];
    let frames = 0;
    let packets = 0;
    let wireBytes = 0;
    const nowS = seconds(this.clock());
    for (const { frame, mask } of readPack(buffer, bytes)) {
      const batch = new BatchReader(frame);
      let noted = false;
      for (const seat of [...this.#seats.values()]) {
        if (seat.bit < 0 || ((mask >>> seat.bit) & 1) === 0) continue;
        const { base, plan } = seat;
        if (plan === undefined) {
          if (base) calls.push(this.#call(base, seat.bit, batch));
          continue;
        }
        noted = true;
        const to = divide(batch, this.#flows, nowS, { ...plan, bit: seat.bit });
        if (base && to.base > 0) calls.push(this.#call(base, seat.bit, batch));
        if (to.next > 0) calls.push(this.#call(plan.next, plan.nextBit, batch));
      }
      if (!noted) noteFlows(batch, this.#flows, nowS);
      frames += 1;
      packets += batch.count;
      wireBytes += sumOf(batch, RECORD_WIRE_LEN);
    }
    const running = [...this.#seats.values()].flatMap(({ base, plan }) => [base, plan?.next]).filter((one) => one !== undefined);
    const memory = running.map(({ slot, instance }) => [slot, instance.memory.bytes] as const);
    const flows = running.flatMap(({ slot, instance }) => {
      const counts = flowsOf(instance);
      return counts === undefined ? [] : [[slot, counts] as const];
    });
    this.tell({ type: "done", buffer, frames, packets, bytes: wireBytes, calls, memory, flows }, [buffer]);
  }

  #call(running: Running, bit: number, batch: BatchReader): CallReport {
    const { slot, instance, source } = running;
    const moduleBit = (1 << bit) >>> 0;
    const begun = performance.now();
    let findings = 0;
    this.marks.enter(slot, false);
    try {
      const found = instance.inspect(batch, moduleBit);
      findings = found.length;
      // A rule that drops without an alert keeps book of it, which is nothing to tell anyone.
      const telling = found.some(({ noAlert }) => noAlert) ? found.filter(({ noAlert }) => !noAlert) : found;
      if (telling.length > 0) {
        const kept = gravest(telling, this.start.maxDetectionsPerCall);
        const detections: Detection[] = kept.map((finding) => toDetection(source, batch, finding,
          detectionFields(finding, instance.ruleSet?.texts.get(finding.ruleId))));
        this.tell({ type: "detections", detections, suppressed: telling.length - kept.length });
      }
      const nowMs = Number(batch.view.getBigUint64(BATCH_TIME_BASE_NS, true) / 1_000_000n);
      if (nowMs - running.tickedMs >= TICK_MS) {
        instance.tick(nowMs);
        running.tickedMs = nowMs;
      }
    } catch (error) {
      // Only this module's instance is lost: nothing that it does reaches the others' memory.
      this.#failed(running, error);
    } finally {
      this.marks.leave();
    }
    return { slot, packets: countAddressed(batch, moduleBit), findings, ms: performance.now() - begun };
  }

  #failed({ slot, digest }: Running, error: unknown): void {
    this.#drop(slot);
    this.#fault(slot, digest, error);
  }

  #fault(slot: number, digest: string, error: unknown): void {
    const kind: FaultKind = error instanceof ModuleRejected ? "rejected" : error instanceof ModuleLied ? "lied" : "trapped";
    const detail = (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
    this.tell({ type: "fault", slot, digest, kind, detail });
  }
}

/** Whole seconds of the thread's clock, from 1 on. */
const seconds = (ms: number): number => Math.floor(ms / 1_000) + 1;

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
