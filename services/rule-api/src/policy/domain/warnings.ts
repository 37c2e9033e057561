import { describeRule, ruleOrder, rulesInOrder, type FilterRule, type ForwardRule, type PolicyState } from "@secuxflow/contracts";
import { covers, isEverything, overlaps } from "./match.js";
import { listed } from "./refusals.js";
import { setLookup } from "./set-lookup.js";
import { shadows, type Shadow } from "./shadows.js";

const list = (ids: readonly number[]): string => `${ids.length === 1 ? "rule" : "rules"} ${listed(ids)}`;

/** Actions that may keep a packet from where it was sent. */
const BLOCKING: ReadonlySet<string> = new Set(["drop", "reject", "limit"]);

const neverReached = (rule: FilterRule, by: FilterRule): string => {
  const until = by.expiresAt === undefined ? "" : ` until it expires at ${by.expiresAt}`;
  return (
    `rule ${rule.id} is never reached${until}: rule ${by.id} (${describeRule(by)}, priority ${by.priority}) ` +
    "is tried first and already matches everything it matches"
  );
};

const DOES: Readonly<Record<string, string>> = {
  drop: "drops", pass: "passes", limit: "limits", reject: "rejects", redirect: "redirects",
};
const matchesEverything = (rule: FilterRule): string =>
  `rule ${rule.id} matches every packet: it ${DOES[rule.action] ?? rule.action} all that no earlier rule decides`;

/**
 * What an administrator should know of a rule beside the others of the policy (which may hold the rule itself).
 * One look at each of them. A rule that is only monitored does not act on the others.
 */
export function ruleWarnings(state: PolicyState, rule: FilterRule): string[] {
  const sets = setLookup(state);
  const acts = rule.monitor !== true;
  const place = ruleOrder(rule);
  let shadow: FilterRule | undefined;
  const hidden: number[] = [];
  const overridden: number[] = [];
  for (const other of rulesInOrder(state)) {
    if (other.id === rule.id) continue;
    if (ruleOrder(other) < place) {
      if (!shadow && other.monitor !== true && covers(other, rule, sets)) shadow = other;
    } else if (acts) {
      if (covers(rule, other, sets)) hidden.push(other.id);
      if (rule.action === "pass" && BLOCKING.has(other.action) && other.monitor !== true && overlaps(rule, other, sets))
        overridden.push(other.id);
    }
  }
  const isOrAre = hidden.length === 1 ? "is" : "are";
  return [
    ...(shadow ? [neverReached(rule, shadow)] : []),
    ...(acts && isEverything(rule) ? [matchesEverything(rule)] : []),
    ...(hidden.length === 0
      ? []
      : [`${list(hidden)} ${isOrAre} never reached any more: rule ${rule.id} is tried first and matches all of it`]),
    ...(overridden.length === 0 || shadow
      ? []
      : [`rule ${rule.id} lets traffic pass that ${list(overridden)} would stop`]),
  ];
}

/** Warnings of one kind that are told in full. */
const SHOWN = 10;

const firstOf = (lines: readonly string[], more: (left: number) => string): string[] =>
  lines.length <= SHOWN ? [...lines] : [...lines.slice(0, SHOWN), more(lines.length - SHOWN)];

/**
 * What an administrator should know of rules that were imported: those that are never reached, or that make others so, and those
 * that match everything. In about linear time, whatever their number.
 */
export function importWarnings(state: PolicyState, imported: ReadonlySet<number>): string[] {
  const { found, complete } = shadows(rulesInOrder(state), setLookup(state));
  const concerned = found.filter(({ rule, by }: Shadow) => imported.has(rule.id) || imported.has(by.id));
  const everything = [...imported]
    .map((id) => state.rules.get(id))
    .filter((rule) => rule !== undefined)
    .filter((rule) => rule.monitor !== true && isEverything(rule));
  return [
    ...firstOf(concerned.map(({ rule, by }) => neverReached(rule, by)), (left) => `${left} more rules are never reached`),
    ...firstOf(everything.map(matchesEverything), (left) => `${left} more rules match every packet`),
    ...(complete ? [] : ["there are too many rules of the same addresses to tell all that are never reached"]),
  ];
}

/** What an administrator should know of a forwarding rule. */
export function forwardWarnings(forward: ForwardRule): string[] {
  return isEverything(forward) && forward.sample === undefined
    ? [`forward ${forward.id} copies every packet that passes: expect load, and losses counted by "status stats"`]
    : [];
}
