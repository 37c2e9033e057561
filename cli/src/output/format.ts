import type { Printer, Span } from "./printer.js";

export const FORMATS = ["table", "json", "yaml"] as const;
export type Format = (typeof FORMATS)[number];

/** Loaded only for who asks for it: it takes its time. */
const yamlOf = async (document: object): Promise<string> => (await import("./yaml.js")).safeYaml(document);

/** Writes one answer: the document as JSON or YAML, or the lines made for people. */
export async function printDocument(
  printer: Printer,
  format: Format,
  document: object,
  lines: () => readonly (readonly Span[])[],
): Promise<void> {
  if (format === "table") printer.lines(lines());
  else if (format === "json") printer.json(document);
  else printer.safe(await yamlOf(document));
}

/** Writes one of a series of documents: JSON on one line, YAML as one document of a stream. */
export async function printOfMany(printer: Printer, format: Exclude<Format, "table">, document: object): Promise<void> {
  if (format === "json") printer.json(document, 0);
  else printer.safe(`---\n${await yamlOf(document)}`);
}
