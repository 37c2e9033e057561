import { requireTool } from "./tools.js";
import { Child, type ExitStatus } from "./child.js";
import { waitFor, WaitTimeoutError } from "../util/wait-for.js";

export type ServiceOptions = {
  /** The JavaScript file that Node runs. */
  entry: string;
  args?: readonly string[];
  /** Options for Node itself, before the entry. */
  nodeArgs?: readonly string[];
  /** Added to this process's environment, from which `SECUXFLOW_*` and what vitest and npm set are removed. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Called until it returns something truthy; without it the service is ready when its process runs. */
  ready?: (service: Service) => unknown;
  /** Milliseconds to become ready. Default 20,000. */
  readyDeadlineMs?: number;
  /** Path of a network namespace (`/run/netns/…`) to run in. */
  netnsPath?: string;
  /** For error messages; default: the entry. */
  name?: string;
};

/** A Node service in a process of its own. */
export class Service {
  private constructor(
    readonly name: string,
    private readonly child: Child,
  ) {}

  /** @internal use spawnService */
  static async start(options: ServiceOptions): Promise<Service> {
    const node = [...(options.nodeArgs ?? []), options.entry, ...(options.args ?? [])];
    const inside = options.netnsPath;
    const child = await Child.start({
      command: inside === undefined ? process.execPath : requireTool("nsenter"),
      args: inside === undefined ? node : [`--net=${inside}`, "--", process.execPath, ...node],
      env: serviceEnv(process.env, options.env ?? {}),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      what: options.name ?? options.entry,
    });
    const service = new Service(child.what, child);
    const { ready, readyDeadlineMs = 20_000 } = options;
    try {
      if (ready !== undefined) {
        await waitFor(() => ready(service), {
          what: `${service.name} to be ready`,
          deadlineMs: readyDeadlineMs,
          intervalMs: 25,
          giveUp: () => child.exitError(),
        });
      }
    } catch (error) {
      await child.kill();
      if (error instanceof WaitTimeoutError) error.message += `\nits last lines:\n${service.log}`;
      throw error;
    }
    return service;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** The last 200 lines of stdout and stderr. */
  get log(): string {
    return this.child.log.toString();
  }

  /** The exit status, or undefined while it runs. */
  get status(): ExitStatus | undefined {
    return this.child.status;
  }

  /** Resolves with the status when the process has ended. */
  get exited(): Promise<ExitStatus> {
    return this.child.exited;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.signal(signal);
  }

  /** SIGTERM, waits, SIGKILL after `deadlineMs` (default 10,000). The status tells whether it went by itself. */
  stop({ deadlineMs = 10_000 } = {}): Promise<ExitStatus> {
    return this.child.stop({ deadlineMs });
  }

  /** SIGKILL: what a crash looks like. */
  kill(): Promise<ExitStatus> {
    return this.child.kill();
  }
}

/**
 * Starts a Node program and waits until it is ready.
 *
 * @throws {ChildExitError} when it ends before it is ready; {WaitTimeoutError} when it is not ready in time (it is then
 * killed). Both carry its last lines.
 */
export const spawnService = (options: ServiceOptions): Promise<Service> => Service.start(options);

/** Variables of the test runner and of a developer's own set-up must not reach the service. */
function serviceEnv(from: NodeJS.ProcessEnv, added: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(from).filter(([name]) => !/^(SECUXFLOW_|VITEST|npm_|NODE_OPTIONS$|NODE_ENV$|TEST$)/.test(name));
  return { ...Object.fromEntries(kept), ...added };
}
