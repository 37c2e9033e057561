import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attributes, constants, structs } from "../abi.definition.js";
import { generateAll } from "./index.js";
import { placeFields, snake, upper } from "./layout.js";

const root = join(import.meta.dirname, "../../../..");

describe("generated files", () => {
  it.each(Object.entries(generateAll()))("%s is what the definition gives (else run `npm run generate`)", (path, text) => {
    expect(readFileSync(join(root, path), "utf8")).toBe(text);
  });
});

describe("the definition", () => {
  it("has unique names and keys", () => {
    for (const struct of structs) expect(new Set(struct.fields.map((field) => field.name)).size).toBe(struct.fields.length);
    for (const group of constants) expect(new Set(group.values.map((value) => value.value)).size).toBe(group.values.length);
    expect(new Set(attributes.map(({ key }) => key)).size).toBe(attributes.length);
    expect(new Set(attributes.map(({ name }) => name)).size).toBe(attributes.length);
  });

  it("refuses a field that needs padding, and a wrong size", () => {
    const struct = { name: "T", prefix: "T", tag: "t", doc: "", size: 8 };
    const field = (name: string, type: "u8" | "u32") => ({ name, type, doc: "" });
    expect(() => placeFields({ ...struct, fields: [field("a", "u8"), field("b", "u32")] })).toThrow(/T\.b at 1 is not aligned/);
    expect(() => placeFields({ ...struct, fields: [field("a", "u32")] })).toThrow(/4 bytes, its definition says 8/);
    expect(() => placeFields({ ...struct, size: 4, fields: [field("a", "u32")] })).toThrow(/not a multiple of 8/);
  });

  it("turns names into the styles of each language", () => {
    expect(upper("timeBaseNs")).toBe("TIME_BASE_NS");
    expect(upper("http.user_agent")).toBe("HTTP_USER_AGENT");
    expect(snake("l4Offset")).toBe("l4_offset");
  });
});
