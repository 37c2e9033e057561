import type { PolicyEvent } from "./events.js";
import type { FilterRule, ForwardRule, ModuleBinding } from "./rule.js";

/** The fold of all events of one policy. */
export interface PolicyState {
  readonly rules: ReadonlyMap<number, FilterRule>;
  readonly forwards: ReadonlyMap<number, ForwardRule>;
  readonly modules: ReadonlyMap<string, ModuleBinding>;
  /** The id that the next rule gets; ids are never reused. */
  readonly nextRuleId: number;
  readonly nextForwardId: number;
}

export const emptyPolicy: PolicyState = { rules: new Map(), forwards: new Map(), modules: new Map(), nextRuleId: 1, nextForwardId: 1 };

const without = <K, V>(map: ReadonlyMap<K, V>, keys: Iterable<K>): Map<K, V> => {
  const copy = new Map(map);
  for (const key of keys) copy.delete(key);
  return copy;
};

/** The state after one event. Pure: it never fails, whatever the order of events, since what happened has happened. */
export function evolve(state: PolicyState, event: PolicyEvent): PolicyState {
  switch (event.type) {
    case "rule.added": {
      const { rule } = event.data;
      return { ...state, rules: new Map(state.rules).set(rule.id, rule), nextRuleId: Math.max(state.nextRuleId, rule.id + 1) };
    }
    case "rule.deleted":
    case "rule.expired":
      return { ...state, rules: without(state.rules, [event.data.id]) };
    case "rules.cleared":
      return { ...state, rules: without(state.rules, event.data.ids) };
    case "forward.added": {
      const { forward } = event.data;
      return { ...state, forwards: new Map(state.forwards).set(forward.id, forward), nextForwardId: Math.max(state.nextForwardId, forward.id + 1) };
    }
    case "forward.deleted":
      return { ...state, forwards: without(state.forwards, [event.data.id]) };
    case "forwards.cleared":
      return { ...state, forwards: without(state.forwards, event.data.ids) };
    case "module.registered":
      return { ...state, modules: new Map(state.modules).set(event.data.module.name, event.data.module) };
  }
}

/** Filter rules in the order they are tried: by priority, then by id. */
export function rulesInOrder(state: PolicyState): FilterRule[] {
  return [...state.rules.values()].sort((a, b) => a.priority - b.priority || a.id - b.id);
}
