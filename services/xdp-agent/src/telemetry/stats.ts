import type { AgentStats } from "@secuxflow/contracts";
import type { CounterValue } from "../dataplane/application/kernel-port.js";
import { TOTAL } from "../dataplane/domain/layout.js";

/** What the sampling side has counted since the agent started. */
export interface SamplingCounts {
  readonly packetsSent: number;
  readonly packetsDropped: number;
  readonly framesSent: number;
}

export interface StatsInputs {
  readonly agentId: string;
  readonly nowMs: number;
  /** Unix time minus CLOCK_MONOTONIC, nanoseconds. */
  readonly wallMinusMonotonic: bigint;
  /** Elements of the `totals` map in the order of `TOTAL`. */
  readonly totals: readonly CounterValue[];
  readonly rules: ReadonlyMap<number, CounterValue>;
  readonly forwards: ReadonlyMap<number, CounterValue>;
  readonly sampling: SamplingCounts;
}

const NOTHING: CounterValue = { packets: 0, bytes: 0, lastNs: 0n };

/** The statistics message of one agent. Pure. */
export function agentStats(inputs: StatsInputs): AgentStats {
  const iso = (monotonic: bigint): string => new Date(Number((monotonic + inputs.wallMinusMonotonic) / 1_000_000n)).toISOString();
  const byId = (counters: ReadonlyMap<number, CounterValue>): AgentStats["rules"] =>
    [...counters].map(([id, value]) => ({
      id, packets: value.packets, bytes: value.bytes, ...(value.lastNs > 0n ? { lastHit: iso(value.lastNs) } : {}),
    }));
  const total = (index: number): CounterValue => inputs.totals[index] ?? NOTHING;
  const { packets, bytes } = total(TOTAL.pass);
  const dropped = total(TOTAL.drop);
  const sampled = total(TOTAL.sampled);
  return {
    agentId: inputs.agentId,
    at: new Date(inputs.nowMs).toISOString(),
    verdicts: { pass: { packets, bytes }, drop: { packets: dropped.packets, bytes: dropped.bytes } },
    unparsed: total(TOTAL.unparsed).packets,
    rules: byId(inputs.rules),
    forwards: byId(inputs.forwards),
    forwarded: {
      packets: sampled.packets,
      bytes: sampled.bytes,
      lostInRing: total(TOTAL.ringLost).packets,
      lostInAgent: inputs.sampling.packetsDropped,
      framesPublished: inputs.sampling.framesSent,
      packetsPublished: inputs.sampling.packetsSent,
    },
  };
}
