import { routes, type RuleSpec, type RuleView } from "@secuxflow/contracts";
import type { CommandSpec, Options } from "../command.js";
import { warn } from "../command.js";
import { withConfirmation } from "../confirm.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import { CliError, UsageError, type Fault } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { allRules } from "../http/parts.js";
import { API_VERSION } from "../http/shapes.generated.js";
import { flagOf } from "../input/flags.js";
import { printDocument } from "../output/format.js";
import { counted } from "../text/numbers.js";
import { CONFIRM_OPTION, unknownChange, WAIT_OPTION, waitMs } from "./common.js";

/** A hundred thousand rules are checked and stored by the API in some seconds. */
const IMPORT_MS = 60_000;
const SHOWN_FAULTS = 50;

/** Reads a file that a command names; "-" is stdin. @throws CliError */
export async function readInput({ env }: Context, file: string): Promise<string> {
  try {
    return await env.readFile(file);
  } catch (error) {
    throw new CliError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`, {
      exit: EXIT.usage,
      next: "check the name, or give - and the text on stdin",
    });
  }
}

export const IMPORT: CommandSpec = {
  name: "import",
  summary: "add many rules at once, or replace all of them, all or none",
  description:
    "Add the rules of a file, all of them at once or, when one is wrong, none. FILE holds one JSON object a line, or the JSON or YAML that " +
    "rule list and rule export print; - is stdin. With --replace they are all the rules there are from then on: those that stand already keep " +
    "their number and their counters.",
  options: [["--replace", "take out all rules that are not in the file"], CONFIRM_OPTION, WAIT_OPTION],
  argument: { name: "FILE", description: "file with rules; - is stdin" },
  examples: [
    ["rule import rules.jsonl", "add the rules of a file"],
    ["rule import policy.yaml --replace --confirm", "make the policy what the file says"],
    ["rule import -", "rules from stdin"],
  ],
  run: importRules,
};

export const EXPORT: CommandSpec = {
  name: "export",
  summary: "print all rules as rule import takes them",
  description: "Print all rules as rule import takes them: one JSON object a line, or with -o json or yaml one document.",
  examples: [
    ["rule export", "one rule a line"],
    ["rule export -o yaml", "to read, and to edit"],
  ],
  run: exportRules,
};

async function importRules(context: Context, options: Options, file: string | undefined): Promise<ExitCode> {
  const values = new Values();
  if (file === undefined) values.fault("FILE", "which file? - is stdin");
  const wait = waitMs(values, options);
  values.check();
  const text = await readInput(context, file ?? "-");
  const { readRules } = await import("../input/rule-file.js");
  const { rules, faults, expired } = await readRules(text, context.env.now());
  if (faults.length > 0) throw new UsageError(shortened(faults), "correct the file; nothing was changed");
  const mode = options.replace === true ? "replace" : "add";
  if (expired > 0) warn(context.err, `${counted(expired, "rule")} left out: their time is over`);
  if (rules.length === 0 && mode === "add") throw new UsageError([{ flag: "FILE", message: "there are no rules in it" }]);
  const lineOf = (field: string): string | undefined => {
    const [, index, rest = ""] = /^rules\.(\d+)\.?(.*)$/.exec(field) ?? [];
    const line = index === undefined ? undefined : rules[Number(index)]?.line;
    return line === undefined ? flagOf(field) : `line ${line}${rest === "" ? "" : `, ${rest}`}`;
  };
  const imported = await withConfirmation(context, options.confirm === true, (confirm) =>
    context.api.call("RulesImported", {
      method: "POST",
      path: routes.rulesImport,
      body: { mode, rules: rules.map(({ spec }) => spec), options: { confirm, waitMs: wait } },
      extraMs: wait + IMPORT_MS,
      flagOf: lineOf,
      unknown: unknownChange("the rules were imported", "rule"),
    }),
  );
  const { added, removed } = imported;
  const kept = rules.length - added;
  const done =
    mode === "add"
      ? `${counted(added, "rule")} added, in force`
      : `policy replaced (${added} added, ${removed} deleted, ${kept} unchanged), in force`;
  return printApplied(context, imported, done);
}

/** As many faults as somebody reads. */
const shortened = (faults: readonly Fault[]): Fault[] =>
  faults.length <= SHOWN_FAULTS
    ? [...faults]
    : [...faults.slice(0, SHOWN_FAULTS), { flag: "…", message: `and ${faults.length - SHOWN_FAULTS} more` }];

/** What a rule was asked for with; one that expires keeps the time. */
type Exported = Omit<RuleSpec, "ttlMs"> & Pick<RuleView, "expiresAt">;

function exported({ id: _i, createdAt: _c, packets: _p, bytes: _b, lastHit: _l, activeOn: _o, agents: _a, ...rule }: RuleView): Exported {
  return rule;
}

async function exportRules(context: Context): Promise<ExitCode> {
  const { out, format } = context;
  const { items, revision } = await allRules(context.api);
  const rules = items.map(exported);
  if (format === "table") for (const rule of rules) out.json(rule, 0);
  else await printDocument(out, format, { apiVersion: API_VERSION, kind: "Rules", revision, items: rules }, () => []);
  return EXIT.done;
}
