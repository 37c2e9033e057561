import { z } from "zod";
import {
  CanaryShare, FailMode, ModuleChoice, ModuleName, ModuleRuleSet, ModuleVersion, Quarantine, Settings,
} from "./control.js";

const event = <T extends string, S extends z.ZodType>(type: T, data: S) => z.object({ type: z.literal(type), version: z.literal(1), data });
const at = z.iso.datetime();

/** The life of a module, as events of the policy. */
export const MODULE_EVENTS = [
  event("module.published", z.object({ name: ModuleName, module: ModuleVersion })),
  event("module.ruleset-published", z.object({ name: ModuleName, ruleSet: ModuleRuleSet })),
  /** All settings, and the fail mode, that hold from now on. */
  event("module.configured", z.object({ name: ModuleName, settings: Settings, failMode: FailMode })),
  /** Runs, as `active` says; ends a canary. */
  event("module.enabled", z.object({ name: ModuleName, active: ModuleChoice })),
  event("module.disabled", z.object({ name: ModuleName })),
  event("module.canary-started", z.object({ name: ModuleName, choice: ModuleChoice, share: CanaryShare, at })),
  event("module.canary-promoted", z.object({ name: ModuleName })),
  /** Back to `active`: what ran before, or, when a canary ended, what runs anyway. */
  event("module.rolled-back", z.object({ name: ModuleName, active: ModuleChoice, reason: z.string().max(500), at })),
  event("module.quarantined", z.object({ name: ModuleName, quarantine: Quarantine })),
  event("module.released", z.object({ name: ModuleName })),
] as const;
export type ModuleEvent = z.infer<(typeof MODULE_EVENTS)[number]>;

const TYPES: ReadonlySet<string> = new Set(MODULE_EVENTS.map((one) => one.shape.type.value));
export const isModuleEvent = (event: { readonly type: string }): event is ModuleEvent => TYPES.has(event.type);
