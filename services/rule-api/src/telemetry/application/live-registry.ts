import type { Clock } from "../../clock.js";

/** An owner of a status (an agent, an inspector) counts as live for so long after its last word. */
export const LIVE_MS = 3_000;
const MAX_OWNERS = 1_024;
/** After a day of silence an owner is forgotten, as its bucket forgets it. */
const FORGET_MS = 24 * 3_600_000;

/** What is known of one owner. */
export interface Known<T> {
  readonly id: string;
  readonly status: T;
  readonly live: boolean;
  /** It was in the bucket when watching began (again) and has not spoken since: it may be long gone. */
  readonly provisional: boolean;
  readonly silentMs: number;
}

interface Entry<T> {
  status: T;
  seenAt: number;
  provisional: boolean;
}

/**
 * The newest status of every owner, and who is live by this process's own monotonic clock: times in a status come from other
 * clocks and are only shown. Bounded: beyond 1,024 owners the one that is silent longest is forgotten.
 */
export class LiveRegistry<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #listeners = new Set<() => void>();
  #lostAt: number | undefined;

  constructor(private readonly clock: Clock) {}

  /** Takes a status. `initial`: it lay in the bucket already, so that when it was written is unknown. */
  put(id: string, status: T, initial = false): void {
    const known = this.#entries.get(id);
    if (initial && known && !known.provisional) return; // a watch that was set up again tells old news
    this.#entries.delete(id); // the newest goes to the end
    this.#entries.set(id, { status, seenAt: this.clock.monotonicMs(), provisional: initial });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_OWNERS && oldest !== undefined) this.#entries.delete(oldest);
    this.#changed();
  }

  /** The owner took its status out: it has ended in order. */
  delete(id: string): void {
    if (this.#entries.delete(id)) this.#changed();
  }

  /** Nothing can be heard from now on: silence says nothing about the owners. */
  disconnected(): void {
    this.#lostAt ??= this.clock.monotonicMs();
  }

  /** Owners that were live when the connection was lost get a new term to speak up. */
  connected(): void {
    const lostAt = this.#lostAt;
    this.#lostAt = undefined;
    if (lostAt === undefined) return;
    const now = this.clock.monotonicMs();
    for (const entry of this.#entries.values()) {
      if (lostAt - entry.seenAt <= LIVE_MS) Object.assign(entry, { seenAt: now, provisional: true });
    }
    this.#changed();
  }

  /** Every owner that is known, in the order of their ids. */
  all(): Known<T>[] {
    const now = this.clock.monotonicMs();
    return [...this.#entries]
      .map(([id, entry]) => {
        const silentMs = now - entry.seenAt;
        return { id, status: entry.status, provisional: entry.provisional, silentMs, live: silentMs <= LIVE_MS };
      })
      .filter(({ silentMs }) => silentMs <= FORGET_MS)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  live(): Known<T>[] {
    return this.all().filter((known) => known.live);
  }

  /** Calls back after every change. @returns a function that ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
