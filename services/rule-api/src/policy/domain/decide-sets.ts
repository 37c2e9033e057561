import { describeRule, POLICY_LIMITS, ProblemError, type AddressSet, type PolicyEvent, type PolicyState } from "@secuxflow/contracts";
import { addressesOf } from "./addresses.js";
import type { ChangeSet, CreateSet, DeleteSet, ReplaceSet } from "./commands.js";
import { setsOf, type SetLookup } from "./match.js";
import { listed, missing, unconfirmed, withinLimit } from "./refusals.js";
import { dangerOf } from "./safety.js";
import { setLookup } from "./set-lookup.js";

/** @throws ProblemError already_exists, limit_reached */
export function createSet({ set }: CreateSet, state: PolicyState): PolicyEvent[] {
  if (state.sets.has(set.name)) {
    throw new ProblemError("already_exists", `there is a set ${set.name} already`, {
      next: `secuxflow-cli set add ${set.name} PREFIX, or another name`,
      errors: [{ field: "set.name", message: "this name is taken" }],
    });
  }
  withinLimit("sets", state.sets.size);
  return [{ type: "set.created", version: 1, data: set }];
}

const setOf = (state: PolicyState, name: string): AddressSet => {
  const set = state.sets.get(name);
  if (!set) throw missing("set", name);
  return set;
};

/** Refuses entries by which a rule that names the set may cut the administrator off. Looks at the new entries alone. */
const guard = (command: ChangeSet | ReplaceSet, state: PolicyState, added: readonly string[]): void => {
  if (command.confirm || added.length === 0) return;
  const using = [...state.rules.values()].filter((rule) => setsOf(rule).includes(command.name));
  if (using.length === 0) return;
  const others = setLookup(state);
  const fresh = addressesOf(added);
  const sets: SetLookup = (name) => (name === command.name ? fresh : others(name));
  for (const rule of using) {
    const danger = dangerOf(rule, command.surroundings, sets);
    if (danger !== undefined)
      throw unconfirmed(`with these entries rule ${rule.id} (${describeRule(rule)}) may cut you off: ${danger}`);
  }
};

/** @throws ProblemError not_found, limit_reached, confirmation_required */
export function changeSet(command: ChangeSet, state: PolicyState): PolicyEvent[] {
  const { entries } = setOf(state, command.name);
  const remove = command.remove.filter((entry) => entries.has(entry));
  const add = command.add.filter((entry) => !entries.has(entry));
  const size = entries.size - remove.length + add.length;
  if (size > POLICY_LIMITS.setEntries) {
    throw new ProblemError(
      "limit_reached",
      `set ${command.name} would hold ${size} entries, and ${POLICY_LIMITS.setEntries} is the most it can`,
      { next: "take entries out first, join prefixes, or use several sets" },
    );
  }
  guard(command, state, add);
  if (add.length + remove.length === 0) return [];
  return [{ type: "set.changed", version: 1, data: { name: command.name, add, remove } }];
}

/** @throws ProblemError not_found, confirmation_required */
export function replaceSet(command: ReplaceSet, state: PolicyState): PolicyEvent[] {
  const { entries: before } = setOf(state, command.name);
  const added = command.entries.filter((entry) => !before.has(entry));
  guard(command, state, added);
  if (added.length === 0 && command.entries.length === before.size) return [];
  return [{ type: "set.replaced", version: 1, data: { name: command.name, entries: [...command.entries] } }];
}

/** Ids of the rules and forwards that name each set, ascending. */
export interface SetUsers {
  readonly rules: readonly number[];
  readonly forwards: readonly number[];
}

export const NO_USERS: SetUsers = { rules: [], forwards: [] };

/** Who names which set, by one look at the policy. */
export function usersOfSets(state: PolicyState): ReadonlyMap<string, SetUsers> {
  const users = new Map<string, { rules: number[]; forwards: number[] }>();
  const of = (name: string) => {
    const known = users.get(name) ?? { rules: [], forwards: [] };
    users.set(name, known);
    return known;
  };
  for (const rule of state.rules.values()) for (const name of setsOf(rule)) of(name).rules.push(rule.id);
  for (const forward of state.forwards.values()) for (const name of setsOf(forward)) of(name).forwards.push(forward.id);
  return users;
}

/** @throws ProblemError not_found, in_use */
export function deleteSet({ name }: DeleteSet, state: PolicyState): PolicyEvent[] {
  setOf(state, name);
  const { rules, forwards } = usersOfSets(state).get(name) ?? NO_USERS;
  if (rules.length + forwards.length > 0) {
    const users = [
      ...(rules.length === 0 ? [] : [`${rules.length === 1 ? "rule" : "rules"} ${listed(rules)}`]),
      ...(forwards.length === 0 ? [] : [`${forwards.length === 1 ? "forward" : "forwards"} ${listed(forwards)}`]),
    ];
    throw new ProblemError("in_use", `set ${name} is named by ${users.join(" and ")}`, {
      next: "delete these first, or take the entries out: secuxflow-cli set import NAME FILE",
    });
  }
  return [{ type: "set.deleted", version: 1, data: { name } }];
}
