import { createHash } from "node:crypto";
import type { Clock } from "../../clock.js";
import { dueRules } from "../domain/index.js";
import type { PolicyReader, PolicyView, ReaderLog } from "./policy-reader.js";
import type { PolicyService } from "./policy-service.js";

const RETRY_MS = 1_000;
/** The longest delay a Node timer takes, with room to spare; then the scheduler looks again. */
const LOOK_AGAIN_MS = 24 * 3_600_000;
const MAX_ID_TEXT = 100;

/** Id of the command that expires `ids`: the same in every rule-api, so that several at once do it once. */
export function expiryCommandId(ids: readonly number[]): string {
  const text = ids.join(",");
  return `expire:${text.length <= MAX_ID_TEXT ? text : createHash("sha256").update(text).digest("hex")}`;
}

/**
 * Takes rules out of the policy when their time is over. The kernel does not wait for it: it looks at the expiry itself. This
 * makes it a fact that everybody sees.
 */
export class ExpiryScheduler {
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #stopped = false;
  #stopListening: (() => void) | undefined;

  constructor(
    private readonly reader: PolicyReader,
    private readonly service: Pick<PolicyService, "execute">,
    private readonly clock: Clock,
    private readonly log: ReaderLog,
  ) {}

  start(): void {
    this.#stopListening = this.reader.onChange((view) => this.#schedule(view));
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening?.();
    clearTimeout(this.#timer);
  }

  #schedule(view: PolicyView): void {
    if (this.#busy || this.#stopped) return; // looks again when it is done
    clearTimeout(this.#timer);
    let first = Number.POSITIVE_INFINITY;
    for (const due of view.expiring.values()) if (due < first) first = due;
    if (first === Number.POSITIVE_INFINITY) return;
    const wait = first - this.clock.now().getTime();
    this.#wake(Math.min(Math.max(wait, 0), LOOK_AGAIN_MS));
  }

  #wake(afterMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#expire(), afterMs);
  }

  async #expire(): Promise<void> {
    const view = this.reader.view;
    if (!view) return;
    const now = this.clock.now().toISOString();
    const ids = dueRules(view.state, now);
    this.#busy = true;
    let again = 0;
    try {
      if (ids.length > 0) {
        const result = await this.service.execute(
          { type: "expire_rules", ids, now },
          { actor: "system:rule-api", commandId: expiryCommandId(ids) },
        );
        // Until the view shows it there is nothing to look at.
        await this.reader.reached(result.revision, RETRY_MS);
      }
    } catch (error) {
      again = RETRY_MS;
      this.log.warn(
        { err: error, ids },
        "rules are due, but their expiry could not be stored yet; the kernels end them all the same",
      );
    } finally {
      this.#busy = false;
    }
    if (again > 0) this.#wake(again);
    else if (this.reader.view) this.#schedule(this.reader.view);
  }
}
