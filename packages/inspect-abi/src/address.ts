import { isIPv4, isIPv6 } from "node:net";

const hexPair = (high = "0", low = "0"): string => (Number(high) * 256 + Number(low)).toString(16);

/**
 * 16 bytes of an address; IPv4 as ::ffff:a.b.c.d, as in records.
 * @throws TypeError when the text is neither an IPv4 nor an IPv6 address
 */
export function parseAddress(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  if (isIPv4(text)) {
    bytes.set([0xff, 0xff, ...text.split(".").map(Number)], 10);
    return bytes;
  }
  if (!isIPv6(text) || text.includes("%")) throw new TypeError(`"${text}" is neither an IPv4 nor an IPv6 address`);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain =
    dotted === null
      ? text
      : `${dotted[1]}${hexPair(dotted[2], dotted[3])}:${hexPair(dotted[4], dotted[5])}`;
  const [head = "", tail] = plain.split("::");
  const groups = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  all.forEach((group, i) => bytes.set([group >> 8, group & 0xff], i * 2));
  return bytes;
}

/** Text of a record's 16-byte address: dotted for v4-mapped ones, else RFC 5952. */
export function formatAddress(bytes: Uint8Array, at = 0): string {
  const byte = (i: number): number => bytes[at + i] ?? 0;
  const groups = Array.from({ length: 8 }, (_, i) => byte(2 * i) * 256 + byte(2 * i + 1));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return [12, 13, 14, 15].map(byte).join(".");
  let best = { start: 0, length: 0 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  return best.length < 2 ? hex(groups) : `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}
