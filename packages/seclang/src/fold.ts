// What can be said about rules before any request: TX variables start empty, and what is set to constants without a condition is
// known. Rules that then can never match, and rules that are always jumped over (the paranoia levels above the configured one),
// are left out; what the first rules always set becomes the initial state.
import type { Ctl, Item, Link, Macro, Rule } from "./ir.js";
import { inRanges } from "./actions.js";

export interface Folded {
  readonly items: Item[];
  /** TX variables at the start of a transaction, by name in small letters. */
  readonly initial: ReadonlyMap<string, string>;
}

const UNKNOWN = Symbol("unknown");
type Outcome = "always" | "never" | "maybe";
type Value = string | undefined | typeof UNKNOWN;

/** Removes what cannot happen. The order of items stays, and so does every marker. */
export function fold(items: readonly Item[]): Folded {
  const state = new State(items);
  for (let phase = 1; phase <= 5; phase++) state.phase(phase);
  return { items: items.filter((item) => !state.gone.has(item)), initial: state.initial };
}

class State {
  readonly gone = new Set<Item>();
  readonly initial = new Map<string, string>();
  private readonly known = new Map<string, Value>();
  /** Names that are made at run time start with one of these. */
  private readonly prefixes: string[] = [];
  /** All rules so far could be carried out here and now. */
  private atStart = true;
  private readonly removals: Ctl[];

  constructor(private readonly items: readonly Item[]) {
    this.removals = rulesOf(items).flatMap(({ links }) => links.flatMap(({ effects }) => effects.flatMap((effect) => (
      effect.kind === "ctl" && REMOVES.has(effect.ctl.option) ? [effect.ctl] : []))));
  }

  phase(phase: number): void {
    /** A marker up to which rules may have been jumped over. */
    let maybeUntil = "";
    for (let i = 0; i < this.items.length; i++) {
      const item = this.items[i];
      if (item === undefined) continue;
      if (item.kind === "marker") {
        if (item.name === maybeUntil) maybeUntil = "";
        continue;
      }
      if (item.phase !== phase || this.gone.has(item)) continue;
      const outcome = this.evaluate(item, maybeUntil === "" && !this.removable(item));
      if (outcome === "never") {
        this.gone.add(item);
        continue;
      }
      if (outcome === "always" && item.skipAfter !== "" && maybeUntil === "") {
        const region = this.region(i, phase, item.skipAfter);
        if (this.removals.every((ctl) => !hits(ctl, item) || region.every((rule) => hits(ctl, rule)))) {
          for (const rule of region) this.gone.add(rule);
          if (!item.log && item.links.every(({ effects }) => effects.length === 0)) this.gone.add(item);
        }
      }
      const simple = item.disruption === "pass" && !item.log && item.skip === 0;
      if (outcome === "always" && this.atStart && simple && (item.skipAfter === "" || this.gone.has(item)) &&
        item.links.every(onlySets)) {
        this.gone.add(item);
        continue;
      }
      if (this.gone.has(item)) continue;
      if (this.atStart) {
        this.atStart = false;
        for (const [name, value] of this.startValues) this.initial.set(name, value);
      }
      if (outcome === "maybe" && (item.skipAfter !== "" ||
        item.skip > 0)) maybeUntil = item.skipAfter === "" ? "\0" : item.skipAfter;
    }
    if (this.atStart && phase === 5) for (const [name, value] of this.startValues) this.initial.set(name, value);
  }

  /** What is known now, as the initial state. */
  private get startValues(): [string, string][] {
    return [...this.before].filter((entry): entry is [string, string] => typeof entry[1] === "string");
  }
  /** What was known before the rule that is being looked at. */
  private before = new Map<string, Value>();

  private removable(rule: Rule): boolean {
    return !this.atStart && this.removals.some((ctl) => hits(ctl, rule));
  }

  private region(from: number, phase: number, marker: string): Rule[] {
    const region: Rule[] = [];
    for (const item of this.items.slice(from + 1)) {
      if (item.kind === "marker" && item.name === marker) break;
      if (item.kind === "rule" && item.phase === phase && !this.gone.has(item)) region.push(item);
    }
    return region;
  }

  /** Whether the rule matches; carries its assignments out, `certain` when the rule is reached in any case. */
  private evaluate(rule: Rule, certain: boolean): Outcome {
    this.before = new Map(this.known);
    let sure = true;
    for (const link of rule.links) {
      const matches: Outcome = sure ? this.decide(link) : "maybe";
      if (matches === "never") return link === rule.links[0] ? "never" : "maybe";
      sure &&= matches === "always";
      this.assign(link, sure && certain);
    }
    return sure ? "always" : "maybe";
  }

  private decide(link: Link): Outcome {
    if (link.operator === undefined) return "always";
    const [target] = link.targets;
    if (link.targets.length !== 1 || target?.variable !== "TX" || target.select.kind !== "key" ||
      link.transformations.length > 0) return "maybe";
    if (/^\d$/.test(target.select.key)) return "maybe";
    const value = this.get(target.select.key);
    if (value === UNKNOWN) return "maybe";
    if (value === undefined && !target.count) return "never";
    const subject = target.count ? (value === undefined ? "0" : "1") : (value ?? "");
    const argument = this.expand(link.operator.macro);
    if (argument === UNKNOWN || argument === undefined) return "maybe";
    const holds = compare(link.operator.name, subject, argument);
    if (holds === undefined) return "maybe";
    return holds === link.operator.negated ? "never" : "always";
  }

  private assign(link: Link, certain: boolean): void {
    for (const effect of link.effects) {
      if (effect.kind !== "setvar" || effect.collection !== "TX") continue;
      const name = this.expand(effect.name);
      if (typeof name !== "string") {
        const [first] = effect.name;
        this.prefixes.push(first !== undefined && "text" in first ? first.text.toLowerCase() : "");
        continue;
      }
      const key = name.toLowerCase();
      const value = effect.how === "unset" ? undefined : this.expand(effect.value);
      let next: Value = value;
      if (effect.how === "add" || effect.how === "subtract") {
        const old = this.get(key);
        const sign = effect.how === "add" ? 1 : -1;
        next = old === UNKNOWN || value === UNKNOWN ? UNKNOWN : String(numberOf(old ?? "") + sign * numberOf(value ?? ""));
      }
      this.known.set(key, certain ? next : UNKNOWN);
    }
  }

  private get(key: string): Value {
    const name = key.toLowerCase();
    if (this.prefixes.some((prefix) => name.startsWith(prefix))) return UNKNOWN;
    return this.known.get(name);
  }

  private expand(macro: Macro): Value {
    let text = "";
    for (const part of macro) {
      if ("text" in part) {
        text += part.text;
        continue;
      }
      const value = part.variable === "TX" && !/^\d$/.test(part.key) ? this.get(part.key) : UNKNOWN;
      if (value === UNKNOWN) return UNKNOWN;
      text += value ?? "";
    }
    return text;
  }
}

const REMOVES = new Set<string>(["ruleRemoveById", "ruleRemoveByTag", "ruleRemoveByMsg"]);

const rulesOf = (items: readonly Item[]): Rule[] => items.filter((item): item is Rule => item.kind === "rule");

const onlySets = (link: Link): boolean => link.effects.every((effect) => effect.kind === "setvar" && effect.collection === "TX");

/** Whether a ctl takes a rule out of a transaction. */
export function hits(ctl: Ctl, rule: Rule): boolean {
  switch (ctl.option) {
    case "ruleRemoveById":
    case "ruleRemoveTargetById":
      return inRanges(rule.id, ctl.ranges);
    case "ruleRemoveByTag":
    case "ruleRemoveTargetByTag": {
      const matches = matcher(ctl.text);
      return rule.tags.some(matches);
    }
    case "ruleRemoveByMsg":
    case "ruleRemoveTargetByMsg": {
      const msg = rule.links[0]?.msg ?? [];
      return matcher(ctl.text)(msg.map((part) => ("text" in part ? part.text : "")).join(""));
    }
    default:
      return false;
  }
}

/** A tag is given whole, or as a regular expression between slashes or with its special characters. */
function matcher(text: string): (tag: string) => boolean {
  try {
    const expression = new RegExp(text.replace(/^\/(.*)\/$/s, "$1"));
    return (tag) => tag === text || expression.test(tag);
  } catch {
    return (tag) => tag === text;
  }
}

/** Leading digits with a sign, as C's atoi. */
export function numberOf(text: string): number {
  return Number(/^\s*([+-]?\d{1,15})/.exec(text)?.[1] ?? 0);
}

function compare(operator: string, subject: string, argument: string): boolean | undefined {
  switch (operator) {
    case "eq":
      return numberOf(subject) === numberOf(argument);
    case "ge":
      return numberOf(subject) >= numberOf(argument);
    case "gt":
      return numberOf(subject) > numberOf(argument);
    case "le":
      return numberOf(subject) <= numberOf(argument);
    case "lt":
      return numberOf(subject) < numberOf(argument);
    case "streq":
      return subject === argument;
    case "unconditionalmatch":
      return true;
    default:
      return undefined;
  }
}
