import { emptyPolicy, evolve, type PolicyMessage, type PolicyState } from "@secuxflow/contracts";
import { HistoryRewound, type EventStore, type Stored } from "@secuxflow/event-store";

/** The policy folded up to a revision, with what only its history tells. */
export interface PolicyView {
  readonly revision: number;
  readonly state: PolicyState;
  /** The revision that added each rule and forward. */
  readonly ruleSince: ReadonlyMap<number, number>;
  readonly forwardSince: ReadonlyMap<number, number>;
  /** Every module version that was ever registered: `moduleKey`. */
  readonly registered: ReadonlySet<string>;
}

export const moduleKey = (module: { name: string; version: string; digest: string }): string =>
  `${module.name}@${module.version}@${module.digest}`;

const EMPTY: PolicyView = {
  revision: 0,
  state: emptyPolicy,
  ruleSince: new Map(),
  forwardSince: new Map(),
  registered: new Set(),
};

/** The view after one message of the stream. */
export function project(view: PolicyView, { revision, message }: Stored<PolicyMessage>): PolicyView {
  if (revision <= view.revision) return view;
  const ruleSince = new Map(view.ruleSince);
  const forwardSince = new Map(view.forwardSince);
  const registered = new Set(view.registered);
  for (const event of message.events) {
    if (event.type === "rule.added") ruleSince.set(event.data.rule.id, revision);
    else if (event.type === "rule.deleted" || event.type === "rule.expired") ruleSince.delete(event.data.id);
    else if (event.type === "rules.cleared") for (const id of event.data.ids) ruleSince.delete(id);
    else if (event.type === "forward.added") forwardSince.set(event.data.forward.id, revision);
    else if (event.type === "forward.deleted") forwardSince.delete(event.data.id);
    else if (event.type === "forwards.cleared") for (const id of event.data.ids) forwardSince.delete(id);
    else registered.add(moduleKey(event.data.module));
  }
  return { revision, state: message.events.reduce(evolve, view.state), ruleSince, forwardSince, registered };
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
  #building = EMPTY;
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
          this.#building = EMPTY;
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
