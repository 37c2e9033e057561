import { createClient, type ClickHouseClient, type ClickHouseSettings } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { mkdirSync } from "node:fs";
import type { Bound, Database } from "../domain/database.js";
import { StorageUnavailable, storageError } from "../domain/errors.js";

export interface ServerOptions {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Milliseconds until a request counts as failed. */
  readonly requestTimeoutMs: number;
}

export interface ChdbOptions {
  /** Folder of the embedded database; one process owns it. */
  readonly dataDir: string;
}

type ClientConnection = NonNullable<Parameters<typeof createClient>[0]>["connection"];

/** Seconds that a reading statement may take. */
const READ_SECONDS = 10;

/**
 * Server-side batching would put its own wait before each insert, and would acknowledge what is not written.
 * A batch may span any number of days: a wrong clock must not stop the queue.
 */
const WRITE_SETTINGS: ClickHouseSettings = { async_insert: 0, max_partitions_per_insert_block: "0" };

const READ_SETTINGS: ClickHouseSettings = {
  max_execution_time: READ_SECONDS,
  max_memory_usage: "1000000000",
  output_format_json_quote_64bit_integers: 0,
};

/**
 * Embedded ClickHouse. Statements run on libuv threads, so the event loop stays free (measured: at most 10 ms for 100 rows,
 * that is the building of the JSON); one connection runs one statement at a time, so reads have one of their own, and so has
 * each table that is inserted into: a slow list or a large flow report does not hold up a detection.
 *
 * Opening takes some 250 ms, synchronously, once.
 * @throws StorageUnavailable when the folder cannot be made or used, or when another process owns it
 */
export function openChdb(options: ChdbOptions): Database {
  // chdb is typed against its own copy of the client's interfaces.
  const connect = () =>
    createClient({ connection: createChdbConnection({ path: options.dataDir }) as unknown as NonNullable<ClientConnection> });
  try {
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
    return new ClickHouseDatabase(
      "chdb",
      () => new SessionOnce(connect(), WRITE_SETTINGS),
      new SessionOnce(connect(), READ_SETTINGS),
    );
  } catch (error) {
    throw new StorageUnavailable(
      `the embedded ClickHouse cannot open ${options.dataDir}: another process may be using it, or it cannot be written to; stop that process, or set clickhouse.dataDir to a folder of its own`,
      { cause: error },
    );
  }
}

/** A ClickHouse server by URL. Makes no connection yet. */
export function openServer(options: ServerOptions): Database {
  const client = createClient({
    url: options.url,
    username: options.user,
    password: options.password,
    request_timeout: options.requestTimeoutMs,
    application: "secuxflow-alerting",
    max_open_connections: 8,
  });
  const writer = new PerRequest(client, WRITE_SETTINGS);
  return new ClickHouseDatabase("server", () => writer, new PerRequest(client, READ_SETTINGS));
}

/** How settings reach ClickHouse: gives the client, and what to send along with each statement. */
interface Channel {
  readonly client: ClickHouseClient;
  settings(): Promise<ClickHouseSettings>;
}

/** A server forgets settings after each HTTP request. */
class PerRequest implements Channel {
  constructor(
    readonly client: ClickHouseClient,
    private readonly wanted: ClickHouseSettings,
  ) {}

  settings(): Promise<ClickHouseSettings> {
    return Promise.resolve(this.wanted);
  }
}

/** An embedded connection keeps them, and each one sent along is a `SET` statement of its own before the statement. */
class SessionOnce implements Channel {
  #applied: Promise<unknown> | undefined;

  constructor(
    readonly client: ClickHouseClient,
    private readonly wanted: ClickHouseSettings,
  ) {}

  async settings(): Promise<ClickHouseSettings> {
    this.#applied ??= this.client.command({ query: "SELECT 1", clickhouse_settings: this.wanted });
    try {
      await this.#applied;
    } catch (error) {
      this.#applied = undefined;
      throw error;
    }
    return {};
  }
}

class ClickHouseDatabase implements Database {
  readonly #commander: Channel;
  /** By table; there are a handful. */
  readonly #writers = new Map<string, Channel>();

  constructor(
    readonly kind: "chdb" | "server",
    private readonly writer: () => Channel,
    private readonly reader: Channel,
  ) {
    this.#commander = writer();
  }

  async command(sql: string): Promise<void> {
    await attempt("run a statement", () => this.#commander.client.command({ query: sql }));
  }

  async insert(table: string, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    await attempt(`insert ${rows.length} rows into ${table}`, async () => {
      const writer = this.#writers.get(table) ?? this.writer();
      this.#writers.set(table, writer);
      await writer.client.insert({
        table,
        values: rows,
        format: "JSONEachRow",
        clickhouse_settings: await writer.settings(),
      });
    });
  }

  query(sql: string, params: Readonly<Record<string, Bound>> = {}): Promise<unknown[]> {
    return attempt("answer a query", async () => {
      const answer = await this.reader.client.query({
        query: sql,
        query_params: { ...params },
        format: "JSONEachRow",
        clickhouse_settings: await this.reader.settings(),
      });
      return answer.json();
    });
  }

  async close(): Promise<void> {
    const channels = [this.#commander, this.reader, ...this.#writers.values()];
    await Promise.all([...new Set(channels.map((channel) => channel.client))].map((client) => client.close()));
  }
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, what);
  }
}
