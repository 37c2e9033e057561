/** A rate as bpf/include/limit.h counts it. */
export interface LimitCost {
  /** What one packet, or one byte, costs: nanoseconds in fixed point 32.32. */
  readonly unitNs: bigint;
  /** How many nanoseconds may be owed. */
  readonly burstNs: bigint;
}

const SECOND_NS = 1_000_000_000n;
const MOST_UNIT = (1n << 64n) - 1n;
/** Nine years: the program keeps sixteenths of nanoseconds in 64 bits. */
const MOST_BURST_NS = (1n << 58n) - 1n;

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * The cost of a packet or byte for `rate` packets or bits a second. `burst` is in the same unit, by default one second's
 * worth: so many packets pass at once. Rounded in favour of what passes, by less than a nanosecond. The slowest rate that
 * fits is 2 bits a second.
 */
export function limitCost({ rate, unit, burst = rate }: { rate: number; unit: "packets" | "bits"; burst?: number | undefined }): LimitCost {
  const perSecond = BigInt(rate);
  const nominal = ((unit === "bits" ? 8n : 1n) * SECOND_NS << 32n) / perSecond;
  // Rounded up, or the last packet of a burst would not fit.
  const burstNs = (BigInt(burst) * SECOND_NS + perSecond - 1n) / perSecond;
  return { unitNs: least(nominal, MOST_UNIT), burstNs: least(burstNs, MOST_BURST_NS) };
}
