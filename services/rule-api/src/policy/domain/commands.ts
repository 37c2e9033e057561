import type {
  FailMode, ForwardSpec, ModuleBinding, ModuleChoice, ModuleRuleSet, ModuleVersion, ProtectionChange, Quarantine, RuleSpec, ServiceSpec, SetSpec,
} from "@secuxflow/contracts";

/** The connection that a command came over, where it is known: an added rule must not cut it off unasked. */
export interface Session {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** What a drop rule must not cut off without `confirm`. */
export interface Surroundings {
  /** Prefixes that administration comes from, canonical text. */
  readonly managementPrefixes: readonly string[];
  /** TCP ports that administration uses: SSH, NATS, this API. */
  readonly managementPorts: readonly number[];
  readonly session?: Session | undefined;
}

interface Guarded {
  /** The administrator knows that it is dangerous. */
  readonly confirm: boolean;
}

/** A command whose effect depends on where administration comes from. */
interface Watched extends Guarded {
  readonly surroundings: Surroundings;
}

interface AddsRule extends Watched {
  readonly rule: RuleSpec;
  /** ISO 8601 UTC. */
  readonly now: string;
}

export interface AddRule extends AddsRule {
  readonly type: "add_rule";
}

/** Adds the rule that answers an alert, unless a standing rule already does. */
export interface ApproveAlert extends AddsRule {
  readonly type: "approve_alert";
  readonly alertId: number;
}

/** Many rules, all or none. `replace`: they are all the rules there are from then on; those that stand already stay as they are. */
export interface ImportRules extends Watched {
  readonly type: "import_rules";
  readonly mode: "add" | "replace";
  readonly rules: readonly RuleSpec[];
  readonly now: string;
}

export interface DeleteRule {
  readonly type: "delete_rule";
  readonly id: number;
}

export interface ClearRules extends Guarded {
  readonly type: "clear_rules";
}

/** Takes out those of `ids` that are due at `now`; what is gone or not due stays out of it. */
export interface ExpireRules {
  readonly type: "expire_rules";
  readonly ids: readonly number[];
  readonly now: string;
}

export interface AddForward {
  readonly type: "add_forward";
  readonly forward: ForwardSpec;
  readonly now: string;
}

export interface DeleteForward {
  readonly type: "delete_forward";
  readonly id: number;
}

export interface ClearForwards extends Guarded {
  readonly type: "clear_forwards";
}

export interface RegisterModule {
  readonly type: "register_module";
  readonly module: Omit<ModuleBinding, "bit">;
}

export interface CreateSet {
  readonly type: "create_set";
  readonly set: SetSpec;
}

/** Adds entries to a set and takes others out. What is there already, or is not, makes no difference. */
export interface ChangeSet extends Watched {
  readonly type: "change_set";
  readonly name: string;
  /** Canonical prefixes, none twice. */
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export interface ReplaceSet extends Watched {
  readonly type: "replace_set";
  readonly name: string;
  /** Canonical prefixes, none twice. */
  readonly entries: readonly string[];
}

export interface DeleteSet {
  readonly type: "delete_set";
  readonly name: string;
}

export interface AddService {
  readonly type: "add_service";
  readonly service: ServiceSpec;
  readonly now: string;
}

export interface DeleteService {
  readonly type: "delete_service";
  readonly name: string;
}

export interface ChangeProtection extends Guarded {
  readonly type: "change_protection";
  readonly change: ProtectionChange;
}

interface OfModule {
  readonly name: string;
}

/** Names what is wanted of what is published: a digest or its beginning, a version, `newest`, `builtin`. */
interface Picks extends OfModule {
  readonly version?: string | undefined;
  readonly rules?: string | undefined;
}

export interface PublishModule extends OfModule {
  readonly type: "publish_module";
  readonly module: ModuleVersion;
}

export interface PublishRules extends OfModule {
  readonly type: "publish_rules";
  readonly ruleSet: ModuleRuleSet;
  readonly activate: boolean;
}

export interface ConfigureModule extends OfModule {
  readonly type: "configure_module";
  /** null takes one out. */
  readonly settings: Readonly<Record<string, string | null>>;
  readonly failMode?: FailMode | undefined;
}

export interface EnableModule extends Picks {
  readonly type: "enable_module";
}

export interface CanaryModule extends Picks {
  readonly type: "canary_module";
  /** Hundredths of a percent. */
  readonly share: number;
  readonly now: string;
}

/** Ends a canary; without one, what ran before runs again. */
export interface RollbackModule extends OfModule {
  readonly type: "rollback_module";
  readonly reason: string;
  readonly now: string;
  /** Only while this is the canary, or what runs. */
  readonly only?: ModuleChoice | undefined;
}

export interface QuarantineModule extends OfModule {
  readonly type: "quarantine_module";
  readonly quarantine: Quarantine;
}

export interface PlainModuleCommand extends OfModule {
  readonly type: "disable_module" | "promote_module" | "release_module";
}

/** What can be asked of a module. */
export type ModuleCommand =
  | PublishModule
  | PublishRules
  | ConfigureModule
  | EnableModule
  | CanaryModule
  | RollbackModule
  | QuarantineModule
  | PlainModuleCommand;

/** Everything that can be asked of a policy. */
export type PolicyCommand =
  | ModuleCommand
  | AddRule
  | ApproveAlert
  | ImportRules
  | DeleteRule
  | ClearRules
  | ExpireRules
  | AddForward
  | DeleteForward
  | ClearForwards
  | RegisterModule
  | CreateSet
  | ChangeSet
  | ReplaceSet
  | DeleteSet
  | AddService
  | DeleteService
  | ChangeProtection;
