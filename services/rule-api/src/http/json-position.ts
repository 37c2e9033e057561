/** Where a text stops being JSON: line and column count from 1, and what was found there. */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;
const BLANK = /[ \t\n\r]*/y;
const MAX_DEPTH = 200;

class Fault extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Finds the first fault in a text that JSON.parse has refused; undefined when there is none (RFC 8259).
 * JSON.parse itself tells no position for short texts.
 */
export function jsonFault(text: string): JsonFault | undefined {
  let at = 0;

  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.test(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const skip = (): void => void take(BLANK);
  const wrong = (expected: string): never => {
    const found =
      at >= text.length ? "the text ends" : `found ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`;
    throw new Fault(at, `${found} where ${expected} is expected`);
  };
  const string = (): void => {
    if (take(STRING)) return;
    // The fault lies inside the string: at its first bad escape or control character, or at the end of the text.
    const good = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
    take(good);
    wrong("the rest of a string");
  };
  const list = (close: string, item: () => void): void => {
    at += 1;
    skip();
    if (text[at] === close) {
      at += 1;
      return;
    }
    for (;;) {
      item();
      skip();
      if (text[at] === close) break;
      if (text[at] !== ",") wrong(`a comma or ${close}`);
      at += 1;
      skip();
    }
    at += 1;
  };
  const value = (depth: number): void => {
    skip();
    if (depth > MAX_DEPTH) throw new Fault(at, `values nest deeper than ${MAX_DEPTH} levels`);
    const next = text[at];
    if (next === "{") {
      list("}", () => {
        skip();
        if (text[at] !== '"') wrong("a field name in double quotes");
        string();
        skip();
        if (text[at] !== ":") wrong("a colon");
        at += 1;
        value(depth + 1);
      });
    } else if (next === "[") {
      list("]", () => value(depth + 1));
    } else if (next === '"') {
      string();
    } else if (!take(NUMBER) && !take(WORD)) {
      wrong("a value");
    }
  };

  try {
    value(0);
    skip();
    if (at < text.length) wrong("the end");
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.at).split("\n");
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: error.message };
  }
}
