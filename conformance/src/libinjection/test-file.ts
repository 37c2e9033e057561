/** A test of libinjection: what it reads, and what its test driver prints. Text is bytes, one a character. */
export interface InjectionTest {
  readonly input: string;
  readonly expected: string;
}

/** What the name of a file says is tested. */
export type Kind = "tokens" | "folding" | "sqli" | "html5" | "xss";

/** Kind of a test by its file's name, or undefined. */
export const kindOf = (file: string): Kind | undefined =>
  /(?:^|\/)test-(tokens|folding|sqli|html5|xss)-[^/]*$/.exec(file)?.[1] as Kind | undefined;

/** Without white space at the end, as both the input and what is printed are taken. */
export const trimEnd = (text: string): string => text.replace(/[ \n\t\r]+$/, "");

/** Reads a test file: sections --TEST--, --INPUT-- and --EXPECTED--. Undefined: it is none. */
export function readInjectionTest(text: string): InjectionTest | undefined {
  const parts = /^--TEST--\n(?:[^]*?\n)?--INPUT--\n([^]*?)(?<=\n)--EXPECTED--\n([^]*)$/.exec(text);
  return parts === null ? undefined : { input: trimEnd(parts[1] ?? ""), expected: trimEnd(parts[2] ?? "") };
}
