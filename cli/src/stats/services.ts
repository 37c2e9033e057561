import type { ServiceView } from "@secuxflow/contracts";

interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

/** What all agents together say of a service. */
export interface ServiceTotals {
  /** The worst of all agents; `unknown` where none tells. */
  readonly state: "ok" | "degraded" | "down" | "unknown";
  /** Backends over all agents, and how many of them are healthy. */
  readonly backends: number;
  readonly healthy: number;
  readonly redirected: Traffic;
  readonly stack: Traffic;
  readonly returned: Traffic;
  readonly flows: number;
  readonly lastHit?: string | undefined;
}

const STATES = ["down", "degraded", "ok"] as const;

/** Sums what the agents say of a service. */
export function serviceTotals({ on }: Pick<ServiceView, "on">): ServiceTotals {
  const sum = (which: "redirected" | "stack" | "returned"): Traffic =>
    on.reduce(
      (total, { [which]: { packets, bytes } }) => ({ packets: total.packets + packets, bytes: total.bytes + bytes }),
      { packets: 0, bytes: 0 },
    );
  const backends = on.flatMap((each) => each.backends);
  const hits = on.flatMap(({ lastHit }) => lastHit ?? []).sort((a, b) => Date.parse(a) - Date.parse(b));
  return {
    state: STATES.find((state) => on.some((each) => each.state === state)) ?? "unknown",
    backends: backends.length,
    healthy: backends.filter(({ healthy }) => healthy).length,
    redirected: sum("redirected"),
    stack: sum("stack"),
    returned: sum("returned"),
    flows: on.reduce((total, { flows }) => total + flows, 0),
    lastHit: hits.at(-1),
  };
}
