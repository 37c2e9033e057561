import { headers } from "@nats-io/transport-node";
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { publishStored, PublishRefused } from "./publish.js";

export interface QueuedPublisherOptions {
  /** Messages that wait or are on their way at most; default 10,000. */
  readonly maxPending?: number;
  /** Bytes of them at most; default 64 MiB. */
  readonly maxPendingBytes?: number;
  /** Messages on their way at the same time; default 128. */
  readonly maxInFlight?: number;
}

export interface QueuedPublisherCounts {
  /** Stored in JetStream. */
  readonly published: number;
  /** Stored before under the same id. */
  readonly duplicates: number;
  /** Waiting or on their way now. */
  readonly pending: number;
  /** Refused at the door because too many waited, or left when the publisher was closed. */
  readonly dropped: number;
  /** Larger than the server takes. */
  readonly tooLarge: number;
  /** Attempts that failed and were made again. */
  readonly retries: number;
}

interface Item {
  readonly subject: string;
  readonly id: string;
  readonly body: Uint8Array;
}

const RETRY_MS = 200;
/** Room for headers within the server's max_payload. */
const HEADER_ROOM = 1_024;

/**
 * Publishes to JetStream in the background, each message until it is stored: under its id, so that a repetition within
 * the stream's window is stored once. Bounded: what does not fit is refused and counted. Order is not kept.
 */
export class QueuedPublisher {
  readonly #queue: Item[] = [];
  readonly #limits: Required<QueuedPublisherOptions>;
  readonly #closing = new AbortController();
  readonly #idle = new Set<() => void>();
  #head = 0;
  #inFlight = 0;
  #bytes = 0;
  #published = 0;
  #duplicates = 0;
  #dropped = 0;
  #tooLarge = 0;
  #retries = 0;
  #complained = "";

  constructor(
    private readonly link: NatsLink,
    private readonly what: string,
    options: QueuedPublisherOptions = {},
  ) {
    const { maxPending = 10_000, maxPendingBytes = 64 * 1024 * 1024, maxInFlight = 128 } = options;
    this.#limits = { maxPending, maxPendingBytes, maxInFlight };
    // Everything in flight waits on it.
    setMaxListeners(2 * maxInFlight, this.#closing.signal);
  }

  /** Takes a message for publishing. @returns false when it was dropped, and counted */
  publish(subject: string, id: string, body: Uint8Array): boolean {
    const { maxPending, maxPendingBytes } = this.#limits;
    if (this.#closing.signal.aborted || this.#pending >= maxPending || this.#bytes + body.length > maxPendingBytes) {
      this.#dropped += 1;
      return false;
    }
    this.#bytes += body.length;
    this.#queue.push({ subject, id, body });
    this.#start();
    return true;
  }

  counts(): QueuedPublisherCounts {
    return {
      published: this.#published,
      duplicates: this.#duplicates,
      pending: this.#pending,
      dropped: this.#dropped,
      tooLarge: this.#tooLarge,
      retries: this.#retries,
    };
  }

  /** Waits until all is stored, at most `timeoutMs`; what is left then is dropped and counted. Nothing is taken afterwards. */
  async close(timeoutMs = 5_000): Promise<void> {
    if (this.#pending > 0) {
      let finish: () => void = () => undefined;
      const idle = new Promise<void>((resolve) => (finish = resolve));
      this.#idle.add(finish);
      const timer = setTimeout(finish, timeoutMs);
      await idle;
      clearTimeout(timer);
      this.#idle.delete(finish);
    }
    this.#dropped += this.#pending;
    this.#closing.abort();
    this.#queue.length = this.#head = 0;
  }

  get #pending(): number {
    return this.#queue.length - this.#head + this.#inFlight;
  }

  #start(): void {
    while (this.#inFlight < this.#limits.maxInFlight) {
      const item = this.#queue[this.#head];
      if (item === undefined) return;
      this.#head += 1;
      // Cut off what was taken, now and then: shift() on a long array would copy it each time.
      if (this.#head > 1_024 && this.#head * 2 > this.#queue.length) {
        this.#queue.splice(0, this.#head);
        this.#head = 0;
      }
      this.#inFlight += 1;
      void this.#untilStored(item);
    }
  }

  async #untilStored(item: Item): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.link.connected({ signal, what: this.what });
        if (this.#isTooLarge(item)) break;
        const set = headers();
        set.set("Nats-Msg-Id", item.id);
        const { duplicate } = await publishStored(this.link, this.what, item.subject, item.body, set);
        this.#published += duplicate ? 0 : 1;
        this.#duplicates += duplicate ? 1 : 0;
        this.#complained = "";
        break;
      } catch (error) {
        if (signal.aborted) break;
        this.#complain(error);
        this.#retries += 1;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    this.#inFlight -= 1;
    this.#bytes -= item.body.length;
    if (signal.aborted) return;
    this.#start();
    if (this.#pending === 0) for (const finish of this.#idle) finish();
  }

  #isTooLarge({ subject, id, body }: Item): boolean {
    const limit = (this.link.connection(this.what).info?.max_payload ?? Infinity) - HEADER_ROOM;
    if (body.length <= limit) return false;
    this.#tooLarge += 1;
    this.link.log.error({ subject, id, bytes: body.length, limit }, `${this.what}: a message is too large and is dropped`);
    return true;
  }

  #complain(error: unknown): void {
    const reason =
      error instanceof PublishRefused ? error.description : error instanceof NatsUnavailable ? error.reason : reasonOf(error);
    if (reason !== this.#complained) this.link.log.warn({ reason, pending: this.#pending }, `${this.what} failed, trying again`);
    this.#complained = reason;
  }
}
