/**
 * The Internet checksum (RFC 1071) of parts laid end to end: the one's complement of the one's complement sum of 16-bit
 * words, big-endian, an odd last byte padded with zero. Over data that holds its own right checksum it is 0.
 */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  let at = 0;
  for (const part of parts) {
    for (const byte of part) sum += at++ % 2 === 0 ? byte << 8 : byte;
    sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * The pseudo-header that TCP, UDP and ICMPv6 checksums cover (RFC 9293 3.1, RFC 8200 8.1); its form follows from the
 * length of the addresses.
 */
export function pseudoHeader(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): Buffer {
  const fixed = Buffer.alloc(source.length === 4 ? 4 : 8);
  if (source.length === 4) {
    fixed.writeUInt8(protocol, 1);
    fixed.writeUInt16BE(length, 2);
  } else {
    fixed.writeUInt32BE(length, 0);
    fixed.writeUInt8(protocol, 7);
  }
  return Buffer.concat([source, destination, fixed]);
}

/** What a spec may say instead of the right checksum: a value, or "wrong" for one that is surely not right. */
export type ChecksumOverride = number | "wrong";

/** The checksum to write, given the right one. */
export function chooseChecksum(right: number, override: ChecksumOverride | undefined): number {
  if (override === undefined) return right;
  if (override !== "wrong") return override;
  // Neither 0, which means "no checksum" in UDP, nor 0xffff, its other form.
  return [right ^ 0x1234, right ^ 0x4321].find((value) => value !== 0 && value !== 0xffff) ?? 0x1234;
}
