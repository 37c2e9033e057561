import { execFile } from "node:child_process";

export type CommandOptions = {
  /** Written to its stdin. */
  input?: string | Uint8Array;
  /** Milliseconds until it is killed. Default 30,000. */
  timeoutMs?: number;
  env?: NodeJS.ProcessEnv;
  /** With false, an exit code other than 0 is returned and not thrown. Default true. */
  check?: boolean;
};

export type CommandResult = { code: number; stdout: string; stderr: string };

/** A command failed: its exit code was not 0, a signal or the timeout ended it, or it wrote more than 64 MiB. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(
    readonly commandLine: string,
    readonly reason: string,
    readonly stdout: string,
    readonly stderr: string,
  ) {
    super(`${commandLine}: ${reason}${stderr.trim() === "" ? "" : `\n${stderr.trim()}`}`);
  }
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a command to its end, without a shell.
 *
 * @throws {CommandError} when it ends by signal or timeout, and (unless `check` is false) with a code other than 0.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { input, timeoutMs = 30_000, env = process.env, check = true } = options;
  const line = [command, ...args].join(" ").slice(0, 500);
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutMs, killSignal: "SIGKILL" as const, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(command, [...args], { env, encoding: "utf8", ...limits }, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr });
      const code = error.code as number | string | undefined;
      if (typeof code === "number" && !check) return resolve({ code, stdout, stderr });
      let reason = error.message;
      if (typeof code === "number") reason = `exit code ${code}`;
      else if (error.killed === true && typeof code !== "string") reason = `killed after ${timeoutMs} ms`;
      else if (typeof error.signal === "string") reason = `ended by ${error.signal}`;
      reject(new CommandError(line, reason, stdout, stderr));
    });
    // A command that does not read its input closes the pipe: its exit code tells whether that matters.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
  });
}
