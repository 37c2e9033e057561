/** A point on a line: numbers for IPv4, ports and lengths, bigints for IPv6. One list never mixes both. */
export type Point = number | bigint;

/** Closed ranges, ascending, none touching another. */
export interface Ranges {
  readonly from: ArrayLike<Point>;
  readonly to: ArrayLike<Point>;
}

const at = (points: ArrayLike<Point>, index: number): Point => points[index] ?? -1;

/** One range. */
export const range = (from: Point, to: Point): Ranges => ({ from: [from], to: [to] });

/** Index of the last range that begins at or before `point`; -1 when there is none. Binary search. */
function lastFrom({ from }: Ranges, point: Point): number {
  let low = 0;
  let high = from.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(from, middle) <= point) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Whether one range lies in `outer` as a whole. */
const holds = (outer: Ranges, from: Point, to: Point): boolean => {
  const index = lastFrom(outer, from);
  return index >= 0 && to <= at(outer.to, index);
};

/** Whether some point of one range lies in `ranges`. */
const touches = (ranges: Ranges, from: Point, to: Point): boolean => {
  const index = lastFrom(ranges, to);
  return index >= 0 && at(ranges.to, index) >= from;
};

const every = (ranges: Ranges, test: (from: Point, to: Point) => boolean): boolean => {
  for (let index = 0; index < ranges.from.length; index++)
    if (!test(at(ranges.from, index), at(ranges.to, index))) return false;
  return true;
};

/** Whether every point of `inner` lies in `outer`. */
export function rangesCover(outer: Ranges, inner: Ranges): boolean {
  const last = inner.to.length - 1;
  // One range holds all of a set when it holds its ends.
  if (outer.from.length === 1 && last >= 0) return holds(outer, at(inner.from, 0), at(inner.to, last));
  return every(inner, (from, to) => holds(outer, from, to));
}

/** Whether some point lies in both. */
export function rangesMeet(a: Ranges, b: Ranges): boolean {
  const [few, many] = a.from.length <= b.from.length ? [a, b] : [b, a];
  return !every(few, (from, to) => !touches(many, from, to));
}

/** Whether a point lies in `ranges`. */
export const rangesHold = (ranges: Ranges, point: Point): boolean => holds(ranges, point, point);

/**
 * The union of ranges given in any order, as `from`, `to`, `from`, `to`, …
 * `next` gives the point that follows another, so that neighbours become one range.
 */
export function union<P extends Point>(pairs: readonly (readonly [P, P])[], next: (point: P) => P): Ranges {
  const sorted = [...pairs].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const from: P[] = [];
  const to: P[] = [];
  for (const [begin, end] of sorted) {
    const last = to.length - 1;
    const before = to[last];
    if (before !== undefined && begin <= next(before)) to[last] = end > before ? end : before;
    else {
      from.push(begin);
      to.push(end);
    }
  }
  return { from, to };
}
