/** IANA protocol numbers that have a name here. */
const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, gre: 47, icmpv6: 58, sctp: 132 };
const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name]));

/** Reads a protocol name or number; "any" stays "any"; undefined where it is neither. */
export function parseProtocol(text: string): number | "any" | undefined {
  const lower = text.toLowerCase();
  if (lower === "any") return "any";
  if (Object.hasOwn(NUMBERS, lower)) return NUMBERS[lower];
  return /^\d{1,3}$/.test(lower) && Number(lower) <= 255 ? Number(lower) : undefined;
}

/** The name of a protocol number where it has one here, else the number as text. */
export function formatProtocol(number: number): string {
  return NAMES.get(number) ?? String(number);
}
