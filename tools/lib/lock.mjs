// One set-up at a time. The kernel holds the lock (flock) in a helper process that ends when its standard input closes,
// that is when we end, however we end: there are no stale locks.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { StepError } from "./exec.mjs";

/**
 * Takes a lock, waiting for whoever holds it.
 * @param {string} file the lock file; it stays
 * @param {(owner: string) => void} waiting called once when somebody else holds it, with their process id
 * @returns {Promise<() => void>} releases it
 * @throws {StepError} when the file belongs to another user
 */
export async function takeLock(file, waiting) {
  makeWritable(file);
  const release = (await hold(file, ["--nonblock"])) ?? (waiting(ownerOf(file)), await hold(file, []));
  if (release === undefined) throw new Error(`cannot lock ${file} (flock of util-linux failed)`);
  writeFileSync(`${file}.owner`, String(process.pid));
  return release;
}

function makeWritable(file) {
  try {
    mkdirSync(dirname(file), { recursive: true });
    closeSync(openSync(file, "a"));
  } catch (error) {
    if (error.code !== "EACCES" && error.code !== "EPERM" && error.code !== "EROFS") throw error;
    throw new StepError(`${file} cannot be written (${error.code})`, `it was made by another user, most likely root: run this as that user, or change the owner of the checkout`);
  }
}

/** Starts the helper; answers undefined when it did not get the lock. */
function hold(file, flags) {
  return new Promise((resolve, reject) => {
    const child = spawn("flock", [...flags, file, "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
    child.once("error", reject);
    child.once("close", () => resolve(undefined));
    child.stdout.once("data", () => {
      for (const handle of [child, child.stdin, child.stdout]) handle.unref();
      resolve(() => child.stdin.end());
    });
  });
}

function ownerOf(file) {
  try {
    return readFileSync(`${file}.owner`, "utf8");
  } catch {
    return "unknown";
  }
}
