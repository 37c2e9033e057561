import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { toolPath } from "./tools.js";
import { LogTail } from "./log-tail.js";

/** How a process ended: by its own code or by a signal. */
export type ExitStatus = { code: number | null; signal: NodeJS.Signals | null };

export type ChildOptions = {
  command: string;
  args?: readonly string[];
  /** The whole environment; default: this process's. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Name for error messages; default: the command. */
  what?: string;
  /** Whether stdin can be written to. Default: it is empty. */
  stdin?: boolean;
  /** Takes stdout as bytes; it is then not in the log. */
  onStdout?: (chunk: Buffer) => void;
};

/**
 * A long-lived process of a test: its log tail is kept, it can be stopped in order or at once, and the kernel kills it
 * when this process dies, however it dies (util-linux `setpriv --pdeathsig`, where installed).
 */
export class Child {
  readonly log = new LogTail();
  readonly what: string;
  /** Resolves when the process has ended and its output is read. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly #process: ChildProcess;
  #status: ExitStatus | undefined;

  private constructor(process: ChildProcess, options: ChildOptions) {
    this.what = options.what ?? options.command;
    this.#process = process;
    const onStdout = options.onStdout;
    if (onStdout === undefined) process.stdout?.setEncoding("utf8").on("data", (text: string) => this.log.add(text, "out"));
    else process.stdout?.on("data", onStdout);
    process.stderr?.setEncoding("utf8").on("data", (text: string) => this.log.add(text, "err"));
    // A write to a process that has gone is reported by its exit.
    process.stdin?.on("error", () => undefined);
    this.exited = new Promise((resolve) => {
      process.once("close", (code, signal) => {
        this.#status = { code, signal };
        resolve(this.#status);
      });
    });
  }

  /** Starts a process without a shell. @throws Error (ENOENT, EACCES) when the program cannot be run. */
  static async start(options: ChildOptions): Promise<Child> {
    const [command, args] = withParentDeathSignal(options.command, options.args ?? []);
    const started = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.stdin === true ? "pipe" : "ignore", "pipe", "pipe"],
    });
    const child = new Child(started, options);
    await once(started, "spawn");
    return child;
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** The exit status, or undefined while it runs. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  get stdin(): NodeJS.WritableStream | null {
    return this.#process.stdin;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#status === undefined) this.#process.kill(signal);
  }

  /** SIGTERM, then SIGKILL when it has not ended after `deadlineMs` (default 5,000). */
  async stop({ deadlineMs = 5_000 } = {}): Promise<ExitStatus> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), deadlineMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<ExitStatus> {
    this.signal("SIGKILL");
    return this.exited;
  }

  /** An error that says how the process ended and what it wrote last; undefined while it runs. */
  exitError(): ChildExitError | undefined {
    return this.#status === undefined ? undefined : new ChildExitError(this.what, this.#status, this.log.toString());
  }
}

/** A process ended although it was needed. */
export class ChildExitError extends Error {
  override readonly name = "ChildExitError";
  constructor(
    readonly what: string,
    readonly status: ExitStatus,
    readonly logTail: string,
  ) {
    super(`${what} ended with ${describeExit(status)}; its last lines:\n${logTail === "" ? "(none)" : logTail}`);
  }
}

/** An exit status in words. */
export const describeExit = (status: ExitStatus): string =>
  status.signal === null ? `exit code ${status.code ?? "unknown"}` : `signal ${status.signal}`;

/**
 * Puts `setpriv --pdeathsig KILL` before a command. It replaces itself by the command, so the process id stays; the
 * signal is bound to the thread that starts the process.
 */
export function withParentDeathSignal(command: string, args: readonly string[]): [string, string[]] {
  const setpriv = toolPath("setpriv");
  // setpriv itself would report an unknown program by an exit code: look it up first, so that the caller gets ENOENT.
  const program = command.includes("/") ? command : toolPath(command);
  if (setpriv === undefined || program === undefined) return [command, [...args]];
  return [setpriv, ["--pdeathsig", "KILL", "--", program, ...args]];
}
