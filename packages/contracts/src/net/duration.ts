const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A text that is no duration; the message says what would be right. */
export class DurationError extends Error {
  override readonly name = "DurationError";
}

/** Reads "90s", "10m", "1h30m", "7d" as milliseconds. Throws DurationError on anything else and on zero. */
export function parseDuration(text: string): number {
  const whole = /^(?:\d+(?:ms|[smhdw]))+$/.test(text);
  let total = 0;
  for (const part of whole ? text.matchAll(/(\d+)(ms|[smhdw])/g) : []) {
    total += Number(part[1]) * (UNIT_MS[part[2] ?? ""] ?? Number.NaN);
  }
  if (!whole || !Number.isSafeInteger(total) || total <= 0) {
    throw new DurationError(`${JSON.stringify(text)} is not a duration; write 500ms, 90s, 10m, 1h30m or 7d`);
  }
  return total;
}

/** Writes milliseconds as the shortest exact duration text ("1h30m"). */
export function formatDuration(ms: number): string {
  if (ms <= 0) return "0s";
  let rest = Math.round(ms);
  let out = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const size = UNIT_MS[unit] ?? 1;
    const n = Math.floor(rest / size);
    if (n > 0) out += `${n}${unit}`;
    rest -= n * size;
  }
  return out;
}
