import { SecLangError, type Position } from "./errors.js";

/** One argument of a directive: its text without quotes, and where it starts. */
export interface Word {
  readonly text: string;
  readonly at: Position;
}

/** A directive's name and arguments. */
export interface Statement {
  readonly name: Word;
  readonly args: readonly Word[];
}

interface Char {
  readonly line: number;
  readonly column: number;
}

const SPACE = /[ \t\r\f\v]/;

/**
 * Splits a rule file into directives. A backslash at the end of a line continues it; `#` at the start of a directive is a comment
 * up to the end of its line; arguments are separated by space, and in quotes when they contain some. Within quotes, a backslash
 * before the same quote stands for the quote; every other backslash is kept, for regular expressions.
 * @throws SecLangError for a quote that is not closed
 */
export function* statements(text: string, file: string): Generator<Statement | SecLangError> {
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    if (/^\s*(?:#|$)/.test(lines[index] ?? "")) continue;
    let logical = "";
    const starts: (Char & { readonly offset: number })[] = [];
    for (;;) {
      const line = (lines[index] ?? "").replace(/\r$/, "");
      const continued = /\\[ \t]*$/.test(line) && index + 1 < lines.length;
      const indent = starts.length === 0 ? 0 : (/^[ \t]*/.exec(line)?.[0].length ?? 0);
      starts.push({ line: index + 1, column: 1 + indent, offset: logical.length });
      logical += (continued ? line.replace(/\\[ \t]*$/, "") : line).slice(indent);
      if (!continued) break;
      index++;
    }
    const at = (offset: number): Position => {
      let found = starts[0];
      for (const start of starts) if (start.offset <= offset) found = start;
      return { file, line: found?.line ?? 1, column: (found?.column ?? 1) + offset - (found?.offset ?? 0) };
    };
    try {
      const [name, ...args] = words(logical, at);
      if (name !== undefined) yield { name, args };
    } catch (error) {
      if (!(error instanceof SecLangError)) throw error;
      yield error;
    }
  }
}

function words(text: string, at: (offset: number) => Position): Word[] {
  const found: Word[] = [];
  let offset = 0;
  for (;;) {
    while (offset < text.length && SPACE.test(text[offset] ?? "")) offset++;
    if (offset >= text.length) return found;
    const quote = text[offset];
    if (quote === '"' || quote === "'") {
      const end = closing(text, offset, quote);
      if (end < 0) throw new SecLangError(`the quote that starts here is not closed: add ${quote}`, at(offset));
      if (end + 1 < text.length && !SPACE.test(text[end + 1] ?? "")) {
        throw new SecLangError(`a quote ends in the middle of an argument: write \\${quote} for one that belongs to it`, at(end));
      }
      found.push({ text: text.slice(offset + 1, end).replaceAll(`\\${quote}`, quote), at: at(offset + 1) });
      offset = end + 1;
    } else {
      const start = offset;
      while (offset < text.length && !SPACE.test(text[offset] ?? "")) offset++;
      found.push({ text: text.slice(start, offset), at: at(start) });
    }
  }
}

/** Where the quote closes: a quote after an odd number of backslashes does not. */
function closing(text: string, from: number, quote: string): number {
  let escaped = false;
  for (let end = from + 1; end < text.length; end++) {
    const c = text[end];
    if (c === quote && !escaped) return end;
    escaped = c === "\\" && !escaped;
  }
  return -1;
}
