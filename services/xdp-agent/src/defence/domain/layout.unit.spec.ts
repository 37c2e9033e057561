import { readObjectSpec, structLayoutOf } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import { requireTestObject } from "../testing/test-program.js";
import { DEFENCE, DEFENCE_COUNT, DEFENCE_STATE, PROTECTION, SPACE, TALKER, TALKERS, TALLY } from "./layout.js";

const spec = readObjectSpec(requireTestObject());

/** Offsets of a C struct as BTF has them, by member, with the size. */
const cLayout = (name: string): Record<string, number> => {
  const layout = structLayoutOf(spec, name);
  return { size: layout.size, ...Object.fromEntries(layout.members.map((member) => [member.name, member.offset])) };
};

describe("layout of the first line of defence", () => {
  it.each([["protection", PROTECTION], ["defence", DEFENCE], ["defence_state", DEFENCE_STATE], ["tally", TALLY], ["talker", TALKER]])("struct %s", (name, offsets) => {
    expect(cLayout(name)).toMatchObject(offsets);
  });

  it("maps hold what the offsets promise", () => {
    const map = (name: string) => spec.maps.get(name);
    expect(map("defence_counters")).toMatchObject({ maxEntries: Object.keys(DEFENCE_COUNT).length, valueSize: TALLY.size });
    expect(map("talkers")).toMatchObject({ maxEntries: 2 * TALKERS.tables * TALKERS.sets, valueSize: TALKERS.ways * TALKER.size });
    expect(map("spaces")).toMatchObject({ maxEntries: SPACE.entries, keySize: SPACE.keySize, valueSize: 4 });
    expect(Object.values(DEFENCE_COUNT)).toEqual(Object.keys(DEFENCE_COUNT).map((_, index) => index));
  });
});
