import { describe, expect, it } from "vitest";
import { operatorInput, transformationInput, transformationOutput } from "./vector.js";

describe("vectors", () => {
  it("write bytes of operators' inputs as escapes", () => {
    expect(operatorInput(String.raw`a\x41\u00ff\0b`)).toBe("aA\xff\0b");
    expect(operatorInput("ä")).toBe("\xc3\xa4");
  });

  it("write transformations' texts as literals of Go when they have bytes in them", () => {
    expect(transformationInput(String.raw`a\u0000b\n`)).toEqual(Buffer.from("a\0b\\n"));
    expect(transformationInput(String.raw`\xff\n\101\\`)).toEqual(Buffer.from([0xff, 10, 65, 92]));
    expect(transformationInput(String.raw`\xff\q`)).toEqual(Buffer.from("\\xff\\q"));
    expect(transformationOutput(String.raw`\xff\q`)).toEqual(Buffer.from([0xff, 92, 113]));
  });
});
