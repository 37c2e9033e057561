import { familyOf, type FilterRule } from "@secuxflow/contracts";
import { addressesIn, covers, type SetLookup } from "./match.js";
import { rangesCover, type Point } from "./ranges.js";

/** A rule that is never reached, and the earlier one that matches all of it. */
export interface Shadow {
  readonly rule: FilterRule;
  readonly by: FilterRule;
}

export interface Shadows {
  readonly found: readonly Shadow[];
  /** False when looking took too long and was ended. */
  readonly complete: boolean;
}

/** Rules and tree nodes that may be looked at: some seconds at most, whatever the policy looks like. */
const MAX_STEPS = 8_000_000;

const plus = (a: Point, b: Point): Point => (typeof a === "number" ? a + Number(b) : a + BigInt(b));
const minus = (a: Point, b: Point): Point => (typeof a === "number" ? a - Number(b) : a - BigInt(b));
const modulo = (a: Point, b: Point): Point => (typeof a === "number" ? a % Number(b) : a % BigInt(b));

/** Where prefixes begin, and their size; undefined for "any" and sets. */
const blockOf = (text: string, sets: SetLookup): { from: Point; size: Point } | undefined => {
  const family = familyOf(text);
  if (family === undefined) return undefined;
  const ranges = addressesIn(text, sets)[family];
  const from = ranges.from[0];
  const to = ranges.to[0];
  return from === undefined || to === undefined ? undefined : { from, size: plus(minus(to, from), 1) };
};

/** Things by source (or destination), found by every source that covers another: a look at each prefix length that occurs. */
class ByEnd<T> {
  #any: T | undefined;
  readonly #sets = new Map<string, T>();
  readonly #blocks = new Map<Point, Map<Point, T>>();

  constructor(private readonly sets: SetLookup) {}

  /** What stands for `text`; made where there is nothing yet. */
  at(text: string, make: () => T): T {
    const block = blockOf(text, this.sets);
    if (block) {
      const ofSize = this.#blocks.get(block.size) ?? new Map<Point, T>();
      this.#blocks.set(block.size, ofSize);
      const there = ofSize.get(block.from) ?? make();
      ofSize.set(block.from, there);
      return there;
    }
    if (text === "any") return (this.#any ??= make());
    const there = this.#sets.get(text) ?? make();
    this.#sets.set(text, there);
    return there;
  }

  /** Everything whose end covers `text`, as far as that is told quickly: a set inside a prefix is not. */
  *covering(text: string): Generator<T> {
    if (this.#any !== undefined) yield this.#any;
    const block = blockOf(text, this.sets);
    const family = familyOf(text);
    for (const [name, there] of this.#sets) {
      const holds = () =>
        family !== undefined && rangesCover(addressesIn(name, this.sets)[family], addressesIn(text, this.sets)[family]);
      if (name === text || holds()) yield there;
    }
    if (!block) return;
    for (const [size, ofSize] of this.#blocks) {
      if (typeof size !== typeof block.size || size < block.size) continue;
      const there = ofSize.get(minus(block.from, modulo(block.from, size)));
      if (there !== undefined) yield there;
    }
  }
}

/**
 * Rules of a whole policy that are never reached, in about linear time: earlier rules stand in a tree by source and destination, and
 * each rule is compared with those alone whose ends cover its own (tuple space search, Srinivasan et al., SIGCOMM 1999, in two steps).
 * @param rules in the order they are tried
 */
export function shadows(rules: readonly FilterRule[], sets: SetLookup, maxSteps = MAX_STEPS): Shadows {
  const tree = new ByEnd<ByEnd<FilterRule[]>>(sets);
  const found: Shadow[] = [];
  let steps = 0;
  const shadowOf = (rule: FilterRule): FilterRule | undefined => {
    for (const bySource of tree.covering(rule.src)) {
      for (const candidates of bySource.covering(rule.dst)) {
        for (const earlier of candidates) {
          if (++steps > maxSteps) return undefined;
          if (covers(earlier, rule, sets)) return earlier;
        }
        if (++steps > maxSteps) return undefined;
      }
    }
    return undefined;
  };
  for (const rule of rules) {
    const by = shadowOf(rule);
    if (steps > maxSteps) return { found, complete: false };
    if (by) found.push({ rule, by });
    // What is monitored does not act: nothing is hidden by it. What is hidden itself hides nothing that its shadow does not hide.
    if (rule.monitor !== true && !by) tree.at(rule.src, () => new ByEnd(sets)).at(rule.dst, () => []).push(rule);
  }
  return { found, complete: true };
}
