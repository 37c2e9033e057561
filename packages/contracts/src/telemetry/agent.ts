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
  capacity: z.object({ rules: z.number().int(), forwards: z.number().int() }),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

const PacketsAndBytes = z.object({ packets: Count, bytes: Count });

/** Counters of one agent since its maps were made (they survive restarts of the agent). Published once a second. */
export const AgentStats = z.object({
  agentId: z.string(),
  at: z.string(),
  verdicts: z.object({ pass: PacketsAndBytes, drop: PacketsAndBytes }),
  /** Packets that the parser could not read to the end (they pass, or match address rules only). */
  unparsed: Count,
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
