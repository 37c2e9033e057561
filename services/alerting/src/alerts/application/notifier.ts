import type { Alert } from "@secuxflow/contracts";
import type { GroupRef } from "./ports.js";

export interface NotifierOptions {
  readonly read: (groups: readonly GroupRef[]) => Promise<Alert[]>;
  readonly publish: (alert: Alert) => void;
  readonly onError: (error: unknown, groups: number) => void;
  /** Told how many were left out because more are waiting than may. */
  readonly onDropped: (groups: number) => void;
  readonly maxWaiting?: number;
  readonly maxRead?: number;
}

/**
 * Tells watchers of alerts that got new detections. One read at a time; what is stored meanwhile waits and is told once,
 * however often it was touched. It is not a fact (core NATS, at most once), so what is too much is left out and counted.
 */
export class Notifier {
  readonly #waiting = new Map<string, GroupRef>();
  #busy = false;
  #done: Promise<void> = Promise.resolve();

  constructor(private readonly options: NotifierOptions) {}

  touch(groups: readonly GroupRef[]): void {
    const { maxWaiting = 10_000 } = this.options;
    for (const group of groups) this.#waiting.set(`${group.bucket} ${group.gkey}`, group);
    const dropped = this.#waiting.size - maxWaiting;
    if (dropped > 0) {
      // The oldest go: they are told again when the flood touches them next.
      for (const key of [...this.#waiting.keys()].slice(0, dropped)) this.#waiting.delete(key);
      this.options.onDropped(dropped);
    }
    if (!this.#busy) this.#done = this.#run();
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#done;
  }

  async #run(): Promise<void> {
    const { maxRead = 200 } = this.options;
    this.#busy = true;
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, maxRead);
      for (const [key] of batch) this.#waiting.delete(key);
      try {
        for (const alert of await this.options.read(batch.map(([, group]) => group))) this.options.publish(alert);
      } catch (error) {
        this.options.onError(error, batch.length);
      }
    }
    // At once after the look that found nothing: what is touched from here on starts a new round.
    this.#busy = false;
  }
}
