const short = (value: number, unit: number, units: readonly string[]): string => {
  let rest = value;
  let index = 0;
  // 999.95 would be written as 1000.0: go on to the next unit before that.
  while (Math.abs(rest) >= unit - 0.05 && index < units.length - 1) {
    rest /= unit;
    index += 1;
  }
  const digits = index === 0 ? (Number.isInteger(rest) ? 0 : 1) : Math.abs(rest) < 9.995 ? 2 : 1;
  const text = rest.toFixed(digits);
  return units[index] === "" ? text : `${text} ${units[index] ?? ""}`;
};

/** A count with thousands separated: 1,234,567. */
export function formatCount(count: number): string {
  return count.toString().replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
}

/** Bytes in powers of 1024: 1.50 KiB. */
export function formatBytes(bytes: number): string {
  return short(bytes, 1_024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
}

/** Bits per second in powers of 1000: 12.3 Mbit/s. */
export function formatBitRate(bitsPerSecond: number): string {
  return `${short(bitsPerSecond, 1_000, ["bit", "kbit", "Mbit", "Gbit", "Tbit"])}/s`;
}

/** Events per second: 1.25 M/s, 0.5/s. */
export function formatRate(perSecond: number): string {
  return `${short(perSecond, 1_000, ["", "k", "M", "G"])}/s`;
}

/** One or many: "1 rule", "2 rules". */
export function counted(count: number, what: string, many = `${what}s`): string {
  return `${formatCount(count)} ${count === 1 ? what : many}`;
}
