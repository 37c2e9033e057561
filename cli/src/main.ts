import { EXIT } from "./exit.js";
import { nodeEnv } from "./node-env.js";
import { run } from "./run.js";

/** Put in by the bundler; the package's version elsewhere. */
declare const SECUXFLOW_CLI_VERSION: string | undefined;

const version = typeof SECUXFLOW_CLI_VERSION === "string" ? SECUXFLOW_CLI_VERSION : "0.0.0-source";
const { env, abort } = nodeEnv(process, version);

// The first signal ends what runs, in order; the second one at once.
let signals = 0;
const onSignal = () => {
  if (signals++ > 0) process.exit(EXIT.interrupted);
  abort();
};
process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);

// Nobody reads on (`… | head`): that is no failure, there is just nothing left to do.
const onWriteError = (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
  process.exit(process.exitCode ?? EXIT.done);
};
process.stdout.on("error", onWriteError);
process.stderr.on("error", onWriteError);

const exit = await run(process.argv.slice(2), env);
process.exitCode = exit;
