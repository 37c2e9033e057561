/** A flow's identity in text: 16 hex digits. */
export function flowIdText(low: number, high: number): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

/**
 * Unix microseconds as ISO 8601 in UTC with six decimals. Exact until the year 2255; the nanoseconds of a batch, 64 bits, end
 * in 2554, so any of them has a text.
 */
export function isoFromMicroseconds(us: number): string {
  const ms = Math.floor(us / 1_000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(Math.floor(us) - ms * 1_000).padStart(3, "0")}Z`;
}
