import type { StreamConfig } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { DEFINITIONS } from "./definitions.js";
import { differences } from "./differences.js";

describe("differences", () => {
  for (const definition of DEFINITIONS) {
    const own = definition.config as StreamConfig;
    const { name } = definition.config;

    it(`${name}: none to itself, nor where the server leaves out what is false or 0, nor with more replicas`, () => {
      expect(differences(definition, own)).toEqual([]);
      const terse = Object.fromEntries(
        Object.entries(own).filter(([, value]) => value !== false && value !== 0),
      ) as unknown as StreamConfig;
      expect(differences(definition, terse)).toEqual([]);
      expect(differences({ ...definition, config: { ...own, num_replicas: 1 } }, { ...own, num_replicas: 3 })).toEqual([]);
    });

    it(`${name}: each field that is not tunable counts`, () => {
      for (const [field, value] of Object.entries(own)) {
        const changed =
          typeof value === "boolean" ? !value : typeof value === "number" ? value + 1 : Array.isArray(value) ? ["x"] : "x";
        const found = differences(definition, { ...own, [field]: changed });
        const tunable = definition.tunable.includes(field as keyof StreamConfig);
        expect(
          found.map((one) => one.field),
          field,
        ).toEqual(tunable ? [] : [field]);
      }
    });
  }

  it("refuses what would change a stream's contents, and too few replicas", () => {
    const [definition] = DEFINITIONS;
    if (definition === undefined) throw new Error("there are definitions");
    const own = definition.config as StreamConfig;
    const mirrored = { ...own, mirror: { name: "OTHER" }, republish: { src: "a", dest: "b" } };
    expect(differences(definition, mirrored).map(({ field }) => field)).toEqual(["mirror", "republish"]);
    const three = { ...definition, config: { ...own, num_replicas: 3 } };
    expect(differences(three, { ...own, num_replicas: 1 })).toEqual([{ field: "num_replicas", wanted: "3", actual: "1" }]);
  });

  it("never lets a stream of ours be purged or rolled up, nor policy events be deleted", () => {
    for (const { config } of DEFINITIONS)
      expect(config).toMatchObject({ allow_rollup_hdrs: false, deny_purge: true, storage: "file" });
    expect(DEFINITIONS[0]?.config).toMatchObject({ deny_delete: true, max_age: 0, max_bytes: -1, max_msgs: -1 });
  });
});
