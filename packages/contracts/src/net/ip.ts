import ipaddr from "ipaddr.js";

/** An address prefix in canonical form. `bytes` is 16 long; IPv4 is held v4-mapped (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2). */
export interface Prefix {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  /** Length in bits within the own family: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
}

/** A text that is no address or prefix; the message says what would be right. */
export class AddressError extends Error {
  override readonly name = "AddressError";
}

const parseHost = (text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // "::10.1.2.3" (RFC 4291 2.5.5.1, deprecated) is an IPv6 address; the library takes it for the IPv4 one.
  const compatible = /^::([\d.]+)$/.exec(text)?.[1];
  if (compatible !== undefined && ipaddr.IPv4.isValidFourPartDecimal(compatible)) {
    return new ipaddr.IPv6([...new Array<number>(12).fill(0), ...ipaddr.IPv4.parse(compatible).toByteArray()]);
  }
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text)) {
    const v6 = ipaddr.IPv6.parse(text);
    return v6.isIPv4MappedAddress() ? v6.toIPv4Address() : v6;
  }
  return undefined;
};

const hostText = (address: ipaddr.IPv4 | ipaddr.IPv6): string =>
  address.kind() === "ipv4" ? address.toString() : (address as ipaddr.IPv6).toRFC5952String();

const to16 = (address: ipaddr.IPv4 | ipaddr.IPv6): Uint8Array => {
  const raw = address.toByteArray();
  if (raw.length === 16) return Uint8Array.from(raw);
  return Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...raw]);
};

/** The bits of byte `index` that lie beyond the first `totalLength` bits of an address. */
const hostBitsOf = (index: number, totalLength: number): number => 0xff >> Math.min(8, Math.max(0, totalLength - index * 8));

const hasHostBits = (bytes: Uint8Array, totalLength: number): boolean => {
  for (let index = totalLength >> 3; index < 16; index++) if (((bytes[index] ?? 0) & hostBitsOf(index, totalLength)) !== 0) return true;
  return false;
};

const clearHostBits = (bytes: Uint8Array, totalLength: number): Uint8Array => bytes.map((byte, index) => byte & ~hostBitsOf(index, totalLength));

const V4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})(?:\/(\d{1,2}))?$/;

/** The short way for IPv4, of which sets hold a million; undefined for whatever is not plainly right. */
const parsePlainV4 = (text: string): Prefix | undefined => {
  const found = V4.exec(text);
  if (!found) return undefined;
  const bytes = new Uint8Array(16);
  bytes[10] = bytes[11] = 0xff;
  for (let i = 0; i < 4; i++) {
    const byte = Number(found[i + 1]);
    if (byte > 255) return undefined;
    bytes[12 + i] = byte;
  }
  const length = found[5] === undefined ? 32 : Number(found[5]);
  return length > 32 || hasHostBits(bytes, 96 + length) ? undefined : { family: 4, bytes, length };
};

const isV4 = (bytes: Uint8Array): boolean => {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
};

/**
 * Reads an address or a prefix ("10.0.0.5", "192.168.1.0/24", "2001:db8::/32").
 * Throws AddressError on anything else, and on a prefix with host bits set (it names the prefix that was probably meant).
 */
export function parsePrefix(text: string): Prefix {
  const plain = parsePlainV4(text);
  if (plain) return plain;
  const parts = text.split("/");
  const address = parseHost(parts[0] ?? "");
  if (!address || parts.length > 2) {
    throw new AddressError(`${JSON.stringify(text)} is not an IPv4 or IPv6 address or prefix; write 10.0.0.5, 10.0.0.0/24 or 2001:db8::/32`);
  }
  const family = address.kind() === "ipv4" ? 4 : 6;
  const most = family === 4 ? 32 : 128;
  const lengthText = parts[1] ?? String(most);
  if (!/^\d{1,3}$/.test(lengthText) || Number(lengthText) > most) {
    throw new AddressError(`${JSON.stringify(text)} has a prefix length that is not a whole number from 0 to ${most}`);
  }
  const length = Number(lengthText);
  const bytes = to16(address);
  const total = family === 4 ? 96 + length : length;
  if (hasHostBits(bytes, total)) {
    const meant = formatPrefix({ family, bytes: clearHostBits(bytes, total), length });
    throw new AddressError(`${JSON.stringify(text)} has host bits set; did you mean ${meant}, or the single address ${hostText(address)}?`);
  }
  return { family, bytes, length };
}

/** Writes a prefix in canonical form (RFC 5952 for IPv6); a full-length prefix is written as the bare address. */
export function formatPrefix(prefix: Prefix): string {
  const host = formatAddress(prefix.bytes);
  return prefix.length === (prefix.family === 4 ? 32 : 128) ? host : `${host}/${prefix.length}`;
}

/** Writes 16 address bytes (IPv4 v4-mapped) as text. */
export function formatAddress(bytes: Uint8Array): string {
  if (isV4(bytes)) return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  return new ipaddr.IPv6(Array.from(bytes)).toRFC5952String();
}

/** Reads one address; throws AddressError on a prefix or anything else. */
export function parseAddress(text: string): Uint8Array {
  const address = parseHost(text);
  if (!address) throw new AddressError(`${JSON.stringify(text)} is not an IPv4 or IPv6 address`);
  return to16(address);
}

/** Whether an address (16 bytes) lies in a prefix. */
export function prefixContains(prefix: Prefix, address: Uint8Array): boolean {
  const total = prefix.family === 4 ? 96 + prefix.length : prefix.length;
  const full = total >> 3;
  for (let i = 0; i < full; i++) if (prefix.bytes[i] !== address[i]) return false;
  const rest = total & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((prefix.bytes[full] ?? 0) & mask) === ((address[full] ?? 0) & mask);
}

/** Whether two prefixes share an address. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false;
  return a.length <= b.length ? prefixContains(a, b.bytes) : prefixContains(b, a.bytes);
}
