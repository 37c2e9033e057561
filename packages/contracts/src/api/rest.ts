import { z } from "zod";
import { AlertingStatus } from "../alert/rpc.js";
import { FilterRule, ForwardRule, ForwardSpec, ModuleBinding, RuleSpec } from "../policy/rule.js";
import { FailMode, RuleLanguage } from "../modules/control.js";
import { AgentStats, AgentStatus, Count } from "../telemetry/agent.js";
import { InspectorStats, InspectorStatus } from "../telemetry/inspector.js";

/** Version of every JSON document of the REST API and the CLI. */
export const API_VERSION = "secuxflow/v1";
export const API_PREFIX = "/v1";
export const DEFAULT_API_PORT = 7_400;

/** The head that every document has, and its own fields. */
export const envelope = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.object({ apiVersion: z.literal(API_VERSION), kind: z.literal(kind), ...shape });

/** Where a revision is in force: `active` agents have it in their kernels, `pending` ones were named but have not said so in time. */
export const Enforcement = z.object({
  revision: z.number().int(),
  agents: z.number().int(),
  active: z.number().int(),
  pending: z.array(z.string()),
  waitedMs: z.number(),
});
export type Enforcement = z.infer<typeof Enforcement>;

/** What commands carry besides their subject. Query parameters `confirm`, `wait` (ms) and `ifRevision` on DELETE; body fields on POST. */
export const CommandOptions = z.strictObject({
  confirm: z.boolean().default(false),
  /** How long to wait for all agents, ms; 0 returns at once. */
  waitMs: z.number().int().min(0).max(60_000).default(5_000),
  /** Refuse with `stale_revision` unless the policy still stands at this revision. */
  ifRevision: z.number().int().nonnegative().optional(),
});
export type CommandOptions = z.output<typeof CommandOptions>;

export const AddRuleRequest = z.strictObject({ rule: RuleSpec, options: CommandOptions.prefault({}) });
export const AddForwardRequest = z.strictObject({ forward: ForwardSpec, options: CommandOptions.prefault({}) });
/** Overrides of the suggested rule; what is absent stays as suggested. `ttlMs: null` makes it permanent. */
export const ApproveRequest = z.strictObject({
  ttlMs: z.number().int().positive().nullable().optional(),
  priority: z.number().int().min(0).max(65_535).optional(),
  comment: z.string().max(256).optional(),
  options: CommandOptions.prefault({}),
});
export const TriageRequest = z.strictObject({ state: z.enum(["acknowledged", "dismissed", "new"]), note: z.string().max(1_024).optional() });

const Hits = { packets: Count, bytes: Count, lastHit: z.string().optional() };
/** A rule with its effect: hits over all agents, and on how many agents it is in force. */
export const RuleView = z.object({ ...FilterRule.shape, ...Hits, activeOn: z.number().int(), agents: z.number().int() });
export type RuleView = z.infer<typeof RuleView>;
export const ForwardView = z.object({ ...ForwardRule.shape, ...Hits, activeOn: z.number().int(), agents: z.number().int() });
export type ForwardView = z.infer<typeof ForwardView>;

export const RuleList = envelope("RuleList", {
  revision: z.number().int(),
  items: z.array(RuleView),
  /** All rules there are, where `items` is a part of them; and the `after` of the next part: a place in the order (`ruleOrder`). */
  total: z.number().int().optional(),
  next: z.number().int().optional(),
});
export type RuleList = z.infer<typeof RuleList>;
export const ForwardList = envelope("ForwardList", { revision: z.number().int(), items: z.array(ForwardView) });
export type ForwardList = z.infer<typeof ForwardList>;
export const RuleAdded = envelope("RuleAdded", { rule: FilterRule, enforcement: Enforcement, warnings: z.array(z.string()) });
export type RuleAdded = z.infer<typeof RuleAdded>;
export const ForwardAdded = envelope("ForwardAdded", { forward: ForwardRule, enforcement: Enforcement, warnings: z.array(z.string()) });
export type ForwardAdded = z.infer<typeof ForwardAdded>;
/** Answer of delete and clear: the ids that are gone. */
export const Removed = envelope("Removed", { what: z.enum(["rule", "forward"]), ids: z.array(z.number().int()), enforcement: Enforcement });
export type Removed = z.infer<typeof Removed>;

export const ModuleView = z.object({ ...ModuleBinding.shape, inspectors: z.number().int(), forwards: z.number().int(),
  state: z.enum(["running", "waiting", "quarantined", "absent", "disabled", "refused", "published"]),
  failMode: FailMode.optional(),
  /** The rule set in force, where one was published; "builtin" where the module brought its own. */
  rules: z.string().optional(),
  ruleLanguage: RuleLanguage.optional(),
  /** Share of the flows that a canary has, in hundredths of a percent. */
  canaryShare: z.number().int().optional() });
export const ModuleList = envelope("ModuleList", { items: z.array(ModuleView) });
export type ModuleList = z.infer<typeof ModuleList>;

/** An agent with what the API knows of it: `live` agents reported within the last three seconds. */
export const AgentView = z.object({ ...AgentStatus.shape, live: z.boolean(), behind: z.number().int() });
export const AgentList = envelope("AgentList", { revision: z.number().int(), items: z.array(AgentView) });
export type AgentList = z.infer<typeof AgentList>;

export const ComponentState = z.enum(["ok", "degraded", "down"]);
export const SystemStatus = envelope("Status", {
  policy: z.string(),
  revision: z.number().int(),
  state: ComponentState,
  components: z.array(z.object({ name: z.string(), state: ComponentState, detail: z.string() })),
  rules: z.number().int(),
  forwards: z.number().int(),
  sets: z.number().int().optional(),
  services: z.number().int().optional(),
  agents: z.array(AgentView),
  inspectors: z.array(z.object({ ...InspectorStatus.shape, live: z.boolean() })),
  alerting: AlertingStatus.optional(),
});
export type SystemStatus = z.infer<typeof SystemStatus>;

/** Cumulative counters of everything that is live; the reader takes differences. */
export const StatsSnapshot = envelope("Stats", {
  at: z.string(),
  agents: z.array(AgentStats),
  inspectors: z.array(InspectorStats),
});
export type StatsSnapshot = z.infer<typeof StatsSnapshot>;
