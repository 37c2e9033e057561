import type { ForwardSpec, ModuleBinding, RuleSpec } from "@secuxflow/contracts";

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

interface AddsRule extends Guarded {
  readonly rule: RuleSpec;
  /** ISO 8601 UTC. */
  readonly now: string;
  readonly surroundings: Surroundings;
}

export interface AddRule extends AddsRule {
  readonly type: "add_rule";
}

/** Adds the rule that answers an alert, unless a standing rule already does. */
export interface ApproveAlert extends AddsRule {
  readonly type: "approve_alert";
  readonly alertId: number;
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

/** Everything that can be asked of a policy. */
export type PolicyCommand =
  | AddRule
  | ApproveAlert
  | DeleteRule
  | ClearRules
  | ExpireRules
  | AddForward
  | DeleteForward
  | ClearForwards
  | RegisterModule;
