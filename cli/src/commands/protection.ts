import { parseRate, RateError, routes, type Protection, type ProtectionShown } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type Invocation, type Options } from "../command.js";
import { withConfirmation } from "../confirm.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import type { ExitCode } from "../exit.js";
import { flagOf } from "../input/flags.js";
import type { Span } from "../output/printer.js";
import { pairs, table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { formatCount, formatRate } from "../text/numbers.js";
import { CONFIRM_OPTION, optional, text, WAIT_OPTION, WATCH_OPTION, waitMs, watchMs } from "./common.js";

/** `protection`: the first line of defence. */
export function addProtection(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "protection", "the first line of defence: SYN cookies, limits for every source", [
    ["protection set --syn-cookies auto --syn-rate 10000/s", "answer SYN floods with cookies"],
    ["protection show", "see what it does"],
  ]);
  addCommand(noun, invocation, {
    name: "show",
    summary: "show the first line of defence, and what it does on each agent",
    options: [WATCH_OPTION],
    examples: [
      ["protection show", "what is set, and what it did"],
      ["protection show --watch 1s", "during an attack"],
    ],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const shown = await context.api.call("Protection", { path: routes.protection });
        return { document: shown, lines: () => protectionLines(shown, context.out.width) };
      }),
  });
  addCommand(noun, invocation, {
    name: "set",
    summary: "change the first line of defence; what is not named stays",
    options: [
      ["--syn-cookies <when>", "answer SYNs with cookies, auto only under attack", { choices: ["off", "on", "auto"] }],
      ["--syn-rate <rate>", "SYNs a second that auto takes for an attack: 10000/s"],
      ["--established-pass <yes-or-no>", "packets of established connections pass before rules are tried", { choices: ["yes", "no"] }],
      ["--per-source <rate>", "packets a second that each source may send: 5000/s; off ends the limit"],
      ["--per-source-burst <packets>", "packets that a source may send at once", { default: "what one second gives" }],
      CONFIRM_OPTION,
      WAIT_OPTION,
    ],
    examples: [
      ["protection set --syn-cookies auto --syn-rate 10000/s", "answer SYN floods with cookies"],
      ["protection set --per-source 5000/s --per-source-burst 10000", "limit every source"],
      ["protection set --per-source off", "end that limit"],
    ],
    run: change,
  });
}

/** Packets a second: "1000/s". */
function packetRate(values: Values, flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  try {
    const { rate, unit } = parseRate(given);
    return unit === "packets" ? rate : values.fault(flag, "it is counted in packets: write 10000/s");
  } catch (error) {
    if (!(error instanceof RateError)) throw error;
    return values.fault(flag, `${JSON.stringify(given)} is not a number of packets a second; write 10000/s`);
  }
}

function sourceLimit(values: Values, options: Options): Protection["perSource"] | null {
  const given = text(options, "perSource");
  const burst = values.whole("--per-source-burst", text(options, "perSourceBurst"), "a burst", 1, 1_000_000_000);
  if (given === "off") return null;
  const rate = packetRate(values, "--per-source", given);
  if (given === undefined && burst !== undefined) values.fault("--per-source", "it belongs to --per-source-burst: say the rate too");
  return rate === undefined ? undefined : { rate, burst: burst ?? rate };
}

async function change(context: Context, options: Options): Promise<ExitCode> {
  const values = new Values();
  const wait = waitMs(values, options);
  const established = values.word("--established-pass", text(options, "establishedPass"), ["yes", "no"]);
  const asked = {
    ...optional("synCookies", values.word("--syn-cookies", text(options, "synCookies"), ["off", "on", "auto"])),
    ...optional("synRate", packetRate(values, "--syn-rate", text(options, "synRate"))),
    ...optional("establishedPass", established === undefined ? undefined : established === "yes"),
    ...optional("perSource", sourceLimit(values, options)),
  };
  if (Object.keys(asked).length === 0 && values.faults.length === 0) {
    values.fault("protection set", "nothing to change: --syn-cookies, --syn-rate, --established-pass or --per-source");
  }
  values.check();
  const changed = await withConfirmation(context, options.confirm === true, (confirm) =>
    context.api.call("ProtectionChanged", {
      method: "PATCH",
      path: routes.protection,
      body: { change: asked, options: { confirm, waitMs: wait } },
      extraMs: wait,
      flagOf,
      unknown: { what: "whether the protection was changed", look: "secuxflow-cli protection show" },
    }),
  );
  return printApplied(context, changed, "protection in force");
}

type OnAgent = ProtectionShown["on"][number];

const COLUMNS: readonly Column<OnAgent>[] = [
  { title: "AGENT", value: ({ agentId }) => agentId },
  { title: "COOKIES", value: ({ synCookiesActive }) => (synCookiesActive ? "active" : "idle"), style: ({ synCookiesActive }) => (synCookiesActive ? "yellow" : "green") },
  { title: "SYNS/S", value: ({ synRate }) => formatRate(synRate), align: "right" },
  { title: "SENT", value: ({ cookiesSent }) => formatCount(cookiesSent), align: "right" },
  { title: "VALID", value: ({ cookiesValid }) => formatCount(cookiesValid), align: "right" },
  { title: "INVALID", value: ({ cookiesInvalid }) => formatCount(cookiesInvalid), align: "right" },
  { title: "OVER LIMIT", value: ({ overSourceLimit }) => formatCount(overSourceLimit.packets), align: "right" },
  { title: "ESTABLISHED", value: ({ establishedPassed }) => formatCount(establishedPassed.packets), align: "right", optional: 2 },
  { title: "PROBLEM", value: ({ problem }) => problem ?? "", optional: 1, shrinkTo: 16, style: () => "yellow" },
];

function protectionLines({ protection, on }: ProtectionShown, width: number): Span[][] {
  const { synCookies, synRate, establishedPass, perSource } = protection;
  const limit = perSource === undefined ? "no limit" : `${perSource.rate}/s, ${formatCount(perSource.burst)} at once`;
  return [
    ...pairs([
      ["SYN cookies", synCookies === "auto" ? `auto, from ${synRate}/s on` : synCookies],
      ["established connections", establishedPass ? "pass before rules are tried" : "go through the rules"],
      ["each source", limit],
    ]),
    ...(on.length === 0 ? [] : [[], ...table(COLUMNS, on, width)]),
  ];
}
