/** The value below which a share `p` (0 to 1) of the samples lies, by linear interpolation (type 7 of Hyndman and Fan, 1996). */
export function quantile(samples: readonly number[], p: number): number {
  if (samples.length === 0) throw new RangeError("a quantile of nothing");
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * p;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Samples behind the number. */
  readonly n: number;
}

/** A metric from one value of each repetition. `n` is the number of samples in all of them. */
export function metric(name: string, unit: string, values: readonly number[], n: number = values.length): Metric {
  return { name, unit, median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values), n };
}

/** A quantile of a long series as a metric: over all samples, with the spread over `groups` consecutive parts of it. */
export function quantileMetric(name: string, unit: string, samples: readonly number[], p: number, groups = 5): Metric {
  const size = Math.ceil(samples.length / groups);
  const parts = Array.from({ length: groups }, (_, i) => samples.slice(i * size, (i + 1) * size)).filter((part) => part.length > 0).map((part) => quantile(part, p));
  return { name, unit, median: quantile(samples, p), min: Math.min(...parts), max: Math.max(...parts), n: samples.length };
}
