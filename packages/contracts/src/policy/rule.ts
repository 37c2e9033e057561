import { z } from "zod";
import { MAX_RATE } from "../net/rate.js";
import { TOKEN_PATTERN } from "../subjects.js";
import { POLICY_LIMITS } from "./limits.js";
import { checkMatch, matchInput, matchStored } from "./match.js";
import { Comment, Label, Name } from "./text.js";

export const Id = z.number().int().positive().max(POLICY_LIMITS.idMax);

const RateNumber = z.number().int("use a whole number").min(1, "it is at least 1").max(MAX_RATE, "it is at most 10^12");

/** What passes of the packets of a `limit` rule; what is over the rate is dropped. Token bucket. */
export const Limit = z.strictObject({
  rate: RateNumber,
  /** Packets, or bits of IP packets, a second. */
  unit: z.enum(["packets", "bits"], { error: "a unit is packets or bits" }),
  /** One bucket for the rule, or one for each source address. */
  per: z.enum(["rule", "source"], { error: "a limit is per rule or per source" }).default("rule"),
  /** Size of the bucket, in the unit; absent means what one second gives. */
  burst: RateNumber.optional(),
});
export type Limit = z.output<typeof Limit>;

const ACTIONS = ["drop", "pass", "limit", "reject", "redirect"] as const;
const Action = z.enum(ACTIONS, { error: "an action is drop or pass, limit, reject or redirect" });
export type RuleAction = (typeof ACTIONS)[number];

interface ActionFields {
  readonly action: RuleAction;
  readonly limit?: unknown;
  readonly reject?: unknown;
  readonly service?: unknown;
}

/** The field that an action needs (or may have), and no other action may have. */
const ACTION_FIELDS = [
  { field: "limit", action: "limit", needed: "add a limit such as 1000/s, or use action drop or pass" },
  { field: "reject", action: "reject", needed: undefined },
  { field: "service", action: "redirect", needed: "name the service that the packets go to, or use action pass" },
] as const;

const checkAction = (rule: ActionFields, context: z.core.$RefinementCtx): void => {
  for (const { field, action, needed } of ACTION_FIELDS) {
    const given = rule[field] !== undefined;
    if (given && rule.action !== action) {
      context.addIssue({ code: "custom", path: [field], message: `${field} belongs to action ${action}: leave it out, or use action ${action}` });
    } else if (!given && rule.action === action && needed !== undefined) {
      context.addIssue({ code: "custom", path: [field], message: `action ${action} needs a ${field}: ${needed}` });
    }
  }
};

/** Drops fields that are undefined or equal their default: equal rules are equal documents. */
const withoutDefaults = <T extends object>(spec: T, defaults: { readonly [K in keyof T]?: T[K] }): T =>
  Object.fromEntries(Object.entries(spec).filter(([field, value]) => value !== undefined && value !== defaults[field as keyof T])) as T;

/** What an administrator asks for with `rule add`. Lower priority numbers are tried first; equal ones by id. */
export const RuleSpec = z.strictObject({
  ...matchInput,
  action: Action,
  limit: Limit.optional(),
  /** `auto`: RST for TCP, ICMP port unreachable for the rest; `unreachable`: ICMP for all. */
  reject: z.enum(["auto", "unreachable"], { error: "reject is auto or unreachable" }).transform((how) => (how === "auto" ? undefined : how)).optional(),
  /** The service that packets go to. */
  service: Name.optional(),
  /** Counts where it would have been the first match, and does not act. */
  monitor: z.boolean().optional(),
  priority: z.number().int().min(0).max(65_535).default(1_000),
  /** Time to live in milliseconds; absent means until deleted. */
  ttlMs: z.number().int().min(1_000, "a ttl is at least 1s").max(POLICY_LIMITS.ttlMaxMs, "a ttl is at most 366d").optional(),
  comment: Comment.optional(),
  owner: Label.optional(),
  tags: z.array(Label).max(16).default([]),
  /** The alert this rule answers, where there is one. */
  alertId: z.number().int().positive().optional(),
}).superRefine(checkMatch).superRefine(checkAction)
  .overwrite((rule) => withoutDefaults(rule, { monitor: false }));
export type RuleSpec = z.output<typeof RuleSpec>;
export type RuleSpecInput = z.input<typeof RuleSpec>;

/**
 * A filter rule as it stands in the policy. Times are ISO 8601 in UTC. A field that this build does not know makes the rule
 * unreadable: without it the rule would mean more packets than it says.
 */
export const FilterRule = z.strictObject({
  id: Id,
  ...matchStored,
  action: z.enum(ACTIONS),
  limit: Limit.optional(),
  /** Absent means auto. */
  reject: z.enum(["unreachable"]).optional(),
  service: z.string().optional(),
  monitor: z.boolean().optional(),
  priority: z.number().int(),
  comment: z.string().optional(), owner: z.string().optional(), tags: z.array(z.string()), alertId: z.number().int().optional(),
  createdAt: z.string(), expiresAt: z.string().optional(),
});
export type FilterRule = z.infer<typeof FilterRule>;

/** The place of a rule among all: lower is tried first. By priority, then by id, as one number (as the kernel holds it). */
export const ruleOrder = (rule: { readonly priority: number; readonly id: number }): number => rule.priority * 2 ** 32 + rule.id;

/** What an administrator asks for with `forward add`: which passed packets are copied to which module. */
export const ForwardSpec = z.strictObject({
  ...matchInput,
  module: z.string().regex(TOKEN_PATTERN, "a module name is 1 to 64 of A-Z a-z 0-9 _ -"),
  /** Bytes of each packet that are copied, from the Ethernet header on. */
  snaplen: z.number().int().min(64, "snaplen is at least 64").max(9_216, "snaplen is at most 9216").default(9_216),
  /** One of so many flows is copied, chosen by flow hash; absent means every flow. */
  sample: z.number().int("sample is a whole number").min(1, "sample is at least 1").max(1_000_000, "sample is at most 1000000").optional(),
  /** Whose packets: the client's, the service's or both; absent means both. */
  direction: z.enum(["to-service", "from-service", "both"], { error: "a direction is to-service, from-service or both" })
    .transform((direction) => (direction === "both" ? undefined : direction)).optional(),
  comment: Comment.optional(),
  owner: Label.optional(),
}).superRefine(checkMatch).overwrite((forward) => withoutDefaults(forward, { sample: 1 }));
export type ForwardSpec = z.output<typeof ForwardSpec>;
export type ForwardSpecInput = z.input<typeof ForwardSpec>;

/** A forwarding rule as it stands in the policy. */
export const ForwardRule = z.strictObject({
  id: Id,
  ...matchStored,
  module: z.string(), snaplen: z.number().int(),
  /** Absent means 1: every flow. */
  sample: z.number().int().optional(),
  /** Absent means both. */
  direction: z.enum(["to-service", "from-service"]).optional(),
  comment: z.string().optional(), owner: z.string().optional(),
  createdAt: z.string(),
});
export type ForwardRule = z.infer<typeof ForwardRule>;

/** A module that inspectors offer. `bit` is its place in the module mask of a sampled packet (0 to 31), never reused. */
export const ModuleBinding = z.object({
  name: z.string().regex(TOKEN_PATTERN),
  version: z.string().max(64),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  title: z.string().max(256),
  bit: z.number().int().min(0).max(POLICY_LIMITS.modules - 1),
});
export type ModuleBinding = z.infer<typeof ModuleBinding>;
