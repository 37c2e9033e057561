import {
  describeMatch,
  emptyPolicy,
  evolve,
  ProblemError,
  type ForwardRule,
  type ModuleBinding,
  type PolicyEvent,
  type PolicyState,
} from "@secuxflow/contracts";
import type { Decider } from "@secuxflow/event-store";
import type { AddForward, PolicyCommand, RegisterModule } from "./commands.js";
import { decideModule } from "./decide-modules.js";
import { addRule, expireRules, importRules, ruleAnswering, unknownSet } from "./decide-rules.js";
import { addService, changeProtection, deleteService } from "./decide-services.js";
import { changeSet, createSet, deleteSet, replaceSet } from "./decide-sets.js";
import { sameMatch } from "./match.js";
import { missing, unconfirmed, unknownName, withinLimit } from "./refusals.js";

const addForward = ({ forward: spec, now }: AddForward, state: PolicyState): PolicyEvent[] => {
  if (!state.modules.has(spec.module)) throw unknownName("unknown_module", spec.module, "forward.module", state.modules.keys());
  const unknown = unknownSet(state, spec, "forward");
  if (unknown) throw unknown;
  const same = (other: ForwardRule) =>
    other.module === spec.module && other.direction === spec.direction && sameMatch(other, spec);
  const twin = [...state.forwards.values()].find(same);
  if (twin) {
    throw new ProblemError("conflict", `forward ${twin.id} already does this: ${describeMatch(twin)} to ${twin.module}`, {
      next: `keep it, or first: secuxflow-cli forward delete --id ${twin.id}`,
    });
  }
  withinLimit("forwards", state.forwards.size);
  const forward: ForwardRule = { id: state.nextForwardId, ...spec, createdAt: now };
  return [{ type: "forward.added", version: 1, data: { forward } }];
};

const registerModule = ({ module }: RegisterModule, state: PolicyState): PolicyEvent[] => {
  const known = state.modules.get(module.name);
  if (known?.version === module.version && known.digest === module.digest) return [];
  if (!known) withinLimit("modules", state.modules.size);
  const bits = [...state.modules.values()].map((binding) => binding.bit);
  const bit = known?.bit ?? Math.max(-1, ...bits) + 1;
  const binding: ModuleBinding = { ...module, bit };
  return [{ type: "module.registered", version: 1, data: { module: binding } }];
};

const clears = (what: string, count: number): ProblemError =>
  unconfirmed(`clear takes out all ${what} (${count} at the moment)`);

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
    case "import_rules":
      return importRules(command, state);
    case "delete_rule":
      if (!state.rules.has(command.id)) throw missing("rule", command.id);
      return [{ type: "rule.deleted", version: 1, data: { id: command.id } }];
    case "clear_rules": {
      if (!command.confirm) throw clears("rules", state.rules.size);
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
      if (!command.confirm) throw clears("forwards", state.forwards.size);
      const ids = [...state.forwards.keys()].sort((a, b) => a - b);
      return ids.length === 0 ? [] : [{ type: "forwards.cleared", version: 1, data: { ids } }];
    }
    case "register_module":
      return registerModule(command, state);
    case "create_set":
      return createSet(command, state);
    case "change_set":
      return changeSet(command, state);
    case "replace_set":
      return replaceSet(command, state);
    case "delete_set":
      return deleteSet(command, state);
    case "add_service":
      return addService(command, state);
    case "delete_service":
      return deleteService(command, state);
    case "change_protection":
      return changeProtection(command, state);
    default:
      return decideModule(command, state);
  }
}

/** The policy aggregate. */
export const policyDecider: Decider<PolicyCommand, PolicyEvent, PolicyState> = { initialState: emptyPolicy, decide, evolve };
