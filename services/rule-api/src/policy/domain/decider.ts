import {
  emptyPolicy,
  evolve,
  POLICY_LIMITS,
  ProblemError,
  type FilterRule,
  type ForwardRule,
  type ModuleBinding,
  type PolicyEvent,
  type PolicyState,
  type RuleSpec,
} from "@secuxflow/contracts";
import type { Decider } from "@secuxflow/event-store";
import type { AddForward, AddRule, ApproveAlert, ExpireRules, PolicyCommand, RegisterModule } from "./commands.js";
import { describeMatch, sameMatch } from "./match.js";
import { dangerOf } from "./safety.js";

const CONFIRM_NEXT = 'add --confirm to do it all the same (REST: "confirm": true in options, ?confirm=true on DELETE)';

/** Whether a rule stands at `now`: what is due counts as gone, even before its expiry is written. */
const stands = (rule: FilterRule, now: string): boolean =>
  rule.expiresAt === undefined || Date.parse(rule.expiresAt) > Date.parse(now);

const twinOf = (state: PolicyState, spec: RuleSpec, now: string): FilterRule | undefined =>
  [...state.rules.values()].find(
    (rule) => rule.action === spec.action && rule.priority === spec.priority && sameMatch(rule, spec) && stands(rule, now),
  );

/**
 * The standing rule that makes an approval needless: one made for the same alert, or one that does the same
 * (same match, action and priority).
 */
export function ruleAnswering(state: PolicyState, alertId: number, spec: RuleSpec, now: string): FilterRule | undefined {
  const own = [...state.rules.values()].find((rule) => rule.alertId === alertId && stands(rule, now));
  return own ?? twinOf(state, spec, now);
}

/** Ids of the rules that are due at `now` (ISO 8601), ascending. */
export function dueRules(state: PolicyState, now: string): number[] {
  return [...state.rules.values()]
    .filter((rule) => !stands(rule, now))
    .map((rule) => rule.id)
    .sort((a, b) => a - b);
}

const addRule = (command: AddRule | ApproveAlert, state: PolicyState): PolicyEvent[] => {
  const { rule: spec, now } = command;
  const twin = twinOf(state, spec, now);
  if (twin) {
    throw new ProblemError(
      "conflict",
      `rule ${twin.id} already does this: ${twin.action} ${describeMatch(twin)}, priority ${twin.priority}`,
      {
        next: `keep it, or first: secuxflow-cli rule delete --id ${twin.id}`,
      },
    );
  }
  if (state.rules.size >= POLICY_LIMITS.rules) {
    throw new ProblemError(
      "limit_reached",
      `the policy holds ${state.rules.size} rules, and ${POLICY_LIMITS.rules} is the most it can`,
      {
        next: "delete rules that are no longer needed (secuxflow-cli rule list), or join prefixes",
      },
    );
  }
  const danger = command.confirm ? undefined : dangerOf(spec, command.surroundings);
  if (danger !== undefined) {
    throw new ProblemError("confirmation_required", `${spec.action} ${describeMatch(spec)} may cut you off: ${danger}`, {
      next: CONFIRM_NEXT,
    });
  }
  const { ttlMs, ...kept } = spec;
  const expiresAt = ttlMs === undefined ? {} : { expiresAt: new Date(Date.parse(now) + ttlMs).toISOString() };
  const rule: FilterRule = { id: state.nextRuleId, ...kept, createdAt: now, ...expiresAt };
  return [{ type: "rule.added", version: 1, data: { rule } }];
};

const expireRules = (command: ExpireRules, state: PolicyState): PolicyEvent[] => {
  const due = new Set(dueRules(state, command.now));
  const ids = [...new Set(command.ids)].filter((id) => due.has(id)).sort((a, b) => a - b);
  return ids.map((id) => ({ type: "rule.expired", version: 1, data: { id } }));
};

const addForward = ({ forward: spec, now }: AddForward, state: PolicyState): PolicyEvent[] => {
  if (!state.modules.has(spec.module)) {
    const known = [...state.modules.keys()].sort();
    const message =
      known.length === 0
        ? `no inspector has announced module ${spec.module}; no module is known yet`
        : `no inspector has announced module ${spec.module}; known modules: ${known.join(", ")}`;
    throw new ProblemError("unknown_module", message, {
      next: "secuxflow-cli module list",
      errors: [
        { field: "forward.module", message: known.length === 0 ? "no module is known yet" : `use one of ${known.join(", ")}` },
      ],
    });
  }
  const twin = [...state.forwards.values()].find((other) => other.module === spec.module && sameMatch(other, spec));
  if (twin) {
    throw new ProblemError("conflict", `forward ${twin.id} already does this: ${describeMatch(twin)} to ${twin.module}`, {
      next: `keep it, or first: secuxflow-cli forward delete --id ${twin.id}`,
    });
  }
  if (state.forwards.size >= POLICY_LIMITS.forwards) {
    throw new ProblemError(
      "limit_reached",
      `the policy holds ${state.forwards.size} forwards, and ${POLICY_LIMITS.forwards} is the most it can`,
      {
        next: "delete forwards that are no longer needed (secuxflow-cli forward list), or join prefixes",
      },
    );
  }
  const forward: ForwardRule = { id: state.nextForwardId, ...spec, createdAt: now };
  return [{ type: "forward.added", version: 1, data: { forward } }];
};

const registerModule = ({ module }: RegisterModule, state: PolicyState): PolicyEvent[] => {
  const known = state.modules.get(module.name);
  if (known?.version === module.version && known.digest === module.digest) return [];
  const bits = [...state.modules.values()].map((binding) => binding.bit);
  const bit = known?.bit ?? Math.max(-1, ...bits) + 1;
  if (bit >= POLICY_LIMITS.modules) {
    throw new ProblemError(
      "limit_reached",
      `the policy knows ${state.modules.size} modules, and ${POLICY_LIMITS.modules} is the most it can`,
      {
        next: "give the new module the name of one that it replaces",
      },
    );
  }
  const binding: ModuleBinding = { ...module, bit };
  return [{ type: "module.registered", version: 1, data: { module: binding } }];
};

const missing = (what: "rule" | "forward", id: number): ProblemError =>
  new ProblemError("not_found", `there is no ${what} ${id}`, { next: `secuxflow-cli ${what} list` });

const unconfirmed = (what: string, count: number): ProblemError =>
  new ProblemError("confirmation_required", `clear takes out all ${what} (${count} at the moment)`, { next: CONFIRM_NEXT });

/**
 * What a command means for a policy: the events to store, none when there is nothing to do.
 * Pure. Throws ProblemError where it is refused (nothing has happened then).
 */
export function decide(command: PolicyCommand, state: PolicyState): readonly PolicyEvent[] {
  switch (command.type) {
    case "add_rule":
      return addRule(command, state);
    case "approve_alert":
      return ruleAnswering(state, command.alertId, command.rule, command.now) ? [] : addRule(command, state);
    case "delete_rule":
      if (!state.rules.has(command.id)) throw missing("rule", command.id);
      return [{ type: "rule.deleted", version: 1, data: { id: command.id } }];
    case "clear_rules": {
      if (!command.confirm) throw unconfirmed("rules", state.rules.size);
      const ids = [...state.rules.keys()].sort((a, b) => a - b);
      return ids.length === 0 ? [] : [{ type: "rules.cleared", version: 1, data: { ids } }];
    }
    case "expire_rules":
      return expireRules(command, state);
    case "add_forward":
      return addForward(command, state);
    case "delete_forward":
      if (!state.forwards.has(command.id)) throw missing("forward", command.id);
      return [{ type: "forward.deleted", version: 1, data: { id: command.id } }];
    case "clear_forwards": {
      if (!command.confirm) throw unconfirmed("forwards", state.forwards.size);
      const ids = [...state.forwards.keys()].sort((a, b) => a - b);
      return ids.length === 0 ? [] : [{ type: "forwards.cleared", version: 1, data: { ids } }];
    }
    case "register_module":
      return registerModule(command, state);
  }
}

/** The policy aggregate. */
export const policyDecider: Decider<PolicyCommand, PolicyEvent, PolicyState> = { initialState: emptyPolicy, decide, evolve };
