import type { Env } from "../env.js";
import { nodeTransport } from "../http/node-transport.js";
import { run } from "../run.js";
import { NOW } from "./documents.js";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A terminal of so many columns on stdout and stderr. */
  readonly columns?: number;
  readonly answer?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Instead of waiting: called with each pause. */
  readonly onSleep?: (ms: number) => void;
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

export interface RunResult {
  readonly exit: number;
  /** Bytes as latin1. */
  readonly stdout: string;
  readonly stderr: string;
  /** Questions that were asked. */
  readonly asked: readonly string[];
  /** Files that were written. */
  readonly written: ReadonlyMap<string, Uint8Array>;
}

/** Runs a command line in this process, at the time NOW, without waiting where it would pause. */
export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  let stdout = "";
  let stderr = "";
  let now = NOW;
  const asked: string[] = [];
  const { columns, answer } = options;
  const terminal = { isTTY: columns !== undefined, columns, rows: columns === undefined ? undefined : 40 };
  const written = new Map<string, Uint8Array>();
  const add = (data: string | Uint8Array) => {
    const text = typeof data === "string" ? data : Buffer.from(data).toString("latin1");
    stdout += text;
    options.onOutput?.(text);
  };
  const env: Env = {
    stdout: { ...terminal, write: add },
    stderr: { ...terminal, write: (text) => void (stderr += String(text)) },
    ask:
      answer === undefined
        ? undefined
        : (question) => {
            asked.push(question);
            return Promise.resolve(answer);
          },
    getenv: (name) => options.env?.[name],
    readFile: (path) => {
      const file = options.files?.[path];
      return file === undefined
        ? Promise.reject(Object.assign(new Error("no such file"), { code: "ENOENT" }))
        : Promise.resolve(file);
    },
    writeFile: (path, bytes) => {
      written.set(path, bytes);
      return Promise.resolve();
    },
    request: nodeTransport,
    now: () => now,
    sleep: async (ms) => {
      now += ms;
      options.onSleep?.(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
    signal: options.signal ?? new AbortController().signal,
    user: "alice",
    version: "1.2.3",
  };
  const exit = await run(args, env);
  return { exit, stdout, stderr, asked, written };
}
