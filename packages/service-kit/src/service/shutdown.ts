/** A step of shutting down. */
export type ShutdownTask = () => unknown;

/** How shutting down went. */
export interface ShutdownReport {
  outcome: "done" | "deadline";
  /** tasks that failed; the others went on regardless */
  errors: { phase: string; task: string; error: unknown }[];
  /** tasks that had not ended at the deadline */
  pending: string[];
}

export interface ShutdownListener {
  phase?: (phase: string, tasks: readonly string[]) => void;
}

interface Entry {
  phase: number;
  name: string;
  task: ShutdownTask;
}

/**
 * Ends a service in a declared order: the tasks of one phase run together, the next phase begins when all of them have
 * ended or failed, and a deadline bounds the whole. What must end before something else goes to an earlier phase.
 */
export class ShutdownSequence<P extends string = string> {
  readonly #entries: Entry[] = [];
  readonly #errors: ShutdownReport["errors"] = [];
  readonly #pending = new Set<string>();
  readonly #late: Promise<void>[] = [];
  #current = -1; // index of the phase that runs
  #running: Promise<ShutdownReport> | undefined;

  constructor(readonly phases: readonly P[]) {}

  get started(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Adds a task. One that is added when its phase has begun already (a connection that opened while the service was
   * told to stop) runs at once, so that nothing is left open.
   */
  add(phase: P, name: string, task: ShutdownTask): void {
    const index = this.phases.indexOf(phase);
    if (index < 0) throw new Error(`no shutdown phase "${phase}": there are ${this.phases.join(", ")}`);
    const entry = { phase: index, name, task };
    if (index <= this.#current) this.#late.push(this.#execute(entry));
    else this.#entries.push(entry);
  }

  /** Runs all tasks once; later calls get the same answer. Never throws. */
  run(options: { deadlineMs: number; listener?: ShutdownListener }): Promise<ShutdownReport> {
    this.#running ??= this.#run(options.deadlineMs, options.listener ?? {});
    return this.#running;
  }

  async #run(deadlineMs: number, listener: ShutdownListener): Promise<ShutdownReport> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<"deadline">((resolve) => {
      timer = setTimeout(() => resolve("deadline"), deadlineMs);
    });
    const outcome = await Promise.race([this.#phases(listener), deadline]);
    clearTimeout(timer);
    return { outcome, errors: [...this.#errors], pending: [...this.#pending] };
  }

  async #phases(listener: ShutdownListener): Promise<"done"> {
    for (const [index, phase] of this.phases.entries()) {
      this.#current = index;
      const entries = this.#entries.filter((entry) => entry.phase === index);
      listener.phase?.(phase, entries.map((entry) => entry.name));
      await Promise.all(entries.map((entry) => this.#execute(entry)));
    }
    await Promise.all(this.#late);
    return "done";
  }

  async #execute(entry: Entry): Promise<void> {
    const phase = this.phases[entry.phase] ?? "";
    const label = `${phase}/${entry.name}`;
    this.#pending.add(label);
    try {
      await entry.task();
    } catch (error) {
      this.#errors.push({ phase, task: entry.name, error });
    } finally {
      this.#pending.delete(label);
    }
  }
}
