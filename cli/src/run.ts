import { CommanderError } from "commander";
import type { Invocation } from "./command.js";
import type { Env } from "./env.js";
import { CliError } from "./errors.js";
import { EXIT, type ExitCode } from "./exit.js";
import { Printer } from "./output/printer.js";
import { buildProgram } from "./program.js";
import { mayColor } from "./settings.js";

/** Runs one command line (without node and script). Never rejects: what goes wrong is said on stderr. */
export async function run(argv: readonly string[], env: Env): Promise<ExitCode> {
  const invocation: Invocation = { env, exit: EXIT.done, path: "" };
  const program = buildProgram(invocation);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return invocation.exit;
  } catch (error) {
    if (error instanceof CommanderError) return isAnswered(error) ? EXIT.done : EXIT.usage;
    const err = new Printer(env.stderr, mayColor(env, argv.includes("--no-color") ? false : undefined, env.stderr.isTTY));
    return report(error, err, invocation);
  }
}

/** Help and version are asked for, and end the parsing; `help` for a noun without a verb is not. */
const isAnswered = ({ code, exitCode }: CommanderError): boolean =>
  exitCode === 0 && (code === "commander.helpDisplayed" || code === "commander.version" || code === "commander.help");

function report(error: unknown, err: Printer, { path, env }: Invocation): ExitCode {
  const start = { text: "secuxflow-cli:", style: "red" } as const;
  if (!(error instanceof CliError)) {
    err.line(start, ` ${path} failed for a reason that should not be: ${error instanceof Error ? error.message : String(error)}`);
    err.line("next: please report it, with what SECUXFLOW_DEBUG=1 shows");
    if (env.getenv("SECUXFLOW_DEBUG") !== undefined && error instanceof Error)
      for (const line of (error.stack ?? "").split("\n")) err.line(line);
    return EXIT.failed;
  }
  const { faults = [], next, exit } = error.more;
  err.line(start, ` ${error.message}`);
  for (const { flag, message } of faults) err.line("  ", { text: flag, style: "bold" }, `: ${message}`);
  const help = exit === EXIT.usage && path !== "" ? `secuxflow-cli ${path} --help` : undefined;
  const step = next ?? help;
  if (step !== undefined) err.line({ text: "next:", style: "dim" }, ` ${step}`);
  return error.exit;
}
