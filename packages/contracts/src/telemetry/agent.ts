import { z } from "zod";

/** A count that only grows while its owner lives (packets, bytes); below 2^53. */
export const Count = z.number().int().nonnegative();

export const AgentInterface = z.object({
  name: z.string(),
  /** Path of the network namespace where it is not the agent's own. */
  netns: z.string().optional(),
  ifindex: z.number().int(),
  /** How XDP runs there; `detached` where it does not at the moment. */
  mode: z.enum(["native", "generic", "detached"]),
  programId: z.number().int().optional(),
});
export type AgentInterface = z.infer<typeof AgentInterface>;

const PacketsAndBytes = z.object({ packets: Count, bytes: Count });

/** A backend as one agent sees it. */
export const BackendStatus = z.object({
  address: z.string(),
  port: z.number().int().optional(),
  /** By its health check; true where there is none. */
  healthy: z.boolean(),
  /** How packets get there: straight to the container's interface, or (why is in `problem`) through the kernel's stack. */
  path: z.enum(["redirect", "stack"]),
  /** The interface that packets are redirected to. */
  iface: z.string().optional(),
  problem: z.string().optional(),
});
export type BackendStatus = z.infer<typeof BackendStatus>;

/** A service as one agent sees it. Counts since the agent's maps were made. */
export const ServiceStatus = z.object({
  name: z.string(),
  /** `down`: no healthy backend; `degraded`: some are not, or packets take the stack. */
  state: z.enum(["ok", "degraded", "down"]),
  backends: z.array(BackendStatus),
  /** Packets sent straight to a backend. */
  redirected: PacketsAndBytes,
  /** Packets that fell back to the kernel's stack (TTL, MTU, no neighbour, no route). */
  stack: PacketsAndBytes,
  /** Packets that came back from it. */
  returned: PacketsAndBytes,
  /** Flows that were given a backend. */
  flows: Count,
  lastHit: z.string().optional(),
});
export type ServiceStatus = z.infer<typeof ServiceStatus>;

/** What the first line of defence does at the moment. Counts since the agent's maps were made. */
export const ProtectionStatus = z.object({
  /** SYN cookies are being sent: `on`, or `auto` under attack. */
  synCookiesActive: z.boolean(),
  /** SYNs a second over the last second. */
  synRate: z.number().nonnegative(),
  syns: Count,
  cookiesSent: Count,
  /** ACKs whose cookie was right, and those whose was not (dropped). */
  cookiesValid: Count,
  cookiesInvalid: Count,
  /** Dropped because their source sent more than `perSource` allows. */
  overSourceLimit: PacketsAndBytes,
  /** Passed because their connection is established. */
  establishedPassed: PacketsAndBytes,
  /** Why a part of it cannot work here (a kernel without the helper). */
  problem: z.string().optional(),
});
export type ProtectionStatus = z.infer<typeof ProtectionStatus>;

/** The sources that sent most, by a sketch: counts are estimates from 1 of 64 packets. */
export const TopSources = z.object({
  /** Length of the window that the counts are of. */
  windowMs: z.number().int(),
  sources: z.array(z.object({ address: z.string(), packets: Count, bytes: Count })),
});
export type TopSources = z.infer<typeof TopSources>;

/** What an agent says of itself in the bucket `secuxflow_agents`: after every applied revision and once a second. */
export const AgentStatus = z.object({
  agentId: z.string(),
  policy: z.string(),
  host: z.string(),
  version: z.string(),
  pid: z.number().int(),
  startedAt: z.string(),
  at: z.string(),
  /** The revision that is in force in the kernel; 0 before the first. */
  revision: z.number().int().nonnegative(),
  /** `degraded` filters by its last good policy but cannot follow; `problems` say why. */
  state: z.enum(["ok", "degraded"]),
  problems: z.array(z.string()),
  interfaces: z.array(AgentInterface),
  rules: z.number().int(),
  forwards: z.number().int(),
  kernel: z.string(),
  /** What its maps hold at most. */
  capacity: z.object({
    rules: z.number().int(), forwards: z.number().int(),
    sets: z.number().int().optional(), setEntries: z.number().int().optional(), services: z.number().int().optional(),
  }),
  // Absent from agents that know nothing of it.
  sets: z.array(z.object({ name: z.string(), entries: z.number().int() })).optional(),
  services: z.array(ServiceStatus).optional(),
  protection: ProtectionStatus.optional(),
  top: TopSources.optional(),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

/** Rules whose counters one stats message carries at most: it has to fit a NATS message. */
export const STATS_RULES = 4_096;

/** Counters of one agent since its maps were made (they survive restarts of the agent). Published once a second. */
export const AgentStats = z.object({
  agentId: z.string(),
  at: z.string(),
  /** Each packet is in one of them, but for `cached`: packets whose verdict came from the flow cache. */
  verdicts: z.object({
    pass: PacketsAndBytes,
    drop: PacketsAndBytes,
    /** Dropped for being over the rate of a `limit` rule. */
    limited: PacketsAndBytes.optional(),
    rejected: PacketsAndBytes.optional(),
    redirected: PacketsAndBytes.optional(),
    cached: PacketsAndBytes.optional(),
  }),
  /** Packets that the parser could not read to the end (they pass, or match address rules only). */
  unparsed: Count,
  /**
   * With `partial`, only some: those whose counters changed since the message before, or whose turn it was. The others stand
   * as they were told last (never told: 0).
   */
  partial: z.boolean().optional(),
  rules: z.array(z.object({ id: z.number().int(), packets: Count, bytes: Count, lastHit: z.string().optional() })),
  forwards: z.array(z.object({ id: z.number().int(), packets: Count, bytes: Count, lastHit: z.string().optional() })),
  forwarded: z.object({
    /** Copies put into the ring buffer. */
    packets: Count,
    bytes: Count,
    /** Copies lost in the kernel because the ring buffer was full. */
    lostInRing: Count,
    /** Copies lost in the agent because NATS was away or its queue was full. */
    lostInAgent: Count,
    /** Frames (batches) and packets handed to NATS. */
    framesPublished: Count,
    packetsPublished: Count,
  }),
});
export type AgentStats = z.infer<typeof AgentStats>;
