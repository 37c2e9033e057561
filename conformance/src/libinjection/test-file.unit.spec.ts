import { describe, expect, it } from "vitest";
import { kindOf, readInjectionTest } from "./test-file.js";

describe("tests of libinjection", () => {
  it("have their kind in the name", () => {
    const names = ["test-tokens-numbers-001", "a/test-html5-2.txt", "test-xss-1", "test-speed-1", "sqli"];
    expect(names.map(kindOf)).toEqual(["tokens", "html5", "xss", undefined, undefined]);
  });

  it("have three sections, without white space at their ends", () => {
    const text = "--TEST--\nsays\nmuch\n--INPUT--\n 1\n\n 2 \n\n--EXPECTED--\n1 1\n\n";
    expect(readInjectionTest(text)).toEqual({ input: " 1\n\n 2", expected: "1 1" });
    expect(readInjectionTest("--TEST--\n--INPUT--\n--EXPECTED--\n")).toEqual({ input: "", expected: "" });
    expect(readInjectionTest("--INPUT--\n1\n--EXPECTED--\n")).toBeUndefined();
  });
});
