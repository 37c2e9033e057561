import { routes } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, warn, type Invocation, type Options } from "../command.js";
import { Values, type Context } from "../context.js";
import { CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { printDocument } from "../output/format.js";
import type { Span } from "../output/printer.js";
import { counted } from "../text/numbers.js";
import { nameOf, optional, text } from "./common.js";
import { changeModule, MODULE_NAME } from "./module-change.js";
import { KEY_OPTION, PUSH_MS } from "./module-push.js";
import { printModuleChange, ruleSetLines, shortDigest } from "./module-view.js";

const MOST_REFUSALS = 1_000;
const LANGUAGES = ["suricata", "seclang"] as const;

/** `module rules`: the rules that a module goes by. */
export function addModuleRules(module: Command, invocation: Invocation): void {
  const noun = addNoun(module, "rules", "rules that a module goes by", [
    ["module rules import emerging.rules --module ips --key signing.pem", "give a module other rules"],
    ["module rules show ips", "see what was pushed"],
  ]);
  addCommand(noun, invocation, {
    name: "import",
    summary: "compile rule files and put them in force, without losing a packet or a flow",
    description:
      "Compile rule files (Suricata rules, or SecLang for a module that takes it; folders of them, or one .sxr image) and push the result. A rule that " +
      "cannot be executed is refused alone and told on stderr as file:line:column sid reason. Inspectors swap them between two batches and keep what they " +
      "know of flows; rules that a module refuses are taken back everywhere.",
    options: [
      ["--module <name>", "the module", { complete: "modules", default: "ips" }],
      ["--language <language>", "of the rules, where the module is not known yet", { choices: LANGUAGES }],
      KEY_OPTION,
      ["--no-activate", "push them only, for a canary"],
      ["--comment <text>", "what they are"],
      ["--wait <duration>", "how long to wait until they are in force on all inspectors; 0 does not wait", { default: "10s" }],
    ],
    argument: { name: "FILE", description: "rule file, folder or image" },
    rest: { name: "MORE", description: "more of them" },
    examples: [
      ["module rules import emerging.rules local.rules --module ips --key signing.pem", "these are all the rules of ips from then on"],
      ["module rules import emerging.rules --no-activate", "for module canary ips --share 10%"],
    ],
    run: importRules,
  });
  addCommand(noun, invocation, {
    name: "show",
    summary: "show the rule sets of a module, newest first",
    argument: MODULE_NAME,
    examples: [["module rules show ips", "those of ips"]],
    run: async (context, _options, argument) => {
      const values = new Values();
      const name = nameOf(values, argument);
      values.check();
      const { module, revision } = await context.api.call("Module", { path: routes.module(name) });
      const { apiVersion, ...rest } = { apiVersion: "secuxflow/v1", kind: "RuleSets", revision, module: name, active: module.rules ?? "none", items: module.ruleSets };
      const none: Span[][] = [[`no rule set was pushed: module ${name} goes by ${module.rules === undefined ? "no rules" : "the rules it brings along"}`]];
      await printDocument(context.out, context.format, { apiVersion, ...rest }, () =>
        module.ruleSets.length === 0 ? none : ruleSetLines(module, context.out.width, context.env.now()));
      return EXIT.done;
    },
  });
}

async function importRules(context: Context, options: Options, file: string | undefined, rest: readonly string[]): Promise<ExitCode> {
  const values = new Values();
  if (file === undefined) values.fault("FILE", "which files?");
  const name = nameOf(values, text(options, "module") ?? "ips");
  const asked = values.word("--language", text(options, "language"), LANGUAGES);
  const wait = values.duration("--wait", text(options, "wait"), { most: "60s", zero: true }) ?? 10_000;
  values.check();
  const { ruleLanguage: known } = (await context.api.call("Module", { path: routes.module(name) })).module;
  const language = asked ?? LANGUAGES.find((one) => one === known);
  if (language === undefined) {
    throw new CliError(`module ${name} takes no rules, as far as is known`, { exit: EXIT.usage, next: `name their language with --language (${LANGUAGES.join(", ")}) if it does` });
  }
  const { compileRuleFiles, refusalLine } = await import("../input/rule-files.js");
  const { image, loaded, refused } = await compileRuleFiles(language, [file ?? "", ...rest]);
  for (const rule of refused.slice(0, MOST_REFUSALS)) context.err.line(refusalLine(rule));
  if (refused.length > MOST_REFUSALS) context.err.line(`… and ${refused.length - MOST_REFUSALS} more are refused`);
  if (loaded === 0) throw new CliError("no rule can be executed: nothing was changed", { next: `are these ${language} rules? module ${name} takes no others` });
  const { sha256, signRuleSet } = await import("../offline/signing.js");
  const key = text(options, "key");
  const signature = key === undefined ? undefined : signRuleSet({ module: name, language, digest: sha256(image) }, key);
  const activate = options.activate !== false;
  const body = {
    image: Buffer.from(image).toString("base64"), language, rules: loaded, refused: refused.length, activate,
    ...optional("comment", text(options, "comment")), ...(signature && { signature }),
  };
  const changed = await changeModule(context, name, routes.moduleRules(name), body, wait, { extraMs: PUSH_MS });
  if (refused.length > 0) warn(context.err, `${counted(refused.length, "rule")} refused; the others are executed`);
  return printModuleChange(context, changed,
    `${counted(loaded, "rule")} for module ${name} (${shortDigest(changed.digest ?? "")}) ${activate ? "in force" : "published"}`);
}
