import { runCommand } from "@secuxflow/testkit";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of the CLI did not end as it should have. */
export class CliFailed extends Error {
  override readonly name = "CliFailed";
}

/** Runs `secuxflow-cli` as a user would: a process of its own that knows nothing but the API's address. */
export class Cli {
  constructor(readonly apiUrl: string) {}

  /** Runs one command and returns how it ended, whatever its exit code. */
  async try(...args: string[]): Promise<CliResult> {
    const result = await runCommand(process.execPath, [join(repoRoot(), "cli/bin/secuxflow-cli.mjs"), ...args], {
      check: false, timeoutMs: 60_000, env: { ...process.env, SECUXFLOW_API: this.apiUrl, NO_COLOR: "1" },
    });
    return { code: result.code ?? -1, stdout: result.stdout, stderr: result.stderr };
  }

  /** Runs one command that must succeed and returns what it printed. Throws CliFailed. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...args);
    if (code !== 0) throw new CliFailed(`secuxflow-cli ${args.join(" ")} ended with ${code}: ${stderr || stdout}`);
    return stdout;
  }

  /** Runs one command with `-o json` and returns the document. */
  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.run(...args, "-o", "json")) as T;
  }
}
