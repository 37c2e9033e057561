/** Microseconds since 1970-01-01 UTC, a safe integer until the year 2255. */
export type Micros = number;

/** What ClickHouse's `Date` (the partition key) can hold: 1970-01-01 up to, not including, 2149-01-01. */
const LATEST_MICROS = Date.UTC(2149, 0, 1) * 1_000;

const ISO = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads an ISO 8601 time with a zone; what is finer than a microsecond is cut off.
 * Undefined for anything else, and for times that storage cannot hold (before 1970, from 2149 on).
 */
export function parseMicros(text: string): Micros | undefined {
  const match = ISO.exec(text);
  if (!match) return undefined;
  const seconds = Date.parse(`${match[1] ?? ""}${match[3] ?? ""}`);
  if (Number.isNaN(seconds)) return undefined;
  const micros = seconds * 1_000 + Number((match[2] ?? "").padEnd(6, "0").slice(0, 6));
  return micros >= 0 && micros < LATEST_MICROS ? micros : undefined;
}

/** ISO 8601 in UTC with microseconds. */
export function formatMicros(micros: Micros): string {
  const whole = Math.floor(micros / 1_000_000);
  return `${new Date(whole * 1_000).toISOString().slice(0, 19)}.${String(micros - whole * 1_000_000).padStart(6, "0")}Z`;
}

/** As ClickHouse reads a DateTime64(6, 'UTC'): "2026-11-22 10:00:00.123456". */
export function clickHouseTime(micros: Micros): string {
  return formatMicros(micros).replace("T", " ").replace("Z", "");
}

/** As ClickHouse reads a DateTime('UTC'): whole seconds. */
export function clickHouseSeconds(micros: Micros): string {
  return clickHouseTime(micros).slice(0, 19);
}
