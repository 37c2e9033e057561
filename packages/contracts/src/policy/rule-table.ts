import { SortedMap } from "../sorted-map.js";
import { ruleOrder, type FilterRule } from "./rule.js";

/**
 * The rules of a policy by id, and in the order they are tried. Never changed in place (see SortedMap): a policy of 100,000
 * rules with one rule more shares nearly all of its memory with the one before.
 */
export class RuleTable implements ReadonlyMap<number, FilterRule> {
  readonly #byId: SortedMap<number, FilterRule>;
  readonly #byOrder: SortedMap<number, FilterRule>;

  private constructor(byId: SortedMap<number, FilterRule>, byOrder: SortedMap<number, FilterRule>) {
    this.#byId = byId;
    this.#byOrder = byOrder;
  }

  /** Of two rules with one id the later one stands. */
  static from(rules: Iterable<FilterRule>): RuleTable {
    const byId = SortedMap.from([...rules].map((rule) => [rule.id, rule] as const));
    return new RuleTable(byId, SortedMap.from(byId.list().map((rule) => [ruleOrder(rule), rule] as const)));
  }

  /** These rules as a table: themselves where they are one. */
  static of(rules: ReadonlyMap<number, FilterRule>): RuleTable {
    return rules instanceof RuleTable ? rules : RuleTable.from(rules.values());
  }

  with(rule: FilterRule): RuleTable {
    const before = this.#byId.get(rule.id);
    const order = ruleOrder(rule);
    const others = before === undefined || ruleOrder(before) === order ? this.#byOrder : this.#byOrder.without(ruleOrder(before));
    return new RuleTable(this.#byId.with(rule.id, rule), others.with(order, rule));
  }

  /** Many rules at once. */
  withAll(rules: readonly FilterRule[]): RuleTable {
    if (rules.length * 8 < this.size) return rules.reduce((table: RuleTable, rule) => table.with(rule), this);
    return RuleTable.from([...this.#byId.list(), ...rules]);
  }

  /** Ids that are not there change nothing. */
  without(ids: readonly number[]): RuleTable {
    const gone = [...new Set(ids)].flatMap((id) => this.#byId.get(id) ?? []);
    if (gone.length === 0) return this;
    return new RuleTable(this.#byId.changed([], gone.map(({ id }) => id)), this.#byOrder.changed([], gone.map(ruleOrder)));
  }

  /** By priority, then by id. Collected once a table. */
  inOrder(): readonly FilterRule[] {
    return this.#byOrder.list();
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: number): FilterRule | undefined {
    return this.#byId.get(id);
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  forEach(callback: (rule: FilterRule, id: number, map: ReadonlyMap<number, FilterRule>) => void): void {
    for (const [id, rule] of this.#byId) callback(rule, id, this);
  }

  entries(): MapIterator<[number, FilterRule]> {
    return this.#byId.entries();
  }

  keys(): MapIterator<number> {
    return this.#byId.keys();
  }

  values(): MapIterator<FilterRule> {
    return this.#byId.values();
  }

  [Symbol.iterator](): MapIterator<[number, FilterRule]> {
    return this.#byId.entries();
  }
}
