/** Where a value came from: an environment variable, a place in the configuration file, or nowhere (the value is missing). */
export type SettingSource =
  | { kind: "env"; name: string }
  | { kind: "secret-file"; name: string; path: string }
  | { kind: "file"; path: string; line?: number }
  | { kind: "unset" };

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** dotted path of the setting, such as `nats.servers`; empty for the file as a whole */
  field: string;
  source: SettingSource;
  /** what is wrong */
  message: string;
  /** what would be right */
  expected?: string;
}

/** The source of a value in words, such as `SECUXFLOW_OPS_PORT` or `agent.yaml:12`. */
export function sourceText(source: SettingSource): string {
  switch (source.kind) {
    case "env":
      return source.name;
    case "secret-file":
      return `${source.name} (${source.path})`;
    case "file":
      return source.line === undefined ? source.path : `${source.path}:${source.line}`;
    case "unset":
      return "not set";
  }
}

/** The configuration was refused. Its message lists every problem, one a line, and never holds a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(format(problems));
  }
}

function format(problems: readonly ConfigProblem[]): string {
  const lines = problems.map((problem) => {
    const field = problem.field === "" ? "(file)" : problem.field;
    const expected = problem.expected ? `; expected ${problem.expected}` : "";
    return `  ${field} [${sourceText(problem.source)}]: ${problem.message}${expected}`;
  });
  const count = problems.length === 1 ? "1 error" : `${problems.length} errors`;
  return [`configuration is not valid (${count}):`, ...lines].join("\n");
}
