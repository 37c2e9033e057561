import type { Metric } from "../statistics.js";

/** Shapes whose worse one gives the metrics without a shape: those that the aims are about. */
const AIMED: ReadonlySet<string> = new Set(["acl", "fw"]);
const FLOOD = "ratio.secuxflow.flood";

/**
 * Metrics whose names have a shape once more without it: of the shapes that the aims are about, the one with the higher
 * median. Floods of all numbers of rules are one metric, the worst of them.
 */
export function withoutShape(metrics: readonly Metric[]): Metric[] {
  const chosen = new Map<string, Metric>();
  for (const one of metrics) {
    const parts = one.name.split(".");
    if (!parts.some((part) => AIMED.has(part))) continue;
    const name = one.name.startsWith(`${FLOOD}.`) ? FLOOD : parts.filter((part) => !AIMED.has(part)).join(".");
    const other = chosen.get(name);
    if (other === undefined || one.median > other.median) chosen.set(name, { ...one, name });
  }
  return [...chosen.values()];
}
