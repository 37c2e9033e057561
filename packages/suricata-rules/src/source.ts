// Rule files as logical lines: comments and blank lines gone, continuation lines joined, places kept.

/** One rule's text, possibly from several lines of the file. */
export interface LogicalLine {
  text: string;
  /** First line, from 1. */
  line: number;
  /** For each further line: offset in `text` where its characters start. */
  breaks: number[];
}

export interface SourceLines {
  lines: LogicalLine[];
  /** Rules that are commented out. */
  disabled: number;
}

const DISABLED = /^#+\s*(?:alert|drop|reject(?:src|dst|both)?|pass)\s+\S+\s+.*\(.*\bsid\s*:/;

/** Cuts a rule file; never fails. `#` at the start of a line makes a comment. */
export function sourceLines(file: string): SourceLines {
  const lines: LogicalLine[] = [];
  let disabled = 0;
  let number = 0;
  let open: LogicalLine | undefined;
  for (let at = 0; at < file.length;) {
    const newline = file.indexOf("\n", at);
    const end = newline < 0 ? file.length : newline;
    let text = file.slice(at, end > at && file.charCodeAt(end - 1) === 13 ? end - 1 : end);
    at = end + 1;
    number++;
    if (open === undefined) {
      const start = text.trimStart();
      if (start === "" || start.startsWith("#")) {
        if (start !== "" && DISABLED.test(start)) disabled++;
        continue;
      }
    }
    const continued = text.endsWith("\\");
    if (continued) text = text.slice(0, -1);
    if (open === undefined) open = { text, line: number, breaks: [] };
    else {
      open.breaks.push(open.text.length);
      open.text += text;
    }
    if (continued) continue;
    lines.push(open);
    open = undefined;
  }
  if (open !== undefined) lines.push(open);
  return { lines, disabled };
}

/** Line and column, both from 1, of an offset into a logical line's text. */
export function placeOf(line: LogicalLine, at: number): { line: number; column: number } {
  const offset = Math.max(0, at);
  let row = 0;
  let start = 0;
  for (const begin of line.breaks) {
    if (begin > offset) break;
    row++;
    start = begin;
  }
  return { line: line.line + row, column: offset - start + 1 };
}
