import { z } from "zod";
import { TOKEN_PATTERN } from "../subjects.js";

/** Limits of what the policy keeps of one module. What exceeds them is refused at the border. */
export const MODULE_LIMITS = {
  /** Versions, and rule sets, of one module that are kept at hand; older ones are forgotten, but for those in use. */
  kept: 8,
  wasmBytes: 32 * 1024 * 1024,
  imageBytes: 44 * 1024 * 1024,
  settings: 64,
  settingKey: 64,
  settingValue: 1_024,
  reasonLength: 500,
  /** Shares are in hundredths of a percent. */
  shareUnits: 10_000,
} as const;

export const ModuleName = z.string().regex(TOKEN_PATTERN, "a module name is 1 to 64 of A-Z a-z 0-9 _ -");
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits");
const Reason = z.string().max(MODULE_LIMITS.reasonLength);

/** Where the bytes of a module or rule image are kept (`PolicyBodies`). */
export const BlobRef = z.strictObject({
  /** Name of the body in the stream of bodies. */
  id: z.string().regex(/^[A-Za-z0-9]{1,64}$/),
  /** SHA-256 of what is stored (gzip), hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  parts: z.number().int().positive(),
  /** Bytes stored. */
  bytes: z.number().int().positive(),
  /** Bytes unpacked. */
  size: z.number().int().positive(),
});
export type BlobRef = z.infer<typeof BlobRef>;

/** A detached Ed25519 signature of a statement (`moduleStatement`, `ruleSetStatement`). */
export const Signature = z.strictObject({
  /** First 16 hex digits of the SHA-256 of the public key (SPKI, DER). */
  keyId: z.string().regex(/^[0-9a-f]{16}$/, "a key id is 16 hex digits"),
  /** 64 bytes, base64. */
  value: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, "an Ed25519 signature is 64 bytes in base64"),
});
export type Signature = z.infer<typeof Signature>;

export const RuleLanguage = z.enum(["suricata", "seclang"]);
export type RuleLanguage = z.infer<typeof RuleLanguage>;

/** What the manifest of a module says, as far as others than its host need it. */
export const ModuleSummary = z.object({
  version: z.string().min(1).max(64),
  digest: Digest,
  title: z.string().max(256),
  ruleLanguage: RuleLanguage.optional(),
});

/** A published version of a module. */
export const ModuleVersion = z.object({
  ...ModuleSummary.shape,
  blob: BlobRef,
  signature: Signature.optional(),
  publishedAt: z.iso.datetime(),
});
export type ModuleVersion = z.infer<typeof ModuleVersion>;

/** A published rule set of a module. */
export const ModuleRuleSet = z.object({
  digest: Digest,
  language: RuleLanguage,
  /** Rules in the image, and rules of the files that were refused. */
  rules: z.number().int().nonnegative(),
  refused: z.number().int().nonnegative(),
  comment: z.string().max(256).optional(),
  blob: BlobRef,
  signature: Signature.optional(),
  publishedAt: z.iso.datetime(),
});
export type ModuleRuleSet = z.infer<typeof ModuleRuleSet>;

/**
 * What runs under a module's name, by digest. Without `version`: what lies in the inspectors' own folders. Without `rules`: the
 * rules that the module brings along.
 */
export const ModuleChoice = z.object({ version: Digest.optional(), rules: Digest.optional() });
export type ModuleChoice = z.infer<typeof ModuleChoice>;

/** Open: traffic passes uninspected while the module cannot inspect it. Closed: agents drop what is forwarded to it. */
export const FailMode = z.enum(["open", "closed"], { error: "a fail mode is open or closed" });
export type FailMode = z.infer<typeof FailMode>;

const SETTING_KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const SettingKey = z.string().regex(SETTING_KEY, "a setting is named by 1 to 64 of A-Z a-z 0-9 . _ -");
// One setting is one line of what `configure` gets.
const SettingValue = z.string().max(MODULE_LIMITS.settingValue)
  .refine((value) => ![...value].some((char) => char.codePointAt(0) === 10 || char.codePointAt(0) === 13), "a setting is one line");
export const Settings = z.record(SettingKey, SettingValue)
  .refine((settings) => Object.keys(settings).length <= MODULE_LIMITS.settings, `a module has ${MODULE_LIMITS.settings} settings at most`);
/** A change of settings; null takes one out. */
export const SettingsChange = z.record(SettingKey, SettingValue.nullable());

/** Share of the flows, in hundredths of a percent: 1 % to 99 %. */
export const CanaryShare = z.number().int().min(100, "a share is at least 1%").max(9_900, "a share is at most 99%");

export const Canary = z.object({ choice: ModuleChoice, share: CanaryShare, startedAt: z.iso.datetime() });
export type Canary = z.infer<typeof Canary>;

/** Why a module is cut off everywhere. */
export const Quarantine = z.object({
  reason: Reason,
  strikes: z.number().int().nonnegative(),
  /** Inspector that saw it fail; absent when an administrator ordered it. */
  inspector: z.string().max(128).optional(),
  /** Digest of the wasm that failed: another one is not quarantined with it. */
  digest: Digest.optional(),
  at: z.iso.datetime(),
});
export type Quarantine = z.infer<typeof Quarantine>;

/** All that was decided on one module. */
export interface ModuleControl {
  readonly name: string;
  /** Newest last. */
  readonly versions: readonly ModuleVersion[];
  readonly ruleSets: readonly ModuleRuleSet[];
  /** A module that was pushed and never enabled does not run. */
  readonly enabled: boolean;
  readonly active: ModuleChoice;
  /** What ran before, newest last: where a rollback goes to. */
  readonly previous: readonly ModuleChoice[];
  readonly canary?: Canary;
  readonly settings: Readonly<Record<string, string>>;
  readonly failMode: FailMode;
  readonly quarantine?: Quarantine;
  /** Why the last rollback came to be. */
  readonly rolledBack?: { readonly reason: string; readonly at: string };
}

/** A module of the inspectors' folders of which nothing was decided: it runs as it is. */
export const uncontrolled = (name: string): ModuleControl => ({
  name, versions: [], ruleSets: [], enabled: true, active: {}, previous: [], settings: {}, failMode: "open",
});

export const sameChoice = (a: ModuleChoice, b: ModuleChoice): boolean => a.version === b.version && a.rules === b.rules;

/**
 * What the signature of a module is made of: UTF-8 text. The digest covers the whole binary, manifest included; name and version
 * stand there as well, so that a signed binary cannot be passed off as another.
 */
export const moduleStatement = (module: { readonly name: string; readonly version: string; readonly digest: string }): string =>
  `secuxflow-module-1\n${module.name}\n${module.version}\n${module.digest}\n`;

/** What the signature of a rule set is made of: UTF-8 text. */
export const ruleSetStatement = (ruleSet: { readonly module: string; readonly language: string; readonly digest: string }): string =>
  `secuxflow-rules-1\n${ruleSet.module}\n${ruleSet.language}\n${ruleSet.digest}\n`;
