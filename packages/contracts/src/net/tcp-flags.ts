/** Bits of the TCP flags byte (RFC 9293 section 3.1), lowest first. */
export const TCP_FLAGS = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20, ece: 0x40, cwr: 0x80 } as const;
export type TcpFlag = keyof typeof TCP_FLAGS;

/** A packet matches when `flags & mask === value`. */
export interface TcpFlagsMatch {
  readonly mask: number;
  readonly value: number;
}

/** A text that names no TCP flags; the message says what would be right. */
export class TcpFlagsError extends Error {
  override readonly name = "TcpFlagsError";
}

/** Reads "syn,!ack": flags that are set, and with "!" flags that are not; the others may be either. Throws TcpFlagsError. */
export function parseTcpFlags(text: string): TcpFlagsMatch {
  let mask = 0;
  let value = 0;
  for (const part of text.toLowerCase().split(",").map((one) => one.trim())) {
    const unset = part.startsWith("!");
    const name = unset ? part.slice(1).trim() : part;
    if (!Object.hasOwn(TCP_FLAGS, name)) {
      throw new TcpFlagsError(`${JSON.stringify(part)} is not a TCP flag; write flags of ${Object.keys(TCP_FLAGS).join(", ")}, each with ! where it must not be set: syn,!ack`);
    }
    const bit = TCP_FLAGS[name as TcpFlag];
    if ((mask & bit) !== 0 && ((value & bit) === 0) !== unset) {
      throw new TcpFlagsError(`${name} cannot be set and not set in one packet: name it once`);
    }
    mask |= bit;
    if (!unset) value |= bit;
  }
  return { mask, value };
}

/** Writes flags in canonical form: in the order of their bits, "!" for those that must not be set. */
export function formatTcpFlags({ mask, value }: TcpFlagsMatch): string {
  return Object.entries(TCP_FLAGS).filter(([, bit]) => (mask & bit) !== 0).map(([name, bit]) => ((value & bit) === 0 ? `!${name}` : name)).join(",");
}
