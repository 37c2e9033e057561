import type { AddressSet } from "../ir.js";

/**
 * All address sets of a rule set cut the address space into intervals; intervals that lie in the same sets are one class. A module
 * finds an address' class once for a flow (binary search), and then asks for sets with a bit test.
 */
export interface AddressClasses {
  /** First addresses of the intervals, ascending from 0, and the class of each. */
  readonly v4: { readonly starts: number[]; readonly classes: number[] };
  readonly v6: { readonly starts: bigint[]; readonly classes: number[] };
  /** Per class: the numbers of the sets it is in. */
  readonly members: readonly (readonly number[])[];
}

/** Numbers for address sets; equal sets have one number. */
export class AddressSets {
  readonly sets: AddressSet[] = [];
  readonly #known = new Map<string, number>();
  readonly #seen = new WeakMap<AddressSet, number>();

  number(set: AddressSet): number {
    const seen = this.#seen.get(set);
    if (seen !== undefined) return seen;
    const key = set.any
      ? "any"
      : `${set.v4.map(({ from, to }) => `${from}-${to}`).join()}|${set.v6.map(({ from, to }) => `${from}-${to}`).join()}`;
    let number = this.#known.get(key);
    if (number === undefined) {
      number = this.sets.push(set) - 1;
      this.#known.set(key, number);
    }
    this.#seen.set(set, number);
    return number;
  }

  /** Addresses in the set, as far as a number can say. */
  size(number: number): number {
    const set = this.sets[number];
    if (set === undefined || set.any) return Infinity;
    const v4 = set.v4.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    return v4 + set.v6.reduce((sum, { from, to }) => sum + Number(to - from) + 1, 0);
  }

  classes(): AddressClasses {
    const members: number[][] = [];
    const byKey = new Map<number, number>();
    const classOf = (key: number, active: ReadonlySet<number>): number => {
      const known = byKey.get(key);
      if (known !== undefined) return known;
      const made = members.push([...active].sort((a, b) => a - b)) - 1;
      byKey.set(key, made);
      return made;
    };
    const v4 = sweep(
      this.sets.map(({ any, v4 }) => (any ? [{ from: 0, to: 0xffffffff }] : v4)),
      0, 1, 0xffffffff, classOf,
    );
    const top = (1n << 128n) - 1n;
    const v6 = sweep(
      this.sets.map(({ any, v6 }) => (any ? [{ from: 0n, to: top }] : v6)),
      0n, 1n, top, classOf,
    );
    return { v4, v6, members };
  }
}

/** 52 random-looking bits for a set's number: the key of a class is the exclusive or of its sets' keys. */
function keyOf(set: number): [number, number] {
  let x = Math.imul(set + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  const low = (x ^ (x >>> 13)) & 0x3ffffff;
  x = Math.imul((x ^ (x >>> 16)) + set, 0xc2b2ae35);
  return [low, (x ^ (x >>> 14)) & 0x3ffffff];
}

function sweep<T extends number | bigint>(
  sets: readonly (readonly { from: T; to: T }[])[],
  zero: T,
  one: T,
  top: T,
  classOf: (key: number, active: ReadonlySet<number>) => number,
): { starts: T[]; classes: number[] } {
  const events: { at: T; set: number; enter: boolean }[] = [];
  sets.forEach((ranges, set) => {
    for (const { from, to } of ranges) {
      events.push({ at: from, set, enter: true });
      if (to < top) events.push({ at: ((to as number) + (one as number)) as T, set, enter: false });
    }
  });
  events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const active = new Set<number>();
  const depth = new Map<number, number>();
  const starts: T[] = [];
  const classes: number[] = [];
  let low = 0;
  let high = 0;
  const step = (set: number, enter: boolean): void => {
    const now = (depth.get(set) ?? 0) + (enter ? 1 : -1);
    depth.set(set, now);
    if ((enter && now !== 1) || (!enter && now !== 0)) return;
    const [a, b] = keyOf(set);
    low ^= a;
    high ^= b;
    if (enter) active.add(set);
    else active.delete(set);
  };
  const note = (at: T): void => {
    const found = classOf(high * 0x4000000 + low, active);
    if (classes.at(-1) === found) return;
    starts.push(at);
    classes.push(found);
  };
  let i = 0;
  if (events[0] === undefined || events[0].at > zero) note(zero);
  while (i < events.length) {
    const at = (events[i] as { at: T }).at;
    for (let event = events[i]; event?.at === at; event = events[++i]) step(event.set, event.enter);
    note(at);
  }
  return { starts, classes };
}
