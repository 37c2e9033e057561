import { execFile } from "node:child_process";

/** A tool of the system failed, or is not there. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

const TIMEOUT_MS = 5_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

const PACKAGES: Readonly<Record<string, string>> = { ip: "iproute2", ethtool: "ethtool", nsenter: "util-linux" };

/** Runs a tool to its end, in a network namespace where one is given (a path), and answers what it printed. @throws {ToolError} */
export function run(netns: string | undefined, command: string, args: readonly string[]): Promise<string> {
  const [program, words] = netns === undefined ? [command, args] : ["nsenter", [`--net=${netns}`, "--", command, ...args]];
  return new Promise((resolve, reject) => {
    execFile(program, [...words], { timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const missing = error.code === "ENOENT" ? `; install the package ${PACKAGES[program] ?? program}` : "";
      const where = netns === undefined ? "" : ` in ${netns}`;
      reject(new ToolError(`${command} ${args.join(" ")}${where} failed: ${stderr.trim().slice(0, 500) || error.message}${missing}`));
    });
  });
}
