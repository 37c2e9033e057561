import { MATCH_FIELDS } from "../policy/match.js";
import { POLICY_LIMITS } from "../policy/limits.js";
import type { FilterRule, ForwardRule } from "../policy/rule.js";
import { RuleTable } from "../policy/rule-table.js";
import type { PolicyState } from "../policy/state.js";
import { failsClosed } from "./evolve.js";

/** Ids of rules that are made here, counted down: above all that a policy gives out. */
const FORWARDS_FROM = POLICY_LIMITS.idMax;
const SERVICES_FROM = POLICY_LIMITS.idMax - 1_000_000;
const COMMENT = "closed: its module is quarantined";

const dropOf = (id: number, match: Pick<FilterRule, "src" | "dst" | "proto"> & Partial<FilterRule>, createdAt: string): FilterRule =>
  ({ id, ...match, action: "drop", priority: 0, comment: COMMENT, tags: [], createdAt });

const matchOf = (forward: ForwardRule): Pick<FilterRule, "src" | "dst" | "proto"> => {
  const fields: Record<string, unknown> = {};
  for (const field of MATCH_FIELDS) if (forward[field] !== undefined) fields[field] = forward[field];
  return fields as Pick<FilterRule, "src" | "dst" | "proto">;
};

/**
 * The drops that stand for modules which fail closed and are quarantined: one for each forwarding rule, and each service, that
 * sends to such a module. Forwards of answers alone, and of a sample of the flows, stay open: dropping cannot say which.
 */
export function closedRules(state: Pick<PolicyState, "controls" | "forwards" | "services">): FilterRule[] {
  const closed = new Set([...state.controls.values()].filter(failsClosed).map(({ name }) => name));
  if (closed.size === 0) return [];
  const forwards = [...state.forwards.values()]
    .filter(({ module, direction, sample = 1 }) => closed.has(module) && direction !== "from-service" && sample === 1)
    .map((forward) => dropOf(FORWARDS_FROM - forward.id, matchOf(forward), forward.createdAt));
  const services = [...state.services.values()].map((service, index) => ({ service, index }))
    .filter(({ service }) => (service.inspect ?? []).some((module) => closed.has(module)))
    .map(({ service: { address, port, proto, createdAt }, index }) =>
      dropOf(SERVICES_FROM - index, { src: "any", dst: address, proto: proto ?? "any", ...(port !== undefined && { port }) }, createdAt));
  return [...forwards, ...services];
}

/** The policy as agents enforce it: with the drops of modules that fail closed. The same object where there are none. */
export function withClosedModules(state: PolicyState): PolicyState {
  const rules = closedRules(state);
  return rules.length === 0 ? state : { ...state, rules: RuleTable.of(state.rules).withAll(rules) };
}
