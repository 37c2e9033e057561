import { STREAMS, subjects } from "@secuxflow/contracts";
import { publishJson, type NatsLink } from "@secuxflow/nats";
import type { HealthReporter, ServiceKit } from "@secuxflow/service-kit";
import type { AlertingConfig } from "./config.js";
import { ClickHouseAlerts } from "./alerts/adapters/clickhouse-alerts.js";
import { ingested } from "./alerts/adapters/ingested.js";
import { serveAlerting } from "./alerts/adapters/rpc.js";
import { Alerts } from "./alerts/application/alerts.js";
import { KnownGroups } from "./alerts/application/known-groups.js";
import { Notifier } from "./alerts/application/notifier.js";
import { Consumer } from "./ingest/adapters/consumer.js";
import { ingestMeters } from "./ingest/adapters/meter.js";
import { DetectionIngest } from "./ingest/application/detection-ingest.js";
import { FlowIngest } from "./ingest/application/flow-ingest.js";
import type { QueueMessage } from "./ingest/application/ports.js";
import { StubbornInsert } from "./ingest/application/stubborn-insert.js";
import { FloodGate } from "./ingest/domain/flood.js";
import { Pace } from "./ingest/domain/pace.js";
import { alertingStatus } from "./status/application/status.js";
import { openChdb, openServer } from "./storage/adapters/clickhouse.js";
import { migrate } from "./storage/adapters/schema.js";
import { Storage } from "./storage/application/storage.js";
import type { Database } from "./storage/domain/database.js";
import { ClickHouseHistory } from "./suggest/adapters/clickhouse-history.js";
import { Suggestions } from "./suggest/application/suggestions.js";

/** Names of the durable consumers: what they have acknowledged is kept under them. */
const DURABLES = { detections: "alerting-detections", flows: "alerting-flows" } as const;

/** Inserts of few detections that may follow each other without a pause; far below the parts that ClickHouse minds. */
const BURST = 200;

/** Microseconds since 1970. */
const now = () => Math.floor((performance.timeOrigin + performance.now()) * 1_000);

/** The parts of the service, put together. `open` is the way to ClickHouse (tests put a faulty one in). */
export class AlertingService {
  readonly storage: Storage;
  readonly #consumers: readonly Consumer[];
  readonly #inserters: readonly StubbornInsert[];
  readonly #notifier: Notifier;
  readonly #learnNewest: () => Promise<void>;
  readonly #serve: () => () => void;
  #stopServing: () => void = () => undefined;
  #schema: HealthReporter | undefined;

  constructor(
    private readonly kit: ServiceKit<AlertingConfig>,
    private readonly link: NatsLink,
    open: () => Database = () => openConfigured(kit.config),
  ) {
    const { config, logger, metrics } = kit;
    const db = config.clickhouse.database;
    this.storage = new Storage({
      kind: config.clickhouse.url === undefined ? "chdb" : "server",
      open,
      migrate: (database) =>
        migrate(database, {
          database: db,
          detectionDays: config.retention.detections,
          flowDays: config.retention.flows,
          fsync: config.clickhouse.fsync,
        }),
      onProblem: (error, retryMs) => logger.warn({ err: error, retryMs }, "ClickHouse cannot be used yet, trying again"),
      onReady: () => logger.info({ storage: this.storage.kind }, "ClickHouse is ready"),
    });
    const { database } = this.storage;
    const store = new ClickHouseAlerts(database, db);
    // A server may have other writers, of which this process knows nothing.
    const known =
      this.storage.kind === "chdb" ? new KnownGroups({ windowMs: config.alerts.aggregationWindow, now }) : undefined;
    const alerts = new Alerts(store, now, known);
    const suggestions = new Suggestions(alerts, new ClickHouseHistory(database, db, now));

    const told = metrics.counter({ name: "alerting_notifications_total", help: "Alerts told to watchers", labels: ["result"] });
    // Without an answer every alert is read before it is known.
    this.#learnNewest = async () => {
      await store.newest().then(
        (newest) => known?.startsAfter(newest),
        (error: unknown) => logger.warn({ err: error }, "the newest alerts could not be looked up; watchers are told a little later"),
      );
    };
    this.#notifier = new Notifier({
      known: (group) => known?.get(group),
      read: (groups) => alerts.learn(groups),
      publish: (alert) => told.inc({ result: publishJson(link, subjects.alertStored, alert) ? "sent" : "nats_away" }),
      onError: (error, groups) => {
        told.inc({ result: "failed" }, groups);
        logger.warn({ err: error, groups }, "alerts were stored but watchers could not be told");
      },
      onDropped: (groups) => told.inc({ result: "dropped" }, groups),
    });

    const meters = ingestMeters(metrics);
    const inserter = (queue: "detections" | "flows") =>
      new StubbornInsert({ table: `${db}.${queue}`, database, meter: meters(queue), log: logger });
    const detections = inserter("detections");
    const flows = inserter("flows");
    this.#inserters = [detections, flows];
    const detectionIngest = new DetectionIngest({
      inserter: detections,
      gate: new FloodGate(config.alerts.floodPerMinute),
      windowMs: config.alerts.aggregationWindow,
      meter: meters("detections"),
      log: logger,
      watch: {
        inserting: (groups) => known?.inserting(groups),
        failed: (groups) => known?.failed(groups),
        stored: (rows) => {
          known?.stored(rows.map(ingested));
          this.#notifier.touch([...new Map(rows.map(({ group }) => [`${group.bucket} ${group.gkey}`, group])).values()]);
        },
      },
    });
    const flowIngest = new FlowIngest({ inserter: flows, meter: meters("flows"), log: logger });
    const consumer = (
      queue: "detections" | "flows",
      filter: string,
      batch: number,
      burst: number,
      handle: (messages: readonly QueueMessage[], signal: AbortSignal) => Promise<void>,
    ) =>
      new Consumer({
        link,
        stream: STREAMS[queue],
        filter,
        durable: DURABLES[queue],
        batch,
        handle,
        pace: new Pace(config.ingest.spacing, burst),
        ackWaitMs: config.ingest.ackWait,
        log: logger,
      });
    const detectionConsumer = consumer("detections", subjects.allDetections, config.ingest.batch, BURST, (messages, signal) =>
      detectionIngest.handle(messages, signal),
    );
    // A flow report holds up to 4,096 rows.
    const flowConsumer = consumer("flows", subjects.allFlows, Math.min(config.ingest.batch, 64), 0, (messages, signal) =>
      flowIngest.handle(messages, signal),
    );
    this.#consumers = [detectionConsumer, flowConsumer];
    metrics.gauge({ name: "alerting_pending", help: "Detections in the stream that are not stored yet" }, async (gauge) => {
      gauge.set(await detectionConsumer.backlog().catch(() => Number.NaN));
    });

    this.#serve = () =>
      serveAlerting(link, {
        alerts,
        suggest: (id) => suggestions.suggest(id),
        status: () =>
          alertingStatus({
            storage: this.storage.kind,
            counts: () => store.counts(),
            pending: () => detectionConsumer.backlog(),
            problems: () => this.problems(),
          }),
      });
  }

  /** Everything that is wrong just now. */
  problems(): string[] {
    const found = [
      this.storage.problem,
      ...this.#inserters.map((each) => each.problem),
      ...this.#consumers.map((each) => each.problem),
    ];
    const nats = this.link.status();
    return [...new Set([...found, nats.state === "connected" ? undefined : `NATS is away: ${nats.detail}`])].filter(
      (each) => each !== undefined,
    );
  }

  /** Registers health and shutdown and begins to work; returns at once, whether NATS and ClickHouse are there or not. */
  start(): void {
    const { health, shutdown, logger } = this.kit;
    health.register("clickhouse", () => {
      const problem = this.storage.problem ?? this.#inserters.map((each) => each.problem).find((each) => each !== undefined);
      return problem === undefined ? { status: "ok" } : { status: "degraded", detail: problem };
    });
    health.register("nats", () => {
      const { state, detail } = this.link.status();
      const problem =
        state === "connected" ? this.#consumers.map((each) => each.problem).find((each) => each !== undefined) : detail;
      return problem === undefined ? { status: "ok" } : { status: "degraded", detail: problem };
    });
    this.#schema = health.reporter("schema");
    this.#schema.ok("not looked at yet");
    this.#stopServing = this.#serve();
    shutdown.add("intake", "consumers", () => {
      for (const consumer of this.#consumers) consumer.stop();
    });
    shutdown.add("drain", "inserts", () => Promise.all(this.#consumers.map((consumer) => consumer.stopped())));
    shutdown.add("close", "clickhouse", async () => {
      this.#stopServing();
      await this.#notifier.idle();
      await this.storage.close();
    });
    void this.storage.start().then(
      async () => {
        this.#schema?.ok();
        await this.#learnNewest();
        // A stop while ClickHouse was being opened has been dealt with by then: stopped consumers do nothing.
        for (const consumer of this.#consumers) consumer.start();
      },
      (error: unknown) => {
        this.#schema?.down(error instanceof Error ? error.message : String(error));
        logger.error({ err: error }, "the ClickHouse tables cannot be used");
      },
    );
  }
}

function openConfigured({ clickhouse }: AlertingConfig): Database {
  return clickhouse.url === undefined
    ? openChdb({ dataDir: clickhouse.dataDir })
    : openServer({
        url: clickhouse.url,
        user: clickhouse.user,
        password: clickhouse.password ?? "",
        requestTimeoutMs: clickhouse.requestTimeout,
      });
}
