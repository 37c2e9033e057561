import { BUCKETS, InspectorStatus, subjects, type Detection, type InspectorStats } from "@secuxflow/contracts";
import {
  connectNats, DetectionPublisher, FlowReportPublisher, JetStreamEventStore, ModuleBlobs, natsHealth, natsOptions, provision,
  publishJson, StatusBucket,
} from "@secuxflow/nats";
import type { ServiceKit } from "@secuxflow/service-kit";
import { randomBytes, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { InspectorConfig } from "./config.js";
import { FlowReporter } from "./flows/application/flow-reporter.js";
import { Partitions } from "./frames/adapters/partitions.js";
import { Intake } from "./frames/application/intake.js";
import { workerThreads } from "./inspection/adapters/worker-thread.js";
import { Inspection } from "./inspection/application/inspection.js";
import { Watchdog } from "./inspection/domain/watchdog.js";
import { callMetrics, stateMetrics } from "./metrics.js";
import { ModuleFolder } from "./modules/adapters/module-folder.js";
import { PrepareThread } from "./modules/adapters/prepare-thread.js";
import { TrustedKeys } from "./modules/adapters/trusted-keys.js";
import { Lifecycle } from "./modules/application/lifecycle.js";
import { ModuleWatch } from "./modules/application/module-watch.js";
import { PolicyFollower } from "./modules/application/policy-follower.js";
import { StatusReporter } from "./status/application/status-reporter.js";

const PACK_BYTES = 1024 * 1024;
const PAGES_PER_MIB = 16;
/** The watchdog looks so often within the time of a call. */
const LOOKS_PER_CALL = 5;
const MAX_DETECTIONS_PER_CALL = 1_024;
/** Share of the queue above which health is degraded. */
const BACKLOG_LIMIT = 0.5;
const DRAIN_MS = 3_000;
const CLOSE_MS = 3_000;
const RETRY_MS = 2_000;
/** What an inspector has seen after it last said so is counted as lost when it dies. */
const POSITIONS_MS = 250;

/** Begins the service. */
export interface Parts {
  start(): Promise<void>;
}

/** Puts the service together. Nothing runs yet but the connections to NATS. */
export function makeParts(kit: ServiceKit<InspectorConfig>): Parts {
  const { config, info, logger, health, metrics, shutdown } = kit;
  const { limits, policy, pool } = config;
  const inspectorId = info.instance;
  const startedAt = new Date().toISOString();
  const stopped = new AbortController();

  const connect = (purpose: string) =>
    connectNats({ ...natsOptions(config.nats), name: `${info.name}-${inspectorId}${purpose}`, log: logger });
  const control = connect("");
  const frames = connect("-frames");
  shutdown.add("close", "nats", async () => {
    stopped.abort();
    await Promise.all([control.drain(), frames.drain()]);
  });

  const detections = new DetectionPublisher(control);
  const reports = new FlowReportPublisher(control, inspectorId);
  const flows = new FlowReporter({
    inspectorId, capacity: limits.flows, nonce: randomUUID(), salt: randomBytes(4).readInt32LE(),
    publish: (report) => reports.publish(report), later: (callback) => void setImmediate(callback),
  });

  const counted = callMetrics(metrics);
  const lookMs = Math.max(5, Math.floor(limits.callTime / LOOKS_PER_CALL));
  const inspection = new Inspection({
    workers: config.workers, maxStrikes: limits.strikes, drainMs: config.modules.drain, log: logger,
    lane: {
      bounds: { maxBytes: limits.queueBytes, maxPackets: limits.queuePackets, packBytes: PACK_BYTES },
      watchdog: () => new Watchdog(Math.ceil(limits.callTime / lookMs), Math.ceil(limits.loadTime / lookMs)),
      startThread: workerThreads({ policy, inspectorId, maxDetectionsPerCall: MAX_DETECTIONS_PER_CALL }),
    },
    events: {
      onDetections: (found: readonly Detection[]) => {
        for (const detection of found) {
          flows.detected(detection);
          detections.publish(detection);
        }
      },
      onModulesChanged: () => status.changed(),
      onCall: (module, seconds, findings) => counted.call(module, seconds, findings),
      onStrike: (module, kind) => counted.strike(module, kind),
      onSwap: (module, ms) => counted.swap(module, ms),
    },
  });
  const intake = new Intake({
    account: (batch) => flows.account(batch),
    inspect: (partition, frame, mask, layout, gap) => inspection.inspect(partition, frame, mask, layout, gap),
    onMalformed: (partition, reason, malformed) => logger.warn({ partition, reason, malformed }, "a malformed frame was dropped"),
  });
  const partitions = new Partitions(control, frames, intake,
    { pool, inspectorId, ttlMs: config.leases.ttl, onChange: () => status.changed() });
  const hostLimits = { memoryPagesMax: limits.memoryMb * PAGES_PER_MIB };
  const folder = new ModuleFolder({ dir: config.modules.dir, names: config.modules.names, limits: hostLimits });
  const trust = new TrustedKeys(config.modules.trustedKeys);
  const blobs = new ModuleBlobs(control);
  const lifecycle = new Lifecycle({
    runner: inspection, blobs: { get: (blob) => blobs.get(policy, blob, stopped.signal) }, trust,
    preparation: new PrepareThread(hostLimits, limits.loadTime), log: logger, names: config.modules.names, retryMs: RETRY_MS,
    onApplied: () => status.changed(),
  });
  const watch = new ModuleWatch(folder, config.modules.rescan, (modules) => lifecycle.offer(modules));
  const follower = new PolicyFollower(new JetStreamEventStore(control), policy, logger, {
    onPolicy: (state, revision) => lifecycle.follow(state, revision), onReleased: (name) => lifecycle.release(name),
  });

  let streams: string | undefined;
  const problems = (): string[] => {
    const others = [streams, follower.problem, partitions.problem()].filter((problem) => problem !== undefined);
    return [...others, ...trust.problems, ...watch.problems, ...inspection.problems()];
  };
  const bucket = new StatusBucket(control, BUCKETS.inspectors, InspectorStatus);
  const status = new StatusReporter(async () => {
    const found = problems();
    await bucket.put(inspectorId, {
      inspectorId, pool, host: hostname(), version: info.version, pid: process.pid, startedAt, at: new Date().toISOString(),
      state: found.length === 0 ? "ok" : "degraded", problems: found, partitions: partitions.owned(),
      revision: lifecycle.revision, modules: inspection.modules(),
    });
  }, config.stats.interval);

  const publishStats = (): void => {
    const stats: InspectorStats = {
      inspectorId, at: new Date().toISOString(), frames: inspection.frames, packets: inspection.packets, bytes: inspection.bytes,
      lostInTransit: intake.lostInTransit, lostInQueue: inspection.lostInQueue + inspection.lostInCrash,
      malformed: intake.malformed,
      findings: inspection.findings, modules: inspection.stats(),
    };
    publishJson(control, subjects.inspectorStats(inspectorId), stats);
    flows.report();
  };

  stateMetrics(metrics, { intake, inspection, partitions, flows, detections, reports });
  const nats = natsHealth(control);
  health.register(nats.name, () => {
    const { state, detail } = nats.check();
    return { status: state, detail };
  });
  health.register("modules", () => {
    const found = [...watch.problems, ...inspection.problems()];
    if (found.length > 0) return { status: "degraded", detail: found.join("; ") };
    const modules = inspection.modules();
    if (modules.length === 0) return { status: "degraded", detail: `there is no module in ${config.modules.dir}` };
    return { status: "ok", detail: modules.map(({ name, version, state }) => `${name} ${version} ${state}`).join(", ") };
  });
  health.register("partitions", () => {
    const problem = partitions.problem();
    if (problem !== undefined) return { status: "degraded", detail: problem };
    return { status: "ok", detail: `${partitions.owned().length} owned` };
  });
  health.register("backlog", () => ({
    status: inspection.backlog > BACKLOG_LIMIT ? "degraded" : "ok",
    detail: `${inspection.queuedPackets} packets wait; lost were ${inspection.lostInQueue} before the queue `
      + `and ${inspection.lostInCrash} with threads that were ended`,
  }));

  const start = async (): Promise<void> => {
    const timers = [
      setInterval(() => inspection.look(), lookMs), setInterval(publishStats, config.stats.interval),
      setInterval(() => partitions.tell(), POSITIONS_MS),
    ];
    shutdown.add("close", "threads", async () => {
      for (const timer of timers) clearInterval(timer);
      await inspection.stop();
    });
    inspection.start();
    await watch.start();
    shutdown.add("intake", "modules", async () => {
      lifecycle.stop();
      await watch.stop();
    });
    void provision(control, { signal: stopped.signal }).catch((error: unknown) => {
      if (stopped.signal.aborted) return;
      streams = (error as Error).message;
      logger.error({ err: error }, "the streams are not what they should be");
    });
    void follower.run(stopped.signal);
    shutdown.add("intake", "partitions", () => partitions.stop());
    // What was received is still inspected, and what was found is still published.
    shutdown.add("drain", "inspection", async () => {
      await Promise.race([inspection.drained(), new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
      flows.flush();
      publishStats();
      await status.stop();
      await Promise.all([detections.close(CLOSE_MS), reports.close(CLOSE_MS), bucket.delete(inspectorId).catch(() => undefined)]);
    });
    status.start();
    partitions.start();
  };
  return { start };
}
