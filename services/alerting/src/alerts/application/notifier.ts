import type { Alert } from "@secuxflow/contracts";
import { setImmediate as turn } from "node:timers/promises";
import type { GroupRef } from "./ports.js";

export interface NotifierOptions {
  /** The alert, where it is known without a query. */
  readonly known?: (group: GroupRef) => Alert | undefined;
  readonly read: (groups: readonly GroupRef[]) => Promise<Alert[]>;
  readonly publish: (alert: Alert) => void;
  readonly onError: (error: unknown, groups: number) => void;
  /** Told how many were left out because more are waiting than may. */
  readonly onDropped: (groups: number) => void;
  readonly maxWaiting?: number;
  readonly maxRead?: number;
  /** Known alerts that are told at once in one `touch`; more wait for a turn of the event loop. */
  readonly maxAtOnce?: number;
}

/**
 * Tells watchers of alerts that got new detections: at once where they are known, else after a read. One read at a time;
 * what is stored meanwhile waits and is told once, however often it was touched. It is not a fact (core NATS, at most
 * once), so what is too much is left out and counted.
 */
export class Notifier {
  readonly #waiting = new Map<string, GroupRef>();
  #busy = false;
  #done: Promise<void> = Promise.resolve();

  constructor(private readonly options: NotifierOptions) {}

  touch(groups: readonly GroupRef[]): void {
    const { maxWaiting = 10_000, maxAtOnce = 100 } = this.options;
    groups.forEach((group, i) => {
      const key = keyOf(group);
      if (i < maxAtOnce && this.#tell(group)) this.#waiting.delete(key);
      else this.#waiting.set(key, group);
    });
    const dropped = this.#waiting.size - maxWaiting;
    if (dropped > 0) {
      // The oldest go: they are told again when the flood touches them next.
      for (const key of [...this.#waiting.keys()].slice(0, dropped)) this.#waiting.delete(key);
      this.options.onDropped(dropped);
    }
    if (!this.#busy && this.#waiting.size > 0) this.#done = this.#run();
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#done;
  }

  #tell(group: GroupRef): boolean {
    const alert = this.options.known?.(group);
    if (alert === undefined) return false;
    this.options.publish(alert);
    return true;
  }

  async #run(): Promise<void> {
    const { maxRead = 200 } = this.options;
    this.#busy = true;
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, maxRead);
      for (const [key] of batch) this.#waiting.delete(key);
      const unknown = batch.map(([, group]) => group).filter((group) => !this.#tell(group));
      try {
        if (unknown.length === 0) await turn();
        else for (const alert of await this.options.read(unknown)) this.options.publish(alert);
      } catch (error) {
        this.options.onError(error, unknown.length);
      }
    }
    // At once after the look that found nothing: what is touched from here on starts a new round.
    this.#busy = false;
  }
}

const keyOf = (group: GroupRef): string => `${group.bucket} ${group.gkey}`;
