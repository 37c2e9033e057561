// What the compiler writes and the engine reads is said on both sides: here they are compared.
import { numbers } from "@secuxflow/seclang";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOM = join(import.meta.dirname, "../../../engine/seclang");
const constants = (file: string): Map<string, number> =>
  new Map([...readFileSync(join(ROOM, file),
    "utf8").matchAll(/^export const ([A-Z0-9_]+): u32 = (0x[0-9a-f]+|\d+);/gm)].map(([, name = "", value]) => [name,
    Number(value)]));
const snake = (name: string): string => name.replaceAll(/([A-Z]|\d+)/g, "_$1").toUpperCase();

describe("the compiler and the engine agree on", () => {
  const ids = constants("ids.ts");
  const layout = constants("layout.ts");

  it("variables", () => {
    for (const [name, id] of Object.entries({ ...numbers.COLLECTIONS, ...numbers.SCALARS })) expect([name,
      ids.get(`V_${name}`)]).toEqual([name, id]);
    expect(Math.max(...Object.values(numbers.SCALARS))).toBe((ids.get("V_COUNT") ?? 0) - 1);
  });

  it("operators", () => {
    for (const [name, id] of Object.entries(numbers.OPERATORS)) {
      expect([...ids].some(([constant, value]) => constant.startsWith("OP_") && value === id), name).toBe(true);
      if (ids.has(`OP_${name.toUpperCase()}`)) expect([name, ids.get(`OP_${name.toUpperCase()}`)]).toEqual([name, id]);
    }
  });

  it("the header", () => {
    numbers.HEADER.forEach((name, i) => {
      expect([name, layout.get(`H_${snake(name)}`)]).toEqual([name, 4 * i]);
    });
    expect(layout.get("HEADER_BYTES")).toBe(4 * numbers.HEADER.length);
  });

  it("records", () => {
    const { ITEM_BYTES, LINK_BYTES, TARGET_BYTES, PART_BYTES, EFFECT_BYTES, CHAIN_BYTES, GROUP_BYTES, JOB_BYTES, CLASS_BYTES,
      SLOT_BYTES, LAYOUT_VERSION, NONE, CAPTURES } = numbers;
    const same = { ITEM_BYTES, LINK_BYTES, TARGET_BYTES, PART_BYTES, EFFECT_BYTES, CHAIN_BYTES, GROUP_BYTES, JOB_BYTES,
      CLASS_BYTES, SLOT_BYTES, LAYOUT_VERSION, NONE, CAPTURES };
    for (const [name, value] of Object.entries(same)) expect([name, layout.get(name)]).toEqual([name, value]);
    for (const [name, value] of Object.entries(numbers.DISRUPTIONS)) expect([name,
      layout.get(`D_${snake(name)}`)]).toEqual([name, value]);
    for (const [name, value] of Object.entries(numbers.SELECT)) expect([name,
      layout.get(`SELECT_${name.toUpperCase()}`)]).toEqual([name, value]);
    for (const [name, value] of Object.entries(numbers.HOW)) expect([name,
      layout.get(`HOW_${name.toUpperCase()}`)]).toEqual([name, value]);
    for (const [name, value] of Object.entries(numbers.LINK)) expect([name,
      layout.get(`LINK_${name.toUpperCase()}`)]).toEqual([name, value]);
    for (const [name, value] of Object.entries(numbers.ITEM)) expect([name,
      layout.get(`ITEM_${name.toUpperCase()}`)]).toEqual([name, value]);
    for (const [name, value] of Object.entries(numbers.EFFECTS)) expect([name, layout.get(`E_${snake(name)}`)]).toEqual([name,
      value]);
  });
});
