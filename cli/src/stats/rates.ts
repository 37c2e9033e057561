import type { StatsSnapshot } from "@secuxflow/contracts";
import { API_VERSION } from "../http/shapes.generated.js";
import { agentReading, inspectorReading } from "./counters.js";
import { Meter, type Round } from "./meter.js";

/** Packets of one kind in one interval. */
export interface Flow {
  readonly packets: number;
  readonly bytes: number;
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
}

interface Owners {
  readonly live: number;
  readonly joined: readonly string[];
  readonly left: readonly string[];
  readonly reset: readonly string[];
}

/** What happened in one interval: the document of `status stats`. Counts are of the interval. */
export interface StatsRates {
  readonly apiVersion: string;
  readonly kind: "StatsRates";
  readonly at: string;
  readonly intervalMs: number;
  readonly agents: Owners;
  readonly inspectors: Owners;
  /** The last three only of agents that tell them. */
  readonly verdicts: {
    readonly pass: Flow;
    readonly drop: Flow;
    readonly limited?: Flow;
    readonly rejected?: Flow;
    readonly redirected?: Flow;
  };
  readonly unparsed: number;
  /** Copies of packets put into the ring buffer. */
  readonly forwarded: Flow;
  /** Copies lost on the way to inspection, by place. `share` is of all copies that should have been made. */
  readonly lost: {
    readonly ring: number;
    readonly agent: number;
    readonly transit: number;
    readonly queue: number;
    readonly total: number;
    readonly share: number;
  };
  readonly inspected: Flow;
  readonly findings: { readonly count: number; readonly perSecond: number };
  /** Frames that were no valid batch. */
  readonly malformed: number;
  /** Rules and forwards that were hit, fastest first. */
  readonly rules: readonly (Flow & { readonly id: number })[];
  readonly forwards: readonly (Flow & { readonly id: number })[];
}

const owners = ({ live, joined, left, reset }: Round): Owners => ({ live, joined, left, reset });

/** Follows the counters of the whole system from one snapshot to the next. */
export class SystemMeter {
  readonly #agents = new Meter();
  readonly #inspectors = new Meter();
  #before: number | undefined;

  /** Takes a snapshot at `now` (ms since 1970). The first is only where counting begins: undefined. */
  next(snapshot: StatsSnapshot, now: number): StatsRates | undefined {
    const agents = this.#agents.round(snapshot.agents.map(agentReading), now);
    const inspectors = this.#inspectors.round(snapshot.inspectors.map(inspectorReading), now);
    const before = this.#before;
    this.#before = now;
    return before === undefined ? undefined : ratesOf(agents, inspectors, snapshot.at, now - before);
  }
}

function ratesOf(agents: Round, inspectors: Round, at: string, intervalMs: number): StatsRates {
  const grown = (name: string) => agents.growth.get(name) ?? inspectors.growth.get(name) ?? { count: 0, perSecond: 0 };
  const flow = (name: string): Flow => {
    const packets = grown(`${name}.packets`);
    const bytes = grown(`${name}.bytes`);
    return {
      packets: packets.count,
      bytes: bytes.count,
      packetsPerSecond: packets.perSecond,
      bitsPerSecond: bytes.perSecond * 8,
    };
  };
  const hit = (kind: "rule" | "forward") =>
    [...agents.growth.keys()]
      .flatMap((name) => {
        const [what, id, unit] = name.split(".");
        return what === kind && unit === "packets" ? [{ id: Number(id), ...flow(`${kind}.${id ?? ""}`) }] : [];
      })
      .filter(({ packets, packetsPerSecond }) => packets > 0 || packetsPerSecond > 0)
      .sort((a, b) => b.packetsPerSecond - a.packetsPerSecond || a.id - b.id);
  const forwarded = flow("forwarded");
  const lost = {
    ring: grown("lost.ring").count,
    agent: grown("lost.agent").count,
    transit: grown("lost.transit").count,
    queue: grown("lost.queue").count,
  };
  const total = lost.ring + lost.agent + lost.transit + lost.queue;
  const wanted = forwarded.packets + lost.ring;
  return {
    apiVersion: API_VERSION,
    kind: "StatsRates",
    at,
    intervalMs,
    agents: owners(agents),
    inspectors: owners(inspectors),
    verdicts: {
      pass: flow("pass"),
      drop: flow("drop"),
      ...Object.fromEntries(
        (["limited", "rejected", "redirected"] as const)
          .filter((name) => agents.growth.has(`${name}.packets`))
          .map((name) => [name, flow(name)]),
      ),
    },
    unparsed: grown("unparsed").count,
    forwarded,
    // What is lost behind the agent may have been forwarded in an interval before: no more than everything is lost.
    lost: { ...lost, total, share: total === 0 ? 0 : Math.min(1, total / Math.max(total, wanted)) },
    inspected: flow("inspected"),
    findings: grown("findings"),
    malformed: grown("malformed").count,
    rules: hit("rule"),
    forwards: hit("forward"),
  };
}
