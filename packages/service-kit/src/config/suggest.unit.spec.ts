import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "./suggest.js";

/** The definition, word for word: exponential, and so only for short words. */
function slowDistance(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  if (a.startsWith(b.charAt(0))) return slowDistance(a.slice(1), b.slice(1));
  return 1 + Math.min(slowDistance(a.slice(1), b), slowDistance(a, b.slice(1)), slowDistance(a.slice(1), b.slice(1)));
}

describe("editDistance", () => {
  it("agrees with its definition", () => {
    const word = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 6 }).map((letters) => letters.join(""));
    fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === slowDistance(a, b)));
  });
});

describe("nearest", () => {
  it("finds what was meant", () => expect(nearest("sevrers", ["servers", "token", "port"])).toBe("servers"));
  it("does not guess wildly", () => expect(nearest("colour", ["servers", "token", "port"])).toBeUndefined());
  it("has no guess without candidates", () => expect(nearest("x", [])).toBeUndefined());
});
