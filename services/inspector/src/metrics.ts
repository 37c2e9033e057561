import type { DetectionPublisher, FlowReportPublisher } from "@secuxflow/nats";
import type { Metrics } from "@secuxflow/service-kit";
import type { FlowReporter } from "./flows/application/flow-reporter.js";
import type { Partitions } from "./frames/adapters/partitions.js";
import type { Intake } from "./frames/application/intake.js";
import type { Inspection } from "./inspection/application/inspection.js";

const CALL_BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25];

const SWAP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface CallMetrics {
  call(module: string, seconds: number, findings: number): void;
  strike(module: string, kind: string): void;
  /** Rules were swapped in a thread. */
  swap(module: string, ms: number): void;
}

/** What is counted as it happens. Names of modules are bounded: 32 at most. */
export function callMetrics(metrics: Metrics): CallMetrics {
  const seconds = metrics.histogram({ name: "inspector_module_call_seconds", help: "Time of a module's call with one batch",
    labels: ["module"] as const, buckets: CALL_BUCKETS });
  const findings = metrics.counter({ name: "inspector_findings_total", help: "Findings by module", labels: ["module"] as const });
  const strikes = metrics.counter({ name: "inspector_strikes_total", help: "Faults of modules by kind",
    labels: ["module", "kind"] as const });
  const swaps = metrics.histogram({ name: "inspector_rules_swap_seconds", help: "Time without inspection while a thread swaps rules",
    labels: ["module"] as const, buckets: SWAP_BUCKETS });
  return {
    call: (module, took, found) => {
      seconds.observe({ module }, took);
      if (found > 0) findings.inc({ module }, found);
    },
    strike: (module, kind) => strikes.inc({ module, kind }),
    swap: (module, ms) => swaps.observe({ module }, ms / 1_000),
  };
}

export interface MetricSources {
  readonly intake: Intake;
  readonly inspection: Inspection;
  readonly partitions: Partitions;
  readonly flows: FlowReporter;
  readonly detections: DetectionPublisher;
  readonly reports: FlowReportPublisher;
}

/** What is read when it is scraped. */
export function stateMetrics(metrics: Metrics,
  { intake, inspection, partitions, flows, detections, reports }: MetricSources): void {
  const total = (name: string, help: string, read: () => number): void => {
    metrics.counter({ name: `inspector_${name}_total`, help }, (counter) => {
      counter.reset();
      counter.inc(read());
    });
  };
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name: `inspector_${name}`, help }, (value) => value.set(read()));
  };
  total("frames_received", "Frames that arrived", () => intake.received);
  total("frames_malformed", "Frames that were no valid batch", () => intake.malformed);
  total("frames", "Frames inspected", () => inspection.frames);
  total("packets", "Packets inspected", () => inspection.packets);
  total("bytes", "Bytes on the wire of the packets inspected", () => inspection.bytes);
  total("packets_unaddressed", "Packets for modules that do not run here", () => inspection.unaddressed);
  metrics.counter({ name: "inspector_packets_lost_total", help: "Packets not inspected, by reason",
    labels: ["reason"] as const }, (counter) => {
    counter.reset();
    counter.inc({ reason: "transit" }, intake.lostInTransit);
    counter.inc({ reason: "queue" }, inspection.lostInQueue);
    counter.inc({ reason: "restart" }, inspection.lostInCrash);
  });
  total("findings_suppressed", "Findings over the limit of one call", () => inspection.suppressed);
  total("worker_restarts", "Threads started anew; the flow state in them was lost", () => inspection.restarts);
  total("flows_untracked", "Packets and detections of flows that found no room in the flow table", () => flows.untracked);
  total("detections_dropped", "Detections that could not wait for NATS any longer",
    () => detections.counts().dropped + detections.counts().tooLarge);
  total("flow_reports_dropped", "Flow reports that could not wait for NATS any longer",
    () => reports.counts().dropped + reports.counts().tooLarge);
  gauge("queue_packets", "Packets that wait for a thread", () => inspection.queuedPackets);
  gauge("queue_bytes", "Bytes of frames that wait for a thread", () => inspection.queuedBytes);
  gauge("detections_pending", "Detections that wait for NATS", () => detections.counts().pending);
  gauge("partitions_owned", "Partitions owned", () => partitions.owned().length);
  gauge("modules_running", "Modules that run", () => inspection.modules().filter(({ state }) => state === "running").length);
  gauge("flows", "Flows of the present interval", () => flows.size);
}
