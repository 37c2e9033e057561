import type { Env, Sink } from "./env.js";
import { nodeTransport } from "./http/node-transport.js";
import { visible } from "./text/escape.js";

/** Names that the API takes as the actor of a command. */
const ACTOR = /^(?!system:)[A-Za-z0-9][A-Za-z0-9._@:+-]{0,63}$/;

/** A terminal that does not know its size says 0. */
const sizeOf = (stream: NodeJS.WriteStream, size: number): number | undefined => (stream.isTTY && size > 0 ? size : undefined);

const sinkOf = (stream: NodeJS.WriteStream): Sink => ({
  write: (text) => void stream.write(text),
  get isTTY() {
    return stream.isTTY;
  },
  get columns() {
    return sizeOf(stream, stream.columns);
  },
  get rows() {
    return sizeOf(stream, stream.rows);
  },
});

/** The environment of the real process. */
export function nodeEnv(process: NodeJS.Process, version: string): { env: Env; abort: () => void } {
  const controller = new AbortController();
  const { signal } = controller;
  const user = process.env.SECUXFLOW_ACTOR ?? process.env.USER ?? process.env.LOGNAME;
  const env: Env = {
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    ask: process.stdin.isTTY && process.stderr.isTTY ? (question) => askAt(process, question, signal) : undefined,
    getenv: (name) => process.env[name],
    readFile: async (path) =>
      path === "-"
        ? (await import("node:stream/consumers")).text(process.stdin)
        : (await import("node:fs/promises")).readFile(path, "utf8"),
    writeFile: async (path, bytes) => (await import("node:fs/promises")).writeFile(path, bytes, { mode: 0o600 }),
    request: nodeTransport,
    now: () => Date.now(),
    sleep: (ms, until) => sleep(ms, until),
    signal,
    user: user !== undefined && ACTOR.test(user) ? user : undefined,
    version,
  };
  return { env, abort: () => controller.abort() };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** Asks on stderr, so that stdout stays data. Ctrl-C and the end of the input are no answer. */
async function askAt({ stdin, stderr }: NodeJS.Process, question: string, signal: AbortSignal): Promise<string | undefined> {
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await new Promise<string | undefined>((resolve) => {
      lines.once("close", () => resolve(undefined));
      lines.once("SIGINT", () => lines.close());
      signal.addEventListener("abort", () => lines.close());
      lines.question(visible(question), resolve);
    });
  } finally {
    lines.close();
  }
}
