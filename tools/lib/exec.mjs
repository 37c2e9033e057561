// Runs programs for the set-up: their output goes to a log file and is shown only when they fail.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, relative } from "node:path";
import { ROOT } from "./paths.mjs";

const TAIL_LINES = 30;

/** A step failed: what happened, and what to do next. */
export class StepError extends Error {
  /**
   * @param {string} message what went wrong
   * @param {string} next what the user can do
   * @param {string} [log] the log file whose tail is shown
   */
  constructor(message, next, log) {
    super(message);
    this.name = "StepError";
    this.next = next;
    this.log = log;
  }
}

/**
 * Runs a program and adds its output to a log file.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ log: string, next: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} options
 *   next: what to do when it fails
 * @throws {StepError} when it cannot be started or does not exit with 0
 */
export async function execLogged(file, args, { log, next, env, onLine = () => undefined }) {
  mkdirSync(dirname(log), { recursive: true });
  const fd = openSync(log, "a");
  writeSync(fd, `$ ${[file, ...args].join(" ")}\n`);
  try {
    const status = await new Promise((resolve, reject) => {
      const child = spawn(file, args, { cwd: ROOT, env: env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
      const keep = (chunk) => {
        writeSync(fd, chunk);
        const line = chunk.toString().trimEnd().split("\n").at(-1)?.trim();
        if (line) onLine(line);
      };
      child.stdout.on("data", keep);
      child.stderr.on("data", keep);
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(signal ?? code));
    });
    if (status !== 0) throw new StepError(`${file} ended with ${typeof status === "number" ? `status ${status}` : status}`, next, log);
  } catch (error) {
    if (error instanceof StepError) throw error;
    throw new StepError(`cannot run ${file}: ${error.message}`, next, log);
  } finally {
    closeSync(fd);
  }
}

/** Standard output of a short command, or undefined when it is not there or fails. */
export function output(file, args) {
  const result = spawnSync(file, args, { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 });
  return result.error || result.status !== 0 ? undefined : result.stdout;
}

/** The last lines of a log, for people. */
export function tail(log) {
  const lines = readFileSync(log, "utf8").trimEnd().split("\n").slice(-TAIL_LINES);
  return [`last lines of ${relative(ROOT, log)}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}
