import {
  changedProtection,
  ProblemError,
  serviceFrom,
  type PolicyEvent,
  type PolicyState,
  type Protection,
} from "@secuxflow/contracts";
import type { AddService, ChangeProtection, DeleteService } from "./commands.js";
import { listed, missing, unconfirmed, unknownName, withinLimit } from "./refusals.js";
import { dangerOfProtection } from "./safety.js";

/** @throws ProblemError already_exists, unknown_module, limit_reached */
export function addService({ service, now }: AddService, state: PolicyState): PolicyEvent[] {
  if (state.services.has(service.name)) {
    throw new ProblemError("already_exists", `there is a service ${service.name} already`, {
      next: `secuxflow-cli service delete ${service.name}, or another name`,
      errors: [{ field: "service.name", message: "this name is taken" }],
    });
  }
  for (const [index, module] of (service.inspect ?? []).entries()) {
    if (!state.modules.has(module)) throw unknownName("unknown_module", module, `service.inspect.${index}`, state.modules.keys());
  }
  withinLimit("services", state.services.size);
  return [{ type: "service.added", version: 1, data: { service: serviceFrom(service, now) } }];
}

/** Ids of the rules that redirect to each service, ascending. */
export function usersOfServices(state: PolicyState): ReadonlyMap<string, readonly number[]> {
  const users = new Map<string, number[]>();
  for (const { id, service } of state.rules.values()) {
    if (service === undefined) continue;
    const ids = users.get(service) ?? [];
    ids.push(id);
    users.set(service, ids);
  }
  return users;
}

/** @throws ProblemError not_found, in_use */
export function deleteService({ name }: DeleteService, state: PolicyState): PolicyEvent[] {
  if (!state.services.has(name)) throw missing("service", name);
  const rules = usersOfServices(state).get(name) ?? [];
  if (rules.length > 0) {
    throw new ProblemError("in_use", `${rules.length === 1 ? "rule" : "rules"} ${listed(rules)} ${rules.length === 1 ? "redirects" : "redirect"} to service ${name}`, {
      next: `first: secuxflow-cli rule delete --id ${rules[0] ?? ""}`,
    });
  }
  return [{ type: "service.deleted", version: 1, data: { name } }];
}

const sameProtection = (a: Protection, b: Protection): boolean =>
  a.synCookies === b.synCookies &&
  a.synRate === b.synRate &&
  a.establishedPass === b.establishedPass &&
  a.perSource?.rate === b.perSource?.rate &&
  a.perSource?.burst === b.perSource?.burst;

/** @throws ProblemError confirmation_required */
export function changeProtection({ change, confirm }: ChangeProtection, state: PolicyState): PolicyEvent[] {
  const protection = changedProtection(state.protection, change);
  if (sameProtection(protection, state.protection)) return [];
  const danger = confirm || change.perSource === undefined ? undefined : dangerOfProtection(protection);
  if (danger !== undefined) throw unconfirmed(danger);
  return [{ type: "protection.changed", version: 1, data: { protection } }];
}
