import { z } from "zod";
import { Alert, AlertDetail, Suggestion, TriageState } from "./alert.js";
import { Detection } from "./detection.js";

/** Request and reply of each operation of the alerting service (`subjects.alertingRpc`). Bodies are JSON. */
export const AlertQuery = z.strictObject({
  limit: z.number().int().min(1).max(1_000).default(50),
  /** Only alerts last seen within this many milliseconds. */
  sinceMs: z.number().int().positive().optional(),
  maxSeverity: z.number().int().min(1).max(4).optional(),
  module: z.string().max(64).optional(),
  src: z.string().max(64).optional(),
  state: TriageState.optional(),
});
export type AlertQuery = z.output<typeof AlertQuery>;

export const TriageCommand = z.strictObject({
  id: z.number().int().positive(),
  state: TriageState,
  actor: z.string().max(128),
  note: z.string().max(1_024).optional(),
  ruleId: z.number().int().positive().optional(),
});
export type TriageCommand = z.infer<typeof TriageCommand>;

export const AlertingStatus = z.object({
  storage: z.enum(["chdb", "server"]),
  storageOk: z.boolean(),
  detections: z.number().int().nonnegative(),
  /** Detections in the stream that are not stored yet. */
  pending: z.number().int().nonnegative(),
  flows: z.number().int().nonnegative(),
  problems: z.array(z.string()),
});
export type AlertingStatus = z.infer<typeof AlertingStatus>;

/** A part of the stored detections, in the order in which they were stored. */
export const DetectionQuery = z.strictObject({
  /** Only detections behind this one: the `next` of the part before. */
  after: z.number().int().nonnegative().default(0),
  /** Only detections of packets seen within this many milliseconds. */
  sinceMs: z.number().int().positive().optional(),
  /** Only those of this alert. */
  alertId: z.number().int().positive().optional(),
  /** The answer may hold fewer: it has to fit a NATS message. 0 tells where the end is. */
  limit: z.number().int().min(0).max(1_000).default(500),
});
export type DetectionQuery = z.output<typeof DetectionQuery>;

export const DetectionPart = z.object({
  items: z.array(Detection),
  /** What to ask on `after`. */
  next: z.number().int().nonnegative(),
  /** Whether there is more already. */
  more: z.boolean(),
});
export type DetectionPart = z.infer<typeof DetectionPart>;

const ById = z.strictObject({ id: z.number().int().positive() });

export const alertingRpc = {
  list: { request: AlertQuery, reply: z.object({ items: z.array(Alert), total: z.number().int() }) },
  show: { request: ById, reply: AlertDetail },
  detections: { request: DetectionQuery, reply: DetectionPart },
  suggest: { request: ById, reply: Suggestion },
  triage: { request: TriageCommand, reply: Alert },
  status: { request: z.strictObject({}), reply: AlertingStatus },
} as const;

/** What an RPC answers: the reply, or an error with one of the codes of `api/problem.ts`. */
export const RpcReply = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);
export type RpcReply = z.infer<typeof RpcReply>;
