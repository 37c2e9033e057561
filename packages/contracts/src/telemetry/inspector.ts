import { z } from "zod";
import { RuleLanguage } from "../modules/control.js";
import { FRAME_PARTITIONS } from "../subjects.js";
import { Count } from "./agent.js";

export const InspectorModule = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  title: z.string(),
  /**
   * `waiting` until the policy knows the module; `quarantined` after its last strike; `disabled` by an administrator; `refused`
   * when what should run here was not taken (see `problem`) and nothing of it runs.
   */
  state: z.enum(["waiting", "running", "quarantined", "disabled", "refused"]),
  strikes: z.number().int(),
  ruleLanguage: RuleLanguage.optional(),
  /** The rules in force: `sha256:` and their digest, how many; absent for a module without rules. */
  rules: z.object({ digest: z.string(), count: z.number().int(), builtin: z.boolean() }).optional(),
  /** A version or rule set that takes a part of the flows here, or should. */
  canary: z.object({
    version: z.string(), digest: z.string(), rules: z.string().optional(), share: z.number(),
    state: z.enum(["loading", "running", "failed"]), problem: z.string().optional(),
  }).optional(),
  /** Flows since the module's start, where it counts them: read, encrypted on the wire (nobody looked inside), of other protocols. */
  flows: z.object({ read: Count, encrypted: Count, other: Count }).optional(),
  /** The old version still has flows. */
  draining: z.boolean().optional(),
  /** Why what the policy wants does not run here, with the choice that was refused. */
  refused: z.object({ version: z.string().optional(), rules: z.string().optional(), problem: z.string() }).optional(),
});
export type InspectorModule = z.infer<typeof InspectorModule>;

/** What an inspector says of itself in the bucket `secuxflow_inspectors`: on change and once a second. */
export const InspectorStatus = z.object({
  inspectorId: z.string(),
  pool: z.string(),
  host: z.string(),
  version: z.string(),
  pid: z.number().int(),
  startedAt: z.string(),
  at: z.string(),
  state: z.enum(["ok", "degraded"]),
  problems: z.array(z.string()),
  partitions: z.array(z.number().int()),
  /** Revision of the policy whose modules are in force here. */
  revision: z.number().int().optional(),
  modules: z.array(InspectorModule),
});
export type InspectorStatus = z.infer<typeof InspectorStatus>;

/**
 * How far an inspector has come in its partitions: several times a second, and at once for a partition that it gives up in order
 * (`released`). Whoever takes a partition over from one that died counts from there what was lost.
 */
export const FramePositions = z.object({
  inspectorId: z.string().max(128),
  released: z.boolean(),
  positions: z.array(z.object({
    partition: z.number().int().min(0).max(FRAME_PARTITIONS - 1),
    publisher: z.string().regex(/^[0-9a-f]{1,16}$/),
    next: z.string().regex(/^\d{1,20}$/),
  })).max(4_096),
});
export type FramePositions = z.infer<typeof FramePositions>;

/** Counters of one inspector since it started. Published once a second. */
export const InspectorStats = z.object({
  inspectorId: z.string(),
  at: z.string(),
  frames: Count,
  packets: Count,
  bytes: Count,
  /** Packets that never arrived, told by gaps in the sequence of a publisher. */
  lostInTransit: Count,
  /** Packets dropped here because inspection was behind. */
  lostInQueue: Count,
  /** Frames that were no valid batch. */
  malformed: Count,
  findings: Count,
  modules: z.array(z.object({ name: z.string(), calls: Count, packets: Count, findings: Count, busyMs: z.number().nonnegative(), memoryBytes: Count,
    /** Packets that the canary took of these; the last swap of rules, in milliseconds without inspection; swaps so far. */
    canaryPackets: Count.optional(), swapMs: z.number().nonnegative().optional(), swaps: Count.optional() })),
});
export type InspectorStats = z.infer<typeof InspectorStats>;
