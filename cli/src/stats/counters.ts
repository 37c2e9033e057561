import type { AgentStats, InspectorStats } from "@secuxflow/contracts";

/** Cumulative counters of one owner (an agent or inspector), by name. */
export interface Reading {
  readonly owner: string;
  /** When the owner counted, ms since 1970 by its own clock; NaN where it told no time. */
  readonly at: number;
  readonly counters: ReadonlyMap<string, number>;
  /** Only some of the counters there are: the others stand as they were. */
  readonly partial?: boolean;
}

const hits = (kind: "rule" | "forward", list: AgentStats["rules"]): [string, number][] =>
  list.flatMap(({ id, packets, bytes }): [string, number][] => [
    [`${kind}.${id}.packets`, packets],
    [`${kind}.${id}.bytes`, bytes],
  ]);

/** The counters of an agent. */
export function agentReading({ agentId, at, verdicts, unparsed, rules, forwards, forwarded, partial }: AgentStats): Reading {
  const verdict = (name: "limited" | "rejected" | "redirected"): [string, number][] => {
    const counted = verdicts[name];
    return counted === undefined
      ? []
      : [
          [`${name}.packets`, counted.packets],
          [`${name}.bytes`, counted.bytes],
        ];
  };
  return {
    owner: agentId,
    ...(partial === undefined ? {} : { partial }),
    at: Date.parse(at),
    counters: new Map([
      ["pass.packets", verdicts.pass.packets],
      ["pass.bytes", verdicts.pass.bytes],
      ["drop.packets", verdicts.drop.packets],
      ["drop.bytes", verdicts.drop.bytes],
      ...verdict("limited"),
      ...verdict("rejected"),
      ...verdict("redirected"),
      ["unparsed", unparsed],
      ["forwarded.packets", forwarded.packets],
      ["forwarded.bytes", forwarded.bytes],
      ["lost.ring", forwarded.lostInRing],
      ["lost.agent", forwarded.lostInAgent],
      ...hits("rule", rules),
      ...hits("forward", forwards),
    ]),
  };
}

/** The counters of an inspector. */
export function inspectorReading({
  inspectorId,
  at,
  packets,
  bytes,
  lostInTransit,
  lostInQueue,
  findings,
  malformed,
}: InspectorStats): Reading {
  return {
    owner: inspectorId,
    at: Date.parse(at),
    counters: new Map([
      ["inspected.packets", packets],
      ["inspected.bytes", bytes],
      ["lost.transit", lostInTransit],
      ["lost.queue", lostInQueue],
      ["findings", findings],
      ["malformed", malformed],
    ]),
  };
}
