import { z } from "zod";
import { CommandOptions, envelope, ModuleView } from "../api/rest.js";
import {
  Canary, CanaryShare, Digest, FailMode, MODULE_LIMITS, ModuleChoice, ModuleRuleSet, ModuleVersion, Quarantine, RuleLanguage, Settings,
  SettingsChange, Signature,
} from "./control.js";

const options = CommandOptions.prefault({});
const base64 = (mostBytes: number, what: string) =>
  z.string().min(4, `${what} is empty`).max(Math.ceil(mostBytes / 3) * 4, `${what} is larger than ${mostBytes / 1024 / 1024} MiB`)
    .regex(/^[A-Za-z0-9+/]*={0,2}$/, `${what} is not base64`);

/** A module as it is pushed. */
export const PublishModuleRequest = z.strictObject({
  /** The wasm binary, base64. */
  wasm: base64(MODULE_LIMITS.wasmBytes, "the module"),
  signature: Signature.optional(),
  options,
});
export type PublishModuleRequest = z.output<typeof PublishModuleRequest>;

/** A compiled rule image as it is pushed. */
export const PublishRuleSetRequest = z.strictObject({
  /** The image, base64. */
  image: base64(MODULE_LIMITS.imageBytes, "the rule image"),
  language: RuleLanguage,
  rules: z.number().int().nonnegative(),
  refused: z.number().int().nonnegative(),
  comment: z.string().max(256).optional(),
  signature: Signature.optional(),
  /** Put it in force at once; otherwise it waits for a canary or `enable`. */
  activate: z.boolean().default(true),
  options,
});
export type PublishRuleSetRequest = z.output<typeof PublishRuleSetRequest>;

export const ConfigureModuleRequest = z.strictObject({ settings: SettingsChange.default({}), failMode: FailMode.optional(), options });

/** A version or rule set, by its digest, a beginning of it of 6 digits or more, or (versions) its number; `newest`; `builtin`. */
const Choice = z.string().min(1).max(80);
/** Without `version` or `rules` that part stays as it is. */
export const EnableModuleRequest = z.strictObject({ version: Choice.optional(), rules: Choice.optional(), options });
/** Without `version` and `rules`: the newest version and the newest rule set that are published. */
export const CanaryRequest = z.strictObject({ share: CanaryShare, version: Choice.optional(), rules: Choice.optional(), options });
export const QuarantineRequest = z.strictObject({ reason: z.string().max(MODULE_LIMITS.reasonLength).default("ordered by an administrator"), options });
/** Of commands that need nothing but the module's name. */
export const ModuleCommandRequest = z.strictObject({ options });

/** Where a decision on modules is in force: `active` inspectors follow it, `pending` ones have not said so in time. */
export const ModuleEnforcement = z.object({
  revision: z.number().int(),
  inspectors: z.number().int(),
  active: z.number().int(),
  pending: z.array(z.string()),
  waitedMs: z.number(),
});
export type ModuleEnforcement = z.infer<typeof ModuleEnforcement>;

const Published = z.object({ ...ModuleVersion.omit({ blob: true }).shape, bytes: z.number().int() });
const PublishedRules = z.object({ ...ModuleRuleSet.omit({ blob: true }).shape, bytes: z.number().int() });

/** One module with all that is known of it. */
export const ModuleDetail = z.object({
  ...ModuleView.partial({ bit: true, version: true, digest: true }).shape,
  enabled: z.boolean(),
  active: ModuleChoice,
  previous: z.array(ModuleChoice),
  canary: Canary.optional(),
  settings: Settings,
  quarantine: Quarantine.optional(),
  rolledBack: z.object({ reason: z.string(), at: z.string() }).optional(),
  /** Newest last. */
  versions: z.array(Published),
  ruleSets: z.array(PublishedRules),
  on: z.array(z.object({
    inspectorId: z.string(), version: z.string(), digest: z.string(), state: z.string(), strikes: z.number().int(),
    rules: z.string().optional(), canary: z.string().optional(), problem: z.string().optional(),
  })),
});
export type ModuleDetail = z.infer<typeof ModuleDetail>;
export const ModuleShown = envelope("Module", { revision: z.number().int(), module: ModuleDetail });
export type ModuleShown = z.infer<typeof ModuleShown>;

const Warnings = z.array(z.string());
/** Answer of every command on a module. */
export const ModuleChanged = envelope("ModuleChanged", {
  name: z.string(),
  /** What was published, where something was. */
  digest: Digest.optional(),
  module: ModuleDetail,
  enforcement: ModuleEnforcement,
  warnings: Warnings,
});
export type ModuleChanged = z.infer<typeof ModuleChanged>;
