/** A time as EVE writes it: `2026-11-22T10:00:00.123456+0000`. */
export function eveTime(time: bigint): string {
  // Beyond 64 bits (the year 2554) there is no time on the wire.
  const unixNs = BigInt.asUintN(64, time);
  const date = new Date(Number(unixNs / 1_000_000n));
  const micros = ((unixNs / 1_000n) % 1_000_000n).toString().padStart(6, "0");
  return `${date.toISOString().slice(0, 19)}.${micros}+0000`;
}
