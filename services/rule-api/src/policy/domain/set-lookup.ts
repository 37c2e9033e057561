import type { AddressSet, PolicyState } from "@secuxflow/contracts";
import { addressesOf, type Addresses } from "./addresses.js";
import type { SetLookup } from "./match.js";

/** A set's entries never change in place, so that what was made of them stays right as long as they are there. */
const made = new WeakMap<AddressSet["entries"], Addresses>();

/** The sets of a policy as matches look them up; the addresses of each are collected when it is asked for first. */
export function setLookup({ sets }: Pick<PolicyState, "sets">): SetLookup {
  return (name) => {
    const set = sets.get(name);
    if (!set) return undefined;
    const known = made.get(set.entries) ?? addressesOf(set.entries);
    made.set(set.entries, known);
    return known;
  };
}
