import type { Metrics } from "@secuxflow/service-kit";
import type { AlertFeed } from "./alerts/application/alert-feed.js";
import type { EnforcementWatch } from "./policy/application/enforcement.js";
import type { PolicyReader } from "./policy/application/policy-reader.js";
import type { CommandMetrics } from "./policy/application/policy-service.js";

const ENFORCEMENT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

/** What is counted of commands. */
export function commandMetrics(metrics: Metrics): CommandMetrics {
  const commands = metrics.counter({
    name: "policy_commands_total",
    help: "Commands by type and result (ok, duplicate, or the problem's code)",
    labels: ["command", "result"] as const,
  });
  const seconds = metrics.histogram({
    name: "policy_command_seconds",
    help: "Time until a command was stored or refused",
    labels: ["command"] as const,
  });
  const conflicts = metrics.counter({
    name: "policy_conflicts_total",
    help: "Appends that met another writer and were decided again",
  });
  const enforcement = metrics.histogram({
    name: "enforcement_wait_seconds",
    help: "Time until every live agent had a revision in force",
    labels: ["complete"] as const,
    buckets: ENFORCEMENT_BUCKETS,
  });
  return {
    done: (command, result, took) => {
      commands.inc({ command, result });
      seconds.observe({ command }, took);
    },
    conflict: () => conflicts.inc(),
    enforced: ({ pending, waitedMs }) =>
      enforcement.observe({ complete: pending.length === 0 ? "true" : "false" }, waitedMs / 1_000),
  };
}

/** Gauges that are read when they are scraped. */
export function stateMetrics(
  metrics: Metrics,
  parts: { reader: PolicyReader; enforcement: EnforcementWatch; feed: AlertFeed },
): void {
  const { reader, enforcement, feed } = parts;
  metrics.gauge({ name: "policy_revision", help: "Revision of the policy in memory" }, (gauge) =>
    gauge.set(reader.view?.revision ?? 0),
  );
  metrics.gauge({ name: "policy_rules", help: "Filter rules of the policy" }, (gauge) =>
    gauge.set(reader.view?.state.rules.size ?? 0),
  );
  metrics.gauge({ name: "policy_forwards", help: "Forwarding rules of the policy" }, (gauge) =>
    gauge.set(reader.view?.state.forwards.size ?? 0),
  );
  metrics.gauge({ name: "policy_unreadable", help: "1 when the policy stream holds a message that cannot be read" }, (gauge) =>
    gauge.set(reader.problem === undefined ? 0 : 1),
  );
  metrics.gauge({ name: "agents_live", help: "Agents that reported within three seconds" }, (gauge) =>
    gauge.set(enforcement.live().length),
  );
  metrics.gauge({ name: "alert_watchers", help: "Clients that watch alerts" }, (gauge) => gauge.set(feed.watchers));
  metrics.gauge({ name: "alert_watch_dropped", help: "Alerts that slow watchers have missed since the start" }, (gauge) =>
    gauge.set(feed.dropped),
  );
}
