/** Publishes the status when it has changed and at a steady pace, one write at a time. */
export class StatusReporter {
  #writing = false;
  #dirty = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #written: Promise<void> = Promise.resolve();

  constructor(
    private readonly write: () => Promise<void>,
    private readonly everyMs: number,
  ) {}

  start(): void {
    this.#timer = setInterval(() => this.changed(), this.everyMs);
    this.changed();
  }

  /** The status is another one than before. Many changes at once become one write. */
  changed(): void {
    if (this.#stopped) return;
    this.#dirty = true;
    if (this.#writing) return;
    this.#writing = true;
    this.#written = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#written;
  }

  async #run(): Promise<void> {
    // Once around the event loop, so that 64 partitions gained at once are one write.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      // A failed write is made up for by the next at the steady pace.
      await this.write().catch(() => undefined);
    }
    this.#writing = false;
  }
}
