import type { HealthCheck } from "@secuxflow/contracts";
import { afterCheck, ASSUMED_UP, type Health } from "../domain/health.js";

/** Whether an address accepts a TCP connection within the time. Never rejects. */
export type Probe = (address: string, port: number, timeoutMs: number) => Promise<boolean>;

/** One backend to be checked. */
export interface Checked {
  /** Names it: the same backend keeps its state when the list changes. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly check: HealthCheck;
}

interface Running {
  checked: Checked;
  health: Health;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Checks backends, each at its own interval (from the end of a check to the start of the next), and tells when one goes
 * up or down. First checks are spread over the interval, so that 16,384 backends are not asked at once.
 */
export class HealthChecks {
  readonly #probe: Probe;
  readonly #onChange: (key: string, up: boolean) => void;
  readonly #running = new Map<string, Running>();

  constructor(probe: Probe, onChange: (key: string, up: boolean) => void) {
    this.#probe = probe;
    this.#onChange = onChange;
  }

  /** Checks these from now on, and no others. */
  set(all: readonly Checked[]): void {
    const wanted = new Map(all.map((checked) => [checked.key, checked]));
    for (const [key, running] of this.#running) {
      if (wanted.has(key)) continue;
      clearTimeout(running.timer);
      this.#running.delete(key);
    }
    let n = 0;
    for (const [key, checked] of wanted) {
      const running = this.#running.get(key);
      if (running) {
        running.checked = checked;
        continue;
      }
      const fresh: Running = { checked, health: ASSUMED_UP, timer: undefined };
      this.#running.set(key, fresh);
      this.#schedule(fresh, (checked.check.intervalMs * (n++ % 16)) / 16);
    }
  }

  /** Whether a backend is up; true for one that is not checked. */
  isUp(key: string): boolean {
    return this.#running.get(key)?.health.up ?? true;
  }

  stop(): void {
    this.set([]);
  }

  #schedule(running: Running, delayMs: number): void {
    running.timer = setTimeout(() => void this.#check(running), delayMs);
    running.timer.unref();
  }

  async #check(running: Running): Promise<void> {
    const { key, address, port, check } = running.checked;
    const succeeded = await this.#probe(address, port, check.timeoutMs);
    if (this.#running.get(key) !== running) return;
    const before = running.health.up;
    running.health = afterCheck(running.health, succeeded, check);
    this.#schedule(running, check.intervalMs);
    if (running.health.up !== before) this.#onChange(key, running.health.up);
  }
}
