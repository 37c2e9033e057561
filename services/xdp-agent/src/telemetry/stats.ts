import type { AgentStats } from "@secuxflow/contracts";
import type { CounterValue } from "../dataplane/application/kernel-port.js";
import { TOTAL } from "../dataplane/domain/layout.js";
import type { RuleCounters } from "./rule-counters.js";

/** What the sampling side has counted since the agent started. */
export interface SamplingCounts {
  readonly packetsSent: number;
  readonly packetsDropped: number;
  readonly framesSent: number;
}

export interface StatsInputs {
  readonly agentId: string;
  readonly nowMs: number;
  /** From CLOCK_MONOTONIC in nanoseconds to ISO 8601. */
  readonly toIso: (monotonicNs: number) => string;
  /** Elements of the `totals` map in the order of `TOTAL`. */
  readonly totals: readonly CounterValue[];
  readonly rules: RuleCounters;
  readonly forwards: ReadonlyMap<number, CounterValue>;
  readonly sampling: SamplingCounts;
}

const NOTHING: CounterValue = { packets: 0, bytes: 0, lastNs: 0 };

/** The statistics message of one agent. Pure. */
export function agentStats(inputs: StatsInputs): AgentStats {
  const total = (index: number): CounterValue => inputs.totals[index] ?? NOTHING;
  /** A total without the parts of it that are told by themselves. */
  const verdict = (index: number, ...parts: readonly number[]): { packets: number; bytes: number } => ({
    packets: Math.max(0, parts.reduce((rest, part) => rest - total(part).packets, total(index).packets)),
    bytes: Math.max(0, parts.reduce((rest, part) => rest - total(part).bytes, total(index).bytes)),
  });
  const sampled = total(TOTAL.sampled);
  return {
    agentId: inputs.agentId,
    at: new Date(inputs.nowMs).toISOString(),
    verdicts: {
      pass: verdict(TOTAL.pass, TOTAL.redirected), drop: verdict(TOTAL.drop, TOTAL.limited, TOTAL.rejected), limited: verdict(TOTAL.limited), rejected: verdict(TOTAL.rejected),
      redirected: verdict(TOTAL.redirected), cached: verdict(TOTAL.cached),
    },
    unparsed: total(TOTAL.unparsed).packets,
    ...(inputs.rules.partial ? { partial: true } : {}),
    rules: inputs.rules.rules,
    forwards: [...inputs.forwards].map(([id, { packets, bytes, lastNs }]) => ({ id, packets, bytes, ...(lastNs > 0 ? { lastHit: inputs.toIso(lastNs) } : {}) })),
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
