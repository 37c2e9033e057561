import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SecLangError } from "./errors.js";
import { statements } from "./lexer.js";

const read = (text: string) =>
  [...statements(text, "f")].map((found) => (found instanceof SecLangError ? found.message : [found.name.text,
    ...found.args.map((arg) => arg.text)]));

describe("statements", () => {
  it.each([
    ['SecRule A "b c" "d"', [["SecRule", "A", "b c", "d"]]],
    ["# comment\n\n  SecMarker X", [["SecMarker", "X"]]],
    ['SecRule A \\\n    "b,\\\n    c"', [["SecRule", "A", "b,c"]]],
    ['SecRule A "say \\"hi\\" \\d"', [["SecRule", "A", 'say "hi" \\d']]],
    ["SecRule A 'it\\'s'", [["SecRule", "A", "it's"]]],
    ['SecRule A "x\\\\"', [["SecRule", "A", "x\\\\"]]],
    ["A\r\nB\r\n", [["A"], ["B"]]],
    ['A "b', ["f:1:3: the quote that starts here is not closed: add \""]],
    ['A "b"c', ['f:1:5: a quote ends in the middle of an argument: write \\" for one that belongs to it']],
  ])("%j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it("knows where arguments start, also in continued lines", () => {
    const [found] = [...statements('\n  SecRule A \\\n   "bc"', "f")];
    expect(found instanceof SecLangError ? [] : found?.args.map(({ at }) => [at.line, at.column])).toEqual([[2, 11], [3, 5]]);
  });

  it("reads back any quoted text", () => {
    const argument = fc.string().map((text) => text.replaceAll(/[\\\n\r]/g, ""));
    fc.assert(fc.property(argument, (text) => {
      expect(read(`X "${text.replaceAll('"', '\\"')}"`)).toEqual([["X", text]]);
    }));
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('"', "'", "\\", "\n", " ", "#", "a", "\r") }), (text) => void read(text)));
  });
});
