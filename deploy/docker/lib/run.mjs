// Running programs, and telling what they said when they fail.
import { spawn } from "node:child_process";

/**
 * Runs a program to its end and answers its standard output.
 * @param {string} file program
 * @param {string[]} args
 * @param {{ input?: string | Buffer, env?: NodeJS.ProcessEnv, cwd?: string, echo?: boolean }} [options]
 *   echo: pass its output through to our standard error as it comes
 * @returns {Promise<string>} standard output
 * @throws {Error} naming the command and the last lines it wrote, when it cannot start or its exit status is not 0
 */
export function run(file, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ["pipe", "pipe", "pipe"] });
    const out = [];
    const all = [];
    child.stdout.on("data", (part) => (out.push(part), all.push(part), options.echo && process.stderr.write(part)));
    child.stderr.on("data", (part) => (all.push(part), options.echo && process.stderr.write(part)));
    child.on("error", (cause) => fail(new Error(`cannot run ${file}: ${cause.message}`, { cause })));
    child.on("close", (code, signal) => {
      if (code === 0) return done(Buffer.concat(out).toString());
      const tail = Buffer.concat(all).toString().trimEnd().split("\n").slice(-15).join("\n  ");
      fail(new Error(`${file} ${args.join(" ")} ended with ${signal ?? `status ${code}`}:\n  ${tail}`));
    });
    child.stdin.on("error", () => undefined); // the program may end before it has read everything
    child.stdin.end(options.input);
  });
}

/**
 * Waits until a condition holds.
 * @param {string} what named in the error
 * @param {number} ms how long at most
 * @param {() => unknown} condition truthy ends the wait and is the answer; may be asynchronous
 */
export async function until(what, ms, condition) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${ms / 1000} s for ${what}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
