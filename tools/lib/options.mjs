// Command lines of the tools.
import { parseArgs } from "node:util";

/**
 * Parses arguments, or prints what is wrong and how it is used and exits with 2; prints the usage for --help.
 * @param {string} usage
 * @param {import("node:util").ParseArgsConfig["options"]} options
 * @param {{ positionals?: boolean }} [settings]
 */
export function parseOptions(usage, options, { positionals = false } = {}) {
  try {
    const parsed = parseArgs({ options: { ...options, help: { type: "boolean", short: "h" } }, allowPositionals: positionals, strict: true });
    if (!parsed.values.help) return parsed;
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  } catch (error) {
    return exitWithUsage(error.message.split(". To specify")[0], usage);
  }
}

/** Says what is wrong with the arguments and exits with 2. */
export function exitWithUsage(message, usage) {
  process.stderr.write(`${message}\n\n${usage}\n`);
  process.exit(2);
}

/**
 * A list as `--only a,b` or `--only a --only b`, checked against the names there are.
 * @param {string[] | undefined} values
 * @param {readonly string[]} known
 */
export function namesOf(values, known, option, usage) {
  if (values === undefined) return undefined;
  const names = values.flatMap((value) => value.split(",")).map((name) => name.trim()).filter((name) => name !== "");
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined || names.length === 0) exitWithUsage(`${option} ${wrong ?? "is empty"}: there are ${known.join(", ")}`, usage);
  return names;
}
