import { ProblemError, type Alert } from "@secuxflow/contracts";

/** Where events of one watcher go. */
export interface WatcherSink {
  /** @returns false when it takes no more until `drained` is called */
  write(text: string): boolean;
  end(): void;
}

export interface FeedLimits {
  readonly watchers: number;
  /** Events that wait for one slow watcher. */
  readonly queued: number;
  readonly heartbeatMs: number;
}

export const FEED_LIMITS: FeedLimits = { watchers: 64, queued: 256, heartbeatMs: 10_000 };

/** One watcher of the feed. */
export interface Watcher {
  /** The sink takes more. */
  drained(): void;
  /** The watcher is gone. */
  close(): void;
}

interface State {
  readonly sink: WatcherSink;
  readonly queue: string[];
  blocked: boolean;
  dropped: number;
}

/**
 * Hands stored alerts to everybody who watches, as server-sent events (WHATWG HTML, section 9.2).
 * Each watcher has a bounded queue: what a slow one misses is counted, and told to it in a comment.
 */
export class AlertFeed {
  readonly #watchers = new Set<State>();
  readonly #heartbeat: NodeJS.Timeout;
  #droppedTotal = 0;

  constructor(private readonly limits: FeedLimits = FEED_LIMITS) {
    this.#heartbeat = setInterval(() => this.#each(": still here\n\n", false), limits.heartbeatMs);
    this.#heartbeat.unref();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Events that slow watchers have missed. */
  get dropped(): number {
    return this.#droppedTotal;
  }

  /** @throws ProblemError limit_reached when there are too many already */
  check(): void {
    if (this.#watchers.size >= this.limits.watchers) {
      throw new ProblemError("limit_reached", `${this.limits.watchers} clients watch alerts already, the most there may be`, {
        next: "end one of them, or raise api.maxWatchers",
      });
    }
  }

  /** Adds a watcher. @throws ProblemError limit_reached */
  watch(sink: WatcherSink): Watcher {
    this.check();
    const state: State = { sink, queue: [], blocked: false, dropped: 0 };
    this.#watchers.add(state);
    this.#send(state, ": watching\n\n", false);
    return {
      drained: () => {
        state.blocked = false;
        if (state.dropped > 0) {
          state.queue.push(`: ${state.dropped} alerts were left out, this client reads too slowly\n\n`);
          state.dropped = 0;
        }
        while (!state.blocked && state.queue.length > 0) state.blocked = !sink.write(state.queue.shift() ?? "");
      },
      close: () => void this.#watchers.delete(state),
    };
  }

  /** Tells an alert to everybody. */
  publish(alert: Alert): void {
    // JSON holds no line breaks, so that one data line holds all of it.
    this.#each(`event: alert\nid: ${alert.id}\ndata: ${JSON.stringify(alert)}\n\n`, true);
  }

  /** Ends every watcher: the service stops. */
  close(): void {
    clearInterval(this.#heartbeat);
    for (const { sink } of this.#watchers) sink.end();
    this.#watchers.clear();
  }

  #each(text: string, counts: boolean): void {
    for (const state of this.#watchers) this.#send(state, text, counts);
  }

  #send(state: State, text: string, counts: boolean): void {
    if (!state.blocked) {
      state.blocked = !state.sink.write(text);
    } else if (!counts) {
      return; // a heartbeat is for idle lines; this one has more than enough to read
    } else if (state.queue.length >= this.limits.queued) {
      state.dropped += 1;
      this.#droppedTotal += 1;
    } else {
      state.queue.push(text);
    }
  }
}
