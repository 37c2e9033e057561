// The whole set-up, for the tools that need a working checkout before they begin.
import { bpfStep, cliStep, nativeStep, typescriptStep, wasmStep } from "../steps/build.mjs";
import { debianStep } from "../steps/debian.mjs";
import { npmStep } from "../steps/npm.mjs";
import { runSteps } from "./steps.mjs";

/** Names of the steps, in order. */
export const STEP_NAMES = ["packages", "npm", "native", "bpf", "wasm", "typescript", "cli"];
/** Those that make things from sources. */
export const BUILD_STEPS = STEP_NAMES.slice(2);

/**
 * Does what is not done yet.
 * @param {{ only?: readonly string[], docker?: boolean, kernel?: boolean, quiet?: boolean }} [options]
 *   only: these steps alone; docker: also what the container tests need; kernel: also what npm run kernel needs; quiet: say nothing of what is done already
 * @returns {Promise<boolean>} false when something failed; why is on the screen
 */
export async function setUp({ only = STEP_NAMES, docker = false, kernel = false, quiet = false } = {}) {
  const steps = [debianStep({ docker, kernel }), npmStep(), nativeStep(), bpfStep(), wasmStep(), typescriptStep(), cliStep()];
  return runSteps(steps.filter((step) => only.includes(step.name)), { quiet });
}
