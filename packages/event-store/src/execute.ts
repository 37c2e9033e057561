import type { Decider } from "./decider.js";
import { HistoryRewound, RevisionConflict } from "./errors.js";
import { fold, StateCache, type Folded } from "./state-cache.js";
import type { EventStore } from "./store.js";

const DEFAULT_RETRIES = 16;

/** Other writers were faster each time. Nothing was stored. */
export class CommandContention extends Error {
  override readonly name = "CommandContention";
  constructor(
    readonly stream: string,
    readonly attempts: number,
    options?: ErrorOptions,
  ) {
    super(`${attempts} attempts to append to stream "${stream}" met another writer each time: try again`, options);
  }
}

/** A stream of messages, and how to fold it. */
export interface Aggregate<M, Command, Event, State> {
  readonly store: EventStore<M>;
  readonly decider: Decider<Command, Event, State>;
  readonly stream: string;
  /** The events in a message. */
  readonly eventsOf: (message: M) => readonly Event[];
  /** Share one between all commands of a process: then each reads only what is new. */
  readonly cache?: StateCache<State>;
}

export interface ExecuteOptions<M, Command, Event, State> extends Aggregate<M, Command, Event, State> {
  /** The message that stands for the events of one command. */
  readonly toMessage: (events: readonly Event[]) => M;
  readonly command: Command;
  /** A UUID made by who gives the command; a retry carries the same one. */
  readonly commandId: string;
  /** How often to decide again after a conflict; default 16. */
  readonly retries?: number;
  readonly traceparent?: string;
  readonly signal?: AbortSignal;
}

export interface CommandResult<Event, State> {
  /** The revision of the command's message; the stream's revision where the command led to no event. */
  readonly revision: number;
  readonly events: readonly Event[];
  /** The state after the command, or a later one when it was a duplicate. */
  readonly state: State;
  /** The command was executed before; `revision` and `events` are from then. */
  readonly duplicate: boolean;
}

/**
 * Executes one command: decide from the state in memory (else load it), append at the expected revision; on conflict, and
 * before a refusal, load and decide again. A command id
 * that was executed before is not decided a second time: its first result is returned.
 * @throws what `decide` throws; RevisionConflict never; CommandContention, StoreUnavailable, MessageTooLarge
 */
export async function executeCommand<M, Command, Event, State>(
  options: ExecuteOptions<M, Command, Event, State>,
): Promise<CommandResult<Event, State>> {
  const cache = options.cache ?? new StateCache<State>();
  return cache.exclusively(options.stream, () => attempt({ ...options, cache }));
}

/** The state of a stream as it is now, and its revision. @throws StoreUnavailable, and errors of unreadable messages */
export async function loadState<M, Command, Event, State>(
  aggregate: Aggregate<M, Command, Event, State>,
  signal?: AbortSignal,
): Promise<{ readonly revision: number; readonly state: State }> {
  return load(aggregate, signal);
}

type Attempt<M, C, E, S> = ExecuteOptions<M, C, E, S> & { readonly cache: StateCache<S> };

async function attempt<M, Command, Event, State>(
  options: Attempt<M, Command, Event, State>,
): Promise<CommandResult<Event, State>> {
  const { store, decider, stream, command, commandId, cache } = options;
  const attempts = (options.retries ?? DEFAULT_RETRIES) + 1;
  let conflict: unknown;
  const remembered = decideFromMemory(options);
  for (let n = 0; n < attempts; n++) {
    options.signal?.throwIfAborted();
    const before = (n === 0 ? remembered?.before : undefined) ?? (await load(options, options.signal));
    const first = before.commands.get(commandId);
    if (first !== undefined) return firstResult(options, first, before.state);
    const events = (n === 0 ? remembered?.events : undefined) ?? decider.decide(command, before.state);
    if (events.length === 0) return { revision: before.revision, events, state: before.state, duplicate: false };
    try {
      const message = options.toMessage(events);
      const { traceparent, signal } = options;
      const appended = await store.append(stream, message, {
        expectedRevision: before.revision,
        commandId,
        ...(traceparent !== undefined && { traceparent }),
        ...(signal !== undefined && { signal }),
      });
      if (appended.duplicate) return await firstResult(options, appended.revision, (await load(options, signal)).state);
      const stored = { revision: appended.revision, time: new Date(), message, commandId };
      const after = fold(before, stored, (state: State, event: Event) => decider.evolve(state, event), options.eventsOf);
      cache.set(stream, after);
      return { revision: appended.revision, events, state: after.state, duplicate: false };
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      conflict = error;
    }
  }
  throw new CommandContention(stream, attempts, { cause: conflict });
}

/**
 * What the state in memory leads to, without asking the store whether it is the newest: the append asks, and a conflict
 * leads to a fresh look. A refusal, or nothing to do, is no answer from a state that may be old: then undefined.
 */
function decideFromMemory<M, Command, Event, State>(
  { decider, stream, command, cache }: Attempt<M, Command, Event, State>,
): { readonly before: Folded<State>; readonly events: readonly Event[] } | undefined {
  const before = cache.get(stream);
  if (before === undefined) return undefined;
  try {
    const events = decider.decide(command, before.state);
    return events.length === 0 ? undefined : { before, events };
  } catch {
    return undefined;
  }
}

/** Folds what is new. History that was lost is forgotten and read again from the start. */
async function load<M, C, E, S>(aggregate: Aggregate<M, C, E, S>, signal: AbortSignal | undefined): Promise<Folded<S>> {
  const { store, decider, stream, cache } = aggregate;
  const evolve = (state: S, event: E): S => decider.evolve(state, event);
  for (let rewound = false; ; rewound = true) {
    let folded: Folded<S> = cache?.get(stream) ?? { revision: 0, state: decider.initialState, commands: new Map() };
    try {
      for await (const stored of store.read(stream, { after: folded.revision, ...(signal !== undefined && { signal }) })) {
        folded = fold(folded, stored, evolve, aggregate.eventsOf);
      }
      cache?.set(stream, folded);
      return folded;
    } catch (error) {
      if (!(error instanceof HistoryRewound) || rewound) throw error;
      cache?.forget(stream);
    }
  }
}

async function firstResult<M, C, E, S>(options: Attempt<M, C, E, S>, revision: number, state: S): Promise<CommandResult<E, S>> {
  const { store, stream, commandId, eventsOf } = options;
  for await (const stored of store.read(stream, { after: revision - 1 })) {
    if (stored.commandId === commandId) return { revision, events: eventsOf(stored.message), state, duplicate: true };
    break;
  }
  throw new Error(
    `command id ${commandId} was used before for another stream than "${stream}": give every command an id of its own`,
  );
}
