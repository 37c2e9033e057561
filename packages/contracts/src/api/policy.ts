import { z } from "zod";
import { POLICY_LIMITS } from "../policy/limits.js";
import { Protection, ProtectionChange } from "../policy/protection.js";
import { RuleSpec } from "../policy/rule.js";
import { Service, ServiceSpec } from "../policy/service.js";
import { SetChange, SetContents, SetSpec } from "../policy/set.js";
import { Count, ProtectionStatus, ServiceStatus } from "../telemetry/agent.js";
import { CommandOptions, Enforcement, envelope } from "./rest.js";

const options = CommandOptions.prefault({});
const Warnings = z.array(z.string());

/** Many rules at once, all or none. `replace`: they are all the rules there are from then on. */
export const ImportRulesRequest = z.strictObject({
  mode: z.enum(["add", "replace"], { error: "a mode is add or replace" }),
  rules: z.array(RuleSpec).max(POLICY_LIMITS.rules, `a policy holds ${POLICY_LIMITS.rules} rules at most`),
  options,
}).refine(({ mode, rules }) => mode === "replace" || rules.length > 0, { path: ["rules"], error: "nothing to add: name at least one rule" });
export type ImportRulesRequest = z.output<typeof ImportRulesRequest>;
/** Answer of import: ids of added rules run from `firstId` without a gap, in the order of the request. With `replace`, a rule that stands already keeps its id and is not counted. */
export const RulesImported = envelope("RulesImported", {
  added: z.number().int(), removed: z.number().int(), firstId: z.number().int().optional(), enforcement: Enforcement, warnings: Warnings,
});
export type RulesImported = z.infer<typeof RulesImported>;

export const AddSetRequest = z.strictObject({ set: SetSpec, options });
export const ChangeSetRequest = z.strictObject({ change: SetChange, options });
export const ReplaceSetRequest = z.strictObject({ contents: SetContents, options });

/** A set without its entries. */
export const SetView = z.object({
  name: z.string(), comment: z.string().optional(),
  entries: z.number().int(),
  /** Ids of the rules and forwards that name it, 100 of each at most. */
  usedByRules: z.array(z.number().int()), usedByForwards: z.array(z.number().int()),
  activeOn: z.number().int(), agents: z.number().int(),
});
export type SetView = z.infer<typeof SetView>;
export const SetList = envelope("SetList", { revision: z.number().int(), items: z.array(SetView) });
export type SetList = z.infer<typeof SetList>;
/** A part of a set's entries, sorted by text. `next` is the `after` of the next part. */
export const SetShown = envelope("Set", { revision: z.number().int(), set: SetView, entries: z.array(z.string()), next: z.string().optional() });
export type SetShown = z.infer<typeof SetShown>;
export const SetAdded = envelope("SetAdded", { name: z.string(), entries: z.number().int(), enforcement: Enforcement, warnings: Warnings });
export type SetAdded = z.infer<typeof SetAdded>;
/** `added` and `removed` count what was not, and what was, in the set before. */
export const SetEntriesChanged = envelope("SetEntriesChanged", {
  name: z.string(), added: z.number().int(), removed: z.number().int(), entries: z.number().int(), enforcement: Enforcement, warnings: Warnings,
});
export type SetEntriesChanged = z.infer<typeof SetEntriesChanged>;

export const AddServiceRequest = z.strictObject({ service: ServiceSpec, options });
/** A service with its effect on each agent. */
export const ServiceView = z.object({
  ...Service.shape,
  usedByRules: z.array(z.number().int()),
  on: z.array(z.object({ agentId: z.string(), ...ServiceStatus.omit({ name: true }).shape })),
  activeOn: z.number().int(), agents: z.number().int(),
});
export type ServiceView = z.infer<typeof ServiceView>;
export const ServiceList = envelope("ServiceList", { revision: z.number().int(), items: z.array(ServiceView) });
export type ServiceList = z.infer<typeof ServiceList>;
export const ServiceAdded = envelope("ServiceAdded", { service: Service, enforcement: Enforcement, warnings: Warnings });
export type ServiceAdded = z.infer<typeof ServiceAdded>;

/** Answer of deleting what has a name. */
export const Deleted = envelope("Deleted", { what: z.enum(["set", "service"]), name: z.string(), enforcement: Enforcement });
export type Deleted = z.infer<typeof Deleted>;

export const ChangeProtectionRequest = z.strictObject({ change: ProtectionChange, options });
export const ProtectionShown = envelope("Protection", {
  revision: z.number().int(),
  protection: Protection,
  on: z.array(z.object({ agentId: z.string(), ...ProtectionStatus.shape })),
});
export type ProtectionShown = z.infer<typeof ProtectionShown>;
export const ProtectionChanged = envelope("ProtectionChanged", { protection: Protection, enforcement: Enforcement, warnings: Warnings });
export type ProtectionChanged = z.infer<typeof ProtectionChanged>;

/** The sources that sent most over all live agents, most bytes first. Counts are estimates by a sketch from 1 of 64 packets. */
export const TopTalkers = envelope("TopTalkers", {
  at: z.string(),
  windowMs: z.number().int(),
  agents: z.number().int(),
  items: z.array(z.object({ address: z.string(), packets: Count, bytes: Count, agents: z.array(z.string()) })),
});
export type TopTalkers = z.infer<typeof TopTalkers>;
