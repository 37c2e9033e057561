// Runs one stage of the tests as a child process: its output goes to the terminal and to a log.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { RESULTS, ROOT } from "./paths.mjs";

/**
 * @param {string} stage
 * @param {readonly string[]} args of Node
 * @returns {Promise<{ status: number, seconds: number }>} a signal counts as status 1
 */
export async function runStage(stage, args) {
  mkdirSync(RESULTS, { recursive: true });
  const log = createWriteStream(join(RESULTS, `${stage}.log`));
  const from = Date.now();
  const env = process.stdout.isTTY ? { FORCE_COLOR: "1", ...process.env } : process.env;
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.on("data", (chunk) => (process.stdout.write(chunk), log.write(chunk)));
  child.stderr.on("data", (chunk) => (process.stderr.write(chunk), log.write(chunk)));
  const status = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  await new Promise((resolve) => log.end(resolve));
  return { status, seconds: (Date.now() - from) / 1000 };
}
