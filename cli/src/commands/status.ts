import { describeAction, describeMatch, routes, type RuleList, type SystemStatus, type TopTalkers } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type Invocation, type Options } from "../command.js";
import { Values, type Context } from "../context.js";
import { CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { allRules } from "../http/parts.js";
import { printOfMany } from "../output/format.js";
import { styled, type Span, type Style } from "../output/printer.js";
import { table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { SystemMeter } from "../stats/rates.js";
import { statsLines } from "../stats/render.js";
import { counted, formatBitRate, formatBytes, formatCount, formatRate } from "../text/numbers.js";
import { relative } from "../text/time.js";
import { agentLines } from "./agent.js";
import { text, WATCH_OPTION, watchMs } from "./common.js";
import { moduleStyle } from "./module.js";

/** `status`: the system as a whole. */
export function addStatus(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "status", "the system as a whole", [
    ["status show", "is everything well?"],
    ["status stats --interval 5s", "what goes on, live"],
  ]);
  addCommand(noun, invocation, {
    name: "show",
    summary: "show components, agents, inspectors, modules and alerting",
    options: [WATCH_OPTION],
    examples: [
      ["status show", "is everything well?"],
      ["status show -o json", "for monitoring"],
    ],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const status = await context.api.call("Status", { path: routes.status });
        return { document: status, lines: () => statusLines(status, context.env.now(), context.out.width) };
      }),
  });
  addCommand(noun, invocation, {
    name: "stats",
    summary: "show packets, rates, rule hits, losses and findings, live until Ctrl-C",
    description:
      "Show packets and bits per second by verdict, hits of rules, and what was forwarded, inspected, found and lost: " +
      "of each interval, live until Ctrl-C. With -o json one object per interval and line.",
    options: [
      ["--interval <duration>", "length of an interval", { default: "2s" }],
      ["--count <number>", "end after this many intervals", { default: "until Ctrl-C" }],
    ],
    examples: [
      ["status stats --interval 5s", "every 5 seconds"],
      ["status stats --interval 10s --count 6 -o json", "one minute, for scripts"],
    ],
    run: stats,
  });
  addCommand(noun, invocation, {
    name: "top",
    summary: "show the sources that sent most, over all live agents",
    description: "Show the sources that sent most, over all live agents. Counts come from a sketch: they are at least the truth.",
    options: [["--limit <number>", "at most so many", { default: "20" }], WATCH_OPTION],
    examples: [
      ["status top", "who sends most"],
      ["status top --limit 5 --watch 1s", "live, during an attack"],
    ],
    run: (context, options) => {
      const values = new Values();
      const limit = values.whole("--limit", text(options, "limit"), "a limit", 1, 1_000) ?? 20;
      values.check();
      return show(context, watchMs(options), async () => {
        const top = await context.api.call("TopTalkers", { path: routes.statusTop, query: { limit } });
        return { document: top, lines: () => topLines(top, context.out.width) };
      });
    },
  });
}

type Talker = TopTalkers["items"][number];

const topColumns = (seconds: number): Column<Talker>[] => [
  { title: "SOURCE", value: ({ address }) => address },
  { title: "BITS/S", value: ({ bytes }) => formatBitRate((bytes * 8) / seconds), align: "right" },
  { title: "PACKETS/S", value: ({ packets }) => formatRate(packets / seconds), align: "right" },
  { title: "BYTES", value: ({ bytes }) => formatBytes(bytes), align: "right", optional: 1 },
  { title: "PACKETS", value: ({ packets }) => formatCount(packets), align: "right", optional: 2 },
  { title: "AGENTS", value: ({ agents }) => agents.join(","), optional: 3, shrinkTo: 8 },
];

function topLines({ at, windowMs, agents, items }: TopTalkers, width: number): Span[][] {
  if (agents === 0) return [["no agent tells who sends most"]];
  const seconds = Math.max(windowMs, 1) / 1_000;
  return [
    [{ text: at, style: "bold" }, `  over ${seconds.toFixed(1)} s, ${counted(agents, "agent")}`],
    ...(items.length === 0 ? [["nobody sent anything"]] : table(topColumns(seconds), items, width)),
  ];
}

async function stats(context: Context, options: Options): Promise<ExitCode> {
  const values = new Values();
  // Counters arrive once a second: a shorter interval would show nothing more.
  const interval = values.duration("--interval", text(options, "interval"), { least: "1s", most: "1h" }) ?? 2_000;
  const count = values.whole("--count", text(options, "count"), "a count", 1, 1_000_000_000) ?? Number.POSITIVE_INFINITY;
  values.check();
  const { env, api, out, err, format } = context;
  const onScreen = format === "table" && out.isTTY;
  const meter = new SystemMeter();
  const names = new RuleNames(context);
  meter.next(await api.call("Stats", { path: routes.stats }), env.now());
  if (onScreen) err.line(`measuring for ${interval / 1_000} s …`);
  let due = env.now() + interval;
  for (let shown = 0; shown < count && !env.signal.aborted;) {
    // No longer than an interval, also when the wall clock is set back.
    await env.sleep(Math.min(interval, Math.max(0, due - env.now())), env.signal);
    due = Math.max(due + interval, env.now());
    if (env.signal.aborted) break;
    try {
      const rates = meter.next(await api.call("Stats", { path: routes.stats }), env.now());
      if (!rates) continue;
      if (format !== "table") await printOfMany(out, format, rates);
      else {
        await names.learn(rates.rules.map(({ id }) => id));
        const lines = statsLines(rates, (id) => names.of(id), out.width);
        if (onScreen && shown === 0) out.clear();
        if (onScreen) out.screen([...lines, [], [{ text: "Ctrl-C ends", style: "dim" }]]);
        else out.lines(shown === 0 ? lines : [[], ...lines]);
      }
      shown += 1;
    } catch (error) {
      if (env.signal.aborted) break;
      if (!(error instanceof CliError)) throw error;
      err.line(`${error.message}; trying again`);
    }
  }
  return EXIT.done;
}

/** What rules match, looked up when a rule appears that is not known yet. */
class RuleNames {
  #known = new Map<number, string>();
  readonly #asked = new Set<number>();

  constructor(private readonly context: Context) {}

  of(id: number): string | undefined {
    return this.#known.get(id);
  }

  async learn(ids: readonly number[]): Promise<void> {
    if (ids.every((id) => this.#asked.has(id))) return;
    for (const id of ids) this.#asked.add(id);
    let list: RuleList;
    try {
      list = await allRules(this.context.api);
    } catch {
      return; // the numbers are what was asked for
    }
    this.#known = new Map(list.items.map((rule) => [rule.id, `${describeAction(rule)} ${describeMatch(rule)}`]));
  }
}

const STYLES: Readonly<Record<string, Style>> = { ok: "green", degraded: "yellow", down: "red", silent: "red" };

type Component = SystemStatus["components"][number];
type Inspector = SystemStatus["inspectors"][number];

const COMPONENTS: readonly Column<Component>[] = [
  { title: "COMPONENT", value: ({ name }) => name },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => STYLES[state] },
  { title: "DETAIL", value: ({ detail }) => detail, shrinkTo: 16 },
];

/** Numbers as ranges: "0-63", "0-3, 7". */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const out: [number, number][] = [];
  for (const number of sorted) {
    const last = out.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else out.push([number, number]);
  }
  return out.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(", ");
}

const stateOf = ({ live, state }: Inspector): string => (live ? state : "silent");

const inspectorColumns = (now: number): Column<Inspector>[] => [
  { title: "INSPECTOR", value: ({ inspectorId }) => inspectorId },
  { title: "STATE", value: stateOf, style: (inspector) => STYLES[stateOf(inspector)] },
  {
    title: "PARTITIONS",
    value: ({ partitions }) => (partitions.length === 0 ? "none" : `${partitions.length} (${ranges(partitions)})`),
    shrinkTo: 10,
  },
  { title: "POOL", value: ({ pool }) => pool, optional: 3 },
  { title: "HOST", value: ({ host }) => host, optional: 4, shrinkTo: 8 },
  { title: "SEEN", value: ({ at }) => relative(at, now), optional: 2 },
];

interface ModuleRow {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly strikes: number;
  readonly inspector: string;
  readonly flows?: { readonly read: number; readonly encrypted: number } | undefined;
}

/** Shown where a module counts: encrypted flows passed it, and nobody looked inside. */
const FLOWS: readonly Column<ModuleRow>[] = [
  { title: "FLOWS READ", value: ({ flows }) => (flows === undefined ? "" : formatCount(flows.read)), align: "right", optional: 2 },
  { title: "ENCRYPTED", value: ({ flows }) => (flows === undefined ? "" : formatCount(flows.encrypted)), align: "right", optional: 1 },
];

const MODULES: readonly Column<ModuleRow>[] = [
  { title: "MODULE", value: ({ name }) => name },
  { title: "VERSION", value: ({ version }) => version },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => moduleStyle(state) },
  {
    title: "STRIKES",
    value: ({ strikes }) => String(strikes),
    align: "right",
    style: ({ strikes }) => (strikes > 0 ? "yellow" : undefined),
  },
  { title: "INSPECTOR", value: ({ inspector }) => inspector },
];

function statusLines(status: SystemStatus, now: number, width: number): Span[][] {
  const { inspectors, alerting } = status;
  const modules = inspectors
    .filter(({ live }) => live)
    .flatMap(({ inspectorId, modules: own }) => own.map((module): ModuleRow => ({ ...module, inspector: inspectorId })));
  const section = (lines: Span[][]): Span[][] => (lines.length === 0 ? [] : [[], ...lines]);
  return [
    [
      "system ",
      styled(status.state, STYLES[status.state]),
      `: policy ${status.policy} at revision ${status.revision}, ${counted(status.rules, "rule")}, ${counted(status.forwards, "forward")}`,
    ],
    ...section(table(COMPONENTS, status.components, width)),
    ...section(agentLines(status.agents, now, width)),
    ...section(
      inspectors.length === 0 ? [["no inspectors: nothing is inspected"]] : table(inspectorColumns(now), inspectors, width),
    ),
    ...inspectors.flatMap(({ inspectorId, problems }) =>
      problems.map((problem): Span[] => [{ text: "! ", style: "yellow" }, `${inspectorId}: ${problem}`]),
    ),
    ...section(modules.length === 0 ? [] : table(modules.some(({ flows }) => flows !== undefined) ? [...MODULES, ...FLOWS] : MODULES, modules, width)),
    ...section(alertingLines(alerting)),
  ];
}

function alertingLines(alerting: SystemStatus["alerting"]): Span[][] {
  if (!alerting) return [["alerting ", { text: "away", style: "red" }, ": nothing is known of alerts"]];
  const { storage, storageOk, detections, pending, flows, problems } = alerting;
  return [
    [
      "alerting ",
      storageOk ? { text: "ok", style: "green" } : { text: "storage away", style: "red" },
      ` (${storage}): ${counted(detections, "detection")} stored, ${formatCount(pending)} pending, ${counted(flows, "flow")} known`,
    ],
    ...problems.map((problem): Span[] => [{ text: "! ", style: "yellow" }, problem]),
  ];
}
