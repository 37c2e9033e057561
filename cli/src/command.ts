import { Option, type Command } from "commander";
import { Printer } from "./output/printer.js";
import { ApiClient } from "./http/client.js";
import type { Context } from "./context.js";
import type { Env } from "./env.js";
import type { ExitCode } from "./exit.js";
import { FORMATS } from "./output/format.js";
import { mayColor, readSettings, type GlobalOptions } from "./settings.js";

/** Where one invocation keeps what it learns. */
export interface Invocation {
  readonly env: Env;
  exit: ExitCode;
  /** The command that was reached, as typed: "rule add". */
  path: string;
}

/** Values of options as commander gives them: texts, lists of texts, or true. */
export type Options = Readonly<Record<string, unknown>>;

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** More than the summary, where there is more to say. */
  readonly description?: string;
  /** As `[flags, description]`, with the words it takes where these are known, and a default that is told. */
  readonly options?: readonly (readonly [
    flags: string,
    description: string,
    more?: { choices?: readonly string[]; default?: string; repeat?: boolean; complete?: Completer },
  ])[];
  readonly argument?: { readonly name: string; readonly description: string; readonly complete?: Completer };
  /** All words that follow the argument. */
  readonly rest?: { readonly name: string; readonly description: string };
  /** It takes `-o eve` as well: one EVE JSON event a line. */
  readonly eve?: boolean;
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly run: (
    context: Context,
    options: Options,
    argument: string | undefined,
    rest: readonly string[],
  ) => Promise<ExitCode>;
}

/** What the values of an option or argument may be looked up in. */
export type Completer = "rules" | "forwards" | "modules" | "alerts" | "sets" | "services" | "addresses";

/** What is known of the values of an option or argument. */
export interface KnownValues {
  readonly choices?: readonly string[] | undefined;
  readonly lookUp?: Completer | undefined;
}
export const KNOWN_VALUES = new WeakMap<object, KnownValues>();

/** An option with all that is told of it. Its words are not enforced here, so that every value at fault is told at once. */
export function describedOption(
  flags: string,
  description: string,
  more: { choices?: readonly string[]; default?: string; complete?: Completer } = {},
): Option {
  const words = more.choices === undefined ? "" : `: ${more.choices.join(", ")}`;
  const option = new Option(flags, `${description}${words}${more.default === undefined ? "" : ` (default: ${more.default})`}`);
  KNOWN_VALUES.set(option, { choices: more.choices, lookUp: more.complete });
  return option;
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** Text at the end of a help: how the command is used. */
export function examplesText(examples: CommandSpec["examples"]): string {
  return `\nExamples:\n${examples.map(([command, what]) => `  # ${what}\n  secuxflow-cli ${command}`).join("\n")}\n`;
}

/** Names of a command and those above it, without the program's. */
const namesOf = (command: Command): string[] => (command.parent ? [...namesOf(command.parent), command.name()] : []);

/** Makes a command of a noun. */
export function addCommand(parent: Command, invocation: Invocation, spec: CommandSpec): void {
  const command = parent
    .command(spec.name)
    .summary(spec.summary)
    .description(spec.description ?? spec.summary);
  for (const [flags, description, more = {}] of spec.options ?? []) {
    const option = describedOption(flags, description, more);
    if (more.repeat === true) option.argParser(collect);
    command.addOption(option);
  }
  if (spec.eve === true)
    command.addOption(describedOption("-o, --output <format>", "how data is printed", { choices: [...FORMATS, "eve"], default: "table" }));
  if (spec.argument) {
    command.argument(`[${spec.argument.name}]`, spec.argument.description);
    const [argument] = command.registeredArguments;
    if (argument && spec.argument.complete) KNOWN_VALUES.set(argument, { lookUp: spec.argument.complete });
  }
  if (spec.rest) command.argument(`[${spec.rest.name}...]`, spec.rest.description);
  command.addHelpText("after", examplesText(spec.examples));
  command.action(async (...args: unknown[]) => {
    invocation.path = [...namesOf(parent), spec.name].join(" ");
    const argument = spec.argument === undefined ? undefined : (args[0] as string | undefined);
    const rest = spec.rest === undefined ? [] : (args[1] as string[]);
    const context = await contextFor(invocation.env, command.optsWithGlobals(), spec.eve);
    invocation.exit = await spec.run(context, command.opts(), argument, rest);
  });
}

/** A noun: a group of commands. */
export function addNoun(program: Command, name: string, description: string, examples: CommandSpec["examples"]): Command {
  return program.command(name).description(description).addHelpText("after", examplesText(examples)).helpCommand(false);
}

/**
 * @param takesEve whether `-o eve` is among the formats
 * @throws UsageError when global options or the environment are wrong
 */
export async function contextFor(env: Env, options: GlobalOptions, takesEve = false): Promise<Context> {
  const eve = takesEve && options.output === "eve";
  const settings = await readSettings(eve ? { ...options, output: "json" } : options, env);
  const err = new Printer(env.stderr, mayColor(env, options.color, env.stderr.isTTY));
  for (const warning of settings.warnings) warn(err, warning);
  return {
    env,
    err,
    out: new Printer(env.stdout, settings.color),
    api: new ApiClient(env, settings.connection),
    format: settings.format,
    eve,
  };
}

/** Tells what is not wrong, but should be known. */
export function warn(err: Printer, message: string): void {
  err.line({ text: "warning:", style: "yellow" }, ` ${message}`);
}
