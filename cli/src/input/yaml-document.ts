// Loaded for files that are no JSON, and not before: yaml takes its time to load.
import { isMap, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import type { Fault } from "../errors.js";

/** A YAML document: its value, and where the elements of its list stand. */
export interface YamlDocument {
  readonly value: unknown;
  /** Line of an element of the list that the document is, or that it holds as `items`; from 1. */
  readonly lineOf: (index: number) => number;
}

/** The value of a document. Aliases are not taken: few of them can stand for more than there is memory. */
const valueOf = (document: Document, faults: Fault[]): unknown => {
  try {
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    faults.push({ flag: "line 1", message: "it uses aliases (*name): write out what they stand for" });
    return undefined;
  }
};

/** Reads a text as YAML 1.2; what is wrong with it goes to `faults`. */
export function readYaml(text: string, faults: Fault[]): YamlDocument {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: true });
  for (const { linePos, message } of document.errors) {
    const [first = message] = message.split("\n");
    faults.push({ flag: `line ${linePos?.[0].line ?? 1}`, message: `it is neither JSON nor YAML: ${first}` });
  }
  const { contents } = document;
  const items = isMap(contents) ? contents.get("items", true) : contents;
  const lineOf = (index: number): number => {
    const node = isSeq(items) ? (items.items[index] as { range?: readonly number[] | null } | undefined) : undefined;
    const at = node?.range?.[0];
    return at === undefined ? 1 : counter.linePos(at).line;
  };
  return { value: document.errors.length > 0 ? undefined : valueOf(document, faults), lineOf };
}
