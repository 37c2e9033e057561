import { routes, type ModuleChanged } from "@secuxflow/contracts";
import type { CommandSpec, Options } from "../command.js";
import { Values, type Context } from "../context.js";
import type { ExitCode } from "../exit.js";
import { flagOf } from "../input/flags.js";
import { nameOf, optional, text, unknownChange, waitMs } from "./common.js";
import { percent, printModuleChange } from "./module-view.js";

export const MODULE_NAME: NonNullable<CommandSpec["argument"]> = { name: "NAME", description: "name of the module", complete: "modules" };

const WAIT: NonNullable<CommandSpec["options"]>[number] = ["--wait <duration>", "how long to wait until it is in force on all inspectors; 0 does not wait", { default: "5s" }];
const VERSION: NonNullable<CommandSpec["options"]>[number] =
  ["--version-of <version>", "a version or digest that was pushed, newest, or builtin for the one in the inspectors' folder"];
const RULES: NonNullable<CommandSpec["options"]>[number] =
  ["--rules <digest>", "a rule set that was pushed, by the beginning of its digest, newest, or builtin for the module's own"];

type Verb = Parameters<typeof routes.moduleCommand>[1];

/** Sends a command on a module. */
export async function changeModule(
  context: Context, name: string, path: string, body: object, wait: number, more: { method?: "POST" | "PATCH"; extraMs?: number } = {},
): Promise<ModuleChanged> {
  return context.api.call("ModuleChanged", {
    method: more.method ?? "POST",
    path,
    body: { ...body, options: { waitMs: wait } },
    extraMs: wait + (more.extraMs ?? 0),
    flagOf: (field) => (field === "version" ? "--version-of" : ["share", "rules", "reason"].includes(field) ? `--${field}` : flagOf(field)),
    unknown: unknownChange(`module ${name} was changed`, "module"),
  });
}

interface Simple {
  readonly verb: Verb;
  readonly summary: string;
  readonly description?: string;
  readonly options?: CommandSpec["options"];
  readonly examples: CommandSpec["examples"];
  readonly body?: (values: Values, options: Options) => object;
  readonly done: (name: string, changed: ModuleChanged) => string;
}

const simple = ({ verb, summary, description, options = [], examples, body, done }: Simple): CommandSpec => ({
  name: verb,
  summary,
  ...(description !== undefined && { description }),
  options: [...options, WAIT],
  argument: MODULE_NAME,
  examples,
  run: async (context, given, argument) => {
    const values = new Values();
    const name = nameOf(values, argument);
    const wait = waitMs(values, given);
    const fields = body?.(values, given) ?? {};
    values.check();
    const changed = await changeModule(context, name, routes.moduleCommand(name, verb), fields, wait);
    return printModuleChange(context, changed, done(name, changed));
  },
});

const choice = (options: Options) => ({ ...optional("version", text(options, "versionOf")), ...optional("rules", text(options, "rules")) });

/** "10%" or "10" in hundredths of a percent. */
function share(values: Values, given: string | undefined): number {
  const [, number] = /^(\d{1,2}(?:\.\d{1,2})?)\s*%?$/.exec(given ?? "") ?? [];
  const units = Math.round(Number(number) * 100);
  if (number !== undefined && units >= 100 && units <= 9_900) return units;
  values.fault("--share", given === undefined ? "which share of the flows? 1% to 99%" : `a share is 1% to 99%, not ${JSON.stringify(given)}`);
  return 0;
}

async function configure(context: Context, options: Options, argument: string | undefined, rest: readonly string[]): Promise<ExitCode> {
  const values = new Values();
  const name = nameOf(values, argument);
  const wait = waitMs(values, options);
  const failMode = values.word("--fail", text(options, "fail"), ["open", "closed"]);
  const settings: Record<string, string | null> = {};
  for (const one of rest) {
    const [, key, value] = /^([^=\s]+)=(.*)$/s.exec(one) ?? [];
    if (key === undefined) values.fault("SETTING", `${JSON.stringify(one)} is not key=value`);
    else settings[key] = value === "" || value === undefined ? null : value;
  }
  if (rest.length === 0 && failMode === undefined) values.fault("SETTING", "what is to change? give key=value, or --fail");
  values.check();
  const changed = await changeModule(context, name, routes.module(name), { settings, ...optional("failMode", failMode) }, wait, { method: "PATCH" });
  return printModuleChange(context, changed, `module ${name} configured`);
}

/** Commands that change what runs. */
export const MODULE_CHANGES: readonly CommandSpec[] = [
  {
    name: "configure",
    summary: "change settings of a module, and what happens to traffic while it cannot inspect",
    description:
      "Change settings of a module (key=value; key= takes one out). With new settings it starts anew beside the old, which keeps the flows it has. " +
      "--fail closed: while the module is quarantined, agents drop what forwarding rules and services send to it.",
    options: [["--fail <mode>", "while the module is quarantined, traffic passes or is dropped", { choices: ["open", "closed"], default: "open" }], WAIT],
    argument: MODULE_NAME,
    rest: { name: "SETTING", description: "key=value" },
    examples: [
      ["module configure ips midstream=1", "set one"],
      ["module configure ips --fail closed", "no inspection, no traffic"],
    ],
    run: configure,
  },
  simple({
    verb: "enable",
    summary: "run a module, by the version and rules that are named",
    options: [VERSION, RULES],
    examples: [
      ["module enable sensor", "run what was pushed"],
      ["module enable ips --version-of builtin --rules builtin", "run what the inspectors brought along"],
    ],
    body: (_values, options) => choice(options),
    done: (name) => `module ${name} enabled`,
  }),
  simple({ verb: "disable", summary: "run a module no longer; its traffic passes", examples: [["module disable sensor", "end it everywhere"]], done: (name) => `module ${name} disabled` }),
  simple({
    verb: "canary",
    summary: "try another version or rule set on a share of the flows",
    description:
      "Try another version or rule set on a share of the flows that begin from now on; both run at the same time. Without --version-of and --rules: " +
      "the newest that were pushed. It is taken back by itself when it traps, hangs, lies or does not start.",
    options: [["--share <percent>", "share of the flows: 1% to 99%"], VERSION, RULES],
    examples: [
      ["module canary ips --share 10%", "the newest, on a tenth of the flows"],
      ["module canary ips --share 50% --rules newest", "other rules alone"],
    ],
    body: (values, options) => ({ share: share(values, text(options, "share")), ...choice(options) }),
    done: (name, { module }) => `canary of module ${name} on ${percent(module.canary?.share ?? 0)} of the flows`,
  }),
  simple({ verb: "promote", summary: "give the canary all flows", examples: [["module promote ips", "it was good"]], done: (name) => `canary of module ${name} promoted` }),
  simple({
    verb: "rollback",
    summary: "end the canary; without one, run again what ran before",
    examples: [["module rollback ips", "it was not good"]],
    done: (name) => `module ${name} rolled back`,
  }),
  simple({
    verb: "quarantine",
    summary: "cut a module off on all inspectors",
    options: [["--reason <text>", "why"]],
    examples: [["module quarantine sensor --reason 'finds too much'", "at once"]],
    body: (_values, options) => optional("reason", text(options, "reason")),
    done: (name) => `module ${name} quarantined`,
  }),
  simple({
    verb: "release",
    summary: "trust a module again: its quarantine and strikes are void",
    examples: [["module release sensor", "run it again"]],
    done: (name) => `module ${name} released`,
  }),
];
