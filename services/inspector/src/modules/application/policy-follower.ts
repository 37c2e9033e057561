import { emptyPolicy, evolve, type ModuleBinding, type PolicyMessage, type PolicyState } from "@secuxflow/contracts";

/** The part of the event store that is needed here (`JetStreamEventStore`). */
export interface FollowStore {
  follow(policy: string, options: {
    readonly after: number;
    readonly onMessage: (stored: { readonly revision: number; readonly message: PolicyMessage }) => void;
    readonly onUnreadable: (revision: number, error: Error) => void;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

interface FollowLog {
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

const RETRY_MS = 500;

/** Follows the policy and tells what it calls the modules. */
export class PolicyFollower {
  #revision = 0;
  #state: PolicyState = emptyPolicy;
  #problem: string | undefined;

  constructor(
    private readonly store: FollowStore,
    private readonly policy: string,
    private readonly log: FollowLog,
    private readonly onModules: (modules: ReadonlyMap<string, ModuleBinding>) => void,
  ) {}

  /** Why the modules may not be the newest; undefined when all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Follows until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.store.follow(this.policy, {
          after: this.#revision,
          onMessage: ({ revision, message }) => this.#take(revision, message),
          onUnreadable: (revision, error) => {
            this.#problem ??= `revision ${revision} of the policy: ${error.message}`;
            this.log.error({ err: error, revision }, "a policy event cannot be read; modules keep the bits they have");
          },
          signal,
        });
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Error && error.name === "HistoryRewound") {
          this.log.error({ err: error }, "the policy stream has lost history; it is read again from its beginning");
          this.#revision = 0;
          this.#state = emptyPolicy;
          this.#problem = undefined;
        } else {
          this.log.warn({ err: error }, "following the policy was interrupted");
          await pause(RETRY_MS, signal);
        }
      }
    }
  }

  #take(revision: number, message: PolicyMessage): void {
    // Nothing after a message that was not understood: it may have changed what these events build on.
    if (this.#problem !== undefined) return;
    const before = this.#state.modules;
    // Of a policy with 100,000 rules only the modules are of interest here.
    this.#state = message.events.filter(({ type }) => type === "module.registered").reduce(evolve, this.#state);
    this.#revision = revision;
    if (this.#state.modules !== before) this.onModules(this.#state.modules);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
