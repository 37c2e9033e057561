import { API_VERSION, STATS_RULES, type AgentStats, type InspectorStats, type StatsSnapshot } from "@secuxflow/contracts";
import type { Clock } from "../../clock.js";
import { RuleCounters, sumHits, type Hits } from "./hits.js";
import { LiveRegistry } from "./live-registry.js";

/** The newest counters of each agent and inspector. */
export class Stats {
  readonly agents: LiveRegistry<AgentStats>;
  readonly inspectors: LiveRegistry<InspectorStats>;
  readonly #rules = new Map<string, RuleCounters>();

  constructor(private readonly clock: Clock) {
    this.agents = new LiveRegistry(clock);
    this.inspectors = new LiveRegistry(clock);
  }

  /** Takes what an agent says. */
  take(stats: AgentStats): void {
    const { agentId } = stats;
    const counters = this.#rules.get(agentId) ?? new RuleCounters();
    counters.take(stats);
    this.#rules.set(agentId, counters);
    this.agents.put(agentId, stats);
    if (this.#rules.size > 2 * this.agents.all().length) this.#forget();
  }

  /** Counters of everything that is live; of rules those that changed last, so that the answer is bounded. */
  snapshot(): StatsSnapshot {
    return {
      apiVersion: API_VERSION,
      kind: "Stats",
      at: this.clock.now().toISOString(),
      agents: this.agents.live().map(({ id, status }) => this.#whole(id, status)),
      inspectors: this.inspectors.live().map(({ status }) => status),
    };
  }

  /** Hits of some rules by id. An agent that is silent keeps its last known share: its packets were met all the same. */
  ruleHits(ids: readonly number[]): ReadonlyMap<number, Hits> {
    const counters = this.agents.all().flatMap(({ id }) => this.#rules.get(id) ?? []);
    return sumHits(ids.flatMap((id) => counters.flatMap((each) => each.get(id) ?? [])));
  }

  /** Hits by forward id. */
  forwardHits(): ReadonlyMap<number, Hits> {
    return sumHits(this.agents.all().flatMap(({ status }) => status.forwards));
  }

  #whole(id: string, { partial: _, ...status }: AgentStats): AgentStats {
    const counters = this.#rules.get(id);
    if (!counters) return status;
    return { ...status, ...(counters.size > STATS_RULES ? { partial: true } : {}), rules: counters.newest(STATS_RULES) };
  }

  #forget(): void {
    const known = new Set(this.agents.all().map(({ id }) => id));
    for (const id of this.#rules.keys()) if (!known.has(id)) this.#rules.delete(id);
  }
}
