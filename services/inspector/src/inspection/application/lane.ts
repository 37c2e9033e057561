import { RECORD_FLAGS, RecordFlag, type BatchLayout } from "@secuxflow/inspect-abi";
import { PackQueue, type QueueBounds } from "../domain/pack-queue.js";
import type { Watchdog } from "../domain/watchdog.js";
import type { FromWorker } from "../worker/from-worker.js";
import type { ToWorker } from "../worker/to-worker.js";
import type { StartThread, Thread } from "./thread.js";

/** Packs at the worker: one that it inspects and one that it finds when it is through. What is there is lost when it is ended. */
const MAX_IN_FLIGHT = 2;
/** A thread that ends by itself is not started again in a tight loop. */
const RESTART_MS = 100;

export interface LaneEvents {
  onMessage(message: FromWorker): void;
  /** A call is overdue; the thread is ended and a new one started. */
  onLate(slot: number, loading: boolean): void;
  /** The thread ended by itself, while it was in that module's code or outside of any. */
  onCrash(slot: number | undefined, reason: string): void;
  /** Packets that were with a thread when it ended. */
  onLost(packets: number): void;
  /** What a new thread has to be told, above all the modules to start, in the order in which they are called. */
  modules(): readonly Exclude<ToWorker, { type: "pack" }>[];
}

export interface LaneOptions {
  readonly bounds: QueueBounds;
  readonly watchdog: () => Watchdog;
  readonly startThread: StartThread;
}

/** One inspection thread with the queue before it. Taking a frame never waits for the thread. */
export class Lane {
  readonly #queue: PackQueue;
  /** Packets of each pack at the worker, oldest first. */
  readonly #inFlight: number[] = [];
  readonly #idle = new Set<() => void>();
  #thread: Thread | undefined;
  #watchdog: Watchdog;
  #restart: NodeJS.Timeout | undefined;
  #stopped = false;
  #lossy = false;
  restarts = 0;

  constructor(
    private readonly options: LaneOptions,
    private readonly events: LaneEvents,
  ) {
    this.#queue = new PackQueue(options.bounds);
    this.#watchdog = options.watchdog();
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  get queuedPackets(): number {
    return this.#queue.packets;
  }

  /** Share of the queue that is filled, 0 to 1. */
  get fill(): number {
    const { maxBytes, maxPackets } = this.options.bounds;
    return Math.max(this.#queue.bytes / maxBytes, this.#queue.packets / maxPackets);
  }

  start(): void {
    const events = {
      onMessage: (message: FromWorker) => {
        if (this.#thread === thread) this.#receive(message);
      },
      onExit: (reason: string) => {
        if (this.#thread === thread) this.#crashed(reason);
      },
    };
    const thread = this.options.startThread(events);
    this.#thread = thread;
    this.#watchdog = this.options.watchdog();
    for (const load of this.events.modules()) thread.post(load);
    this.#pump();
  }

  /** Tells the thread that is there; a later one learns what holds then from `events.modules`. */
  tell(message: Exclude<ToWorker, { type: "pack" }>): void {
    this.#thread?.post(message);
  }

  /**
   * Copies a frame into the queue.
   * @param gap packets before this frame are missing: its records get the flag GAP, so that modules do not wait for them
   * @returns false when it was dropped
   */
  offer(frame: Uint8Array, mask: number, layout: BatchLayout, gap: boolean): boolean {
    const lossy = gap || this.#lossy;
    if (!this.#queue.push(frame, mask, layout.count, lossy ? (copy) => markGap(copy, layout) : undefined)) {
      this.#lossy = true;
      return false;
    }
    this.#lossy = false;
    this.#pump();
    return true;
  }

  /** Looks whether the thread hangs; to be called regularly. */
  look(): void {
    const sample = this.#thread?.sample();
    const late = sample === undefined ? undefined : this.#watchdog.look(sample);
    if (late === undefined || sample === undefined) return;
    this.#end();
    this.events.onLate(late, sample.loading);
    this.#again();
  }

  /** Resolves when everything that was taken is inspected, or lost with its thread. */
  async drained(): Promise<void> {
    if (this.#queue.empty && this.#inFlight.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  /** Ends the thread; what is queued is not inspected any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #receive(message: FromWorker): void {
    if (message.type === "done") {
      this.#inFlight.shift();
      this.#queue.recycle(message.buffer);
    }
    this.events.onMessage(message);
    if (message.type === "done") this.#pump();
  }

  #pump(): void {
    const thread = this.#thread;
    while (thread !== undefined && this.#inFlight.length < MAX_IN_FLIGHT) {
      const pack = this.#queue.take();
      if (pack === undefined) break;
      this.#inFlight.push(pack.packets);
      thread.post({ type: "pack", buffer: pack.buffer, bytes: pack.bytes }, [pack.buffer]);
    }
    if (!this.#queue.empty || this.#inFlight.length > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }

  #crashed(reason: string): void {
    const sample = this.#thread?.sample();
    this.#end();
    this.events.onCrash(sample !== undefined && sample.calls % 2 === 1 ? sample.slot : undefined, reason);
    this.#restart = setTimeout(() => this.#again(), RESTART_MS);
  }

  #end(): void {
    void this.#thread?.terminate();
    this.#thread = undefined;
    const lost = this.#inFlight.reduce((sum, packets) => sum + packets, 0);
    this.#inFlight.length = 0;
    this.#lossy = true;
    this.events.onLost(lost);
  }

  #again(): void {
    if (this.#stopped) return;
    this.restarts += 1;
    this.start();
  }
}

function markGap(frame: Uint8Array, { count, headerLen, recordLen }: BatchLayout): void {
  for (let i = 0, at = headerLen + RECORD_FLAGS; i < count; i++, at += recordLen) frame[at] = (frame[at] ?? 0) | RecordFlag.GAP;
}
