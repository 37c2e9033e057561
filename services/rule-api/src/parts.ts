import type { AgentStatus, InspectorStatus } from "@secuxflow/contracts";
import { connectNats, JetStreamEventStore, ModuleBlobs, natsOptions, provision, type NatsLink } from "@secuxflow/nats";
import type { ServiceKit } from "@secuxflow/service-kit";
import { setTimeout as pause } from "node:timers/promises";
import { NatsAlerting } from "./alerts/adapters/nats-alerting.js";
import { AlertFeed, FEED_LIMITS } from "./alerts/application/alert-feed.js";
import type { Alerting } from "./alerts/application/alerting.js";
import { ApproveAlert } from "./alerts/application/approve.js";
import { systemClock } from "./clock.js";
import { canonicalPrefixes, type RuleApiConfig } from "./config.js";
import { commandMetrics, stateMetrics } from "./metrics.js";
import { InspectorWatch } from "./modules/application/inspector-watch.js";
import { ModuleCommands } from "./modules/application/module-commands.js";
import { ModuleGuard } from "./modules/application/module-guard.js";
import { ModuleRegistrar } from "./modules/application/module-registrar.js";
import { EnforcementWatch } from "./policy/application/enforcement.js";
import { ExpiryScheduler } from "./policy/application/expiry.js";
import { NamedThings } from "./policy/application/named-things.js";
import { PolicyReader } from "./policy/application/policy-reader.js";
import { PolicyService } from "./policy/application/policy-service.js";
import { PolicyQueries } from "./policy/application/queries.js";
import { System } from "./status/application/status.js";
import { listen } from "./telemetry/adapters/nats-telemetry.js";
import { LiveRegistry } from "./telemetry/application/live-registry.js";
import { Stats } from "./telemetry/application/stats.js";

/** Half of what a client may wait for the word that NATS is away. */
const NATS_REQUEST_TIMEOUT_MS = 1_000;
const PROVISION_HEAD_START_MS = 1_000;

/** The parts of the service that controllers use. */
export interface Parts {
  readonly link: NatsLink;
  readonly service: PolicyService;
  readonly things: NamedThings;
  readonly modules: ModuleCommands;
  readonly queries: PolicyQueries;
  readonly system: System;
  readonly stats: Stats;
  readonly alerting: Alerting;
  readonly approval: ApproveAlert;
  readonly feed: AlertFeed;
  /** Begins to follow NATS. Everything it starts is ended by the kit's shutdown. */
  start(): void;
}

/** Puts the service together. Nothing runs yet but the connection to NATS. */
export function makeParts(kit: ServiceKit<RuleApiConfig>): Parts {
  const { config, logger, health, shutdown } = kit;
  const clock = systemClock;
  const { policy } = config;
  const link = connectNats({
    ...natsOptions(config.nats),
    name: `${kit.info.name}-${kit.info.instance}`,
    log: logger,
    requestTimeoutMs: NATS_REQUEST_TIMEOUT_MS,
  });
  const stopped = new AbortController();
  shutdown.add("close", "nats", async () => {
    stopped.abort();
    await link.drain();
  });

  const store = new JetStreamEventStore(link);
  const agents = new LiveRegistry<AgentStatus>(clock);
  const inspectors = new LiveRegistry<InspectorStatus>(clock);
  const stats = new Stats(clock);
  const reader = new PolicyReader(store, policy, logger);
  const enforcement = new EnforcementWatch(agents, policy, clock);
  const connection = {
    get connected() {
      return link.state() === "connected";
    },
  };
  const service = new PolicyService({
    store,
    policy,
    reader,
    enforcement,
    connection,
    clock,
    metrics: commandMetrics(kit.metrics),
    surroundings: { managementPrefixes: canonicalPrefixes(config.managementPrefixes), managementPorts: [...config.managementPorts, config.api.port] },
  });
  const alerting = new NatsAlerting(link);
  const feed = new AlertFeed({ ...FEED_LIMITS, watchers: config.api.maxWatchers });
  const registrar = new ModuleRegistrar(inspectors, reader, service, logger);
  const guard = new ModuleGuard(inspectors, reader, service, clock, logger);
  const blobs = new ModuleBlobs(link);
  const modules = new ModuleCommands(service, { put: (bytes) => blobs.put(policy, bytes, stopped.signal) }, new InspectorWatch(inspectors, clock), clock);
  const expiry = new ExpiryScheduler(reader, service, clock, logger);
  let trouble: string | undefined;
  const system = new System({
    policy,
    reader,
    service,
    agents,
    inspectors,
    registrar,
    alerting,
    clock,
    nats: () => ({ connected: connection.connected, detail: link.status().detail }),
    provisioning: () => trouble,
  });
  stateMetrics(kit.metrics, { reader, enforcement, feed });

  health.register("nats", () => ({ status: connection.connected ? "ok" : "down", detail: link.status().detail }), {
    critical: false,
  });
  health.register("streams", () => (trouble === undefined ? { status: "ok" } : { status: "degraded", detail: trouble }));
  health.register("policy", () => {
    if (reader.problem !== undefined) return { status: "degraded", detail: reader.problem };
    // Reads are answered from memory with NATS away; before the first reading there is nothing to answer.
    return reader.view
      ? { status: "ok", detail: `revision ${reader.view.revision}` }
      : { status: "down", detail: "not read yet" };
  });

  const start = (): void => {
    shutdown.add("intake", "alert watchers", () => feed.close());
    shutdown.add("intake", "schedulers", () => {
      expiry.stop();
      registrar.stop();
      guard.stop();
    });
    const provisioned = provision(link, { signal: stopped.signal }).catch((error: unknown) => {
      if (stopped.signal.aborted) return;
      trouble = (error as Error).message;
      logger.error({ err: error }, "the streams are not what they should be");
    });
    service.warmUp();
    expiry.start();
    registrar.start();
    guard.start();
    // On the very first start the streams are made a moment before they are followed; longer than that nobody waits.
    void Promise.race([provisioned, pause(PROVISION_HEAD_START_MS, undefined, { ref: false })]).then(() => {
      if (stopped.signal.aborted) return;
      listen(link, { agents, inspectors, stats, onAlert: (alert) => feed.publish(alert) }, logger, stopped.signal);
      void reader.run(stopped.signal);
    });
  };

  return {
    link,
    service,
    things: new NamedThings(service, clock),
    modules,
    queries: new PolicyQueries(service, stats, enforcement),
    system,
    stats,
    alerting,
    approval: new ApproveAlert(alerting, service),
    feed,
    start,
  };
}
