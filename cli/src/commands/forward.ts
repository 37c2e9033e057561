import { describeMatch, routes, type ForwardSpecInput, type ForwardView } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type Invocation, type Options } from "../command.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import type { ExitCode } from "../exit.js";
import { flagOf } from "../input/flags.js";
import { table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { formatBytes, formatCount } from "../text/numbers.js";
import { relative } from "../text/time.js";
import {
  activeOn,
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

/** `forward`: which packets are copied to which module. */
export function addForward(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "forward", "forwarding rules: which packets are copied to which module", [
    ["forward add --src any --dst 10.0.0.0/24 --port 443 --proto tcp --module ips", "have traffic inspected"],
    ["forward list", "see all forwards"],
  ]);
  addCommand(noun, invocation, {
    name: "add",
    summary: "have matching packets inspected by a module",
    description: "Copy matching packets to a module. The packets themselves go on: what no filter rule drops, passes.",
    options: [
      ...MATCH_OPTIONS,
      ["--module <name>", "the module that inspects (required)", { complete: "modules" }],
      ["--snaplen <bytes>", "bytes of each packet that are copied", { default: "9216" }],
      ["--sample <number>", "copy one of so many flows, chosen by flow hash", { default: "1" }],
      [
        "--direction <direction>",
        "whose packets are copied: the client's, the service's or both",
        { choices: ["to-service", "from-service", "both"], default: "both" },
      ],
      ["--comment <text>", "why it is there"],
      ["--owner <name>", "who answers for it"],
      WAIT_OPTION,
    ],
    examples: [
      [
        "forward add --src any --dst 10.0.0.0/24 --port 443 --proto tcp --module ips",
        "TLS traffic of a network to the module ips",
      ],
      ["forward add --dst 10.0.0.5 --port 80 --proto tcp --module waf", "requests to a web server to the module waf"],
      ["forward add --dst 10.0.0.0/24 --proto tcp --module ips --sample 100", "one of 100 flows of a busy network"],
    ],
    run: add,
  });
  addCommand(noun, invocation, {
    name: "list",
    summary: "show all forwards, with hits and where they are in force",
    options: [WATCH_OPTION],
    examples: [
      ["forward list", "all forwards"],
      ["forward list -o yaml", "for scripts"],
    ],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const list = await context.api.call("ForwardList", { path: routes.forwards });
        const none = [["no forwards: nothing is inspected"]];
        return {
          document: list,
          lines: () => (list.items.length === 0 ? none : table(columns(context.env.now()), list.items, context.out.width)),
        };
      }),
  });
  addRemoval(noun, invocation, {
    what: "forward",
    all: routes.forwards,
    one: routes.forward,
    consequence: "nothing is inspected any more",
    count: async ({ api }) => (await api.call("ForwardList", { path: routes.forwards })).items.length,
    examples: {
      delete: [["forward delete --id 3", "delete forward 3"]],
      clear: [["forward clear --confirm", "delete all forwards without a question"]],
    },
  });
}

async function add(context: Context, options: Options): Promise<ExitCode> {
  const { forwardFaults } = await import("../input/specs.js");
  const values = new Values();
  const module = text(options, "module");
  const snaplen = values.whole("--snaplen", text(options, "snaplen"), "snaplen", 64, 9_216);
  const forward = {
    ...matchInput(values, options),
    ...(module === undefined ? {} : { module }),
    ...(snaplen === undefined ? {} : { snaplen }),
    ...optional("sample", values.whole("--sample", text(options, "sample"), "sample", 1, 1_000_000)),
    ...optional("direction", text(options, "direction")),
  };
  const wait = waitMs(values, options);
  if (module === undefined) values.fault("--module", "name the module that inspects; see secuxflow-cli module list");
  const known = new Set(values.faults.map(({ flag }) => flag));
  values.faults.push(...forwardFaults(forward as Partial<ForwardSpecInput>).filter(({ flag }) => !known.has(flag)));
  values.check();
  const added = await context.api.call("ForwardAdded", {
    method: "POST",
    path: routes.forwards,
    body: { forward, options: { waitMs: wait } },
    extraMs: wait,
    flagOf,
    unknown: unknownChange("the forward was added", "forward"),
  });
  return printApplied(context, added, `forward ${added.forward.id} to ${added.forward.module} in force`);
}

const columns = (now: number): Column<ForwardView>[] => [
  { title: "ID", value: ({ id }) => String(id), align: "right" },
  { title: "MATCH", value: describeMatch, shrinkTo: 24 },
  { title: "MODULE", value: ({ module }) => module },
  { title: "SNAPLEN", value: ({ snaplen }) => String(snaplen), align: "right", optional: 4 },
  { title: "SAMPLE", value: ({ sample }) => (sample === undefined ? "" : `1 in ${sample}`), optional: 5 },
  { title: "DIRECTION", value: ({ direction }) => direction ?? "", optional: 5 },
  { title: "PACKETS", value: ({ packets }) => formatCount(packets), align: "right" },
  { title: "BYTES", value: ({ bytes }) => formatBytes(bytes), align: "right", optional: 3 },
  { title: "LAST HIT", value: ({ lastHit }) => (lastHit === undefined ? "never" : relative(lastHit, now)) },
  { title: "OWNER", value: ({ owner }) => owner ?? "", shrinkTo: 6, optional: 2 },
  { title: "COMMENT", value: ({ comment }) => comment ?? "", shrinkTo: 10, optional: 5 },
  {
    title: "ACTIVE",
    value: activeOn,
    align: "right",
    style: ({ activeOn: active, agents }) => (agents > 0 && active === agents ? undefined : "yellow"),
  },
];
