// Directives that change rules which are already there.
import { SecLangError, type Position } from "./errors.js";
import type { Exclusion, Item, Rule, Target } from "./ir.js";
import type { Word } from "./lexer.js";
import { parseTargets } from "./targets.js";

/** Everything but the rules that `which` says. */
export function removeRules(items: readonly Item[], which: (rule: Rule) => boolean): Item[] {
  return items.filter((item) => item.kind === "marker" || !which(item));
}

/**
 * Adds targets and exclusions to the rules that `which` says; a second argument names a target that they replace. In chains, it is
 * the first link that is changed.
 */
export function updateTargets(items: readonly Item[], which: (rule: Rule) => boolean, args: readonly Word[], at: Position): void {
  const [word, replaced] = args;
  if (word === undefined) throw new SecLangError("the variables to add or to leave out are missing", at);
  const { targets, exclusions } = parseTargets(word);
  const old = replaced === undefined ? [] : parseTargets(replaced).targets;
  for (const rule of items) {
    if (rule.kind !== "rule" || !which(rule)) continue;
    const link = rule.links[0];
    if (link?.operator === undefined) continue;
    link.targets = link.targets.filter((target) => !old.some((other) => same(target, other)));
    for (const target of targets) if (!link.targets.some((other) => same(target, other))) link.targets.push({ ...target });
    link.exclusions.push(...exclusions.map((exclusion) => ({ ...exclusion })));
  }
}

function same(a: Target, b: Target): boolean {
  return a.count === b.count && a.variable === b.variable && selectText(a) === selectText(b);
}

/** A target or exclusion as it is written in rules. */
export function selectText({ variable, select }: Exclusion): string {
  if (select.kind === "all") return variable;
  return select.kind === "key" ? `${variable}:${select.key.toLowerCase()}` : `${variable}:/${select.pattern}/`;
}
