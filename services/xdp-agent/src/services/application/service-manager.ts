import { formatAddress, parseAddress, type BackendStatus, type PolicyState, type Service, type ServiceStatus } from "@secuxflow/contracts";
import type { ServiceSpace } from "../../defence/application/defence.js";
import type { Endpoint, Unreached } from "../domain/endpoints.js";
import { serviceInterfaces, type FilteredInterface } from "../domain/interfaces.js";
import { macBytes, type Link } from "../domain/links.js";
import { backendName, planServices, type BackendFacts, type ServicePlan } from "../domain/plan.js";
import { SERVICE_COUNT } from "../domain/layout.js";
import { Discovery, type DiscoverySources } from "./discovery.js";
import { HealthChecks, type Checked, type Probe } from "./health-checks.js";
import type { ServicePlane } from "./service-plane.js";

/** Prepares containers' veths; see ContainerPorts. */
export interface PortPreparer {
  ensure(endpoint: Endpoint): Promise<string | undefined>;
  keepOnly(endpoints: readonly Endpoint[]): Promise<void>;
}

export interface ServiceManagerOptions {
  readonly plane: ServicePlane;
  readonly sources: DiscoverySources;
  readonly ports: PortPreparer;
  readonly probe: Probe;
  /** Interfaces in the services' network namespace where the filter runs now. */
  readonly filtered: () => readonly FilteredInterface[];
  /** Bytes of a copy for modules that inspect a service. */
  readonly snaplen: number;
  /** Between two looks at the interfaces. */
  readonly intervalMs: number;
  /** Told of every change of what is wrong; key is a service or `service backend`. */
  readonly onProblem: (key: string, problem: string | undefined) => void;
  /** Told where services' own addresses live, whenever that may have changed: their sockets are there. */
  readonly onSpaces: (spaces: readonly ServiceSpace[]) => void;
  /** CLOCK_MONOTONIC (ns) to wall clock: what has to be added. */
  readonly wallMinusMonotonic: () => bigint;
}

/** Containers that cannot be found are looked for again after so many intervals. */
const RETRY = 5;

/** What was seen where there was nothing to look for. */
const NOTHING = "nothing";

/** Problems of the manager itself; all others are of services and backends. */
const TURNS: readonly string[] = ["services", "discovery"];

type Policy = Pick<PolicyState, "services" | "modules">;

/**
 * Brings together what the policy wants, what runs on this host and what is healthy, and keeps the kernel to it. Where
 * something is missing packets take the stack; that is a problem to be told, not a failure.
 */
export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  readonly #health: HealthChecks;
  #policy: Policy = { services: new Map(), modules: new Map() };
  #host: readonly Link[] = [];
  #endpoints: ReadonlyMap<string, Endpoint | Unreached> = new Map();
  /** Why the veth of an endpoint is not prepared. */
  #unprepared: ReadonlyMap<Endpoint, string> = new Map();
  readonly #problems = new Map<string, string>();
  #seen = "";
  #age = 0;
  #timer: NodeJS.Timeout | undefined;
  #started = false;
  #stopped = false;
  /** Looks take their time (other processes, Docker); writes do not wait for them. */
  #looks: Promise<void> = Promise.resolve();
  #writes: Promise<void> = Promise.resolve();

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
    this.#health = new HealthChecks(options.probe, () => void this.#write());
  }

  /** What is wrong, in words. */
  get problems(): readonly string[] {
    return [...this.#problems].map(([key, problem]) => `${key}: ${problem}`);
  }

  /** Index of each service in the kernel: a redirecting rule's target is one more. */
  get indices(): ReadonlyMap<string, number> {
    return this.#options.plane.indices;
  }

  /**
   * Puts the services of a policy in force with what is known so far, and starts looking for new ones' containers; before
   * `start` what an earlier run left stays as it is. Resolves when they have their indices: to be called before rules that
   * redirect to them are written.
   */
  async setPolicy(policy: Policy): Promise<void> {
    if (policy.services === this.#policy.services && policy.modules === this.#policy.modules) return;
    this.#policy = policy;
    this.#health.set(checks(policy.services.values()));
    if (!this.#started) {
      this.#options.plane.adopt(this.#plan().services);
      return;
    }
    await this.#write();
    this.#seen = "";
    void this.#look();
  }

  /** Starts looking at the interfaces; resolves after the first look. To be called when the filter is attached. */
  async start(): Promise<void> {
    this.#started = true;
    await this.#look();
    this.#schedule();
  }

  /** Stops looking and checking; what is in the kernel stays in force. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#health.stop();
    await this.#looks;
    await this.#writes;
  }

  /** Every service of the policy as it stands on this host. */
  status(): ServiceStatus[] {
    return Array.from(this.#policy.services.values(), (service) => this.#status(service));
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#look().finally(() => { if (!this.#stopped) this.#schedule(); }), this.#options.intervalMs);
    this.#timer.unref();
  }

  #look(): Promise<void> {
    this.#looks = this.#looks.then(() => this.#guard("discovery", () => this.#lookOnce()));
    return this.#looks;
  }

  #write(): Promise<void> {
    this.#writes = this.#writes.then(() => this.#guard("services", () => this.#writeOnce()));
    return this.#writes;
  }

  /** An error of one turn is told and does not stop the next. */
  async #guard(what: string, work: () => Promise<void>): Promise<void> {
    if (this.#stopped) return;
    try {
      await work();
      this.#tell(what, undefined);
    } catch (error) {
      this.#tell(what, (error as Error).message);
    }
  }

  /** Looks at the host's interfaces; where they changed, at the containers. */
  async #lookOnce(): Promise<void> {
    const { sources, ports, filtered } = this.#options;
    if (this.#policy.services.size === 0 && this.#endpoints.size === 0) {
      if (this.#seen === NOTHING) return;
      // Nothing to look for: without services no tool has to be there. What an earlier run left is taken away.
      this.#seen = NOTHING;
      await this.#write();
      await ports.keepOnly([]);
      return;
    }
    this.#host = await sources.links.links();
    const seen = JSON.stringify([this.#host, filtered()]);
    const missing = [...this.#endpoints.values()].some((one) => "problem" in one);
    this.#age++;
    if (seen === this.#seen && !((missing || this.#unprepared.size > 0) && this.#age >= RETRY)) return;
    this.#seen = seen;
    this.#age = 0;
    await this.#discover();
    await this.#write();
    // Only now does no packet take a veth that is let go.
    await ports.keepOnly(this.#reached());
  }

  async #discover(): Promise<void> {
    const discovery = new Discovery(this.#options.sources, this.#host);
    const found = new Map<string, Endpoint | Unreached>();
    const unprepared = new Map<Endpoint, string>();
    const prepared = new Map<string, string | undefined>();
    for (const service of this.#policy.services.values()) {
      for (const [address, endpoint] of await discovery.endpoints(service)) {
        found.set(`${service.name} ${address}`, endpoint);
        if ("problem" in endpoint) continue;
        const place = `${endpoint.netns} ${endpoint.inner.ifindex}`;
        if (!prepared.has(place)) prepared.set(place, await this.#options.ports.ensure(endpoint));
        const problem = prepared.get(place);
        if (problem !== undefined) unprepared.set(endpoint, problem);
      }
    }
    this.#endpoints = found;
    this.#unprepared = unprepared;
  }

  #reached(): Endpoint[] {
    return [...this.#endpoints.values()].filter((one): one is Endpoint => !("problem" in one));
  }

  #endpoint(service: Service, address: string): Endpoint | Unreached {
    return this.#endpoints.get(`${service.name} ${formatAddress(parseAddress(address))}`) ?? { problem: "not looked for yet" };
  }

  /** Why packets of a backend take the stack. */
  #obstacle(service: Service, address: string): string | undefined {
    const endpoint = this.#endpoint(service, address);
    return "problem" in endpoint ? endpoint.problem : this.#unprepared.get(endpoint);
  }

  #facts(service: Service, backend: Service["backends"][number]): BackendFacts {
    const endpoint = this.#endpoint(service, backend.address);
    const healthy = this.#health.isUp(`${service.name} ${backendName(service, backend)}`);
    if ("problem" in endpoint || this.#unprepared.has(endpoint)) return { answersSeen: false, healthy };
    const dmac = macBytes(endpoint.inner.mac), smac = macBytes(endpoint.router.mac);
    if (!dmac || !smac) return { answersSeen: true, healthy };
    const mtu = Math.min(endpoint.inner.mtu, endpoint.port.mtu);
    return { answersSeen: true, healthy, hop: { ifindex: endpoint.port.ifindex, mtu, dmac, smac } };
  }

  #plan(): ServicePlan {
    return planServices({
      services: this.#policy.services.values(), snaplen: this.#options.snaplen,
      facts: (service, backend) => this.#facts(service, backend),
      moduleBit: (module) => this.#policy.modules.get(module)?.bit,
    });
  }

  async #writeOnce(): Promise<void> {
    const { plane, filtered } = this.#options;
    const plan = this.#plan();
    const { ports, exits } = serviceInterfaces(this.#host, filtered(), this.#reached());
    plane.applyInterfaces(ports, exits);
    const problems = new Map([...plan.problems, ...(await plane.apply(plan.services))]);
    this.#options.onSpaces(this.#spaces());
    for (const service of this.#policy.services.values()) {
      for (const backend of service.backends) {
        const key = `${service.name} ${backendName(service, backend)}`;
        const obstacle = this.#obstacle(service, backend.address);
        if (!this.#health.isUp(key)) problems.set(key, "does not accept connections: gets no new ones");
        else if (obstacle !== undefined) problems.set(key, [problems.get(key), obstacle].filter(Boolean).join("; "));
      }
    }
    for (const key of [...this.#problems.keys()]) if (!TURNS.includes(key) && !problems.has(key)) this.#tell(key, undefined);
    for (const [key, problem] of problems) this.#tell(key, problem);
  }

  /** A translated service has no socket under its own address: what the kernel says of sockets does not hold for it. */
  #spaces(): ServiceSpace[] {
    const canonical = (address: string): string => formatAddress(parseAddress(address));
    return Array.from(this.#policy.services.values()).flatMap((service) => {
      const own = canonical(service.address);
      if (!service.backends.every(({ address, port }) => canonical(address) === own && (port ?? service.port) === service.port)) return [];
      const endpoint = this.#endpoint(service, own);
      return "problem" in endpoint ? [] : [{ address: own, nsid: endpoint.port.peerNsid }];
    });
  }

  #tell(key: string, problem: string | undefined): void {
    if (this.#problems.get(key) === problem) return;
    if (problem === undefined) this.#problems.delete(key);
    else this.#problems.set(key, problem);
    this.#options.onProblem(key, problem);
  }

  #status(service: Service): ServiceStatus {
    const backends = service.backends.map((backend): BackendStatus => {
      const key = `${service.name} ${backendName(service, backend)}`;
      const endpoint = this.#endpoint(service, backend.address);
      const redirected = this.#obstacle(service, backend.address) === undefined;
      const problem = this.#problems.get(key);
      return {
        address: backend.address, ...(backend.port === undefined ? {} : { port: backend.port }), healthy: this.#health.isUp(key), path: redirected ? "redirect" : "stack",
        ...("problem" in endpoint ? {} : { iface: endpoint.port.name }), ...(problem === undefined ? {} : { problem }),
      };
    });
    const counts = this.#options.plane.counts(service.name);
    const of = (what: number): { packets: number; bytes: number } => ({ packets: counts?.[what]?.packets ?? 0, bytes: counts?.[what]?.bytes ?? 0 });
    const lastNs = (counts ?? []).reduce((last, one) => (one.lastNs > last ? one.lastNs : last), 0n);
    const up = backends.some(({ healthy }) => healthy) && !this.#problems.has(service.name);
    const perfect = backends.every(({ healthy, path, problem }) => healthy && path === "redirect" && problem === undefined);
    return {
      name: service.name, state: up ? (perfect ? "ok" : "degraded") : "down", backends,
      redirected: of(SERVICE_COUNT.redirected), stack: of(SERVICE_COUNT.stack), returned: of(SERVICE_COUNT.returned), flows: of(SERVICE_COUNT.flows).packets,
      ...(lastNs === 0n ? {} : { lastHit: new Date(Number((lastNs + this.#options.wallMinusMonotonic()) / 1_000_000n)).toISOString() }),
    };
  }
}

function checks(services: Iterable<Service>): Checked[] {
  return Array.from(services).flatMap((service) => service.backends.flatMap((backend): Checked[] => {
    const port = backend.port ?? service.port;
    if (service.health?.kind !== "tcp" || port === undefined) return [];
    return [{ key: `${service.name} ${backendName(service, backend)}`, address: backend.address, port, check: service.health }];
  }));
}
