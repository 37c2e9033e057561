import { ATTRIBUTES, type Finding } from "@secuxflow/inspect-abi";

const MAX_VALUE = 4_096;

const escapedNames: ReadonlySet<string> = new Set(Object.values(ATTRIBUTES).filter(({ type }) => type === "bytes")
  .map(({ name }) => name));

/** Bytes that `printable` of inspect-abi wrote as `\xNN`, one character a byte again. */
const unescaped = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/**
 * Attributes as a detection carries them: raw bytes, one character a byte (latin1), UTF-8 texts as their bytes too, numbers in
 * decimals. Values are cut at 4,096 bytes.
 */
export function attributesOf(finding: Finding): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(finding.attributes)) {
    // It has a place of its own in a detection, where it is not cut.
    if (name === "eve") continue;
    const text = typeof value === "number" ? String(value)
      : escapedNames.has(name) ? unescaped(value)
        : Buffer.from(value.slice(0, MAX_VALUE), "utf8").toString("latin1");
    attributes[name] = text.slice(0, MAX_VALUE);
  }
  return attributes;
}
