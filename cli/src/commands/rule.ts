import { describeAction, describeMatch, parseRate, RateError, routes, type RuleSpecInput, type RuleView } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type Invocation, type Options } from "../command.js";
import { withConfirmation } from "../confirm.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import { CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { API_VERSION } from "../http/shapes.generated.js";
import { allRules, countRules } from "../http/parts.js";
import { flagOf } from "../input/flags.js";
import { printDocument } from "../output/format.js";
import type { Span, Style } from "../output/printer.js";
import { pairs, table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { counted, formatBytes, formatCount } from "../text/numbers.js";
import { relative } from "../text/time.js";
import {
  activeOn,
  CONFIRM_OPTION,
  MATCH_OPTIONS,
  matchInput,
  optional,
  text,
  unknownChange,
  WAIT_OPTION,
  WATCH_OPTION,
  waitMs,
  watchMs,
} from "./common.js";
import { addRemoval } from "./removal.js";
import { EXPORT, IMPORT } from "./rule-import.js";

/** `rule`: the filter rules. */
export function addRule(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "rule", "filter rules: what is dropped and what passes", [
    [
      "rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop",
      "drop web traffic of a network to a host",
    ],
    ["rule list", "see all rules, with their hits"],
  ]);
  addCommand(noun, invocation, {
    name: "add",
    summary: "add a rule, and wait until it is in force",
    description:
      "Add a filter rule, and wait until it is in force in the kernel of every agent. " +
      "Rules are tried by priority (lower numbers first), then by id; the first that matches decides. " +
      "What no rule matches passes.",
    options: [
      ...MATCH_OPTIONS,
      [
        "--action <action>",
        "what becomes of matching packets (required)",
        { choices: ["drop", "pass", "limit", "reject", "redirect"] },
      ],
      ["--rate <rate>", "what passes with action limit: 1000/s (packets) or 10Mbit/s"],
      ["--burst <number>", "packets or bits that may come at once beyond the rate", { default: "what one second gives" }],
      ["--per <whom>", "whose packets the rate is for", { choices: ["rule", "source"], default: "rule" }],
      [
        "--reject <answer>",
        "what action reject answers: auto is a reset for TCP and ICMP port unreachable for the rest",
        { choices: ["auto", "unreachable"], default: "auto" },
      ],
      ["--service <name>", "where action redirect sends packets", { complete: "services" }],
      ["--monitor", "only count where it would be the first match, do not act"],
      ["--priority <number>", "0 to 65535, lower is tried first", { default: "1000" }],
      ["--ttl <duration>", "take the rule out after this time: 90s, 10m, 1h30m, 7d", { default: "never" }],
      ["--comment <text>", "why it is there"],
      ["--owner <name>", "who answers for it"],
      ["--tag <tag>", "a tag; give it again for more", { repeat: true }],
      ["--alert <id>", "the alert that it answers", { complete: "alerts" }],
      CONFIRM_OPTION,
      WAIT_OPTION,
    ],
    examples: [
      [
        "rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop",
        "drop web traffic of a network to a host",
      ],
      [
        "rule add --src 203.0.113.7 --action drop --ttl 1h --comment 'port scan' --owner alice --tag incident-42",
        "block an address for an hour",
      ],
      [
        "rule add --src 10.9.0.0/16 --dst 10.0.0.5 --port 22 --proto tcp --action pass --priority 10",
        "let a network through, before other rules are tried",
      ],
      [
        "rule add --src @blocklist --action reject --priority 50",
        "refuse connections from the addresses of a set",
      ],
      [
        "rule add --dst 10.0.0.5 --port 53 --proto udp --action limit --rate 1000/s --per source",
        "let each source ask a name server 1000 times a second",
      ],
      [
        "rule add --dst 10.0.0.5 --port 80,443,8000-8100 --proto tcp --tcp-flags 'syn,!ack' --action drop --monitor",
        "see what dropping new connections would hit, without doing it",
      ],
      ["rule add --dst 10.0.0.5 --port 80 --proto tcp --action redirect --service shop", "send requests to a service"],
    ],
    run: add,
  });
  addCommand(noun, invocation, {
    name: "list",
    summary: "show all rules in the order they are tried, with hits, last hit, expiry and where they are in force",
    options: [WATCH_OPTION],
    examples: [
      ["rule list", "all rules"],
      ["rule list --watch 1s", "hits as they happen"],
      ["rule list -o json", "for scripts"],
    ],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const list = await allRules(context.api);
        return {
          document: list,
          lines: () => (list.items.length === 0 ? NO_RULES : table(columns(context.env.now()), list.items, context.out.width)),
        };
      }),
  });
  addCommand(noun, invocation, {
    name: "show",
    summary: "show one rule with everything that is known of it",
    options: [["--id <id>", "its number", { complete: "rules" }]],
    argument: { name: "id", description: "its number", complete: "rules" },
    examples: [["rule show --id 42", "rule 42"]],
    run: showRule,
  });
  addRemoval(noun, invocation, {
    what: "rule",
    all: routes.rules,
    one: routes.rule,
    count: ({ api }) => countRules(api),
    examples: {
      delete: [["rule delete --id 42", "delete rule 42"]],
      clear: [
        ["rule clear", "delete all rules, after a question"],
        ["rule clear --confirm", "without a question"],
      ],
    },
  });
  addCommand(noun, invocation, IMPORT);
  addCommand(noun, invocation, EXPORT);
}

const NO_RULES: readonly (readonly Span[])[] = [["no rules: everything passes"]];

async function add(context: Context, options: Options): Promise<ExitCode> {
  const { ruleFaults } = await import("../input/specs.js");
  const values = new Values();
  const rule = {
    ...matchInput(values, options),
    ...optional("action", text(options, "action")),
    ...optional("limit", limitInput(values, options)),
    ...optional("reject", text(options, "reject")),
    ...optional("service", text(options, "service")),
    ...optional("monitor", options.monitor),
    ...optional("priority", values.whole("--priority", text(options, "priority"), "a priority", 0, 65_535)),
    ...optional("ttlMs", values.duration("--ttl", text(options, "ttl"))),
    ...optional("tags", options.tag),
    ...optional("alertId", options.alert === undefined ? undefined : values.id("--alert", text(options, "alert"))),
  };
  const wait = waitMs(values, options);
  const known = new Set(values.faults.map(({ flag }) => flag));
  values.faults.push(...ruleFaults(rule as Partial<RuleSpecInput>).filter(({ flag }) => !known.has(flag)));
  values.check();
  const added = await withConfirmation(context, options.confirm === true, (confirm) =>
    context.api.call("RuleAdded", {
      method: "POST",
      path: routes.rules,
      body: { rule, options: { confirm, waitMs: wait } },
      extraMs: wait,
      flagOf,
      unknown: unknownChange("the rule was added", "rule"),
    }),
  );
  return printApplied(context, added, `rule ${added.rule.id} in force`);
}

/** The limit of a rule, as far as its values can be read. */
function limitInput(values: Values, options: Options) {
  const [rate, per] = [text(options, "rate"), text(options, "per")];
  const burst = values.whole("--burst", text(options, "burst"), "a burst", 1, 1_000_000_000_000);
  if (rate === undefined) {
    if (per !== undefined) values.fault("--per", "it belongs to a limit: add --action limit --rate");
    if (burst !== undefined) values.fault("--burst", "it belongs to a limit: add --action limit --rate");
    return undefined;
  }
  try {
    return { ...parseRate(rate), ...optional("per", values.word("--per", per, ["rule", "source"])), ...optional("burst", burst) };
  } catch (error) {
    if (!(error instanceof RateError)) throw error;
    return values.fault("--rate", error.message);
  }
}

async function showRule(context: Context, options: Options, argument: string | undefined): Promise<ExitCode> {
  const values = new Values();
  const id = values.id("--id", text(options, "id"), argument);
  values.check();
  const { revision, items } = await allRules(context.api);
  const rule = items.find((item) => item.id === id);
  if (!rule) throw new CliError(`there is no rule ${id}`, { next: "secuxflow-cli rule list" });
  const now = context.env.now();
  const time = (iso: string | undefined) => (iso === undefined ? "never" : `${relative(iso, now)} (${iso})`);
  await printDocument(context.out, context.format, { apiVersion: API_VERSION, kind: "Rule", revision, ...rule }, () =>
    pairs([
      ["rule", String(rule.id)],
      ["match", describeMatch(rule)],
      ["action", { text: describeAction(rule), style: actionStyle(rule) }],
      rule.limit?.burst === undefined ? undefined : ["burst", `${rule.limit.burst} ${rule.limit.unit}`],
      ["priority", String(rule.priority)],
      ["hits", `${counted(rule.packets, "packet")}, ${formatBytes(rule.bytes)}`],
      ["last hit", time(rule.lastHit)],
      ["created", time(rule.createdAt)],
      ["expires", time(rule.expiresAt)],
      ["owner", rule.owner ?? "-"],
      ["tags", rule.tags.length === 0 ? "-" : rule.tags.join(", ")],
      ["comment", rule.comment ?? "-"],
      rule.alertId === undefined ? undefined : ["answers", `alert ${rule.alertId} (secuxflow-cli alert show ${rule.alertId})`],
      ["in force", `on ${rule.activeOn} of ${rule.agents} agents`],
    ]),
  );
  return EXIT.done;
}

const ACTION_STYLES: Readonly<Record<string, Style>> = { drop: "red", reject: "red", limit: "yellow", pass: "green", redirect: "cyan" };
const actionStyle = ({ action, monitor }: Pick<RuleView, "action" | "monitor">): Style =>
  monitor === true ? "dim" : (ACTION_STYLES[action] ?? "dim");

const columns = (now: number): Column<RuleView>[] => [
  { title: "ID", value: ({ id }) => String(id), align: "right" },
  { title: "PRIO", value: ({ priority }) => String(priority), align: "right", optional: 2 },
  { title: "MATCH", value: describeMatch, shrinkTo: 20 },
  { title: "ACTION", value: describeAction, style: actionStyle },
  { title: "PACKETS", value: ({ packets }) => formatCount(packets), align: "right" },
  { title: "BYTES", value: ({ bytes }) => formatBytes(bytes), align: "right", optional: 3 },
  { title: "LAST HIT", value: ({ lastHit }) => (lastHit === undefined ? "never" : relative(lastHit, now)) },
  { title: "EXPIRES", value: ({ expiresAt }) => (expiresAt === undefined ? "never" : relative(expiresAt, now)), optional: 1 },
  { title: "OWNER", value: ({ owner }) => owner ?? "", shrinkTo: 6, optional: 4 },
  { title: "COMMENT", value: ({ comment }) => comment ?? "", shrinkTo: 10, optional: 5 },
  {
    title: "ACTIVE",
    value: activeOn,
    align: "right",
    style: ({ activeOn: active, agents }) => (agents > 0 && active === agents ? undefined : "yellow"),
  },
];
