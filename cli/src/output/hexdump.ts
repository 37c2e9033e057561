const PER_LINE = 16;

/** Bytes as offset, hex and ASCII, 16 a line; what is no printable ASCII is a dot. */
export function hexdump(bytes: Uint8Array, most = 256): string[] {
  const shown = bytes.subarray(0, most);
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += PER_LINE) {
    const row = [...shown.subarray(at, at + PER_LINE)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const left = hex.slice(0, 8).join(" ").padEnd(23);
    const right = hex.slice(8).join(" ").padEnd(23);
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${left}  ${right}  ${ascii}`);
  }
  if (bytes.length > most) lines.push(`… ${bytes.length - most} more bytes: -o json has them all (packet, base64)`);
  return lines;
}
