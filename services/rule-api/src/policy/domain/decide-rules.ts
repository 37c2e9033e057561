import {
  describeRule,
  MATCH_FIELDS,
  ProblemError,
  setNamed,
  type FilterRule,
  type MatchFields,
  type PolicyEvent,
  type PolicyState,
  type ProblemCode,
  type RuleSpec,
} from "@secuxflow/contracts";
import type { AddRule, ApproveAlert, ExpireRules, ImportRules } from "./commands.js";
import { sameMatch } from "./match.js";
import { listed, unconfirmed, unknownName, withinLimit } from "./refusals.js";
import { dangerOf } from "./safety.js";
import { setLookup } from "./set-lookup.js";

/** Faults of a bulk command that are told at once. */
const MAX_FAULTS = 100;
/** Events that one message may hold. */
const MAX_EXPIRED = 5_000;

type Effect = Pick<FilterRule, "action" | "priority" | "limit" | "service" | "monitor"> & { readonly reject?: string | undefined };

const sameLimit = (a: FilterRule["limit"], b: FilterRule["limit"]): boolean =>
  a?.rate === b?.rate && a?.unit === b?.unit && a?.per === b?.per && a?.burst === b?.burst;

/** Whether two rules do the same: same match, place and action with all that belongs to it. */
export const sameRule = (a: MatchFields & Effect, b: MatchFields & Effect): boolean =>
  a.action === b.action &&
  a.priority === b.priority &&
  a.monitor === b.monitor &&
  a.service === b.service &&
  a.reject === b.reject &&
  sameLimit(a.limit, b.limit) &&
  sameMatch(a, b);

/** Text that is the same for rules that do the same, and for no others. */
const ruleKey = (rule: MatchFields & Effect): string => {
  const { action, priority, monitor, service, reject, limit } = rule;
  const of = limit && [limit.rate, limit.unit, limit.per, limit.burst];
  return JSON.stringify([action, priority, monitor, service, reject, of, MATCH_FIELDS.map((field) => rule[field])]);
};

/** Whether a rule stands at `now`: what is due counts as gone, even before its expiry is written. */
const stands = (rule: FilterRule, now: string): boolean =>
  rule.expiresAt === undefined || Date.parse(rule.expiresAt) > Date.parse(now);

const twinOf = (state: PolicyState, spec: RuleSpec, now: string): FilterRule | undefined => {
  for (const rule of state.rules.values()) if (sameRule(rule, spec) && stands(rule, now)) return rule;
  return undefined;
};

/**
 * The standing rule that makes an approval needless: one made for the same alert, or one that does the same
 * (same match, action and priority).
 */
export function ruleAnswering(state: PolicyState, alertId: number, spec: RuleSpec, now: string): FilterRule | undefined {
  for (const rule of state.rules.values()) if (rule.alertId === alertId && stands(rule, now)) return rule;
  return twinOf(state, spec, now);
}

/** Ids of the rules that are due at `now` (ISO 8601), ascending. */
export function dueRules(state: PolicyState, now: string): number[] {
  const due: number[] = [];
  for (const rule of state.rules.values()) if (!stands(rule, now)) due.push(rule.id);
  return due.sort((a, b) => a - b);
}

/** A name in a match that the policy does not have; `at` as the request names the match: "rule", "rules.7". */
export function unknownSet(state: PolicyState, match: Pick<MatchFields, "src" | "dst">, at: string): ProblemError | undefined {
  for (const end of ["src", "dst"] as const) {
    const name = setNamed(match[end]);
    if (name !== undefined && !state.sets.has(name)) return unknownName("unknown_set", name, `${at}.${end}`, state.sets.keys());
  }
  return undefined;
}

const unknownNames = (state: PolicyState, rule: RuleSpec, at: string): ProblemError | undefined => {
  const { service } = rule;
  if (service !== undefined && !state.services.has(service))
    return unknownName("unknown_service", service, `${at}.service`, state.services.keys());
  return unknownSet(state, rule, at);
};

/** The rule that a spec makes. */
const ruleFrom = (id: number, { ttlMs, reject, monitor, ...kept }: RuleSpec, now: string, createdAt = now): FilterRule => ({
  id,
  ...kept,
  ...(reject === "unreachable" ? { reject } : {}),
  ...(monitor === true ? { monitor } : {}),
  createdAt,
  ...(ttlMs === undefined ? {} : { expiresAt: new Date(Date.parse(now) + ttlMs).toISOString() }),
});

/** One more rule. @throws ProblemError unknown_set, unknown_service, conflict, limit_reached, confirmation_required */
export function addRule(command: AddRule | ApproveAlert, state: PolicyState): PolicyEvent[] {
  const { rule: spec, now } = command;
  const unknown = unknownNames(state, spec, "rule");
  if (unknown) throw unknown;
  const twin = twinOf(state, spec, now);
  if (twin) {
    throw new ProblemError("conflict", `rule ${twin.id} already does this: ${describeRule(twin)}, priority ${twin.priority}`, {
      next: `keep it, or first: secuxflow-cli rule delete --id ${twin.id}`,
    });
  }
  withinLimit("rules", state.rules.size);
  const danger = command.confirm ? undefined : dangerOf(spec, command.surroundings, setLookup(state));
  if (danger !== undefined) throw unconfirmed(`${describeRule(spec)} may cut you off: ${danger}`);
  return [{ type: "rule.added", version: 1, data: { rule: ruleFrom(state.nextRuleId, spec, now) } }];
}

interface Fault {
  readonly code: ProblemCode;
  readonly field: string;
  readonly message: string;
}

/** What is wrong with rules that are asked for together: unknown names, and rules that are there twice. */
const importFaults = (command: ImportRules, state: PolicyState, standing: ReadonlyMap<string, FilterRule>): Fault[] => {
  const faults: Fault[] = [];
  const seen = new Map<string, number>();
  for (const [index, rule] of command.rules.entries()) {
    if (faults.length >= MAX_FAULTS) break;
    const at = `rules.${index}`;
    const unknown = unknownNames(state, rule, at);
    if (unknown) {
      const { code, message, more } = unknown;
      faults.push({ code, message, field: more.errors?.[0]?.field ?? at });
    }
    const key = ruleKey(rule);
    const first = seen.get(key);
    const twin = command.mode === "add" ? standing.get(key) : undefined;
    const conflict = (message: string) => faults.push({ code: "conflict", field: at, message });
    if (first !== undefined) conflict(`it does the same as rule ${first + 1} of this request`);
    else if (twin) conflict(`rule ${twin.id} already does this: ${describeRule(twin)}`);
    seen.set(key, first ?? index);
  }
  return faults;
};

const dangersOf = (command: ImportRules, state: PolicyState): string[] => {
  const sets = setLookup(state);
  const found: string[] = [];
  for (const [index, rule] of command.rules.entries()) {
    const danger = dangerOf(rule, command.surroundings, sets);
    if (danger !== undefined) found.push(`rule ${index + 1} of the request (${describeRule(rule)}): ${danger}`);
    if (found.length > 3) break;
  }
  return found;
};

/**
 * Many rules by one event. With `replace`, a rule that does the same as a standing one keeps its id (and so its counters).
 * New ids run without a gap, in the order of the request.
 * @throws ProblemError that names every rule at fault (field "rules.7"): conflict, unknown_set, unknown_service; limit_reached, confirmation_required
 */
export function importRules(command: ImportRules, state: PolicyState): PolicyEvent[] {
  const { mode, rules, now } = command;
  const replace = mode === "replace";
  const standing = new Map<string, FilterRule>();
  for (const rule of state.rules.values()) if (stands(rule, now)) standing.set(ruleKey(rule), rule);
  const faults = importFaults(command, state, standing);
  const [fault] = faults;
  if (fault) {
    const more = faults.length === 1 ? "" : `, and ${faults.length - 1} more`;
    throw new ProblemError(fault.code, `rules cannot be taken as they are: ${fault.field}: ${fault.message}${more}`, {
      next: "take these out or correct them; nothing was changed",
      errors: faults.map(({ field, message }) => ({ field, message })),
    });
  }
  withinLimit("rules", replace ? 0 : state.rules.size, rules.length);
  if (!command.confirm) {
    if (replace && state.rules.size > 0) throw unconfirmed(`replace takes out all rules (${state.rules.size} at the moment) but those named again`);
    const dangers = dangersOf(command, state);
    if (dangers.length > 0) throw unconfirmed(`rules may cut you off: ${listed(dangers, 3)}`);
  }
  let nextId = state.nextRuleId;
  const made = rules.map((spec) => {
    const twin = replace ? standing.get(ruleKey(spec)) : undefined;
    return twin ? ruleFrom(twin.id, spec, now, twin.createdAt) : ruleFrom(nextId++, spec, now);
  });
  if (replace) return [{ type: "rules.replaced", version: 1, data: { rules: made } }];
  return [{ type: "rules.added", version: 1, data: { rules: made } }];
}

/** Expires what was asked for and is due: at most 5,000 at once, the rest the next time. */
export function expireRules(command: ExpireRules, state: PolicyState): PolicyEvent[] {
  const due = new Set(dueRules(state, command.now));
  const ids = [...new Set(command.ids)].filter((id) => due.has(id)).sort((a, b) => a - b);
  return ids.slice(0, MAX_EXPIRED).map((id) => ({ type: "rule.expired", version: 1, data: { id } }));
}
