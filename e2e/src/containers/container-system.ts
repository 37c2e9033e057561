import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { routes, type SystemStatus } from "@secuxflow/contracts";
import { LogTail, repoRoot, waitFor, type CommandResult } from "@secuxflow/testkit";
import { GenericContainer, Wait, type StartedTestContainer, type WaitStrategy } from "testcontainers";
import { docker, labelled, tryDocker } from "./docker.js";
import { buildImages } from "./engine.js";

/** SecuXFlow's own services. */
export const SERVICES = ["rule-api", "xdp-agent", "inspector", "alerting"] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Hosts on the protected network: the service, and two that use it. */
export type HostName = "service" | "client" | "other";
type ContainerName = ServiceName | HostName | "nats";

export const SHOP_PORT = 8080;
const API_PORT = 7400;
const LABEL = "secuxflow.test";
// Generous: a busy machine starts four Node processes and ClickHouse in this time.
const START_MS = 180_000;
const STOP_SECONDS = 20;

const READY = (): WaitStrategy => Wait.forLogMessage('"event":"ready"').withStartupTimeout(START_MS);
const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(Number(process.argv[2])) })
  .then(async (reply) => ({ status: reply.status, text: await reply.text() }))
  .catch((error) => ({ failed: error.name === "TimeoutError" ? "timeout" : String(error.cause?.code ?? error) }))
  .then((result) => { console.log(JSON.stringify(result)); process.exit(); })`; // at once: the socket lives on after a timeout

/** What a host got for its request: an answer, or why there was none. */
export type Fetched = { readonly status: number; readonly text: string } | { readonly failed: string };

/**
 * The whole system in containers, as it is deployed: NATS and the four services on a network of their own; a web service
 * and two clients on another. The agent filters the web service's own interface, in that container's network namespace.
 * Of all this only the rule API is published, on loopback.
 */
export class ContainerSystem {
  readonly id = `sxf-${process.pid}-${randomBytes(3).toString("hex")}`;
  readonly label = `${LABEL}=${this.id}`;
  /** Network of NATS and the services. */
  readonly control = `${this.id}-control`;
  readonly #token = randomBytes(24).toString("base64url");
  readonly #traffic = `${this.id}-traffic`;
  /** A bpf file system that lives as long as the agent's container: pins cannot outlive the test. */
  readonly #bpffs = `${this.id}-bpffs`;
  readonly #containers = new Map<ContainerName, StartedTestContainer>();
  /** Kept here: testcontainers removes a container that does not get ready, with its log. */
  readonly #logs = new Map<ContainerName, LogTail>();

  /** Builds what is out of date, starts everything and waits until traffic is filtered and inspected. */
  static async start(): Promise<ContainerSystem> {
    await buildImages("nats", ...SERVICES, "cli");
    const system = new ContainerSystem();
    try {
      await system.#start();
    } catch (error) {
      await system.stop();
      throw new Error(`${(error as Error).message}\n${system.logs()}`, { cause: error });
    }
    return system;
  }

  container(name: ContainerName): StartedTestContainer {
    const container = this.#containers.get(name);
    if (container === undefined) throw new Error(`the container ${name} is not running`);
    return container;
  }

  /** IPv4 address of a host on the protected network. */
  address(host: HostName): string {
    return this.container(host).getIpAddress(this.#traffic);
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.container("rule-api").getMappedPort(API_PORT)}`;
  }

  /** Calls the REST API with the token. Throws unless the answer is a success. */
  async api<T>(path: string, method: "GET" | "POST" | "DELETE" = "GET", body?: object): Promise<T> {
    const headers = { authorization: `Bearer ${this.#token}`, ...(body && { "content-type": "application/json" }) };
    const response = await fetch(this.apiUrl + path, {
      method, headers, signal: AbortSignal.timeout(30_000), ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Runs one command of the CLI's image on the services' network. */
  cli(...args: readonly string[]): Promise<CommandResult> {
    const env = { SECUXFLOW_API: `http://${this.id}-rule-api:${API_PORT}`, SECUXFLOW_API_TOKEN: this.#token };
    // Only the variables' names stand in the command line: it can be seen by all.
    const names = Object.keys(env).flatMap((name) => ["--env", name]);
    const run = ["run", "--rm", "--label", this.label, "--network", this.control, ...names, "secuxflow/cli:local"];
    return tryDocker([...run, ...args], env);
  }

  /** One HTTP request to the web service from a host of the protected network. */
  async fetch(from: HostName, path = "/search?q=lamp", timeoutMs = 20_000): Promise<Fetched> {
    const url = `http://${this.address("service")}:${SHOP_PORT}${path}`;
    const { output, exitCode } = await this.container(from).exec(["node", "--eval", FETCH, url, String(timeoutMs)]);
    if (exitCode !== 0) throw new Error(`the request from ${from} could not be made: ${output}`);
    return JSON.parse(output) as Fetched;
  }

  /** Waits until the agent filters and one inspector runs its modules on all partitions. */
  async settled(): Promise<void> {
    await waitFor(async () => {
      const { agents, inspectors, alerting } = await this.api<SystemStatus>(routes.status);
      const filters = agents.some(({ live, interfaces }) => live && interfaces.some(({ mode }) => mode !== "detached"));
      const inspects = inspectors.some(({ live, partitions, modules }) =>
        live && partitions.length === 64 && modules.length > 0 && modules.every(({ state }) => state === "running"));
      return filters && inspects && alerting !== undefined;
    }, { what: "the agent to filter and the inspector to inspect", deadlineMs: START_MS, intervalMs: 200 });
  }

  /** Stops the services as Docker does, by SIGTERM, and answers their exit codes. */
  async stopServices(): Promise<Record<string, number>> {
    const ids = SERVICES.map((name) => this.container(name).getId());
    await docker("stop", "-t", String(STOP_SECONDS), ...ids);
    const codes = (await docker("inspect", "--format", "{{.State.ExitCode}}", ...ids)).split("\n").map(Number);
    return Object.fromEntries(SERVICES.map((name, index) => [name, codes[index] ?? -1]));
  }

  /** Removes every container, network and volume, also after a start that failed halfway. May be called again. */
  async stop(): Promise<void> {
    const containers = await labelled("container", this.label);
    if (containers.length > 0) await docker("rm", "--force", "--volumes", ...containers);
    for (const kind of ["network", "volume"] as const) {
      const names = await labelled(kind, this.label);
      if (names.length > 0) await docker(kind, "rm", ...names);
    }
    this.#containers.clear();
  }

  /** The last lines of every container, for the message of a failure. */
  logs(): string {
    return [...this.#logs].map(([name, log]) => `--- ${name}\n${String(log)}`).join("\n");
  }

  async #start(): Promise<void> {
    const network = ["network", "create", "--label", this.label];
    await docker(...network, "--opt", "com.docker.network.bridge.host_binding_ipv4=127.0.0.1", this.control);
    await docker(...network, "--internal", this.#traffic);
    await docker("volume", "create", "--label", this.label, "--opt", "type=bpf", "--opt", "device=bpf", this.#bpffs);
    await all([this.#startHosts().then(() => this.#startAgent()), this.#startServices()]);
    await this.settled();
  }

  async #startHosts(): Promise<void> {
    const host = (name: HostName) => this.#container(name, "secuxflow/base-node:local", this.#traffic).withUser("65532:65532");
    const program = join(repoRoot(import.meta.url), "lab/dist/service/shop.js");
    const shop = host("service")
      .withCopyFilesToContainer([{ source: program, target: "/shop.mjs", mode: 0o444 }])
      .withCommand(["node", "/shop.mjs", "0.0.0.0", String(SHOP_PORT)])
      .withWaitStrategy(Wait.forLogMessage("shop listens").withStartupTimeout(START_MS));
    const idle = (name: HostName) =>
      host(name).withCommand(["sh", "-c", "echo idle; exec sleep 2147483647"]).withWaitStrategy(Wait.forLogMessage("idle"));
    await all([this.#run("service", shop), this.#run("client", idle("client")), this.#run("other", idle("other"))]);
  }

  async #startServices(): Promise<void> {
    const nats = this.#container("nats", "secuxflow/nats:local").withWaitStrategy(Wait.forLogMessage("Server is ready"));
    const api = this.#service("rule-api")
      .withExposedPorts(API_PORT)
      .withEnvironment({ SECUXFLOW_API_ALLOWED_HOSTS: `${this.id}-rule-api`, SECUXFLOW_API_TOKEN_FILE: "/run/secrets/api-token" })
      .withCopyContentToContainer([{ content: `${this.#token}\n`, target: "/run/secrets/api-token", mode: 0o444 }]);
    await all([
      this.#run("nats", nats), this.#run("rule-api", api),
      this.#run("inspector", this.#service("inspector")), this.#run("alerting", this.#service("alerting")),
    ]);
  }

  /** The agent reaches the interface of another container by the path of its network namespace, which Docker keeps. */
  async #startAgent(): Promise<void> {
    const sandbox = await docker("inspect", "--format", "{{.NetworkSettings.SandboxKey}}", this.container("service").getId());
    const interfaces = JSON.stringify([{ name: "eth0", netns: "/run/netns/service" }]);
    const agent = this.#service("xdp-agent")
      .withEnvironment({ SECUXFLOW_AGENT_ID: "agent-1", SECUXFLOW_INTERFACES: interfaces })
      // SYS_ADMIN is what entering another network namespace takes; it includes BPF and PERFMON, unknown to older engines.
      .withAddedCapabilities("NET_ADMIN", "SYS_ADMIN")
      .withBindMounts([
        { source: sandbox, target: "/run/netns/service", mode: "ro" },
        { source: this.#bpffs, target: "/sys/fs/bpf", mode: "rw" },
      ]);
    await this.#run("xdp-agent", agent);
  }

  #service(name: ServiceName): GenericContainer {
    return this.#container(name, `secuxflow/${name}:local`)
      .withEnvironment({ SECUXFLOW_NATS_URLS: `nats://${this.id}-nats:4222` })
      .withWaitStrategy(READY());
  }

  #container(name: ContainerName, image: string, network = this.control): GenericContainer {
    return new GenericContainer(image)
      .withName(`${this.id}-${name}`)
      .withLabels({ [LABEL]: this.id })
      .withNetworkMode(network)
      .withDroppedCapabilities("ALL")
      .withSecurityOpt("no-new-privileges:true");
  }

  async #run(name: ContainerName, container: GenericContainer): Promise<void> {
    const log = new LogTail(30);
    this.#logs.set(name, log);
    const started = container.withLogConsumer((stream) => stream.on("data", (part: Buffer | string) => log.add(String(part))));
    this.#containers.set(name, await started.start());
  }
}

/** Waits for all, and only then throws the first error: nothing may start any more while the rest is taken away. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === "rejected") throw result.reason;
}
