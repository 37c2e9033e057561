import type { AgentStats } from "@secuxflow/contracts";

/** Packets and bytes that a rule or forward has met, over all agents. */
export interface Hits {
  readonly packets: number;
  readonly bytes: number;
  /** Newest over all agents, ISO 8601. */
  readonly lastHit?: string;
}

export type HitList = AgentStats["rules"];
type Hit = HitList[number];

const later = (a: string | undefined, b: string | undefined): string | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  return Date.parse(a) >= Date.parse(b) ? a : b;
};

const NONE: Hits = { packets: 0, bytes: 0 };

const plus = (before: Hits, { packets, bytes, lastHit }: Hit): Hits => {
  const newest = later(before.lastHit, lastHit);
  return {
    packets: before.packets + packets,
    bytes: before.bytes + bytes,
    ...(newest === undefined ? {} : { lastHit: newest }),
  };
};

/** Sums hits by id. */
export function sumHits(hits: Iterable<Hit>): Map<number, Hits> {
  const total = new Map<number, Hits>();
  for (const hit of hits) total.set(hit.id, plus(total.get(hit.id) ?? NONE, hit));
  return total;
}

/** Rules of one agent that are remembered: those of the largest policy, twice over, for ids that are gone. */
const REMEMBERED = 262_144;

/**
 * The counters of one agent's rules. A message that is partial tells some of them: the others stand as they were told last.
 * Kept in the order in which they changed last, the newest at the end.
 */
export class RuleCounters {
  readonly #hits = new Map<number, Hit>();

  take({ rules, partial }: Pick<AgentStats, "rules" | "partial">): void {
    if (partial !== true) this.#hits.clear();
    for (const hit of rules) {
      const before = this.#hits.get(hit.id);
      if (before?.packets === hit.packets && before.bytes === hit.bytes) continue; // its turn came, but nothing happened
      this.#hits.delete(hit.id);
      this.#hits.set(hit.id, hit);
    }
    for (const id of this.#hits.keys()) {
      if (this.#hits.size <= REMEMBERED) break;
      this.#hits.delete(id);
    }
  }

  get(id: number): Hit | undefined {
    return this.#hits.get(id);
  }

  get size(): number {
    return this.#hits.size;
  }

  /** Those that changed last, at most `count`, by id. */
  newest(count: number): Hit[] {
    const skip = Math.max(0, this.#hits.size - count);
    let index = 0;
    const newest: Hit[] = [];
    for (const hit of this.#hits.values()) if (index++ >= skip) newest.push(hit);
    return newest.sort((a, b) => a.id - b.id);
  }
}
