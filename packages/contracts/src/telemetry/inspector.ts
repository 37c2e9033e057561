import { z } from "zod";
import { Count } from "./agent.js";

export const InspectorModule = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  title: z.string(),
  /** `waiting` until the policy knows the module; `quarantined` after its last strike. */
  state: z.enum(["waiting", "running", "quarantined"]),
  strikes: z.number().int(),
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
  modules: z.array(InspectorModule),
});
export type InspectorStatus = z.infer<typeof InspectorStatus>;

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
  modules: z.array(z.object({ name: z.string(), calls: Count, packets: Count, findings: Count, busyMs: z.number().nonnegative(), memoryBytes: Count })),
});
export type InspectorStats = z.infer<typeof InspectorStats>;
