import type { ModuleControl } from "../modules/control.js";
import { evolveModule, moduleReplaced } from "../modules/evolve.js";
import { SortedMap } from "../sorted-map.js";
import { EntrySet } from "./entry-set.js";
import type { PolicyEvent } from "./events.js";
import { NO_PROTECTION, type Protection } from "./protection.js";
import { RuleTable } from "./rule-table.js";
import { ruleOrder, type FilterRule, type ForwardRule, type ModuleBinding } from "./rule.js";
import type { Service } from "./service.js";
import type { AddressSet } from "./set.js";

/** The fold of all events of one policy. Never changed in place: each state stays as it was. */
export interface PolicyState {
  readonly rules: ReadonlyMap<number, FilterRule>;
  readonly forwards: ReadonlyMap<number, ForwardRule>;
  readonly modules: ReadonlyMap<string, ModuleBinding>;
  /** What was decided on modules: versions, rule sets, canaries, quarantine. None for a module that runs as inspectors have it. */
  readonly controls: ReadonlyMap<string, ModuleControl>;
  readonly sets: ReadonlyMap<string, AddressSet>;
  readonly services: ReadonlyMap<string, Service>;
  readonly protection: Protection;
  /** The id that the next rule gets; ids are never reused. */
  readonly nextRuleId: number;
  readonly nextForwardId: number;
}

/** What a state is made of where it does not come from events (a file, a test). What is absent is empty. */
export interface PolicyParts {
  readonly rules?: Iterable<FilterRule>;
  readonly forwards?: Iterable<ForwardRule>;
  readonly modules?: Iterable<ModuleBinding>;
  readonly controls?: Iterable<ModuleControl>;
  readonly sets?: Iterable<{ readonly name: string; readonly comment?: string | undefined; readonly entries: Iterable<string> }>;
  readonly services?: Iterable<Service>;
  readonly protection?: Protection;
  /** Default: one more than the highest id. */
  readonly nextRuleId?: number;
  readonly nextForwardId?: number;
}

const keyed = <K extends number | string, T>(items: Iterable<T> | undefined, key: (item: T) => K): SortedMap<K, T> =>
  SortedMap.from(Array.from(items ?? [], (item) => [key(item), item] as const));

const beyond = (ids: Iterable<number>): number => {
  let highest = 0;
  for (const id of ids) if (id > highest) highest = id;
  return highest + 1;
};

type SetParts = NonNullable<PolicyParts["sets"]> extends Iterable<infer T> ? T : never;
const addressSet = ({ name, comment, entries }: SetParts): AddressSet =>
  ({ name, ...(comment === undefined ? {} : { comment }), entries: EntrySet.from(entries) });

/** A state of its parts. */
export function policyState(parts: PolicyParts): PolicyState {
  const rules = RuleTable.from(parts.rules ?? []);
  const forwards = keyed(parts.forwards, ({ id }) => id);
  return {
    rules, forwards,
    modules: keyed(parts.modules, ({ name }) => name),
    controls: keyed(parts.controls, ({ name }) => name),
    sets: keyed(Array.from(parts.sets ?? [], addressSet), ({ name }) => name),
    services: keyed(parts.services, ({ name }) => name),
    protection: parts.protection ?? NO_PROTECTION,
    nextRuleId: parts.nextRuleId ?? beyond(rules.keys()),
    nextForwardId: parts.nextForwardId ?? beyond(forwards.keys()),
  };
}

export const emptyPolicy: PolicyState = policyState({});

/** The state after one event. Pure: it never fails, whatever the order of events, since what happened has happened. */
export function evolve(state: PolicyState, event: PolicyEvent): PolicyState {
  switch (event.type) {
    case "rule.added": {
      const { rule } = event.data;
      return { ...state, rules: RuleTable.of(state.rules).with(rule), nextRuleId: Math.max(state.nextRuleId, rule.id + 1) };
    }
    case "rules.added": {
      const { rules } = event.data;
      const nextRuleId = Math.max(state.nextRuleId, beyond(rules.map(({ id }) => id)));
      return { ...state, rules: RuleTable.of(state.rules).withAll(rules), nextRuleId };
    }
    case "rules.replaced": {
      const rules = RuleTable.from(event.data.rules);
      return { ...state, rules, nextRuleId: Math.max(state.nextRuleId, beyond(rules.keys())) };
    }
    case "rule.deleted":
    case "rule.expired":
      return { ...state, rules: RuleTable.of(state.rules).without([event.data.id]) };
    case "rules.cleared":
      return { ...state, rules: RuleTable.of(state.rules).without(event.data.ids) };
    case "forward.added": {
      const { forward } = event.data;
      const nextForwardId = Math.max(state.nextForwardId, forward.id + 1);
      return { ...state, forwards: SortedMap.of(state.forwards).with(forward.id, forward), nextForwardId };
    }
    case "forward.deleted":
      return { ...state, forwards: SortedMap.of(state.forwards).without(event.data.id) };
    case "forwards.cleared":
      return { ...state, forwards: SortedMap.of(state.forwards).changed([], event.data.ids) };
    case "module.registered": {
      const { module } = event.data;
      const before = state.controls.get(module.name);
      const control = before && moduleReplaced(before, module.digest);
      const controls = control === before || !control ? state.controls : SortedMap.of(state.controls).with(module.name, control);
      return { ...state, controls, modules: SortedMap.of(state.modules).with(module.name, module) };
    }
    case "set.created":
      return { ...state, sets: SortedMap.of(state.sets).with(event.data.name, addressSet(event.data)) };
    case "set.changed":
    case "set.replaced": {
      const { name } = event.data;
      const before = state.sets.get(name) ?? { name, entries: EntrySet.from([]) };
      const entries = event.type === "set.replaced"
        ? EntrySet.from(event.data.entries)
        : EntrySet.of(before.entries).changed(event.data.add, event.data.remove);
      return { ...state, sets: SortedMap.of(state.sets).with(name, { ...before, entries }) };
    }
    case "set.deleted":
      return { ...state, sets: SortedMap.of(state.sets).without(event.data.name) };
    case "service.added":
      return { ...state, services: SortedMap.of(state.services).with(event.data.service.name, event.data.service) };
    case "service.deleted":
      return { ...state, services: SortedMap.of(state.services).without(event.data.name) };
    case "protection.changed":
      return { ...state, protection: event.data.protection };
    default: {
      const { name } = event.data;
      return { ...state, controls: SortedMap.of(state.controls).with(name, evolveModule(state.controls.get(name), event)) };
    }
  }
}

/** Filter rules in the order they are tried: by priority, then by id. Collected once a state. */
export function rulesInOrder(state: Pick<PolicyState, "rules">): readonly FilterRule[] {
  if (state.rules instanceof RuleTable) return state.rules.inOrder();
  return [...state.rules.values()].sort((a, b) => ruleOrder(a) - ruleOrder(b));
}
