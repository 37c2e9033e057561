import { routes, type ServiceSpecInput, type ServiceView } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type CommandSpec, type Invocation, type Options } from "../command.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import { CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { API_VERSION } from "../http/shapes.generated.js";
import { BACKEND_FORM, formatBackend, parseBackend, type BackendInput } from "../input/backend.js";
import { flagOf } from "../input/flags.js";
import { printDocument } from "../output/format.js";
import type { Span } from "../output/printer.js";
import { pairs, table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { serviceTotals, type ServiceTotals } from "../stats/services.js";
import { formatBytes, formatCount } from "../text/numbers.js";
import { relative } from "../text/time.js";
import { activeOn, nameOf, optional, text, unknownChange, WAIT_OPTION, WATCH_OPTION, waitMs, watchMs } from "./common.js";
import { addNamedRemoval } from "./removal.js";

const NAME: NonNullable<CommandSpec["argument"]> = { name: "NAME", description: "name of the service", complete: "services" };

/** `service`: what packets are redirected to. */
export function addService(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "service", "services: containers and hosts that packets go straight to", [
    ["service add shop --address 10.0.0.5 --port 80 --proto tcp --container shop", "name a service that runs in a container"],
    ["rule add --dst 10.0.0.99 --port 80 --proto tcp --action redirect --service shop", "send other packets there, too"],
    ["service list", "see where packets go"],
  ]);
  addCommand(noun, invocation, {
    name: "add",
    summary: "name a service, with its backends and what inspects it",
    description:
      "Name a service. What passes the rules and is for its address goes from the network card straight to it. Without --backend the address itself is the " +
      "only one; flows are spread over several by consistent hashing, and stay where they are. Where it runs is found out where it is not said.",
    options: [
      ["--address <address>", "the address that clients use (required)"],
      ["--port <port>", "its port", { default: "all" }],
      ["--proto <protocol>", "its protocol; needed with a port", { choices: ["tcp", "udp"] }],
      ["--backend <backend>", `where it runs: ${BACKEND_FORM}; give it again for more`, { repeat: true }],
      ["--container <name>", "the container that it runs in"],
      ["--netns <name>", "or the network namespace"],
      ["--iface <name>", "or the interface that leads there"],
      ["--inspect <modules>", "modules that see both directions: ips,waf", { complete: "modules" }],
      ["--health <kind>", "how backends are checked", { choices: ["tcp", "none"], default: "none" }],
      ["--health-interval <duration>", "time between checks", { default: "2s" }],
      ["--health-timeout <duration>", "how long a check may take", { default: "1s" }],
      ["--health-rise <number>", "successes that make a backend healthy", { default: "2" }],
      ["--health-fall <number>", "failures that make it unhealthy", { default: "3" }],
      ["--comment <text>", "what it is"],
      ["--owner <name>", "who answers for it"],
      WAIT_OPTION,
    ],
    argument: { name: "NAME", description: "1 to 64 of A-Z a-z 0-9 _ -" },
    examples: [
      ["service add shop --address 10.0.0.5 --port 80 --proto tcp --container shop --inspect ips,waf", "a container, inspected"],
      [
        "service add api --address 10.0.0.6 --port 443 --proto tcp --backend 10.1.0.2:8443 --backend 10.1.0.3:8443,weight=2 --health tcp",
        "two backends that are checked",
      ],
    ],
    run: add,
  });
  addCommand(noun, invocation, {
    name: "list",
    summary: "show all services with their state and counters",
    options: [WATCH_OPTION],
    examples: [
      ["service list", "all services"],
      ["service list --watch 1s", "counters as they grow"],
    ],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const list = await context.api.call("ServiceList", { path: routes.services });
        const rows = list.items.map((service): Row => ({ service, totals: serviceTotals(service) }));
        const none: Span[][] = [["no services: secuxflow-cli service add NAME makes one"]];
        return {
          document: list,
          lines: () => (rows.length === 0 ? none : table(columns(context.env.now()), rows, context.out.width)),
        };
      }),
  });
  addCommand(noun, invocation, {
    name: "show",
    summary: "show one service: its backends on each agent, and its counters",
    argument: NAME,
    examples: [["service show shop", "everything of shop"]],
    run: showService,
  });
  addNamedRemoval(noun, invocation, {
    what: "service",
    summary: "delete a service that no rule redirects to",
    argument: NAME,
    path: (name) => routes.service(name),
    examples: [["service delete shop", "delete it"]],
  });
}

interface Row {
  readonly service: ServiceView;
  readonly totals: ServiceTotals;
}

const STATE_STYLES = { ok: "green", degraded: "yellow", down: "red", unknown: "dim" } as const;
const at = ({ address, port, proto }: ServiceView): string =>
  `${proto === undefined ? "" : `${proto} `}${formatBackend({ address, ...optional("port", port) })}`;
const traffic = ({ packets, bytes }: { packets: number; bytes: number }): string => `${formatCount(packets)} (${formatBytes(bytes)})`;

const columns = (now: number): Column<Row>[] => [
  { title: "NAME", value: ({ service }) => service.name },
  { title: "ADDRESS", value: ({ service }) => at(service), shrinkTo: 16 },
  { title: "STATE", value: ({ totals }) => totals.state, style: ({ totals }) => STATE_STYLES[totals.state] },
  {
    title: "BACKENDS",
    value: ({ totals, service }) => (totals.state === "unknown" ? String(service.backends.length) : `${totals.healthy}/${totals.backends}`),
    align: "right",
  },
  { title: "FLOWS", value: ({ totals }) => formatCount(totals.flows), align: "right" },
  { title: "REDIRECTED", value: ({ totals }) => traffic(totals.redirected), align: "right" },
  { title: "STACK", value: ({ totals }) => traffic(totals.stack), align: "right", optional: 2 },
  { title: "RETURNED", value: ({ totals }) => traffic(totals.returned), align: "right", optional: 3 },
  { title: "LAST HIT", value: ({ totals }) => (totals.lastHit === undefined ? "never" : relative(totals.lastHit, now)) },
  { title: "INSPECT", value: ({ service }) => (service.inspect ?? []).join(","), optional: 4 },
  { title: "COMMENT", value: ({ service }) => service.comment ?? "", shrinkTo: 10, optional: 5 },
  {
    title: "ACTIVE",
    value: ({ service }) => activeOn(service),
    align: "right",
    style: ({ service }) => (service.agents > 0 && service.activeOn === service.agents ? undefined : "yellow"),
  },
];

async function add(context: Context, options: Options, argument: string | undefined): Promise<ExitCode> {
  const { serviceFaults } = await import("../input/specs.js");
  const values = new Values();
  const name = nameOf(values, argument);
  const wait = waitMs(values, options);
  const inspect = text(options, "inspect")
    ?.split(",")
    .map((module) => module.trim());
  const service = {
    name,
    ...optional("address", text(options, "address")),
    ...optional("port", values.whole("--port", text(options, "port"), "a service's port", 1, 65_535)),
    ...optional("proto", text(options, "proto")),
    ...optional("backends", backendsOf(values, options)),
    ...optional("container", text(options, "container")),
    ...optional("netns", text(options, "netns")),
    ...optional("iface", text(options, "iface")),
    ...optional("inspect", inspect),
    ...optional("health", healthOf(values, options)),
    ...optional("comment", text(options, "comment")),
    ...optional("owner", text(options, "owner")),
  };
  if (!("address" in service)) values.fault("--address", "name the address that clients use");
  const known = new Set(values.faults.map(({ flag }) => flag));
  values.faults.push(...serviceFaults(service as Partial<ServiceSpecInput>).filter(({ flag }) => !known.has(flag)));
  values.check();
  const added = await context.api.call("ServiceAdded", {
    method: "POST",
    path: routes.services,
    body: { service, options: { waitMs: wait } },
    extraMs: wait,
    flagOf,
    unknown: unknownChange(`service ${name} was added`, "service"),
  });
  return printApplied(context, added, `service ${name} in force`);
}

function backendsOf(values: Values, options: Options): BackendInput[] | undefined {
  const given = options.backend as string[] | undefined;
  return given?.flatMap((each) => {
    const backend = parseBackend(each);
    if (backend) return [backend];
    values.fault("--backend", `${JSON.stringify(each)} is no backend; write ${BACKEND_FORM}`);
    return [];
  });
}

function healthOf(values: Values, options: Options) {
  const kind = values.word("--health", text(options, "health"), ["tcp", "none"]);
  const details = {
    ...optional("intervalMs", values.duration("--health-interval", text(options, "healthInterval"))),
    ...optional("timeoutMs", values.duration("--health-timeout", text(options, "healthTimeout"))),
    ...optional("rise", values.whole("--health-rise", text(options, "healthRise"), "rise", 1, 100)),
    ...optional("fall", values.whole("--health-fall", text(options, "healthFall"), "fall", 1, 100)),
  };
  if (kind === undefined && Object.keys(details).length > 0) values.fault("--health", "say how backends are checked: --health tcp");
  return kind === undefined ? undefined : { kind, ...details };
}

async function showService(context: Context, _options: Options, argument: string | undefined): Promise<ExitCode> {
  const values = new Values();
  const name = nameOf(values, argument);
  values.check();
  const { revision, items } = await context.api.call("ServiceList", { path: routes.services });
  const service = items.find((item) => item.name === name);
  if (!service) throw new CliError(`there is no service ${name}`, { next: "secuxflow-cli service list" });
  const now = context.env.now();
  await printDocument(context.out, context.format, { apiVersion: API_VERSION, kind: "Service", revision, ...service }, () =>
    serviceLines(service, now, context.out.width),
  );
  return EXIT.done;
}

interface BackendRow {
  readonly agent: string;
  readonly backend: ServiceView["on"][number]["backends"][number];
}

const BACKENDS: readonly Column<BackendRow>[] = [
  { title: "AGENT", value: ({ agent }) => agent },
  { title: "BACKEND", value: ({ backend }) => formatBackend({ address: backend.address, ...optional("port", backend.port) }) },
  {
    title: "STATE",
    value: ({ backend }) => (backend.healthy ? "healthy" : "unhealthy"),
    style: ({ backend }) => (backend.healthy ? "green" : "red"),
  },
  { title: "PATH", value: ({ backend }) => backend.path, style: ({ backend }) => (backend.path === "stack" ? "yellow" : undefined) },
  { title: "INTERFACE", value: ({ backend }) => backend.iface ?? "", optional: 2 },
  { title: "PROBLEM", value: ({ backend }) => backend.problem ?? "", optional: 1, shrinkTo: 16 },
];

function serviceLines(service: ServiceView, now: number, width: number): Span[][] {
  const totals = serviceTotals(service);
  const place = service.container ?? service.netns ?? service.iface;
  const kind = service.container !== undefined ? "container" : service.netns !== undefined ? "netns" : "iface";
  const rows = service.on.flatMap(({ agentId, backends }) => backends.map((backend): BackendRow => ({ agent: agentId, backend })));
  const rules = service.usedByRules;
  return [
    ...pairs([
      ["service", service.name],
      ["address", at(service)],
      ["state", { text: totals.state, style: STATE_STYLES[totals.state] }],
      ["backends", service.backends.map(formatBackend).join(" ")],
      place === undefined ? undefined : [kind, place],
      ["inspected by", service.inspect?.join(", ") ?? "-"],
      ["health check", service.health === undefined || service.health.kind === "none" ? "-" : `${service.health.kind} every ${service.health.intervalMs} ms`],
      ["redirected", traffic(totals.redirected)],
      ["by the stack", traffic(totals.stack)],
      ["returned", traffic(totals.returned)],
      ["flows", formatCount(totals.flows)],
      ["last hit", totals.lastHit === undefined ? "never" : `${relative(totals.lastHit, now)} (${totals.lastHit})`],
      ["used by", rules.length === 0 ? "no rule" : `${rules.length === 1 ? "rule" : "rules"} ${rules.join(", ")}`],
      ["owner", service.owner ?? "-"],
      ["comment", service.comment ?? "-"],
      ["in force", `on ${service.activeOn} of ${service.agents} agents`],
    ]),
    ...(rows.length === 0 ? [] : [[], ...table(BACKENDS, rows, width)]),
  ];
}
