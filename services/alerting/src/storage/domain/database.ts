/** A value that may be bound to a `{name:Type}` placeholder. */
export type Bound = string | number | boolean | readonly string[] | readonly number[];

/**
 * What the rest of the service needs of ClickHouse. Values travel bound or as rows, never inside the text of a statement.
 * Each method fails with StorageUnavailable (try again later) or StorageRefused (these rows or this statement never work).
 */
export interface Database {
  /** Which ClickHouse it is. */
  readonly kind: "chdb" | "server";
  /** Runs a statement that answers nothing. */
  command(sql: string): Promise<void>;
  /** Inserts rows into `table` (`database.table`); it is stored when this resolves. All or nothing within one partition (day). */
  insert(table: string, rows: readonly object[]): Promise<void>;
  /** Reads all rows of an answer (limits belong into the statement). */
  query(sql: string, params?: Readonly<Record<string, Bound>>): Promise<unknown[]>;
  close(): Promise<void>;
}
