import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../../storage/domain/database.js";
import { StorageRefused } from "../../storage/domain/errors.js";
import type { IngestMeter, Log } from "./ports.js";

/** It was told to stop before the rows were stored. */
export class InsertAborted extends Error {
  override readonly name = "InsertAborted";
}

export interface StubbornInsertOptions {
  readonly table: string;
  readonly database: () => Promise<Database>;
  readonly meter: IngestMeter;
  readonly log: Log;
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
}

/**
 * Inserts until it is done: ClickHouse away means waiting (100 ms, doubling, at most 5 s, with jitter) and trying again with
 * the same rows. Rows that ClickHouse refuses for what is in them are found by halving, and given back.
 */
export class StubbornInsert {
  #problem: string | undefined;
  #since: number | undefined;

  constructor(private readonly options: StubbornInsertOptions) {}

  /** Why nothing is stored just now; undefined when all is well. */
  get problem(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const stuckMs = this.#since === undefined ? 0 : performance.now() - this.#since;
    return stuckMs > 10_000
      ? `an insert into ${this.options.table} has been running for ${Math.round(stuckMs / 1_000)} s`
      : undefined;
  }

  /**
   * @returns the rows that ClickHouse will never take
   * @throws InsertAborted
   */
  async insert<R extends object>(rows: readonly R[], signal: AbortSignal): Promise<R[]> {
    if (rows.length === 0) return [];
    try {
      await this.#untilStored(rows, signal);
      return [];
    } catch (error) {
      if (!(error instanceof StorageRefused)) throw error;
      if (rows.length === 1) {
        this.options.meter.refused(1);
        this.options.log.error(
          { err: error, table: this.options.table, row: brief(rows[0]) },
          "ClickHouse refuses a row; it stays in the stream alone",
        );
        return [...rows];
      }
      const half = rows.length >> 1;
      return [...(await this.insert(rows.slice(0, half), signal)), ...(await this.insert(rows.slice(half), signal))];
    }
  }

  async #untilStored(rows: readonly object[], signal: AbortSignal): Promise<void> {
    const { table, meter, log, firstDelayMs = 100, maxDelayMs = 5_000 } = this.options;
    for (let attempt = 0; ; attempt++) {
      if (signal.aborted) throw new InsertAborted(`stopped before ${rows.length} rows were stored`);
      const started = performance.now();
      this.#since = started;
      try {
        await (await this.options.database()).insert(table, rows);
        meter.inserted(rows.length, (performance.now() - started) / 1_000);
        if (this.#problem !== undefined) log.info({ table }, "ClickHouse stores again");
        this.#problem = undefined;
        return;
      } catch (error) {
        if (error instanceof StorageRefused) throw error;
        this.#problem = error instanceof Error ? error.message : String(error);
        meter.retried();
        const wait = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempt, 16)) * (0.75 + Math.random() / 2);
        log.warn(
          { err: error, table, rows: rows.length, attempt: attempt + 1, retryMs: Math.round(wait) },
          "could not store; nothing is acknowledged, trying again",
        );
        await delay(wait, undefined, { signal }).catch(() => undefined);
      } finally {
        this.#since = undefined;
      }
    }
  }
}

/** Enough of a row to find it in the stream. */
const brief = (row: object | undefined): object =>
  Object.fromEntries(
    Object.entries(row ?? {}).filter(([key]) => ["seq", "id", "report_id", "flow_id", "module", "rule_id"].includes(key)),
  );
