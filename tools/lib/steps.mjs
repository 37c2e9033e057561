// Runs the steps of the set-up in order, each only when it has something to do.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { StepError, tail } from "./exec.mjs";
import { takeLock } from "./lock.mjs";
import { LOGS, STATE } from "./paths.mjs";
import { createProgress } from "./progress.mjs";

/**
 * @typedef {object} Step
 * @property {string} name for `--only` and the log file
 * @property {string} title what it does, for people
 * @property {() => boolean | Promise<boolean>} isDone true when there is nothing to do; quick
 * @property {(tools: { log: string, line: (text: string) => void }) => Promise<"up to date" | void>} run throws StepError;
 *   steps that only find out while running that there is nothing to do say so
 */

/**
 * @param {readonly Step[]} steps
 * @param {{ quiet?: boolean, progress?: ReturnType<typeof createProgress> }} [options]
 * @returns {Promise<boolean>} false when a step failed; why is on the screen
 */
export async function runSteps(steps, { quiet = false, progress = createProgress({ quiet }) } = {}) {
  let release;
  try {
    release = await takeLock(join(STATE, "setup.lock"), (owner) => progress.say(`waiting for another set-up (process ${owner})`));
    for (const step of steps) if (!(await runStep(step, progress))) return false;
    return true;
  } catch (error) {
    return explain("Set-up", error, progress);
  } finally {
    release?.();
  }
}

/** Says why a step failed and what to do; errors that no step expects are passed on with their stack. */
function explain(title, error, progress) {
  if (!(error instanceof StepError)) throw error;
  if (error.log) progress.say(tail(error.log));
  progress.say(`\n${title}: ${error.message}\nWhat to do: ${error.next}`);
  return false;
}

async function runStep(step, progress) {
  const log = join(LOGS, `setup-${step.name}.log`);
  let running;
  try {
    if (await step.isDone()) {
      progress.already(step.title);
      return true;
    }
    rmSync(log, { force: true });
    running = progress.begin(step.title);
    const found = await step.run({ log, line: running.line });
    if (found === "up to date") running.already();
    else running.done();
    return true;
  } catch (error) {
    if (running) running.failed();
    else progress.say(`✗ ${step.title} failed`);
    return explain(step.title, error, progress);
  }
}
