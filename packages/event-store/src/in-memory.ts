import { HistoryRewound, RevisionConflict } from "./errors.js";
import type { Appended, AppendOptions, EventStore, FollowOptions, Stored } from "./store.js";

/**
 * The model of an event store: revisions count over all streams as JetStream's sequences do, command ids are unique over
 * all streams. Messages are copied on the way in and out. For tests and tools; nothing is kept beyond the process.
 */
export class InMemoryEventStore<M> implements EventStore<M> {
  readonly #streams = new Map<string, Stored<M>[]>();
  readonly #byCommand = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #revision = 0;

  append(stream: string, message: M, options: AppendOptions): Promise<Appended> {
    return settle(() => {
      options.signal?.throwIfAborted();
      const before = this.#byCommand.get(options.commandId);
      if (before !== undefined) return { revision: before, duplicate: true };
      const actual = this.#headOf(stream);
      if (actual !== options.expectedRevision) throw new RevisionConflict(stream, options.expectedRevision, actual);
      const revision = ++this.#revision;
      const { commandId } = options;
      this.#messages(stream).push({ revision, time: new Date(), message: structuredClone(message), commandId });
      this.#byCommand.set(commandId, revision);
      for (const wake of this.#waiting) wake();
      return { revision, duplicate: false };
    });
  }

  async *read(
    stream: string,
    options: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<Stored<M>> {
    const after = options.after ?? 0;
    const head = await this.head(stream);
    if (head < after) throw new HistoryRewound(stream, after, head);
    for (const stored of this.#messages(stream).filter(({ revision }) => revision > after && revision <= head)) {
      options.signal?.throwIfAborted();
      yield copy(stored);
    }
  }

  async follow(stream: string, options: FollowOptions<M>): Promise<void> {
    let last = options.after;
    let at = 0;
    const head = this.#headOf(stream);
    if (head < last) throw new HistoryRewound(stream, last, head);
    let caughtUp = false;
    while (!options.signal.aborted) {
      if (!caughtUp && last >= head) {
        caughtUp = true;
        options.onCaughtUp?.(last);
      }
      const messages = this.#messages(stream);
      while (at < messages.length && (messages[at]?.revision ?? 0) <= last) at += 1;
      const next = messages[at];
      if (next === undefined) {
        await this.#change(options.signal);
      } else {
        await options.onMessage(copy(next));
        last = next.revision;
      }
    }
  }

  head(stream: string): Promise<number> {
    return settle(() => this.#headOf(stream));
  }

  #headOf(stream: string): number {
    return this.#streams.get(stream)?.at(-1)?.revision ?? 0;
  }

  #messages(stream: string): Stored<M>[] {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const created: Stored<M>[] = [];
    this.#streams.set(stream, created);
    return created;
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}

const copy = <M>(stored: Stored<M>): Stored<M> => ({ ...stored, message: structuredClone(stored.message) });

/** Runs at once, as a promise: what is thrown becomes a rejection. */
const settle = <T>(body: () => T): Promise<T> =>
  new Promise((resolve) => {
    resolve(body());
  });
