import { z } from "zod";
import { MODULE_EVENTS } from "../modules/events.js";
import { POLICY_LIMITS } from "./limits.js";
import { Protection } from "./protection.js";
import { FilterRule, ForwardRule, Id, ModuleBinding } from "./rule.js";
import { Service } from "./service.js";
import { SetChanged, SetCreated, SetReplaced } from "./set.js";

const event = <T extends string, S extends z.ZodType>(type: T, data: S) => z.object({ type: z.literal(type), version: z.literal(1), data });
const Rules = z.array(FilterRule).max(POLICY_LIMITS.rules);

/**
 * Every event a policy knows, by type, in its newest version. An event once published never changes its meaning:
 * a new shape takes a new version here, an upcaster in `upcast.ts` and a golden fixture beside the old ones. Fields may be
 * added where their absence means what it meant before.
 */
export const PolicyEvent = z.discriminatedUnion("type", [
  event("rule.added", z.object({ rule: FilterRule })),
  event("rule.deleted", z.object({ id: Id })),
  event("rule.expired", z.object({ id: Id })),
  event("rules.cleared", z.object({ ids: z.array(Id) })),
  /** Many rules at once. */
  event("rules.added", z.object({ rules: Rules.min(1) })),
  /** All filter rules there are from now on. */
  event("rules.replaced", z.object({ rules: Rules })),
  event("forward.added", z.object({ forward: ForwardRule })),
  event("forward.deleted", z.object({ id: Id })),
  event("forwards.cleared", z.object({ ids: z.array(Id) })),
  event("module.registered", z.object({ module: ModuleBinding })),
  event("set.created", SetCreated),
  event("set.changed", SetChanged),
  event("set.replaced", SetReplaced),
  event("set.deleted", z.object({ name: z.string() })),
  event("service.added", z.object({ service: Service })),
  event("service.deleted", z.object({ name: z.string() })),
  /** The whole protection there is from now on. */
  event("protection.changed", z.object({ protection: Protection })),
  ...MODULE_EVENTS,
]);
export type PolicyEvent = z.infer<typeof PolicyEvent>;
export type PolicyEventType = PolicyEvent["type"];

/** The body of one message in the policy stream: what one command decided, all or nothing. */
export const PolicyMessage = z.object({
  /** Who asked: a user name, or `system:<service>`. */
  actor: z.string().max(128),
  /** When it was decided, ISO 8601 UTC. */
  at: z.iso.datetime(),
  events: z.array(PolicyEvent).min(1).max(10_000),
});
export type PolicyMessage = z.infer<typeof PolicyMessage>;
