import { StoreUnavailable } from "./errors.js";
import type { Stored } from "./store.js";

const MAX_STREAMS = 64;
const MAX_WAITING = 256;

/** Command ids that are remembered of each stream, newest first to go last; older retries are told by the store alone. */
export const REMEMBERED_COMMANDS = 16_384;

/** A stream folded up to `revision`. Replaced as a whole, never changed in place but for the remembered commands. */
export interface Folded<State> {
  readonly revision: number;
  readonly state: State;
  /** Revision by command id, oldest first. */
  readonly commands: Map<string, number>;
}

/** Keeps the folded state of streams between commands, so that a command reads only what is new, and lines commands up. */
export class StateCache<State> {
  readonly #folded = new Map<string, Folded<State>>();
  readonly #tails = new Map<string, { tail: Promise<unknown>; waiting: number }>();

  get(stream: string): Folded<State> | undefined {
    return this.#folded.get(stream);
  }

  /** Keeps `folded` unless a newer one is there already. Beyond 64 streams the oldest is forgotten. */
  set(stream: string, folded: Folded<State>): void {
    const known = this.#folded.get(stream);
    if (known !== undefined && known.revision > folded.revision) return;
    this.#folded.delete(stream);
    this.#folded.set(stream, folded);
    const [oldest] = this.#folded.keys();
    if (this.#folded.size > MAX_STREAMS && oldest !== undefined) this.#folded.delete(oldest);
  }

  forget(stream: string): void {
    this.#folded.delete(stream);
  }

  /**
   * Runs `body` after those that were lined up before for the same stream: commands of one process do not conflict with
   * each other. @throws StoreUnavailable when 256 wait already
   */
  async exclusively<T>(stream: string, body: () => Promise<T>): Promise<T> {
    const line = this.#tails.get(stream) ?? { tail: Promise.resolve(), waiting: 0 };
    if (line.waiting >= MAX_WAITING) {
      throw new StoreUnavailable(`command for stream "${stream}"`, `${MAX_WAITING} commands wait for the store already`, "no");
    }
    line.waiting += 1;
    this.#tails.set(stream, line);
    const result = line.tail.then(body);
    line.tail = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      line.waiting -= 1;
      if (line.waiting === 0) this.#tails.delete(stream);
    }
  }
}

/** `folded` and one more message. A message it has seen already changes nothing. */
export function fold<M, Event, State>(
  folded: Folded<State>,
  stored: Stored<M>,
  evolve: (state: State, event: Event) => State,
  events: (message: M) => readonly Event[],
): Folded<State> {
  if (stored.revision <= folded.revision) return folded;
  const { commands } = folded;
  commands.set(stored.commandId, stored.revision);
  const [oldest] = commands.keys();
  if (commands.size > REMEMBERED_COMMANDS && oldest !== undefined) commands.delete(oldest);
  return { revision: stored.revision, state: events(stored.message).reduce(evolve, folded.state), commands };
}
