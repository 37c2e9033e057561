import { isIPv4, isIPv6 } from "node:net";

/** "02:00:00:00:00:01" to 6 bytes. @throws Error for anything else. */
export function macToBytes(text: string): Buffer {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text))
    throw new Error(`"${text}" is not a MAC address (02:00:00:00:00:01)`);
  return Buffer.from(text.replaceAll(":", ""), "hex");
}

/** 6 bytes to "02:00:00:00:00:01". */
export const macToText = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");

/** "10.0.0.1" to 4 bytes. @throws Error for anything else. */
export function ipv4ToBytes(text: string): Buffer {
  if (!isIPv4(text)) throw new Error(`"${text}" is not an IPv4 address (10.0.0.1)`);
  return Buffer.from(text.split(".").map(Number));
}

/** 4 bytes to "10.0.0.1". */
export const ipv4ToText = (bytes: Uint8Array): string => bytes.join(".");

/** An IPv6 address, in any spelling of RFC 4291 without a zone, to 16 bytes. @throws Error for anything else. */
export function ipv6ToBytes(text: string): Buffer {
  if (!isIPv6(text) || text.includes("%")) throw new Error(`"${text}" is not an IPv6 address (fd00::1)`);
  // A dotted end is two groups.
  const plain = text.replace(/[\d.]+\.[\d.]+$/, (dotted) => {
    const bytes = ipv4ToBytes(dotted);
    return `${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = (part: string): number[] =>
    part
      .split(":")
      .filter((group) => group !== "")
      .map((group) => parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const bytes = Buffer.alloc(16);
  [...before, ...new Array<number>(zeros).fill(0), ...after].forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
  return bytes;
}

/** 16 bytes to the canonical spelling of RFC 5952 (dotted form is not used). */
export function ipv6ToText(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let best = { start: -1, length: 1 }; // One lone zero group is not shortened.
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** 4 for an IPv4 address, 6 for an IPv6 one. @throws Error for anything else. */
export function ipVersion(text: string): 4 | 6 {
  if (isIPv4(text)) return 4;
  if (isIPv6(text)) return 6;
  throw new Error(`"${text}" is not an IP address`);
}
