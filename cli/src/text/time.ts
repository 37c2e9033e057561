const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
];

/** A span in its one largest unit, rounded down: "3m". Below a second: "0s". */
export function roughly(ms: number): string {
  for (const [unit, size] of UNITS) if (ms >= size) return `${Math.floor(ms / size)}${unit}`;
  return "0s";
}

/** How long ago a time was ("3m ago"), or how far off it is ("in 9m"). What is no time is shown as it is. */
export function relative(iso: string, now: number): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  const ms = at - now;
  if (Math.abs(ms) < 1_000) return "now";
  return ms < 0 ? `${roughly(-ms)} ago` : `in ${roughly(ms)}`;
}
