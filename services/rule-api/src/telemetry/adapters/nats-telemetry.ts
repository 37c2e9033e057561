import { AgentStats, AgentStatus, Alert, BUCKETS, InspectorStats, InspectorStatus, subjects } from "@secuxflow/contracts";
import { StatusBucket, subscribeJson, type NatsLink } from "@secuxflow/nats";
import type { z } from "zod";
import type { LiveRegistry } from "../application/live-registry.js";
import type { Stats } from "../application/stats.js";

export interface TelemetrySinks {
  readonly agents: LiveRegistry<AgentStatus>;
  readonly inspectors: LiveRegistry<InspectorStatus>;
  readonly stats: Stats;
  readonly onAlert: (alert: Alert) => void;
}

interface TelemetryLog {
  error(fields: object, message: string): void;
}

/** Feeds what agents, inspectors and the alerting service say on NATS into the registries, until the signal aborts. */
export function listen(link: NatsLink, sinks: TelemetrySinks, log: TelemetryLog, signal: AbortSignal): void {
  const registries = [sinks.agents, sinks.inspectors, sinks.stats.agents, sinks.stats.inspectors];
  const stopListening = link.onState((state) => {
    for (const registry of registries) {
      if (state === "connected") registry.connected();
      else registry.disconnected();
    }
  });
  const subscriptions = [
    subscribeJson(link, subjects.allAgentStats, AgentStats, (stats) => sinks.stats.take(stats)),
    subscribeJson(link, subjects.allInspectorStats, InspectorStats, (stats) =>
      sinks.stats.inspectors.put(stats.inspectorId, stats),
    ),
    subscribeJson(link, subjects.alertStored, Alert, sinks.onAlert),
  ];
  signal.addEventListener(
    "abort",
    () => {
      stopListening();
      for (const subscription of subscriptions) subscription.stop();
    },
    { once: true },
  );
  watchStatus(link, BUCKETS.agents, AgentStatus, sinks.agents, log, signal);
  watchStatus(link, BUCKETS.inspectors, InspectorStatus, sinks.inspectors, log, signal);
}

function watchStatus<T>(
  link: NatsLink,
  bucket: string,
  schema: z.ZodType<T>,
  registry: LiveRegistry<T>,
  log: TelemetryLog,
  signal: AbortSignal,
): void {
  let caughtUp = false;
  new StatusBucket(link, bucket, schema)
    .watch({
      onPut: ({ key, value }) => registry.put(key, value, !caughtUp),
      onDelete: (key) => registry.delete(key),
      onCaughtUp: () => {
        caughtUp = true;
      },
      signal,
    })
    .catch((error: unknown) => {
      if (!signal.aborted) log.error({ err: error, bucket }, "watching a status bucket has ended");
    });
}
