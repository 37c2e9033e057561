/** So many packets, or bits of IP packets, a second. */
export interface Rate {
  readonly rate: number;
  readonly unit: "packets" | "bits";
}

/** A text that is no rate; the message says what would be right. */
export class RateError extends Error {
  override readonly name = "RateError";
}

/** Rates and bursts at most: a terabit (or 10^12 packets) a second. */
export const MAX_RATE = 1_000_000_000_000;

const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
const BIT_UNITS = [["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]] as const;
const PATTERN = /^(\d{1,15})(?:\.(\d{1,9}))?\s*([kmg]?)\s*(bit\/s|bits\/s|bps|packets?\/s|pps|\/s)$/i;

/**
 * Reads "1000/s" (packets a second; also "packets/s", "pps") or "10 Mbit/s" (also "kbit/s", "Gbit/s", "bps"; factors of 1000).
 * Throws RateError on anything else, on zero, on what is no whole number of packets or bits, and on more than MAX_RATE.
 */
export function parseRate(text: string): Rate {
  const found = PATTERN.exec(text.trim());
  if (!found) throw new RateError(`${JSON.stringify(text)} is not a rate; write 1000/s for packets, or 10 Mbit/s`);
  const [, whole = "", fraction = "", prefix = "", unit = ""] = found;
  const factor = FACTORS[prefix.toLowerCase()] ?? 1;
  // In whole numbers: decimals must not meet binary fractions.
  const scaled = BigInt(whole + fraction) * BigInt(factor);
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) throw new RateError(`${JSON.stringify(text)} is not a whole number of packets or bits a second`);
  const rate = Number(scaled / divisor);
  if (rate < 1) throw new RateError(`${JSON.stringify(text)} is no rate: use drop to let nothing pass`);
  if (rate > MAX_RATE) {
    throw new RateError(`${JSON.stringify(text)} is more than 1000 Gbit/s (or 10^12 packets a second), the highest rate there is`);
  }
  return { rate, unit: unit.toLowerCase().startsWith("b") ? "bits" : "packets" };
}

/** Writes a rate in the largest unit that is exact: "1000/s", "2 Mbit/s". */
export function formatRate({ rate, unit }: Rate): string {
  if (unit === "packets") return `${rate}/s`;
  const [name, factor] = BIT_UNITS.find(([, size]) => rate % size === 0) ?? ["bit/s", 1];
  return `${rate / factor} ${name}`;
}
