import {
  emptyPolicy,
  evolve,
  isModuleEvent,
  SortedMap,
  type PolicyEvent,
  type PolicyMessage,
  type PolicyState,
} from "@secuxflow/contracts";
import { HistoryRewound, type EventStore, type Stored } from "@secuxflow/event-store";

/** The revision that put each thing where it is now, by id or name. */
export interface Since {
  readonly rules: SortedMap<number, number>;
  readonly forwards: SortedMap<number, number>;
  readonly sets: SortedMap<string, number>;
  readonly services: SortedMap<string, number>;
  /** The last decision on each module. */
  readonly modules: SortedMap<string, number>;
}

/** The policy folded up to a revision, with what only its history tells. Shares nearly all of its memory with the one before. */
export interface PolicyView {
  readonly revision: number;
  readonly state: PolicyState;
  readonly since: Since;
  /** When each rule that expires does: ms since 1970, by id. */
  readonly expiring: SortedMap<number, number>;
  /** Every module version that was ever registered: `moduleKey`. */
  readonly registered: ReadonlySet<string>;
}

export const moduleKey = (module: { name: string; version: string; digest: string }): string =>
  `${module.name}@${module.version}@${module.digest}`;

const NONE = SortedMap.from<number, number>([]);
const NO_NAMES = SortedMap.from<string, number>([]);

export const EMPTY_VIEW: PolicyView = {
  revision: 0,
  state: emptyPolicy,
  since: { rules: NONE, forwards: NONE, sets: NO_NAMES, services: NO_NAMES, modules: NO_NAMES },
  expiring: NONE,
  registered: new Set(),
};

type Rules = readonly { readonly id: number; readonly expiresAt?: string | undefined }[];

/** The rules that an event puts there and takes out. `all`: there are no others from then on. */
const ruleChange = (event: PolicyEvent): { added: Rules; gone: readonly number[]; all?: true } => {
  switch (event.type) {
    case "rule.added":
      return { added: [event.data.rule], gone: [] };
    case "rules.added":
      return { added: event.data.rules, gone: [] };
    case "rules.replaced":
      return { added: event.data.rules, gone: [], all: true };
    case "rule.deleted":
    case "rule.expired":
      return { added: [], gone: [event.data.id] };
    case "rules.cleared":
      return { added: [], gone: event.data.ids };
    default:
      return { added: [], gone: [] };
  }
};

const expiringAfter = (before: SortedMap<number, number>, event: PolicyEvent): SortedMap<number, number> => {
  const { added, gone, all } = ruleChange(event);
  if (added.length + gone.length === 0 && all !== true) return before;
  const due = added.flatMap(({ id, expiresAt }) => (expiresAt === undefined ? [] : [[id, Date.parse(expiresAt)] as const]));
  return (all === true ? NONE : before).changed(due, gone);
};

/** A rule that stays as it is keeps the revision that it came with, also when all rules are replaced. */
const rulesSince = (before: PolicyView, event: PolicyEvent, revision: number): SortedMap<number, number> => {
  const { added, gone, all } = ruleChange(event);
  if (added.length + gone.length === 0 && all !== true) return before.since.rules;
  const since = before.since.rules;
  const revisions = added.map(({ id }) => [id, all === true ? (since.get(id) ?? revision) : revision] as const);
  return all === true ? SortedMap.from(revisions) : since.changed(revisions, gone);
};

const sinceAfter = (before: PolicyView, event: PolicyEvent, revision: number): Since => {
  const { since } = before;
  switch (event.type) {
    case "forward.added":
      return { ...since, forwards: since.forwards.with(event.data.forward.id, revision) };
    case "forward.deleted":
      return { ...since, forwards: since.forwards.without(event.data.id) };
    case "forwards.cleared":
      return { ...since, forwards: since.forwards.changed([], event.data.ids) };
    case "set.created":
    case "set.changed":
    case "set.replaced":
      return { ...since, sets: since.sets.with(event.data.name, revision) };
    case "set.deleted":
      return { ...since, sets: since.sets.without(event.data.name) };
    case "service.added":
      return { ...since, services: since.services.with(event.data.service.name, revision) };
    case "service.deleted":
      return { ...since, services: since.services.without(event.data.name) };
    default:
      if (isModuleEvent(event)) return { ...since, modules: since.modules.with(event.data.name, revision) };
      return { ...since, rules: rulesSince(before, event, revision) };
  }
};

/** The view after one message of the stream. */
export function project(view: PolicyView, { revision, message }: Stored<PolicyMessage>): PolicyView {
  if (revision <= view.revision) return view;
  const after = message.events.reduce(
    (before: PolicyView, event): PolicyView => ({
      revision,
      state: evolve(before.state, event),
      since: sinceAfter(before, event, revision),
      expiring: expiringAfter(before.expiring, event),
      registered:
        event.type === "module.registered" ? new Set([...before.registered, moduleKey(event.data.module)]) : before.registered,
    }),
    view,
  );
  return { ...after, revision };
}

/** What the reader tells whoever operates it. */
export interface ReaderLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const RETRY_MS = 500;

/**
 * Keeps the policy folded in memory by following its stream, so that reads need no NATS.
 * A message that this build cannot read stops the folding: the last good policy is shown, and `problem` says why.
 */
export class PolicyReader {
  #building = EMPTY_VIEW;
  #view: PolicyView | undefined;
  #problem: string | undefined;
  readonly #listeners = new Set<(view: PolicyView) => void>();
  readonly #rewound = new Set<() => void>();

  constructor(
    private readonly store: EventStore<PolicyMessage>,
    private readonly policy: string,
    private readonly log: ReaderLog,
  ) {}

  /** The policy as it is known now; undefined before it was read for the first time. */
  get view(): PolicyView | undefined {
    return this.#view;
  }

  /** Why the view is not the newest; undefined when all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Calls back with every new view, and at once with the one that is there. @returns a function that ends it */
  onChange(listener: (view: PolicyView) => void): () => void {
    this.#listeners.add(listener);
    if (this.#view) listener(this.#view);
    return () => void this.#listeners.delete(listener);
  }

  /** Calls back when the stream has lost history: whatever was kept of it is void. */
  onRewound(listener: () => void): void {
    this.#rewound.add(listener);
  }

  /** Waits until the view stands at `revision` or beyond; false when that takes longer than `withinMs`. */
  async reached(revision: number, withinMs: number): Promise<boolean> {
    if (this.#view && this.#view.revision >= revision) return true;
    return new Promise((resolve) => {
      const finish = (reached: boolean) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(reached);
      };
      const look = (view: PolicyView) => {
        if (view.revision >= revision) finish(true);
      };
      const timer = setTimeout(() => finish(false), withinMs);
      this.#listeners.add(look);
    });
  }

  /** Follows the stream until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let caughtUp = this.#view !== undefined && this.#view === this.#building;
      try {
        await this.store.follow(this.policy, {
          after: this.#building.revision,
          onMessage: (stored) => {
            if (this.#problem !== undefined) return; // nothing after a message that was not understood
            this.#building = project(this.#building, stored);
            if (caughtUp) this.#publish();
          },
          onUnreadable: (revision, error) => {
            this.#problem ??= `revision ${revision} of the policy: ${error.message}`;
            this.log.error({ err: error, revision }, "a policy event cannot be read; the last good policy stays");
          },
          onCaughtUp: () => {
            caughtUp = true;
            this.#publish();
          },
          signal,
        });
      } catch (error) {
        if (error instanceof HistoryRewound) {
          this.log.error({ err: error }, "the policy stream has lost history; it is read again from its beginning");
          this.#building = EMPTY_VIEW;
          this.#problem = undefined;
          for (const listener of this.#rewound) listener();
        } else {
          this.log.warn({ err: error }, "following the policy was interrupted");
          await pause(RETRY_MS, signal);
        }
      }
    }
  }

  #publish(): void {
    const view = this.#building;
    this.#view = view;
    for (const listener of [...this.#listeners]) listener(view);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
