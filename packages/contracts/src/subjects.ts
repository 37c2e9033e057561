/**
 * Every NATS name that two parts of SecuXFlow meet on: subjects, streams, buckets, RPC operations.
 * A name that is not in this file must not be used on the wire.
 */

/** First tokens of every subject; a change of meaning takes a new version. */
export const SUBJECT_ROOT = "secuxflow.v1";

/** The policy that is used where none is named. */
export const DEFAULT_POLICY = "default";

/** The inspector pool that is used where none is named. */
export const DEFAULT_POOL = "default";

/** Number of partitions that flows are hashed into; fixed for the life of a pool. */
export const FRAME_PARTITIONS = 64;

export const STREAMS = {
  /** Policy events: kept for ever, never deleted or purged. */
  policy: "SECUXFLOW_POLICY",
  /** Bodies of policy messages that are too large for one NATS message, in parts; kept as long as their message. */
  policyBodies: "SECUXFLOW_POLICY_BODIES",
  /** Detections: kept until stored in ClickHouse, and for a while after. */
  detections: "SECUXFLOW_DETECTIONS",
  /** Summaries of the flows that inspection has seen (the history behind a blast radius). */
  flows: "SECUXFLOW_FLOWS",
} as const;

export const BUCKETS = {
  /** `AgentStatus` by agent id. */
  agents: "secuxflow_agents",
  /** `InspectorStatus` by inspector id. */
  inspectors: "secuxflow_inspectors",
  /** Partition leases of the inspector pools: key `<pool>.<partition>`. */
  leases: "secuxflow_leases",
} as const;

/** A name that may stand as one subject token or KV key part. */
export const TOKEN_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

const token = (what: string, value: string): string => {
  if (!TOKEN_PATTERN.test(value)) {
    throw new RangeError(`${what} ${JSON.stringify(value)} cannot be part of a NATS subject: use 1 to 64 of A-Z a-z 0-9 _ -`);
  }
  return value;
};

export const subjects = {
  /** All events of one policy, in order. */
  policyEvents: (policy: string) => `${SUBJECT_ROOT}.policy.${token("policy", policy)}.event`,
  /** What the policy stream captures. */
  allPolicyEvents: `${SUBJECT_ROOT}.policy.*.event`,
  /** The parts of one large body, in order. */
  policyBody: (policy: string, id: string) => `${SUBJECT_ROOT}.policy.${token("policy", policy)}.body.${token("body", id)}`,
  /** All large bodies of one policy. */
  policyBodies: (policy: string) => `${SUBJECT_ROOT}.policy.${token("policy", policy)}.body.*`,
  /** What the stream of bodies captures. */
  allPolicyBodies: `${SUBJECT_ROOT}.policy.*.body.*`,
  /** Frames (batches of sampled packets, binary) of one partition of one pool; core NATS, at most once. */
  frames: (pool: string, partition: number) => `${SUBJECT_ROOT}.frames.${token("pool", pool)}.${partition}`,
  /** Detections of one module (JSON), JetStream. */
  detections: (module: string) => `${SUBJECT_ROOT}.detection.${token("module", module)}`,
  allDetections: `${SUBJECT_ROOT}.detection.*`,
  /** Flow summaries of one inspector (JSON array), JetStream. */
  flows: (inspector: string) => `${SUBJECT_ROOT}.flow.${token("inspector", inspector)}`,
  allFlows: `${SUBJECT_ROOT}.flow.*`,
  /** Counters of one agent, once a second; core NATS. */
  agentStats: (agent: string) => `${SUBJECT_ROOT}.stats.agent.${token("agent", agent)}`,
  allAgentStats: `${SUBJECT_ROOT}.stats.agent.*`,
  /** Counters of one inspector, once a second; core NATS. */
  inspectorStats: (inspector: string) => `${SUBJECT_ROOT}.stats.inspector.${token("inspector", inspector)}`,
  /** How far inspectors of a pool have come in their partitions; core NATS, for those who take partitions over. */
  framePositions: (pool: string) => `${SUBJECT_ROOT}.positions.${token("pool", pool)}`,
  allInspectorStats: `${SUBJECT_ROOT}.stats.inspector.*`,
  /** Told after a detection is stored (an `Alert`, JSON); core NATS, for those who watch. */
  alertStored: `${SUBJECT_ROOT}.alert.stored`,
  /** Request/reply with the alerting service, see `alert/rpc.ts`. */
  alertingRpc: (operation: AlertingOperation) => `${SUBJECT_ROOT}.alerting.rpc.${operation}`,
} as const;

/** Operations that the alerting service answers. */
export const ALERTING_OPERATIONS = ["list", "show", "detections", "suggest", "triage", "status"] as const;
export type AlertingOperation = (typeof ALERTING_OPERATIONS)[number];
