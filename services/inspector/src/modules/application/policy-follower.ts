import { emptyPolicy, evolve, isModuleEvent, type PolicyMessage, type PolicyState } from "@secuxflow/contracts";

/** The part of the event store that is needed here (`JetStreamEventStore`). */
export interface FollowStore {
  follow(policy: string, options: {
    readonly after: number;
    readonly onMessage: (stored: { readonly revision: number; readonly message: PolicyMessage }) => void;
    readonly onUnreadable: (revision: number, error: Error) => void;
    readonly onCaughtUp: () => void;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

interface FollowLog {
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** What the policy says of modules. */
export type ModulePolicy = Pick<PolicyState, "modules" | "controls">;

export interface PolicyListener {
  /** After what was stored is read, and after every message from then on. `state` is the same object while nothing has changed. */
  onPolicy(state: ModulePolicy, revision: number): void;
  /** An administrator trusts a module again. */
  onReleased(name: string): void;
}

const RETRY_MS = 500;

/** Follows the policy and tells what it says of the modules. */
export class PolicyFollower {
  #revision = 0;
  #state: PolicyState = emptyPolicy;
  #problem: string | undefined;
  #caughtUp = false;

  constructor(
    private readonly store: FollowStore,
    private readonly policy: string,
    private readonly log: FollowLog,
    private readonly listener: PolicyListener,
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
          onCaughtUp: () => {
            this.#caughtUp = true;
            this.listener.onPolicy(this.#state, this.#revision);
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
    // Of a policy with 100,000 rules only the modules are of interest here.
    const events = message.events.filter((event) => event.type === "module.registered" || isModuleEvent(event));
    this.#state = events.reduce(evolve, this.#state);
    this.#revision = revision;
    if (!this.#caughtUp) return;
    for (const event of events) if (event.type === "module.released") this.listener.onReleased(event.data.name);
    this.listener.onPolicy(this.#state, revision);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
