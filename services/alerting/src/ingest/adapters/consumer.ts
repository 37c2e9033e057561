import { setTimeout as delay } from "node:timers/promises";
import { consume, consumerBacklog, provision, type NatsLink } from "@secuxflow/nats";
import type { Log, QueueMessage } from "../application/ports.js";
import type { Pace } from "../domain/pace.js";

export interface ConsumerOptions {
  readonly link: NatsLink;
  readonly stream: string;
  readonly filter: string;
  readonly durable: string;
  readonly batch: number;
  /** Decides how long to wait after a batch. */
  readonly pace: Pace;
  readonly ackWaitMs: number;
  readonly handle: (messages: readonly QueueMessage[], signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** A quiet stream's message waits no longer than this for company. */
const QUIET_MS = 1;
const RETRY_MS = 2_000;

/** One durable pull consumer, from start to stop. */
export class Consumer {
  readonly #stop = new AbortController();
  #problem: string | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly options: ConsumerOptions) {}

  /** Why it does not consume; undefined when it does, or waits for NATS. */
  get problem(): string | undefined {
    return this.#problem;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Takes nothing new; the batch in hand is stored, or given back when ClickHouse is away. */
  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when the last batch is dealt with. */
  async stopped(): Promise<void> {
    await this.#running;
  }

  /** Messages not yet stored. @throws when NATS is away */
  backlog(): Promise<number> {
    return consumerBacklog(this.options.link, this.options.stream, this.options.durable);
  }

  async #run(): Promise<void> {
    const { link, stream, filter, durable, batch, pace, ackWaitMs, handle, log } = this.options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await provision(link, { signal });
        this.#problem = undefined;
        await consume(link, stream, {
          durable, filter, batch, maxWaitMs: QUIET_MS, ackWaitMs, signal,
          onBatch: async (messages) => {
            await handle(messages, signal);
            const pauseMs = pace.after(messages.length, performance.now());
            if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
          },
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#problem = error instanceof Error ? error.message : String(error);
        log.error({ err: error, stream, durable, retryMs: RETRY_MS }, "cannot consume; trying again");
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
