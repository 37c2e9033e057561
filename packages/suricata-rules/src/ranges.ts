// Sets of whole numbers as sorted inclusive ranges: the arithmetic behind address and port lists.

export interface Interval<N> {
  from: N;
  to: N;
}

/** What differs between `number` and `bigint` intervals. */
export interface Domain<N> {
  min: N;
  max: N;
  next: (value: N) => N;
  previous: (value: N) => N;
}

export const IPV4: Domain<number> = domainOf(0, 0xffff_ffff);
export const PORTS: Domain<number> = domainOf(0, 65_535);
export const IPV6: Domain<bigint> = {
  min: 0n,
  max: (1n << 128n) - 1n,
  next: (value) => value + 1n,
  previous: (value) => value - 1n,
};

function domainOf(min: number, max: number): Domain<number> {
  return { min, max, next: (value) => value + 1, previous: (value) => value - 1 };
}

/** Sorted, apart and not adjacent. */
export function normalize<N extends number | bigint>(domain: Domain<N>, list: readonly Interval<N>[]): Interval<N>[] {
  const sorted = [...list].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const out: Interval<N>[] = [];
  for (const { from, to } of sorted) {
    const last = out.at(-1);
    if (last !== undefined && (from <= last.to || from === domain.next(last.to))) {
      if (to > last.to) last.to = to;
    } else out.push({ from, to });
  }
  return out;
}

/** What is in the normalized `a` and not in the normalized `b`. */
export function subtract<N extends number | bigint>(
  domain: Domain<N>,
  a: readonly Interval<N>[],
  b: readonly Interval<N>[],
): Interval<N>[] {
  const out: Interval<N>[] = [];
  let first = 0;
  for (const part of a) {
    let from = part.from;
    let gone = false;
    while (first < b.length && b[first]!.to < from) first++;
    for (let i = first; i < b.length && b[i]!.from <= part.to; i++) {
      const hole = b[i]!;
      if (hole.from > from) out.push({ from, to: domain.previous(hole.from) });
      if (hole.to >= part.to) {
        gone = true;
        break;
      }
      from = domain.next(hole.to);
    }
    if (!gone) out.push({ from, to: part.to });
  }
  return out;
}

/** Everything that is not in the normalized list. */
export function complement<N extends number | bigint>(domain: Domain<N>, list: readonly Interval<N>[]): Interval<N>[] {
  return subtract(domain, [{ from: domain.min, to: domain.max }], list);
}

/** Whether the normalized list is the whole domain. */
export function isAll<N extends number | bigint>(domain: Domain<N>, list: readonly Interval<N>[]): boolean {
  return list.length === 1 && list[0]!.from === domain.min && list[0]!.to === domain.max;
}
