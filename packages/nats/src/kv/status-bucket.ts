import { z } from "zod";
import { reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { STATUS_TTL_MS } from "../jetstream/definitions.js";
import { Bucket, type KeyEntry } from "./bucket.js";

const SWEEP_MS = 30_000;

export interface StatusEntry<T> {
  readonly key: string;
  readonly value: T;
  readonly revision: number;
  /** When it was written, by the server's clock. */
  readonly time: Date;
}

export interface StatusWatch<T> {
  readonly onPut: (entry: StatusEntry<T>) => void;
  /** The key was deleted, or not written for a day. */
  readonly onDelete?: (key: string) => void;
  /** The value under a key cannot be read; what was known of it before still stands. Default: it is logged. */
  readonly onInvalid?: (key: string, error: Error) => void;
  /** All values that were there at the start have been delivered; called once. */
  readonly onCaughtUp?: () => void;
  readonly signal: AbortSignal;
}

/** A bucket of status values, one a key, each checked by a schema when it is read. */
export class StatusBucket<T> {
  readonly #bucket: Bucket;

  constructor(
    private readonly link: NatsLink,
    bucket: string,
    private readonly schema: z.ZodType<T>,
    private readonly ttlMs = STATUS_TTL_MS,
  ) {
    this.#bucket = new Bucket(link, bucket);
  }

  /** Writes the value and gives its revision. @throws NatsUnavailable | PublishRefused | RangeError for a bad key */
  async put(key: string, value: T): Promise<number> {
    return this.#bucket.put(key, JSON.stringify(value));
  }

  /** @throws NatsUnavailable | PublishRefused | RangeError for a bad key */
  async delete(key: string): Promise<void> {
    await this.#bucket.delete(key);
  }

  /** All values as they are now; unreadable ones are logged and left out. @throws NatsUnavailable */
  async list(options: { readonly timeoutMs?: number } = {}): Promise<StatusEntry<T>[]> {
    const entries = await this.#bucket.list(options);
    return entries.flatMap((entry) => {
      const read = this.#read(entry);
      if (read instanceof Error) this.#logInvalid(entry.key, read);
      return read instanceof Error || read === undefined ? [] : [read];
    });
  }

  /**
   * Tells every value there is and every change, until the signal aborts; goes on by itself after NATS was away, and then
   * tells what was deleted meanwhile. A value is told once for each revision. Rejects with what a callback threw.
   */
  async watch(options: StatusWatch<T>): Promise<void> {
    const known = new Map<string, { revision: number; seenAt: number }>();
    let present: Set<string> | undefined;
    let caughtUp = false;
    const drop = (key: string): void => {
      if (known.delete(key)) options.onDelete?.(key);
    };
    // The server drops old keys without telling: so does the watcher.
    const sweep = setInterval(
      () => {
        const oldest = performance.now() - this.ttlMs;
        for (const [key, { seenAt }] of known) if (seenAt < oldest) drop(key);
      },
      Math.min(SWEEP_MS, this.ttlMs),
    );
    try {
      await this.#bucket.watch({
        signal: options.signal,
        onBegin: () => (present = new Set()),
        onEntry: (entry) => {
          present?.add(entry.key);
          if (entry.value === undefined) return drop(entry.key);
          if (known.get(entry.key)?.revision === entry.revision) return;
          known.set(entry.key, { revision: entry.revision, seenAt: performance.now() });
          const read = this.#read(entry);
          if (!(read instanceof Error)) return void (read !== undefined && options.onPut(read));
          (options.onInvalid ?? ((key, error) => this.#logInvalid(key, error)))(entry.key, read);
        },
        onCaughtUp: () => {
          for (const key of [...known.keys()]) if (present?.has(key) === false) drop(key);
          present = undefined;
          if (!caughtUp) options.onCaughtUp?.();
          caughtUp = true;
        },
      });
    } finally {
      clearInterval(sweep);
    }
  }

  #read(entry: KeyEntry): StatusEntry<T> | Error | undefined {
    if (entry.value === undefined) return undefined;
    try {
      const value = this.schema.parse(JSON.parse(new TextDecoder().decode(entry.value)));
      return { key: entry.key, value, revision: entry.revision, time: entry.time };
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : reasonOf(error);
      return new Error(`the value of "${entry.key}" in ${this.#bucket.name} cannot be read: ${reason}`, { cause: error });
    }
  }

  #logInvalid(key: string, error: Error): void {
    this.link.log.warn({ bucket: this.#bucket.name, key, reason: error.message }, "a status value cannot be read");
  }
}
