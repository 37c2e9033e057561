import { z } from "zod";
import { POLICY_LIMITS } from "./limits.js";
import { Comment, familyOf, HostText, InterfaceName, Label, Name, Port } from "./text.js";

const Transport = z.enum(["tcp", "udp"], { error: "a service is tcp or udp" });
const ServicePort = Port.min(1, "a service's port is at least 1");
const Container = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, "a container is named by its name or id as docker ps shows it");
const Netns = z.string().regex(/^[\w./:-]{1,255}$/, "a network namespace is a name (as in ip netns list) or a path");
const Milliseconds = z.number().int().min(100, "it is at least 100ms").max(600_000, "it is at most 10m");
const Times = z.number().int().min(1, "it is at least 1").max(100, "it is at most 100");

/** One of the places where a service runs. */
export const Backend = z.strictObject({
  address: HostText,
  /** Absent means the service's port. */
  port: ServicePort.optional(),
  /** Its share of new flows, relative to the others. */
  weight: z.number().int().min(0, "a weight is at least 0").max(100, "a weight is at most 100").default(1),
});
export type Backend = z.output<typeof Backend>;

/** How the agent finds out whether a backend is there. `tcp`: it accepts a connection. */
export const HealthCheck = z.strictObject({
  kind: z.enum(["tcp", "none"], { error: "a health check is tcp or none" }),
  intervalMs: Milliseconds.default(2_000),
  timeoutMs: Milliseconds.default(1_000),
  /** So many successes in a row make it healthy. */
  rise: Times.default(2),
  /** So many failures in a row make it unhealthy. */
  fall: Times.default(3),
});
export type HealthCheck = z.output<typeof HealthCheck>;

const serviceInput = {
  name: Name,
  /** The address that clients use, IPv4 or IPv6. */
  address: HostText,
  /** Absent means all ports. */
  port: ServicePort.optional(),
  proto: Transport.optional(),
  /** Absent means the address itself. */
  backends: z.array(Backend).min(1, "a service has at least one backend: leave backends out for the address itself")
    .max(POLICY_LIMITS.backends, `a service has at most ${POLICY_LIMITS.backends} backends`).optional(),
  container: Container.optional(),
  netns: Netns.optional(),
  iface: InterfaceName.optional(),
  /** Modules that see both directions of its traffic. */
  inspect: z.array(Name).max(POLICY_LIMITS.inspect, `at most ${POLICY_LIMITS.inspect} modules inspect one service`)
    .overwrite((names) => [...new Set(names)]).optional(),
  health: HealthCheck.optional(),
  comment: Comment.optional(),
  owner: Label.optional(),
};

const PLACES = ["container", "netns", "iface"] as const;
type Refuse = (path: (string | number)[], message: string) => void;

const checkBackends = (service: { address: string; port?: number | undefined; backends?: readonly Backend[] | undefined }, refuse: Refuse): void => {
  const seen = new Set<string>();
  for (const [index, backend] of (service.backends ?? []).entries()) {
    const at = `${backend.address} ${backend.port ?? ""}`;
    if (seen.has(at)) {
      refuse(["backends", index], `backend ${at.trim()} is named twice: leave one out, give the other more weight`);
    }
    seen.add(at);
    if (familyOf(backend.address) !== familyOf(service.address)) {
      refuse(["backends", index, "address"], `backend ${backend.address} is not of the IP family of ${service.address}: packets are not translated between families`);
    }
    if (backend.port !== undefined && service.port === undefined) {
      refuse(["backends", index, "port"], "a backend's port needs a port of the service: add port and proto, or leave it out");
    }
  }
  if (service.backends && !service.backends.some(({ weight }) => weight > 0)) {
    refuse(["backends"], "every weight is 0, so no backend would get a flow: give one a weight");
  }
};

/** What an administrator asks for with `service add`. */
export const ServiceSpec = z.strictObject(serviceInput).superRefine((service, context) => {
  const refuse: Refuse = (path, message) => {
    context.addIssue({ code: "custom", path, message });
  };
  if (service.port !== undefined && service.proto === undefined) {
    refuse(["proto"], "a port needs a protocol: add proto tcp or udp");
  }
  const places = PLACES.filter((place) => service[place] !== undefined);
  const second = places[1];
  if (second !== undefined) refuse([second], `${places.join(" and ")} both say where the service runs: name one of them`);
  checkBackends(service, refuse);
  if (service.health?.kind === "tcp") {
    if (service.port === undefined) {
      refuse(["health"], "a tcp health check needs a port to connect to: add port, or use health none");
    }
    else if (service.proto === "udp") refuse(["health"], "a udp service accepts no TCP connection: use health none");
    if (service.health.timeoutMs > service.health.intervalMs) {
      refuse(["health", "timeoutMs"], "the timeout is longer than the interval: make it shorter");
    }
  }
});
export type ServiceSpec = z.output<typeof ServiceSpec>;
export type ServiceSpecInput = z.input<typeof ServiceSpec>;

const StoredBackend = z.strictObject({ address: z.string(), port: z.number().int().optional(), weight: z.number().int() });

/** A service as it stands in the policy. */
export const Service = z.strictObject({
  name: z.string(), address: z.string(), port: z.number().int().optional(), proto: z.enum(["tcp", "udp"]).optional(),
  /** Never empty: the address itself where none was named. */
  backends: z.array(StoredBackend).min(1).max(POLICY_LIMITS.backends),
  container: z.string().optional(), netns: z.string().optional(), iface: z.string().optional(),
  inspect: z.array(z.string()).optional(),
  health: z.strictObject({ kind: z.enum(["tcp", "none"]), intervalMs: z.number().int(), timeoutMs: z.number().int(), rise: z.number().int(), fall: z.number().int() }).optional(),
  comment: z.string().optional(), owner: z.string().optional(),
  createdAt: z.string(),
});
export type Service = z.infer<typeof Service>;

/** The service that a spec asks for. `createdAt` is ISO 8601 in UTC. */
export const serviceFrom = (spec: ServiceSpec, createdAt: string): Service =>
  ({ ...spec, backends: spec.backends ?? [{ address: spec.address, weight: 1 }], createdAt });
