export type { Env, Sink } from "./env.js";
export { EXIT, type ExitCode } from "./exit.js";
export { run } from "./run.js";
