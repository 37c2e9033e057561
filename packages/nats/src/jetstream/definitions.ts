import { BUCKETS, STREAMS, subjects } from "@secuxflow/contracts";
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const MIB = 1024 * 1024;

/** A server-side stream as this build wants it. */
export interface StreamDefinition {
  readonly config: Partial<StreamConfig> & { readonly name: string };
  /** Fields an operator may change on the server: they are set when the stream is made and not compared afterwards. */
  readonly tunable: readonly (keyof StreamConfig)[];
}

/** Status entries of agents and inspectors that are gone are kept this long. */
export const STATUS_TTL_MS = DAY;

/** The stream behind a KV bucket (NATS ADR-8). */
export const bucketStream = (bucket: string): string => `KV_${bucket}`;

/** The subject of a key in a bucket. */
export const keySubject = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;

const common = {
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  max_consumers: -1,
  max_msgs: -1,
  max_msg_size: -1,
  duplicate_window: nanos(2 * MINUTE),
  // Rollups and filtered purges lose other subjects' messages in nats-server 2.9: the server is told to refuse them.
  allow_rollup_hdrs: false,
  deny_purge: true,
  no_ack: false,
  sealed: false,
} as const;

const log = (name: string, subject: string, description: string, limits: { days: number; bytes: number }): StreamDefinition => ({
  config: {
    ...common,
    name,
    description,
    subjects: [subject],
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: -1,
    max_age: nanos(limits.days * DAY),
    max_bytes: limits.bytes,
    deny_delete: true,
    allow_direct: true,
  },
  tunable: ["description", "max_age", "max_bytes"],
});

const bucket = (name: string, description: string, ttlMs: number, allowDelete: boolean): StreamDefinition => ({
  config: {
    ...common,
    name: bucketStream(name),
    description,
    subjects: [keySubject(name, ">")],
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    max_age: nanos(ttlMs),
    max_bytes: 64 * MIB,
    max_msg_size: MIB,
    deny_delete: !allowDelete,
    allow_direct: true,
  },
  tunable: ["description", "max_bytes"],
});

/** Every stream and bucket that SecuXFlow uses. */
export const DEFINITIONS: readonly StreamDefinition[] = [
  {
    config: {
      ...common,
      name: STREAMS.policy,
      description: "Policy events: the truth about rules, never deleted",
      subjects: [subjects.allPolicyEvents],
      discard: DiscardPolicy.New,
      max_msgs_per_subject: -1,
      max_age: 0,
      max_bytes: -1,
      deny_delete: true,
      // Asked only to see that the stream is there; messages are read from the leader (policy/jetstream-event-store.ts).
      allow_direct: true,
    },
    tunable: ["description"],
  },
  {
    config: {
      ...common,
      name: STREAMS.policyBodies,
      description: "Large bodies of policy messages: never deleted while a message names them",
      subjects: [subjects.allPolicyBodies],
      discard: DiscardPolicy.New,
      max_msgs_per_subject: -1,
      max_age: 0,
      max_bytes: -1,
      // Bodies of appends that came to nothing are deleted, part by part.
      deny_delete: false,
      allow_direct: true,
    },
    tunable: ["description"],
  },
  log(STREAMS.detections, subjects.allDetections, "Detections, until they are stored and for a while after", {
    days: 7,
    bytes: 1024 * MIB,
  }),
  log(STREAMS.flows, subjects.allFlows, "Summaries of inspected flows", { days: 7, bytes: 1024 * MIB }),
  bucket(BUCKETS.agents, "Status of the agents", STATUS_TTL_MS, false),
  bucket(BUCKETS.inspectors, "Status of the inspectors", STATUS_TTL_MS, false),
  // Leases stand until somebody takes them over: no age limit. Keys of dead members are deleted one by one.
  bucket(BUCKETS.leases, "Members and partition leases of inspector pools", 0, true),
];
