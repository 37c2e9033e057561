import { ProblemError, UnreadablePolicyMessage } from "@secuxflow/contracts";
import { CommandContention, MessageTooLarge, StoreUnavailable } from "@secuxflow/event-store";

export const NATS_NEXT = "secuxflow-cli status show";

/** A time limit for what a store does: who asks is never left waiting for a NATS that hangs. */
export class Deadline {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout;

  constructor(private readonly ms: number) {
    this.#timer = this.#start();
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begins anew: what was done until now was work of this process, which the store is not to blame for. */
  restart(): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  /** The result, or a TimeoutError when the time is over. */
  async hold<T>(result: Promise<T>): Promise<T> {
    const late = new Promise<never>((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason as Error), { once: true });
    });
    try {
      return await Promise.race([result, late]);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  #start(): NodeJS.Timeout {
    const late = () => this.#controller.abort(new DOMException("the store did not answer in time", "TimeoutError"));
    return setTimeout(late, this.ms);
  }
}

export const keyUsedTwice = (): ProblemError =>
  new ProblemError("conflict", "this Idempotency-Key was used for another command before: nothing was changed", {
    next: "use a new key for each command",
  });

export const stale = (asked: number, actual: number): ProblemError =>
  new ProblemError("stale_revision", `the policy is at revision ${actual}, no longer at ${asked}: nothing was changed`, {
    next: "look at what changed (secuxflow-cli rule list), then ask again with the new revision",
  });

export const unreadable = (reason: string, cause?: unknown): ProblemError =>
  new ProblemError("storage_unavailable", `the policy cannot be changed because it cannot be read: ${reason}`, {
    next: "upgrade this service, or look at the stream SECUXFLOW_POLICY",
    ...(cause === undefined ? {} : { cause }),
  });

const TIMEOUTS = new Set(["TimeoutError", "AbortError"]);

/** Every failure of a command as the API tells it. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StoreUnavailable || (error instanceof Error && TIMEOUTS.has(error.name))) {
    const reason =
      error instanceof StoreUnavailable ? error.message : "NATS did not answer in time; whether the change was stored is unknown";
    return new ProblemError("nats_unavailable", reason, {
      next: "when NATS is back, ask again with the same Idempotency-Key (nothing is done twice), or look at secuxflow-cli rule list",
      cause: error,
    });
  }
  if (error instanceof CommandContention) return new ProblemError("conflict", error.message, { next: "try again", cause: error });
  if (error instanceof MessageTooLarge) return new ProblemError("limit_reached", error.message, { cause: error });
  if (error instanceof UnreadablePolicyMessage) return unreadable(error.message, error);
  return new ProblemError("internal", "the command failed for a reason that should not be: see the log of rule-api", {
    cause: error,
  });
}
