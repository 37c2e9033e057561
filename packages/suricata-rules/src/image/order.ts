import type { Action, Rule } from "../ir.js";

/**
 * Rules in the order in which they are tried and reported: pass, drop, reject, alert; then those that set flow bits before those
 * that read them (the same for flow integers, host and pair bits); then by priority; then as written. This is Suricata's order.
 */
export function inOrder(rules: readonly Rule[], actionOrder: readonly string[] = ACTIONS): Rule[] {
  return rules
    .map((rule, index) => ({ rule, index, keys: [rankOf(rule.action, actionOrder), ...keysOf(rule)] }))
    .sort((a, b) => {
      for (let i = 0; i < a.keys.length; i++) {
        const difference = (a.keys[i] ?? 0) - (b.keys[i] ?? 0);
        if (difference !== 0) return difference;
      }
      return a.index - b.index;
    })
    .map(({ rule }) => rule);
}

const ACTIONS = ["pass", "drop", "reject", "alert"];

/** Place of an action in the order; all kinds of reject are one. Actions that the order does not name come last, as they are. */
function rankOf(action: Action, order: readonly string[]): number {
  const name = action.startsWith("reject") ? "reject" : action;
  const place = order.indexOf(name);
  return place >= 0 ? place : order.length + ACTIONS.indexOf(name);
}

function keysOf(rule: Rule): number[] {
  const use = (type: string): number => {
    const reads = rule.conditions.some((condition) => condition.type === type);
    const sets = rule.post.some((post) => post.type === type);
    // What only takes bits away comes before what sets them: a bit set by the same packet stays.
    const unsets = rule.post.every((post) => post.type !== type || ("operation" in post && post.operation === "unset"));
    return sets ? (reads ? 2 : unsets ? 0 : 1) : reads ? 3 : 4;
  };
  return [use("flowbits"), use("flowint"), use("hostbits"), use("xbits"), rule.priority];
}
