import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../../..");
const writer = readFileSync(join(ROOT, "packages/suricata-rules/src/image/layout.ts"), "utf8");
const reader = readFileSync(join(ROOT, "wasm/engine/detect/layout.ts"), "utf8");

const constants = new Map([...reader.matchAll(/export const ([A-Z0-9_]+): u32 = (\w+);/g)].map(([, name, value]) => [name, Number(value)]));
const upper = (name: string): string => name.replace(/([A-Z])/g, "_$1").replace(/[.-]/g, "_").toUpperCase();

/** Members of an object literal of the writer's. */
function members(name: string): [string, number][] {
  const body = new RegExp(`export const ${name} = \\{([^}]*)\\}`).exec(writer)?.[1] ?? "";
  return [...body.matchAll(/"?([\w.\-]+)"?: (\w+)/g)].map(([, key = "", value = ""]) => [key, Number(value)]);
}

describe("the two sides of the layout", () => {
  it("number the words of the header alike", () => {
    const names = [...(/HEADER = \[([^\]]*)\]/.exec(writer)?.[1] ?? "").matchAll(/"(\w+)"/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(30);
    names.forEach((name, i) => {
      expect([name, constants.get(`H_${upper(name)}`)]).toEqual([name, i]);
    });
  });

  it.each([["CONDITION", "COND_"], ["POST", "POST_"], ["LIMIT", "LIMIT_"], ["GROUP", "GROUP_"], ["M", "M_"], ["C", "C_"], ["B", "B_"], ["KIND", "KIND_"]])(
    "give %s the same numbers",
    (object, prefix) => {
      const found = members(object);
      expect(found.length).toBeGreaterThan(2);
      for (const [name, value] of found) expect([name, constants.get(prefix + upper(name))]).toEqual([name, value]);
    },
  );

  it("give records the same size", () => {
    for (const name of ["RULE", "INSPECTION", "MATCH", "CONDITION", "POST", "LIMIT", "SLOT", "ALWAYS", "HEADER"]) {
      const size = Number(new RegExp(`export const ${name}_BYTES = (\\d+);`).exec(writer)?.[1]);
      expect([name, constants.get(`${name}_BYTES`)]).toEqual([name, size]);
    }
  });
});
