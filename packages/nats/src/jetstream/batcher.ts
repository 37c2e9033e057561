/**
 * Gathers items into batches: a batch is handled when it is full, or a time after its first item came. One batch at a
 * time; meanwhile the next one gathers, and `add` waits once that one is full too.
 */
export class Batcher<T> {
  #items: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #handling: Promise<void> = Promise.resolve();
  #busy = false;

  /** @param options.handle must not reject */
  constructor(
    private readonly options: {
      readonly size: number;
      readonly maxWaitMs: number;
      readonly handle: (items: T[]) => Promise<void>;
    },
  ) {}

  async add(item: T): Promise<void> {
    this.#items.push(item);
    if (this.#items.length >= this.options.size) {
      await this.#handling;
      this.#flush();
    } else {
      this.#timer ??= setTimeout(() => this.#due(), this.options.maxWaitMs);
    }
  }

  /** Handles what is left and waits for it. */
  async finish(): Promise<void> {
    await this.#handling;
    this.#flush();
    await this.#handling;
  }

  /** The first item has waited long enough; while a batch is handled it waits for that to end. */
  #due(): void {
    if (!this.#busy) this.#flush();
    else void this.#handling.then(() => this.#flush());
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#items.length === 0 || this.#busy) return;
    const items = this.#items;
    this.#items = [];
    this.#busy = true;
    this.#handling = this.options.handle(items).finally(() => (this.#busy = false));
  }
}
