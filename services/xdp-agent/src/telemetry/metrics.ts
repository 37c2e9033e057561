import type { AgentStats } from "@secuxflow/contracts";
import type { Metrics } from "@secuxflow/service-kit";
import type { XdpAttachments } from "../attachment/xdp-attachments.js";
import type { DataPlane } from "../dataplane/application/data-plane.js";
import type { Reporter } from "./reporter.js";

export interface MetricSources {
  readonly reporter: Pick<Reporter, "stats">;
  readonly plane: Pick<DataPlane, "revision">;
  readonly attachments: Pick<XdpAttachments, "interfaces">;
}

/** Registers the agent's Prometheus metrics. They are read from the kernel at each scrape. */
export function agentMetrics(metrics: Metrics, { reporter, plane, attachments }: MetricSources): void {
  metrics.gauge({ name: "agent_policy_revision", help: "Revision in force in the kernel" }, (gauge) => { gauge.set(plane.revision); });
  metrics.gauge({ name: "agent_interface_attached", help: "1 where the filter is attached", labels: ["interface", "mode"] }, (gauge) => {
    gauge.reset();
    for (const one of attachments.interfaces) gauge.set({ interface: one.name, mode: one.mode }, one.mode === "detached" ? 0 : 1);
  });
  // The kernel's totals outlive this process: gauges in the form of counters, set and not incremented.
  const total = <L extends string>(name: string, help: string, labels: readonly L[], read: (stats: AgentStats) => readonly (readonly [Partial<Record<L, string>>, number])[]): void => {
    metrics.gauge<L>({ name, help, labels }, (gauge) => {
      gauge.reset();
      for (const [values, value] of read(reporter.stats())) gauge.set(values, value);
    });
  };
  total("agent_packets_total", "Packets by verdict", ["verdict"], ({ verdicts }) => [[{ verdict: "pass" }, verdicts.pass.packets], [{ verdict: "drop" }, verdicts.drop.packets]]);
  total("agent_bytes_total", "Bytes by verdict", ["verdict"], ({ verdicts }) => [[{ verdict: "pass" }, verdicts.pass.bytes], [{ verdict: "drop" }, verdicts.drop.bytes]]);
  total("agent_samples_total", "Forwarded packets, by what became of them", ["outcome"], ({ forwarded }) => [
    [{ outcome: "sampled" }, forwarded.packets], [{ outcome: "lost_in_ring" }, forwarded.lostInRing],
    [{ outcome: "lost_in_agent" }, forwarded.lostInAgent], [{ outcome: "published" }, forwarded.packetsPublished],
  ]);
}
