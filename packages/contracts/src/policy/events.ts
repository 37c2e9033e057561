import { z } from "zod";
import { FilterRule, ForwardRule, ModuleBinding } from "./rule.js";

const id = z.number().int().positive();

/**
 * Every event a policy knows, by type, in its newest version. An event once published never changes its meaning:
 * a new shape takes a new version here, an upcaster in `upcast.ts` and a golden fixture beside the old ones.
 */
export const PolicyEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("rule.added"), version: z.literal(1), data: z.object({ rule: FilterRule }) }),
  z.object({ type: z.literal("rule.deleted"), version: z.literal(1), data: z.object({ id }) }),
  z.object({ type: z.literal("rule.expired"), version: z.literal(1), data: z.object({ id }) }),
  z.object({ type: z.literal("rules.cleared"), version: z.literal(1), data: z.object({ ids: z.array(id) }) }),
  z.object({ type: z.literal("forward.added"), version: z.literal(1), data: z.object({ forward: ForwardRule }) }),
  z.object({ type: z.literal("forward.deleted"), version: z.literal(1), data: z.object({ id }) }),
  z.object({ type: z.literal("forwards.cleared"), version: z.literal(1), data: z.object({ ids: z.array(id) }) }),
  z.object({ type: z.literal("module.registered"), version: z.literal(1), data: z.object({ module: ModuleBinding }) }),
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
