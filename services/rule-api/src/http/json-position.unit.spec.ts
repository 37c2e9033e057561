import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonFault } from "./json-position.js";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("the fault in a text", () => {
  it.each([
    ["", 1, 1, "the text ends where a value is expected"],
    ['{"a":}', 1, 6, 'found "}" where a value is expected'],
    ['{"a":1,}', 1, 8, 'found "}" where a field name in double quotes is expected'],
    ['{\n  "rule": {\n    "src" "any"\n  }\n}', 3, 11, 'found "\\"" where a colon is expected'],
    ["[1 2]", 1, 4, 'found "2" where a comma or ] is expected'],
    ['{"a": "b', 1, 9, "the text ends where the rest of a string is expected"],
    ['"a\\x"', 1, 3, 'found "\\\\" where the rest of a string is expected'],
    ["{'a': 1}", 1, 2, 'found "\'" where a field name in double quotes is expected'],
    ["{} {}", 1, 4, 'found "{" where the end is expected'],
    ["01", 1, 2, 'found "1" where the end is expected'],
  ])("%j", (text, line, column, message) => {
    expect(isJson(text)).toBe(false);
    expect(jsonFault(text)).toEqual({ line, column, message });
  });

  it("is a nesting that no request needs", () => {
    expect(jsonFault("[".repeat(100_000))?.message).toContain("nest deeper");
  });
});

it("agrees with JSON.parse on what is JSON", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      expect(jsonFault(text)).toBeUndefined();
    }),
  );
  const damaged = fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom("", "{", "}", "]", ",", ":", '"', "\\", "1", "\u0001", "t"))
    .map(([text, at, put]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + put + text.slice(index + 1);
    });
  fc.assert(
    fc.property(damaged, (text) => {
      expect(jsonFault(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 1_000 },
  );
});
