import { parseArgs } from "node:util";

/** What the command line of a service asks for. */
export interface ServiceArguments {
  action: "run" | "help" | "version" | "check-config";
  config?: string;
  readyFd?: number;
}

/** The command line of a service was wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Parses the arguments of a service.
 * @throws UsageError for anything it does not know
 */
export function parseArguments(argv: readonly string[]): ServiceArguments {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        config: { type: "string" },
        "check-config": { type: "boolean" },
        "ready-fd": { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". To specify")[0]}: see --help`);
  }
  const fdText = values["ready-fd"];
  const readyFd = fdText === undefined ? undefined : Number(fdText);
  if (readyFd !== undefined && !(Number.isInteger(readyFd) && readyFd > 2 && readyFd < 1024)) {
    throw new UsageError(`--ready-fd ${fdText}: expected the number of an open file descriptor, 3 to 1023`);
  }
  const action = values.help ? "help" : values.version ? "version" : values["check-config"] ? "check-config" : "run";
  return { action, ...(values.config !== undefined && { config: values.config }), ...(readyFd !== undefined && { readyFd }) };
}

/** The text of `--help`, above the table of settings. */
export function helpText(service: { name: string; description: string }, settings: string): string {
  return `${service.name}: ${service.description}

Usage: ${service.name} [--config FILE] [--check-config] [--ready-fd N] [--version] [--help]

  --config FILE    settings in YAML; default: the file that SECUXFLOW_CONFIG names, or none
  --check-config   print the settings in force, secrets hidden, and exit: 0 when they are right, 2 when not
  --ready-fd N     write the ready line to this file descriptor too, and close it
  --version        print the version and exit

Settings: name in the file, environment variable (it wins over the file), default
${settings}

Exit codes: 0 stopped as asked, 1 failed, 2 wrong arguments or settings
`;
}
