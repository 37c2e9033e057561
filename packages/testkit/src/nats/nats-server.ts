import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Child, type ExitStatus } from "../process/child.js";
import { requireTool } from "../process/tools.js";
import { freePort } from "../util/free-port.js";
import { tempDir, type TempDir } from "../util/temp-dir.js";
import { waitFor } from "../util/wait-for.js";
import { readNatsInfo, type NatsInfo } from "./info.js";

export type NatsServerOptions = {
  /** Default true. */
  jetstream?: boolean;
  /** 0 (the default) takes a free one. */
  port?: number;
  /** JetStream's folder; it is kept by `stop`. Default: a temporary one, removed by `stop`. */
  storeDir?: string;
  /** More lines for the configuration file, at its top level; not `listen`, `server_name` or `jetstream`. */
  config?: string | readonly string[];
  /**
   * Fsync every message (`sync_interval: always`). nats-server knows this from 2.10 on: with an older one `true` is an
   * error, and "if-supported" goes on without it; `server.syncAlways` tells which it is.
   */
  syncAlways?: boolean | "if-supported";
  /** Milliseconds to accept connections. Default 10,000. */
  readyDeadlineMs?: number;
};

/** The installed nats-server cannot do what was asked. */
export class NatsUnsupportedError extends Error {
  override readonly name = "NatsUnsupportedError";
  constructor(feature: string, since: string, version: string) {
    super(
      `${feature} needs nats-server ${since} or newer, installed is ${version}; ask for "if-supported" to go on without it`,
    );
  }
}

const HOST = "127.0.0.1";
const PORT_ATTEMPTS = 5;

/** A real nats-server on loopback, in a process of its own. */
export class NatsServer {
  #child: Child | undefined;
  #info: NatsInfo | undefined;

  private constructor(
    /** Its `server_name`, unique. */
    readonly name: string,
    readonly port: number,
    readonly storeDir: string,
    readonly configFile: string,
    /** Whether each message is fsynced before it is acknowledged. */
    readonly syncAlways: boolean,
    private readonly files: TempDir,
    private readonly readyDeadlineMs: number,
  ) {}

  /**
   * Starts a server and waits until it accepts connections.
   *
   * @throws {ToolMissingError} without nats-server; {ChildExitError} with the log's tail when it refuses its configuration
   * or its port; {NatsUnsupportedError} for `syncAlways: true` with an old server.
   */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    requireTool("nats-server");
    const syncAlways = decideSync(options.syncAlways ?? false);
    const deadline = options.readyDeadlineMs ?? 10_000;
    const files = await tempDir("nats");
    try {
      for (let attempt = 1; ; attempt++) {
        const port = options.port !== undefined && options.port !== 0 ? options.port : await freePort(HOST);
        const storeDir = resolve(options.storeDir ?? join(files.path, "store"));
        const configFile = join(files.path, "nats.conf");
        await mkdir(storeDir, { recursive: true });
        const name = `secuxflow-${process.pid}-${randomBytes(6).toString("hex")}`;
        await writeFile(configFile, natsConfig({ ...options, name, port, storeDir, syncAlways }));
        const server = new NatsServer(name, port, storeDir, configFile, syncAlways, files, deadline);
        try {
          await server.launch();
          return server;
        } catch (error) {
          // Somebody took the free port between the look and the launch.
          const taken = error instanceof Error && error.message.includes("address already in use");
          if (!taken || (options.port ?? 0) !== 0 || attempt === PORT_ATTEMPTS) throw error;
        }
      }
    } catch (error) {
      await files.remove();
      throw error;
    }
  }

  get url(): string {
    return `nats://${HOST}:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.status === undefined ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.pid !== undefined;
  }

  /** The server's own version, as "2.9.10". */
  get version(): string {
    return this.#info?.version ?? "unknown";
  }

  /** The last 200 lines of its log. */
  get log(): string {
    return this.#child?.log.toString() ?? "";
  }

  /** SIGTERM, SIGKILL after `deadlineMs` (default 5,000). Removes the temporary folder; a given `storeDir` stays. */
  async stop({ deadlineMs = 5_000 } = {}): Promise<ExitStatus | undefined> {
    const status = await this.#child?.stop({ deadlineMs });
    await this.files.remove();
    return status;
  }

  /** SIGKILL: a crash. Port and store stay as they are for `restart`. */
  async kill(): Promise<ExitStatus | undefined> {
    return this.#child?.kill();
  }

  /** Stops gracefully but keeps the store: NATS is away until `restart`. */
  async pause({ deadlineMs = 5_000 } = {}): Promise<ExitStatus | undefined> {
    return this.#child?.stop({ deadlineMs });
  }

  /** Starts again on the same port and store, stopping it first when it runs. Not possible after `stop`. */
  async restart(): Promise<void> {
    await this.pause();
    await this.launch();
  }

  /** Resolves when the server process has ended. */
  get exited(): Promise<ExitStatus> {
    return this.#child?.exited ?? Promise.resolve({ code: null, signal: null });
  }

  private async launch(): Promise<void> {
    const command = requireTool("nats-server");
    const child = await Child.start({ command, args: ["-c", this.configFile], what: `nats-server on port ${this.port}` });
    this.#child = child;
    try {
      this.#info = await waitFor(() => this.ownInfo(), {
        what: `${child.what} to accept connections`,
        deadlineMs: this.readyDeadlineMs,
        giveUp: () => child.exitError(),
      });
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  /** INFO of this very server: on a port that was taken, another one answers while ours gives up. */
  private async ownInfo(): Promise<NatsInfo> {
    const info = await readNatsInfo(HOST, this.port);
    if (info.server_name !== this.name)
      throw new Error(`another server, "${info.server_name}", answers on port ${this.port}`);
    return info;
  }
}

type NatsConfigInput = NatsServerOptions & { name: string; port: number; storeDir: string; syncAlways: boolean };

/** The text of the configuration file. Strings are quoted as JSON, which the NATS format understands. */
export function natsConfig({ name, port, storeDir, jetstream = true, syncAlways, config = [] }: NatsConfigInput): string {
  const store = `jetstream { store_dir: ${JSON.stringify(storeDir)}${syncAlways ? ", sync_interval: always" : ""} }`;
  const more = typeof config === "string" ? [config] : config;
  return [
    `listen: "${HOST}:${port}"`,
    `server_name: ${JSON.stringify(name)}`,
    ...(jetstream ? [store] : []),
    ...more,
    "",
  ].join("\n");
}

let installedVersion: string | undefined;

/** The version of the installed nats-server, as "2.9.10". @throws {ToolMissingError} when there is none. */
export function natsServerVersion(): string {
  installedVersion ??= /(\d+\.\d+\.\d+)/.exec(
    execFileSync(requireTool("nats-server"), ["--version"], { encoding: "utf8" }),
  )?.[1];
  return installedVersion ?? "0.0.0";
}

function decideSync(wanted: boolean | "if-supported"): boolean {
  if (wanted === false) return false;
  const version = natsServerVersion();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const supported = major > 2 || (major === 2 && minor >= 10);
  if (!supported && wanted === true)
    throw new NatsUnsupportedError("fsync of every message (sync_interval)", "2.10", version);
  return supported;
}
