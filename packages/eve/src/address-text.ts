/** An address as EVE has it: IPv4 dotted, IPv6 in full (`fe80:0000:…`), as Suricata writes it. 16 bytes, IPv4 mapped. */
export function addressText(bytes: Uint8Array): string {
  if (isMapped(bytes)) return bytes.subarray(12).join(".");
  const hex = Buffer.from(bytes).toString("hex");
  return hex.replace(/(.{4})(?!$)/g, "$1:");
}

/** Whether 16 bytes hold an IPv4 address. */
export function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** Bytes of an address as the community id takes it: 4 or 16. */
export const plainAddress = (bytes: Uint8Array): Uint8Array => (isMapped(bytes) ? bytes.subarray(12) : bytes);
