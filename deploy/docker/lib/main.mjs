// What every command-line script here shares: knowing that it is the one being run, and telling errors in one line.
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @param {string} url import.meta.url of the asking file; true when that file is the program and not an import */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}

/** Runs a script's body and sets the exit status: what it answers, or 1 and the reason on standard error. */
export async function report(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 1;
  }
}
