import { describeMatch, routes, type Alert, type AlertShown, type SuggestionShown } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, warn, type CommandSpec, type Invocation, type Options } from "../command.js";
import { confirmed, declined, withConfirmation } from "../confirm.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import { EXIT, type ExitCode } from "../exit.js";
import { flagOf } from "../input/flags.js";
import { printDocument } from "../output/format.js";
import { table } from "../output/table.js";
import { show } from "../output/watch.js";
import { CONFIRM_OPTION, text, WAIT_OPTION, WATCH_OPTION, waitMs, watchMs } from "./common.js";
import { FP } from "./alert-fp.js";
import { eventPrinter, EXPORT, PCAP, printNewest, savePcap } from "./alert-events.js";
import { alertColumns, alertLines, severityName, suggestionLines } from "./alert-view.js";
import { watchAlerts } from "./alert-watch.js";

/** Alerts lie in a database behind the API, which may take its time. */
const ALERTS_MS = 3_000;
/** A blast radius may look through a day of flows. */
const SUGGEST_MS = 9_000;

const ID: CommandSpec["argument"] = { name: "id", description: "number of the alert", complete: "alerts" };
const SEVERITIES = ["critical", "high", "medium", "low"] as const;

const idOf = (argument: string | undefined): number => {
  const values = new Values();
  const id = values.id("<id>", argument);
  values.check();
  return id;
};

/** `alert`: what was found, and what to do about it. */
export function addAlert(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "alert", "alerts: what inspection has found, reviewed and answered", [
    ["alert watch", "see what is found, as it is found"],
    ["alert show 17", "look at alert 17"],
    ["alert suggest 17", "see the rule that would answer it, and what it would hit"],
    ["alert approve 17", "make that rule"],
  ]);
  addCommand(noun, invocation, {
    name: "list",
    summary: "show alerts, newest first",
    options: [
      ["--since <duration>", "only those last seen within this time: 10m, 2h, 7d"],
      ["--severity <severity>", "only these and worse", { choices: SEVERITIES }],
      ["--state <state>", "only those in this state", { choices: ["new", "acknowledged", "approved", "dismissed"] }],
      ["--module <name>", "only those of this module", { complete: "modules" }],
      ["--src <address>", "only those from this source"],
      ["--limit <number>", "at most so many", { default: "50" }],
      WATCH_OPTION,
    ],
    examples: [
      ["alert list --state new", "what has not been looked at"],
      ["alert list --since 1h --severity high", "the bad ones of the last hour"],
      ["alert list --since 1h -o eve", "each by its newest event, as EVE JSON"],
    ],
    eve: true,
    run: list,
  });
  addCommand(noun, invocation, {
    name: "show",
    summary: "show one alert: what matched, the request, the payload, and what can be done",
    eve: true,
    options: [["--pcap <file>", "write its packets to this file, as a capture"]],
    argument: ID,
    examples: [
      ["alert show 17", "look at alert 17"],
      ["alert show 17 -o json", "with its newest detections and packets"],
      ["alert show 17 -o eve", "its newest detections as EVE JSON"],
      ["alert show 17 --pcap alert-17.pcap", "and write its packets to a file"],
    ],
    run: async (context, options, argument) => {
      const id = idOf(argument);
      const alert = await context.api.call("Alert", { path: routes.alert(id), extraMs: ALERTS_MS });
      if (context.eve) {
        const print = await eventPrinter(context);
        for (const detection of [...alert.detections].reverse()) await print(detection);
      } else await printAlert(context, alert);
      const file = text(options, "pcap");
      if (file !== undefined) await savePcap(context, id, file);
      return EXIT.done;
    },
  });
  addCommand(noun, invocation, {
    name: "watch",
    summary: "show alerts as they are stored, until Ctrl-C",
    description:
      "Show alerts as they are stored, until Ctrl-C. A lost connection is made again, and what was missed meanwhile is shown.",
    options: [["--severity <severity>", "only these and worse", { choices: SEVERITIES }]],
    examples: [
      ["alert watch", "everything"],
      ["alert watch --severity high -o json", "for scripts, one object per line"],
    ],
    run: async (context, options) => {
      const values = new Values();
      const severity = severityOf(values, options);
      values.check();
      return watchAlerts(context, severity ?? 4);
    },
  });
  addCommand(noun, invocation, EXPORT);
  addCommand(noun, invocation, PCAP);
  addCommand(noun, invocation, FP);
  addCommand(noun, invocation, {
    name: "suggest",
    summary: "show the rule that would answer an alert, and what it would hit",
    argument: ID,
    examples: [["alert suggest 17", "what would block alert 17"]],
    run: async (context, _options, argument) => {
      const suggestion = await context.api.call("Suggestion", {
        path: routes.alertSuggestion(idOf(argument)),
        extraMs: SUGGEST_MS,
      });
      await printDocument(context.out, context.format, suggestion, () => suggestionLines(suggestion));
      if (context.format === "table") for (const warning of suggestion.warnings) warn(context.err, warning);
      return EXIT.done;
    },
  });
  addCommand(noun, invocation, {
    name: "approve",
    summary: "make the suggested rule, and wait until it is in force",
    description:
      "Make the rule that is suggested for an alert, and wait until it is in force. " +
      "At a terminal the rule is shown and asked about first. Approving twice gives the same rule.",
    options: [
      ["--ttl <duration>", "how long the rule stands: 90s, 10m, 7d, or never", { default: "as suggested" }],
      ["--priority <number>", "0 to 65535, lower is tried first", { default: "as suggested" }],
      ["--comment <text>", "why it is there", { default: "as suggested" }],
      ["--yes", "do not ask"],
      CONFIRM_OPTION,
      WAIT_OPTION,
    ],
    argument: ID,
    examples: [
      ["alert approve 17", "block what alert 17 is about"],
      ["alert approve 17 --ttl 10m --yes", "for ten minutes, without a question"],
    ],
    run: approve,
  });
  for (const [name, state, summary] of [
    ["ack", "acknowledged", "mark an alert as seen"],
    ["dismiss", "dismissed", "mark an alert as a false alarm, or as not worth a rule"],
    ["reopen", "new", "mark an alert as new again"],
  ] as const) {
    addCommand(noun, invocation, {
      name,
      summary,
      options: [["--note <text>", "why"]],
      argument: ID,
      examples: [[`alert ${name} 17 --note 'looked at it, alice'`, summary]],
      run: (context, options, argument) => triage(context, options, argument, state),
    });
  }
}

const severityOf = (values: Values, options: Options): number | undefined => {
  const given = text(options, "severity");
  if (given !== undefined && /^[1-4]$/.test(given)) return Number(given);
  const word = values.word("--severity", given, SEVERITIES);
  return word === undefined ? undefined : SEVERITIES.indexOf(word) + 1;
};

async function list(context: Context, options: Options): Promise<ExitCode> {
  const values = new Values();
  const query = {
    sinceMs: values.duration("--since", text(options, "since")),
    maxSeverity: severityOf(values, options),
    state: values.word("--state", text(options, "state"), ["new", "acknowledged", "approved", "dismissed"]),
    module: text(options, "module"),
    src: text(options, "src"),
    limit: values.whole("--limit", text(options, "limit"), "a limit", 1, 1_000),
  };
  values.check();
  if (context.eve) {
    const alerts = await context.api.call("AlertList", { path: routes.alerts, query, extraMs: ALERTS_MS, flagOf });
    await printNewest(context, alerts.items);
    return EXIT.done;
  }
  return show(context, watchMs(options), async () => {
    const alerts = await context.api.call("AlertList", { path: routes.alerts, query, extraMs: ALERTS_MS, flagOf });
    const { items, total } = alerts;
    const more = total > items.length ? [[`${items.length} of ${total}; --limit shows more`]] : [];
    return {
      document: alerts,
      lines: () =>
        items.length === 0 ? [["no alerts"]] : [...table(alertColumns(context.env.now()), items, context.out.width), ...more],
    };
  });
}

async function printAlert(context: Context, document: AlertShown): Promise<void> {
  await printDocument(context.out, context.format, document, () => alertLines(document, context.env.now()));
}

async function approve(context: Context, options: Options, argument: string | undefined): Promise<ExitCode> {
  const values = new Values();
  const id = values.id("<id>", argument);
  const ttl = text(options, "ttl");
  const ttlMs = ttl === "never" ? null : values.duration("--ttl", ttl, { least: "1s", most: "366d" });
  const priority = values.whole("--priority", text(options, "priority"), "a priority", 0, 65_535);
  const comment = text(options, "comment");
  const wait = waitMs(values, options);
  values.check();
  if (options.yes !== true && context.env.ask) {
    const suggestion = await context.api.call("Suggestion", { path: routes.alertSuggestion(id), extraMs: SUGGEST_MS });
    const overridden = override(suggestion, { ttlMs, priority, comment });
    context.err.lines(suggestionLines(overridden));
    for (const warning of overridden.warnings) warn(context.err, warning);
    if ((await confirmed(context, "Make this rule?")) !== true) throw declined();
  }
  const approved = await withConfirmation(context, options.confirm === true, (confirm) =>
    context.api.call("AlertApproved", {
      method: "POST",
      path: routes.alertApprove(id),
      extraMs: SUGGEST_MS + wait,
      flagOf,
      body: { ttlMs, priority, comment, options: { confirm, waitMs: wait } },
      unknown: { what: `whether the rule for alert ${id} was made`, look: `secuxflow-cli alert show ${id}` },
    }),
  );
  const { rule } = approved;
  return printApplied(context, approved, `rule ${rule.id} (${rule.action} ${describeMatch(rule)}) in force`);
}

interface Overrides {
  readonly ttlMs?: number | null | undefined;
  readonly priority?: number | undefined;
  readonly comment?: string | undefined;
}

/** The suggestion as it will be made. */
function override(suggestion: SuggestionShown, { ttlMs, priority, comment }: Overrides): SuggestionShown {
  const { ttlMs: suggested, ...rule } = suggestion.rule;
  const ttl = ttlMs === undefined ? suggested : (ttlMs ?? undefined);
  return {
    ...suggestion,
    rule: {
      ...rule,
      ...(ttl === undefined ? {} : { ttlMs: ttl }),
      ...(priority === undefined ? {} : { priority }),
      ...(comment === undefined ? {} : { comment }),
    },
  };
}

async function triage(
  context: Context,
  options: Options,
  argument: string | undefined,
  state: Alert["state"],
): Promise<ExitCode> {
  const id = idOf(argument);
  const note = text(options, "note");
  const shown = await context.api.call("Alert", {
    method: "POST",
    path: routes.alertTriage(id),
    body: { state, note },
    extraMs: ALERTS_MS,
    flagOf,
  });
  await printDocument(context.out, context.format, shown, () => [
    [`alert ${id} is ${shown.alert.state} (${severityName(shown.alert.severity)}: ${shown.alert.summary})`],
  ]);
  return EXIT.done;
}
