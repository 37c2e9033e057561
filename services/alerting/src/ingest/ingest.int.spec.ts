import { rpcCall } from "@secuxflow/nats";
import { createKit, createLogger, loadConfig, startService, type RunningService } from "@secuxflow/service-kit";
import { waitFor } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { alertingDefinition } from "../alerting.module.js";
import { AlertingConfig } from "../config.js";
import { openChdb } from "../storage/adapters/clickhouse.js";
import type { Database } from "../storage/domain/database.js";
import { StorageRefused, StorageUnavailable } from "../storage/domain/errors.js";
import { sample } from "../testing/arbitraries.js";
import { Harness } from "../testing/harness.js";

/** ClickHouse that fails as it is told: before the insert, or after it (the answer is lost). */
class Faulty implements Database {
  readonly kind = "chdb";
  fault: "none" | "away" | "answer lost" = "none";
  failures = 0;
  constructor(private readonly real: Database) {}

  command(sql: string): Promise<void> {
    return this.real.command(sql);
  }
  async insert(table: string, rows: readonly object[]): Promise<void> {
    if (table.endsWith(".detections")) {
      if (this.fault === "away") {
        this.failures++;
        throw new StorageUnavailable("ClickHouse is away (injected)");
      }
      if (rows.some((row) => (row as { id: string }).id === "poison")) throw new StorageRefused("no such row (injected)", 6);
    }
    await this.real.insert(table, rows);
    if (this.fault === "answer lost" && table.endsWith(".detections")) {
      this.failures++;
      throw new StorageUnavailable("the connection broke (injected)");
    }
  }
  query(sql: string, params?: Parameters<Database["query"]>[1]): Promise<unknown[]> {
    if (this.fault === "away") return Promise.reject(new StorageUnavailable("ClickHouse is away (injected)"));
    return this.real.query(sql, params);
  }
  close(): Promise<void> {
    return this.real.close();
  }
}

describe("ingestion with a ClickHouse that fails (real nats-server, real embedded ClickHouse, injected faults)", () => {
  let harness: Harness;
  let faulty: Faulty;
  let service: RunningService<AlertingConfig>;

  beforeEach(async () => {
    harness = await Harness.start();
    const config = loadConfig({
      schema: AlertingConfig,
      env: {
        SECUXFLOW_NATS_URLS: harness.server.url,
        SECUXFLOW_CLICKHOUSE_DATA_DIR: `${harness.dir.path}/db`,
        SECUXFLOW_INGEST_ACK_WAIT: "1s",
        SECUXFLOW_INSTANCE: "alerting-test",
      },
    }).value;
    faulty = new Faulty(openChdb({ dataDir: config.clickhouse.dataDir }));
    const definition = alertingDefinition(() => faulty);
    const kit = createKit(definition, config, {
      logger: createLogger({ service: "alerting", instance: "test", level: "silent" }),
    });
    service = await startService(definition, kit);
    await waitFor(async () => (await harness.status()).storageOk, { what: "the service to answer" });
  });
  afterEach(async () => {
    faulty.fault = "none";
    await service.stop();
    await harness.stop();
  });

  const health = async () =>
    (await (await fetch(`${service.opsUrl}/health/ready`)).json()) as {
      status: string;
      checks: Record<string, { status: string; detail?: string }>;
    };

  it("acknowledges nothing while it is away, says so, and loses nothing", async () => {
    faulty.fault = "away";
    await harness.publish(Array.from({ length: 30 }, (_, i) => sample({ id: `e${i}` })));
    await waitFor(() => faulty.failures >= 3, { what: "three attempts" });
    const status = await harness.status();
    expect(status).toMatchObject({ storageOk: false, pending: 30, detections: 0 });
    expect(status.problems.join()).toContain("ClickHouse is away (injected)");
    expect(await health()).toMatchObject({
      status: "degraded",
      checks: { clickhouse: { status: "degraded" }, nats: { status: "ok" } },
    });
    await expect(rpcCall(harness.link, "list", {})).rejects.toMatchObject({ code: "storage_unavailable" });
    faulty.fault = "none";
    expect(await harness.settled(30)).toMatchObject({ detections: 30, problems: [] });
    expect((await health()).status).toBe("ok");
  });

  it("shows none twice when the answer to an insert was lost", async () => {
    faulty.fault = "answer lost";
    await harness.publish(Array.from({ length: 20 }, (_, i) => sample({ id: `e${i}` })));
    await waitFor(() => faulty.failures >= 2, { what: "two inserts whose answer was lost" });
    faulty.fault = "none";
    expect((await harness.settled(20)).detections).toBe(20);
    expect((await rpcCall(harness.link, "list", {})).items.map((item) => item.count)).toEqual([20]);
  });

  it("finds the one row that is refused, and stores the others", async () => {
    await harness.publish([..."abcdefg"].map((id) => sample({ id: id === "d" ? "poison" : id })));
    expect((await harness.settled(6)).detections).toBe(6);
    expect(await service.kit.metrics.text()).toMatch(/alerting_refused_total\{[^}]*queue="detections"[^}]*\} 1/);
  });

  it("gives the batch back when it is stopped while ClickHouse is away", async () => {
    faulty.fault = "away";
    await harness.publish([sample({ id: "kept" })]);
    await waitFor(() => faulty.failures >= 1, { what: "an attempt" });
    const report = await service.stop();
    expect(report).toMatchObject({ outcome: "done", errors: [] });
    const again = new Faulty(openChdb({ dataDir: service.kit.config.clickhouse.dataDir }));
    const definition = alertingDefinition(() => again);
    service = await startService(
      definition,
      createKit(definition, service.kit.config, {
        logger: createLogger({ service: "alerting", instance: "test", level: "silent" }),
      }),
    );
    expect((await harness.settled(1)).detections).toBe(1);
  });
});
