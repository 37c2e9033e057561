import type { ForwardView, RuleView, StatsSnapshot, SystemStatus } from "@secuxflow/contracts";

/** What a look at the rule API shows. */
export interface Look {
  /** The first of them, where there are many. */
  readonly rules: readonly RuleView[];
  /** All there are. */
  readonly total: number;
  readonly forwards: readonly ForwardView[];
  readonly status: SystemStatus;
}

const COUNTED = ["passed", "dropped", "forwarded", "inspected", "lost"] as const;
export type Totals = Readonly<Record<(typeof COUNTED)[number], number>>;

const matchText = (one: { src: string; dst: string; proto: string; port?: number | string | undefined }): string =>
  `${one.src} → ${one.dst}${one.port === undefined ? "" : `:${one.port}`} ${one.proto}`;

/** Lines at most for what came, or went, at once: an import brings thousands. */
const LINES = 10;

const comingAndGoing = <T extends { id: number }>(before: readonly T[], now: readonly T[]): { came: T[]; went: T[] } => {
  const [old, fresh] = [before, now].map((list) => new Set(list.map(({ id }) => id)));
  return { came: now.filter(({ id }) => old?.has(id) === false), went: before.filter(({ id }) => fresh?.has(id) === false) };
};

const few = <T>(list: readonly T[], line: (one: T) => string): string[] => [...list.slice(0, LINES).map(line), ...(list.length > LINES ? ["… and more"] : [])];

/** Lines for what changed between two looks: rules, forwarding rules, states of components. Pure. */
export function changes(before: Look, now: Look): string[] {
  const rules = comingAndGoing(before.rules, now.rules);
  const forwards = comingAndGoing(before.forwards, now.forwards);
  const states = new Map(before.status.components.map((one) => [one.name, one.state]));
  return [
    ...few(rules.came, (one) => `rule ${one.id}: ${one.monitor === true ? "monitor " : ""}${one.action} ${matchText(one)}, active on ${one.activeOn} of ${one.agents} agents`),
    ...few(rules.went, (one) => `rule ${one.id} is gone; it hit ${one.packets} packets`),
    ...(Math.max(rules.came.length, rules.went.length) > LINES ? [`there are ${now.total} rules now`] : []),
    ...forwards.came.map((one) => `forwarding rule ${one.id}: ${matchText(one)} → module ${one.module}`),
    ...forwards.went.map((one) => `forwarding rule ${one.id} is gone`),
    ...now.status.components.filter((one) => states.get(one.name) !== one.state).map((one) => `${one.name} is ${one.state}: ${one.detail}`),
  ];
}

/** One line of traffic between two snapshots, or undefined where nothing moved. Pure. */
export function trafficLine(before: StatsSnapshot, now: StatsSnapshot): string | undefined {
  const [old, fresh] = [totals(before), totals(now)];
  const moved = COUNTED.map((name) => [name, fresh[name] - old[name]] as const).filter(([, n]) => n > 0);
  return moved.length === 0 ? undefined : `packets: ${moved.map(([name, n]) => `${name} ${n}`).join(", ")}`;
}

/** Packets of a snapshot over all agents and inspectors; `lost`: in rings, agents, transit and queues together. Pure. */
export function totals({ agents, inspectors }: StatsSnapshot): Totals {
  const sum = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((n, one) => n + of(one), 0);
  return {
    passed: sum(agents, ({ verdicts: { pass, redirected } }) => pass.packets + (redirected?.packets ?? 0)),
    dropped: sum(agents, ({ verdicts: { drop, limited, rejected } }) => drop.packets + (limited?.packets ?? 0) + (rejected?.packets ?? 0)),
    forwarded: sum(agents, (one) => one.forwarded.packets),
    inspected: sum(inspectors, (one) => one.packets),
    lost: sum(agents, (one) => one.forwarded.lostInRing + one.forwarded.lostInAgent) + sum(inspectors, (one) => one.lostInTransit + one.lostInQueue),
  };
}
