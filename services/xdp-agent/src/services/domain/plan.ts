import { parseAddress, type Service } from "@secuxflow/contracts";
import { SERVICE_LIMITS } from "./layout.js";

/** How frames get to a container, as the kernel is told. */
export interface NextHop {
  readonly ifindex: number;
  /** Longest IP packet. */
  readonly mtu: number;
  readonly dmac: Uint8Array;
  readonly smac: Uint8Array;
}

/** What is known of a backend beside the policy. */
export interface BackendFacts {
  /** How it is reached without the stack; absent: the stack does it. */
  readonly hop?: NextHop | undefined;
  /** Whether the answers pass the program that translates them. */
  readonly answersSeen: boolean;
  readonly healthy: boolean;
}

export interface PlannedBackend {
  /** Names it in Maglev tables and counters: address and port. */
  readonly name: string;
  readonly address: Uint8Array;
  /** 0: the packet's own. */
  readonly port: number;
  readonly weight: number;
  /** Gets new connections. */
  readonly up: boolean;
  readonly hop?: NextHop | undefined;
}

export interface PlannedService {
  readonly name: string;
  readonly address: Uint8Array;
  /** 0: any. */
  readonly port: number;
  /** 0: any. */
  readonly proto: number;
  readonly translated: boolean;
  readonly backends: readonly PlannedBackend[];
  readonly modules: number;
  readonly snaplen: number;
}

export interface ServicePlan {
  readonly services: readonly PlannedService[];
  /** What keeps a service or a backend from being served, by `service` or `service backend`. */
  readonly problems: ReadonlyMap<string, string>;
}

export interface PlanInput {
  readonly services: Iterable<Service>;
  readonly facts: (service: Service, backend: Service["backends"][number]) => BackendFacts;
  /** Bit of a module in the mask of a copy; undefined where it is not registered. */
  readonly moduleBit: (module: string) => number | undefined;
  readonly snaplen: number;
}

const PROTO = { tcp: 6, udp: 17 } as const;

/** Identifies what clients talk to, and what answers: no two may be the same. */
const endName = (address: Uint8Array, port: number, proto: number): string => `${Buffer.from(address).toString("hex")} ${port} ${proto}`;

/** Names a backend of a service in status and problems. */
export const backendName = (service: Service, backend: Service["backends"][number]): string => {
  const port = backend.port ?? service.port;
  return port === undefined ? backend.address : `${backend.address.includes(":") ? `[${backend.address}]` : backend.address}:${port}`;
};

/**
 * What the kernel should hold for the services of a policy. Whatever cannot be is left out with a problem, the rest
 * stands: two services of one address and port, a backend that would answer for two services (an answer has to tell whose
 * it is), a translated backend whose answers would not be translated back.
 */
export function planServices({ services, facts, moduleBit, snaplen }: PlanInput): ServicePlan {
  const planned: PlannedService[] = [];
  const problems = new Map<string, string>();
  const owners = new Map<string, string>();
  const answering = new Map<string, string>();
  for (const service of services) {
    if (planned.length === SERVICE_LIMITS.services) {
      problems.set(service.name, `more than ${SERVICE_LIMITS.services} services: this one is not served`);
      continue;
    }
    const address = parseAddress(service.address);
    const port = service.port ?? 0;
    const proto = service.proto === undefined ? 0 : PROTO[service.proto];
    const own = endName(address, port, proto);
    const owner = owners.get(own);
    if (owner !== undefined) {
      problems.set(service.name, `service ${owner} has the same address and port: delete one of them`);
      continue;
    }
    owners.set(own, service.name);
    const backends: PlannedBackend[] = [];
    let translated = false;
    for (const backend of service.backends.slice(0, SERVICE_LIMITS.backends)) {
      const name = backendName(service, backend);
      const key = `${service.name} ${name}`;
      const bytes = parseAddress(backend.address);
      const differs = !Buffer.from(bytes).equals(Buffer.from(address)) || (backend.port ?? port) !== port;
      const { hop, answersSeen, healthy } = facts(service, backend);
      const answers = endName(bytes, backend.port ?? port, proto);
      const other = answering.get(answers);
      if (other !== undefined) {
        problems.set(key, `${name} is a backend of service ${other} already, and an answer from it can be one service's only: give it another port`);
        continue;
      }
      if (differs && !answersSeen) {
        problems.set(key, `${name} gets no packets: its answers do not pass this agent, which could not translate them back`);
        continue;
      }
      answering.set(answers, service.name);
      translated ||= differs;
      backends.push({ name, address: bytes, port: backend.port ?? port, weight: backend.weight, up: healthy && backend.weight > 0, hop });
    }
    let modules = 0;
    for (const module of service.inspect ?? []) {
      const bit = moduleBit(module);
      if (bit === undefined) problems.set(`${service.name} inspect ${module}`, `module ${module} is not registered: nothing is copied for it`);
      else modules |= 1 << bit;
    }
    planned.push({ name: service.name, address, port, proto, translated, backends, modules: modules >>> 0, snaplen });
  }
  return { services: planned, problems };
}
