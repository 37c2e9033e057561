import { API_VERSION, type AgentStats, type InspectorStats, type StatsSnapshot } from "@secuxflow/contracts";
import type { Clock } from "../../clock.js";
import { LiveRegistry } from "./live-registry.js";

/** Packets and bytes that a rule or forward has met, over all agents. */
export interface Hits {
  readonly packets: number;
  readonly bytes: number;
  /** Newest over all agents, ISO 8601. */
  readonly lastHit?: string;
}

type HitList = readonly {
  readonly id: number;
  readonly packets: number;
  readonly bytes: number;
  readonly lastHit?: string | undefined;
}[];

/** The newest counters of each agent and inspector. */
export class Stats {
  readonly agents: LiveRegistry<AgentStats>;
  readonly inspectors: LiveRegistry<InspectorStats>;

  constructor(private readonly clock: Clock) {
    this.agents = new LiveRegistry(clock);
    this.inspectors = new LiveRegistry(clock);
  }

  /** Counters of everything that is live. */
  snapshot(): StatsSnapshot {
    return {
      apiVersion: API_VERSION,
      kind: "Stats",
      at: this.clock.now().toISOString(),
      agents: this.agents.live().map(({ status }) => status),
      inspectors: this.inspectors.live().map(({ status }) => status),
    };
  }

  /** Hits by rule id. An agent that is silent keeps its last known share: its packets were met all the same. */
  ruleHits(): ReadonlyMap<number, Hits> {
    return sum(this.agents.all().map(({ status }) => status.rules));
  }

  /** Hits by forward id. */
  forwardHits(): ReadonlyMap<number, Hits> {
    return sum(this.agents.all().map(({ status }) => status.forwards));
  }
}

const later = (a: string | undefined, b: string | undefined): string | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  return Date.parse(a) >= Date.parse(b) ? a : b;
};

function sum(lists: readonly HitList[]): Map<number, Hits> {
  const total = new Map<number, Hits>();
  for (const { id, packets, bytes, lastHit } of lists.flat()) {
    const before = total.get(id) ?? { packets: 0, bytes: 0 };
    const newest = later(before.lastHit, lastHit);
    total.set(id, {
      packets: before.packets + packets,
      bytes: before.bytes + bytes,
      ...(newest === undefined ? {} : { lastHit: newest }),
    });
  }
  return total;
}
