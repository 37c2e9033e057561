import { POLICY_LIMITS, ProblemError, type ProblemCode } from "@secuxflow/contracts";

const CONFIRM_NEXT = 'add --confirm to do it all the same (REST: "confirm": true in options, ?confirm=true on DELETE)';
const SHOWN = 5;

/** The first of many: "1, 2, 3 and 7 more". */
export function listed(items: readonly (string | number)[], shown = SHOWN): string {
  const more = items.length - shown;
  return items.slice(0, shown).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

export const missing = (what: "rule" | "forward" | "set" | "service" | "module", id: number | string): ProblemError =>
  new ProblemError("not_found", `there is no ${what} ${id}`, { next: `secuxflow-cli ${what} list` });

export const unconfirmed = (message: string): ProblemError =>
  new ProblemError("confirmation_required", message, { next: CONFIRM_NEXT });

const LIMIT_NEXT = {
  rules: "delete rules that are no longer needed (secuxflow-cli rule list), or join prefixes",
  forwards: "delete forwards that are no longer needed (secuxflow-cli forward list), or join prefixes",
  modules: "give the new module the name of one that it replaces",
  sets: "delete sets that are no longer needed (secuxflow-cli set list), or put their entries together",
  services: "delete services that are no longer needed (secuxflow-cli service list)",
} as const;

/** @throws ProblemError limit_reached when `added` more do not fit */
export function withinLimit(what: keyof typeof LIMIT_NEXT, standing: number, added = 1): void {
  const most = POLICY_LIMITS[what];
  if (standing + added <= most) return;
  const asked = added === 1 ? "" : `, ${added} more are asked for`;
  throw new ProblemError("limit_reached", `the policy holds ${standing} ${what}${asked}, and ${most} is the most it can`, {
    next: LIMIT_NEXT[what],
  });
}

const UNKNOWN = {
  unknown_module: { what: "module", why: "no inspector has announced module", next: "secuxflow-cli module list" },
  unknown_set: { what: "set", why: "there is no address set", next: "secuxflow-cli set create NAME, or secuxflow-cli set list" },
  unknown_service: { what: "service", why: "there is no service", next: "secuxflow-cli service add NAME, or secuxflow-cli service list" },
} as const satisfies Partial<Record<ProblemCode, object>>;

/** A name that a command refers to and the policy does not have. `field` as the request names it. */
export function unknownName(
  code: keyof typeof UNKNOWN,
  name: string,
  field: string,
  known: Iterable<string>,
): ProblemError {
  const { what, why, next } = UNKNOWN[code];
  const names = [...known].sort();
  const choice = names.length === 0 ? `no ${what} is known yet` : `use one of ${listed(names, 20)}`;
  const words = names.length === 0 ? `${why} ${name}; ${choice}` : `${why} ${name}; known ${what}s: ${listed(names, 20)}`;
  return new ProblemError(code, words, { next, errors: [{ field, message: choice }] });
}
