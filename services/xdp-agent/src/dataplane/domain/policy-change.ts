import type { PolicyState } from "@secuxflow/contracts";

/** Rules that a change may have touched: their ids, or all of them. Naming too many is no fault, only slow. */
export type TouchedRules = ReadonlySet<number> | "all";

/** A policy to put in force, and what of it may differ from the one in force. */
export interface PolicyChange {
  readonly revision: number;
  readonly state: PolicyState;
  readonly touched: TouchedRules;
}

/** What touchedIds asks of the rules that stand. */
interface StandingRules {
  has(id: number): boolean;
  ids(): Iterable<number>;
}

/** Ids of rules that exist in the kernel or in the policy and may differ between them, each once. */
export function* touchedIds(touched: TouchedRules, standing: StandingRules, state: PolicyState): Generator<number, void> {
  if (touched !== "all") {
    yield* touched;
    return;
  }
  yield* standing.ids();
  for (const id of state.rules.keys()) if (!standing.has(id)) yield id;
}
