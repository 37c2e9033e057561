import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { routes, type SystemStatus } from "@secuxflow/contracts";
import { NatsServer, repoRoot, spawnService, tempDir, waitFor, type Service, type TempDir } from "@secuxflow/testkit";
import { stringify } from "yaml";
import { Cli } from "./cli.js";

/** The four services, in the order they are shown. */
export const SERVICES = ["rule-api", "xdp-agent", "inspector", "alerting"] as const;
export type ServiceName = (typeof SERVICES)[number];

export interface SystemOptions {
  /** Interfaces that the agent filters: a name, or a name in a network namespace. */
  readonly interfaces: readonly { readonly name: string; readonly netns?: string }[];
  /** Port of the REST API; 0 takes a free one. */
  readonly apiPort: number;
  /** Where NATS, ClickHouse and the agent keep their data; default: a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  /** More settings of a service, merged over those that the system needs (one level deep). */
  readonly settings?: Partial<Record<ServiceName, Record<string, unknown>>>;
  /** Told when each part is up. */
  readonly onProgress?: (what: string, ms: number) => void;
}

const merged = (base: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> => {
  const result = { ...base };
  for (const [key, value] of Object.entries(more)) {
    const old = result[key];
    result[key] = typeof old === "object" && old !== null && !Array.isArray(old) ? { ...old, ...(value as object) } : value;
  }
  return result;
};

/** nats-server and the four services as processes of their own, as they are deployed, on loopback. */
export class System {
  readonly services = new Map<ServiceName, Service>();
  #apiUrl = "";

  private constructor(readonly nats: NatsServer, readonly pinFolder: string, private readonly files: TempDir, private readonly options: SystemOptions) {}

  /** Starts everything and waits until traffic is filtered and inspected. Throws with the log of the part that failed. */
  static async start(options: SystemOptions): Promise<System> {
    const files = await tempDir("system");
    const data = options.dataDir ?? files.path;
    await mkdir(data, { recursive: true });
    const began = performance.now();
    const nats = await NatsServer.start({ storeDir: join(data, "nats"), syncAlways: "if-supported" });
    options.onProgress?.("nats-server", performance.now() - began);
    const system = new System(nats, `/sys/fs/bpf/secuxflow-${process.pid}-${randomBytes(4).toString("hex")}`, files, options);
    try {
      await Promise.all(SERVICES.map((name) => system.startService(name)));
      await system.#settled();
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  get apiUrl(): string {
    return this.#apiUrl;
  }

  get cli(): Cli {
    return new Cli(this.#apiUrl);
  }

  service(name: ServiceName): Service {
    const service = this.services.get(name);
    if (!service) throw new Error(`${name} is not running`);
    return service;
  }

  /** Starts one service (again). */
  async startService(name: ServiceName): Promise<Service> {
    const began = performance.now();
    const config = join(this.files.path, `${name}.yaml`);
    await writeFile(config, stringify(merged(this.#settings(name), this.options.settings?.[name])), { mode: 0o600 });
    const service = await spawnService({
      entry: join(repoRoot(), "services", name, "dist/main.js"), args: ["--config", config], name, cwd: this.files.path, readyDeadlineMs: 60_000,
      ready: (started) => started.log.includes('"event":"ready"'),
    });
    this.services.set(name, service);
    if (name === "rule-api") this.#apiUrl = readyUrl(service.log);
    this.options.onProgress?.(name, performance.now() - began);
    return service;
  }

  /** A document of the REST API. */
  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.#apiUrl + path, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Ends everything in order: services first, then NATS, then what they kept. */
  async stop(): Promise<void> {
    await Promise.all([...this.services.values()].map((service) => service.stop()));
    this.services.clear();
    await this.nats.stop();
    await this.files.remove();
  }

  #settings(name: ServiceName): Record<string, unknown> {
    const data = this.options.dataDir ?? this.files.path;
    const common = { nats: { urls: this.nats.url } };
    switch (name) {
      case "rule-api":
        return { ...common, api: { port: this.options.apiPort } };
      case "xdp-agent": {
        // Services lie behind the host that is protected: in the lab a namespace of its own.
        const netns = this.options.interfaces[0]?.netns;
        return {
          ...common, agentId: "agent-1", interfaces: this.options.interfaces, stateDir: join(data, "agent"),
          bpf: { pinFolder: this.pinFolder, onExit: "detach" }, services: { interval: "500ms", ...(netns === undefined ? {} : { netns }) },
        };
      }
      case "inspector":
        return { ...common, modules: { dir: join(repoRoot(), "wasm/dist") } };
      case "alerting":
        return { ...common, clickhouse: { dataDir: join(data, "clickhouse") } };
    }
  }

  /** Until the agent filters and the inspector owns partitions, an attack could pass unseen. */
  async #settled(): Promise<void> {
    const began = performance.now();
    let last: SystemStatus | undefined;
    await waitFor(async () => {
      last = await this.get<SystemStatus>(routes.status);
      const { agents, inspectors } = last;
      const filtering = agents.some((agent) => agent.live && agent.interfaces.every((one) => one.mode !== "detached"));
      const inspecting = inspectors.some((one) => one.live && one.partitions.length === 64 && one.modules.length > 0 && one.modules.every((module) => module.state === "running"));
      return filtering && inspecting;
    }, { what: "the agent to filter and the inspector to inspect", deadlineMs: 30_000, giveUp: () => this.#ended() }).catch((error: unknown) => {
      const why = last?.components.filter((one) => one.state !== "ok").map((one) => `${one.name}: ${one.detail}`).join("\n") ?? "the rule API never answered";
      throw new Error(`${(error as Error).message}\n${why}`, { cause: error });
    });
    this.options.onProgress?.("filter and inspection settled", performance.now() - began);
  }

  #ended(): Error | undefined {
    for (const service of this.services.values()) {
      if (service.status !== undefined) return new Error(`${service.name} ended:\n${service.log}`);
    }
    return undefined;
  }
}

/** The address in a service's ready line. */
function readyUrl(log: string): string {
  const match = /"http":"([^"]+)"/.exec(log);
  if (!match?.[1]) throw new Error(`the rule API did not say where it listens:\n${log}`);
  return match[1];
}
