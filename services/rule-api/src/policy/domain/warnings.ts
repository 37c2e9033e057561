import { rulesInOrder, type FilterRule, type ForwardRule, type PolicyState } from "@secuxflow/contracts";
import { covers, describeMatch, isEverything, overlaps } from "./match.js";

const SHOWN = 5;

const list = (ids: readonly number[]): string => {
  const shown = ids.slice(0, SHOWN).join(", ");
  return `${ids.length === 1 ? "rule" : "rules"} ${shown}${ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : ""}`;
};

/** Whether `a` is tried before `b`. */
const isBefore = (a: FilterRule, b: FilterRule): boolean => a.priority < b.priority || (a.priority === b.priority && a.id < b.id);

/** What an administrator should know of a rule beside the others of the policy (which may hold the rule itself). */
export function ruleWarnings(state: PolicyState, rule: FilterRule): string[] {
  const others = rulesInOrder(state).filter((other) => other.id !== rule.id);
  const earlier = others.filter((other) => isBefore(other, rule));
  const later = others.filter((other) => isBefore(rule, other));
  const warnings: string[] = [];

  const shadow = earlier.find((other) => covers(other, rule));
  if (shadow) {
    const until = shadow.expiresAt === undefined ? "" : ` until it expires at ${shadow.expiresAt}`;
    warnings.push(
      `rule ${rule.id} is never reached${until}: rule ${shadow.id} (${shadow.action} ${describeMatch(shadow)}, priority ${shadow.priority}) ` +
        "is tried first and already matches everything it matches",
    );
  }
  if (isEverything(rule))
    warnings.push(
      `rule ${rule.id} matches every packet: it ${rule.action === "drop" ? "drops" : "passes"} all that no earlier rule decides`,
    );
  const hidden = later.filter((other) => covers(rule, other)).map((other) => other.id);
  if (hidden.length > 0)
    warnings.push(
      `${list(hidden)} ${hidden.length === 1 ? "is" : "are"} never reached any more: rule ${rule.id} is tried first and matches all of it`,
    );
  if (rule.action === "pass" && !shadow) {
    const overridden = later.filter((other) => other.action === "drop" && overlaps(rule, other)).map((other) => other.id);
    if (overridden.length > 0) warnings.push(`rule ${rule.id} lets traffic pass that ${list(overridden)} would drop`);
  }
  return warnings;
}

/** What an administrator should know of a forwarding rule. */
export function forwardWarnings(forward: ForwardRule): string[] {
  return isEverything(forward)
    ? [`forward ${forward.id} copies every packet that passes: expect load, and losses counted by "status stats"`]
    : [];
}
