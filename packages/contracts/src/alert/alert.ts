import { z } from "zod";
import { RuleSpec } from "../policy/rule.js";
import { Detection, FlowKey, Severity } from "./detection.js";

export const TriageState = z.enum(["new", "acknowledged", "approved", "dismissed"]);
export type TriageState = z.infer<typeof TriageState>;

/**
 * Detections of one rule from one source to one destination within one window of time, as an administrator sees them.
 * `id` is the stream sequence of the first of them: small, stable, never reused.
 */
export const Alert = z.object({
  id: z.number().int().positive(),
  state: TriageState,
  firstSeen: z.string(),
  lastSeen: z.string(),
  /** How many detections it stands for. */
  count: z.number().int().positive(),
  severity: Severity,
  module: z.string(),
  rule: z.object({ id: z.number().int(), name: z.string(), category: z.string() }),
  /** Of the newest detection; `src` is the attacker as far as the module can tell. */
  flow: FlowKey,
  /** One line for people: the module's message, or what matched. */
  summary: z.string(),
  /** The filter rule that answers it, once approved. */
  ruleId: z.number().int().optional(),
});
export type Alert = z.infer<typeof Alert>;

export const AlertDetail = z.object({
  alert: Alert,
  /** The newest detections, newest first, at most 20. */
  detections: z.array(Detection),
  triage: z.array(z.object({ at: z.string(), actor: z.string(), state: TriageState, note: z.string().optional(), ruleId: z.number().int().optional() })),
});
export type AlertDetail = z.infer<typeof AlertDetail>;

/** How much past traffic a rule would have hit. Only forwarded (inspected) traffic is known; `coverage` says so. */
export const BlastRadius = z.object({
  windowMs: z.number().int(),
  flows: z.number().int(),
  packets: z.number().int(),
  bytes: z.number().int(),
  /** Of these flows, those with a detection, and those without: the innocent ones. */
  flowsWithDetections: z.number().int(),
  flowsWithout: z.number().int(),
  sources: z.number().int(),
  coverage: z.string(),
});
export type BlastRadius = z.infer<typeof BlastRadius>;

export const Suggestion = z.object({
  alertId: z.number().int(),
  rule: RuleSpec,
  reason: z.string(),
  blastRadius: BlastRadius,
  warnings: z.array(z.string()),
});
export type Suggestion = z.infer<typeof Suggestion>;
