import { encodeLiterals, type Literal } from "@secuxflow/rule-image";
import { lower } from "./conditions.js";

/** Literals that are searched in one pass, and the items that each may make match. */
export class LiteralSet {
  readonly literals: Literal[] = [];
  /** Items of each literal. */
  readonly items: number[][] = [];
  private readonly index = new Map<string, number>();

  /** All are searched in any case: then forms of a value that differ only in case need one scan. */
  add(bytes: Uint8Array, item: number): void {
    const literal = { bytes: lower(bytes), nocase: true };
    const key = Buffer.from(literal.bytes).toString("latin1");
    let index = this.index.get(key);
    if (index === undefined) {
      index = this.literals.length;
      this.index.set(key, index);
      this.literals.push(literal);
      this.items.push([]);
    }
    const items = this.items[index];
    if (items?.at(-1) !== item) items?.push(item);
  }

  encode(): Uint8Array {
    return this.literals.length === 0 ? new Uint8Array(0) : encodeLiterals(this.literals);
  }
}
