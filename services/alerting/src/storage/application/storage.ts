import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../domain/database.js";
import { SchemaTooNew, StorageUnavailable } from "../domain/errors.js";

export interface StorageOptions {
  readonly kind: "chdb" | "server";
  /** Opens it; may throw. */
  readonly open: () => Database;
  /** Brings its tables to this version. */
  readonly migrate: (database: Database) => Promise<unknown>;
  readonly onProblem: (error: unknown, retryMs: number) => void;
  readonly onReady: () => void;
  readonly retryMs?: number;
}

/**
 * ClickHouse, from the attempts to open it until it is closed. The service starts without it: until it is there, each use
 * fails with StorageUnavailable and the reason.
 */
export class Storage {
  readonly kind: "chdb" | "server";
  readonly #stop = new AbortController();
  #database: Database | undefined;
  #problem: string | undefined = "ClickHouse is being opened";
  #running: Promise<void> | undefined;

  constructor(private readonly options: StorageOptions) {
    this.kind = options.kind;
  }

  /** Why it cannot be used; undefined when it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Begins to open it; resolves when it is ready. @throws SchemaTooNew: waiting would not help */
  async start(): Promise<void> {
    this.#running ??= this.#open();
    await this.#running;
  }

  /** @throws StorageUnavailable until it is ready and after it was closed */
  readonly database = (): Promise<Database> =>
    this.#database !== undefined && this.#problem === undefined
      ? Promise.resolve(this.#database)
      : Promise.reject(new StorageUnavailable(this.#problem ?? "ClickHouse is not open"));

  /** Ends the attempts, or closes it. Statements that run are waited for by the client. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running?.catch(() => undefined);
    this.#problem = "ClickHouse is closed: the service is stopping";
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
  }

  async #open(): Promise<void> {
    const { open, migrate, onProblem, onReady, retryMs = 1_000 } = this.options;
    while (!this.#stop.signal.aborted) {
      try {
        this.#database ??= open();
        await migrate(this.#database);
        this.#problem = undefined;
        onReady();
        return;
      } catch (error) {
        this.#problem = error instanceof Error ? error.message : String(error);
        if (error instanceof SchemaTooNew) throw error;
        onProblem(error, retryMs);
        await delay(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }
}
