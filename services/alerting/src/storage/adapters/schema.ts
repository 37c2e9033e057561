import { z } from "zod";
import type { Database } from "../domain/database.js";
import { SchemaTooNew } from "../domain/errors.js";

/** What the tables depend on besides their version. Whole days. */
export interface TableOptions {
  readonly database: string;
  readonly detectionDays: number;
  readonly flowDays: number;
  /** Whether an insert is on disk (fsync) before it is acknowledged. */
  readonly fsync: boolean;
}

interface Migration {
  readonly version: number;
  readonly name: string;
  /** Each may be run again: a crash between statement and record repeats it. */
  readonly statements: (db: string) => readonly string[];
}

/** Names of databases that may stand in a statement (names cannot be bound everywhere). */
export const DATABASE_NAME = /^[a-z][a-z0-9_]{0,62}$/;

/*
 * detections: ReplacingMergeTree by event id. `ver` grows as `seq` shrinks, so of an event that was published twice the row
 * with the smaller sequence stays, and an alert's id with it. `bucket` and `gkey` are the alert the row belongs to; a group
 * lies in one partition and expires as a whole, because both follow from `bucket`. No LowCardinality: its dictionaries made
 * an insert of one row cost twice as much, and the columns compress well without.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: "detections, flows, triage",
    statements: (db) => [
      `CREATE TABLE IF NOT EXISTS ${db}.detections (
        seq UInt64, ver UInt64 DEFAULT 18446744073709551615 - seq, id String,
        bucket DateTime('UTC'), gkey String, time DateTime64(6, 'UTC'), stored DateTime64(6, 'UTC') DEFAULT now64(6),
        policy String, inspector String,
        module String, module_version String, module_digest String,
        rule_id Int64, rule_name String, category String,
        severity UInt8, confidence UInt8, verdict_hint String,
        flow_id String, src String, dst String, sport UInt16, dport UInt16, proto String,
        direction String, attacker String, victim String, victim_port UInt16,
        ifindex Int64, vlan Int64, forward_id Int64,
        attributes Map(String, String), packet String CODEC(ZSTD(1)), suppressed UInt8,
        INDEX by_seq seq TYPE minmax GRANULARITY 1
      ) ENGINE = ReplacingMergeTree(ver) PARTITION BY toDate(bucket) ORDER BY (bucket, gkey, id)`,
      `CREATE TABLE IF NOT EXISTS ${db}.flows (
        report_id String, flow_id String, inspector String,
        src String, dst String, sport UInt16, dport UInt16, proto String,
        first DateTime64(6, 'UTC'), last DateTime64(6, 'UTC'), packets UInt64, bytes UInt64, detections UInt64
      ) ENGINE = ReplacingMergeTree PARTITION BY toDate(last) ORDER BY (toStartOfHour(last), src, dst, report_id, flow_id)`,
      `CREATE TABLE IF NOT EXISTS ${db}.triage (
        bucket DateTime('UTC'), gkey String, alert_id UInt64, at DateTime64(6, 'UTC'),
        actor String, state String, note String, rule_id UInt64
      ) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(bucket) ORDER BY (bucket, gkey, at)`,
    ],
  },
  {
    version: 2,
    name: "what EVE tells of detections",
    statements: (db) => [
      `ALTER TABLE ${db}.detections
        ADD COLUMN IF NOT EXISTS wire_length UInt64 AFTER packet,
        ADD COLUMN IF NOT EXISTS eve String CODEC(ZSTD(1)) AFTER wire_length,
        ADD COLUMN IF NOT EXISTS payload String CODEC(ZSTD(1)) AFTER eve`,
    ],
  },
];

const LATEST = Math.max(...MIGRATIONS.map((migration) => migration.version));

/**
 * Brings the tables to this version and their settings to the configured ones. May be run at every start and again after a
 * crash at any point.
 * @throws SchemaTooNew; StorageUnavailable, StorageRefused
 */
export async function migrate(
  database: Database,
  options: TableOptions,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<number> {
  const db = options.database;
  if (!DATABASE_NAME.test(db))
    throw new RangeError(`${JSON.stringify(db)} is no name for our database: use a-z, 0-9 and _, at most 63, a letter first`);
  await database.command(`CREATE DATABASE IF NOT EXISTS ${db}`);
  await database.command(
    `CREATE TABLE IF NOT EXISTS ${db}.schema_migrations (version UInt32, name String, applied DateTime('UTC') DEFAULT now())
     ENGINE = ReplacingMergeTree ORDER BY version`,
  );
  const Version = z.array(z.object({ version: z.coerce.number() }));
  const at = Version.parse(await database.query(`SELECT max(version) AS version FROM ${db}.schema_migrations`))[0]?.version ?? 0;
  if (at > LATEST) throw new SchemaTooNew(at, LATEST);
  for (const migration of migrations.filter((candidate) => candidate.version > at)) {
    for (const statement of migration.statements(db)) await database.command(statement);
    await database.insert(`${db}.schema_migrations`, [{ version: migration.version, name: migration.name }]);
  }
  await applySettings(database, options);
  return Math.max(at, LATEST);
}

/** Retention and durability follow the configuration; tables that stand as wanted are left alone. */
async function applySettings(database: Database, options: TableOptions): Promise<void> {
  const { database: db, detectionDays, flowDays } = options;
  const fsync = options.fsync ? 1 : 0;
  const wanted: Record<string, { ttl: string; days: number }> = {
    detections: { ttl: "bucket", days: detectionDays },
    // An alert's history may be written while the alert is about to expire.
    triage: { ttl: "bucket", days: detectionDays + 1 },
    flows: { ttl: "toDateTime(last)", days: flowDays },
  };
  const Row = z.array(z.object({ name: z.string(), engine_full: z.string() }));
  const rows = Row.parse(
    await database.query("SELECT name, engine_full FROM system.tables WHERE database = {db:String}", { db }),
  );
  for (const [table, { ttl, days }] of Object.entries(wanted)) {
    const engine = rows.find((row) => row.name === table)?.engine_full ?? "";
    if (!engine.includes(`toIntervalDay(${days})`)) {
      await database.command(
        `ALTER TABLE ${db}.${table} MODIFY TTL ${ttl} + toIntervalDay(${days}) SETTINGS materialize_ttl_after_modify = 0`,
      );
    }
    if (!engine.includes(`fsync_after_insert = ${fsync}`)) {
      await database.command(
        `ALTER TABLE ${db}.${table} MODIFY SETTING fsync_after_insert = ${fsync}, fsync_part_directory = ${fsync}, ttl_only_drop_parts = 1`,
      );
    }
  }
}
