import { writeRuleImage } from "@secuxflow/rule-image";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

let wasm: Compiled;
let at = 0;
beforeAll(async () => {
  wasm = (await compileEntry("engine/image/test-entry.ts"))();
  at = wasm.call("room", 100_000);
});

const SURICATA = 1;
const tagOf = (tag: string) => Buffer.from(tag).readUInt32LE();

function open(image: Uint8Array, kind = SURICATA): boolean {
  wasm.write(at, image);
  return wasm.call("imageOpen", at, image.length, kind) !== 0;
}

describe("rule images in a module", () => {
  it("open, and their sections are where they were put (property)", () => {
    const sections = fc.uniqueArray(
      fc.record({ tag: fc.stringMatching(/^[A-Z]{4}$/), bytes: fc.uint8Array({ maxLength: 3_000 }) }),
      { selector: ({ tag }) => tag, maxLength: 8 },
    );
    fc.assert(
      fc.property(sections, fc.nat(), (list, version) => {
        expect(open(writeRuleImage({ kind: "suricata", version, sections: list }))).toBe(true);
        expect(wasm.call("imageVersion")).toBe(version);
        for (const { tag, bytes } of list) {
          const section = wasm.call("sectionByTag", tagOf(tag));
          expect(section % 16).toBe(0);
          expect(wasm.read(section, wasm.call("imageSectionLength"))).toEqual(bytes);
        }
        expect(wasm.call("sectionByTag", tagOf("none"))).toBe(0);
        expect(wasm.call("imageSectionLength")).toBe(0);
      }),
    );
  });

  it("are refused when damaged, cut, or of another kind (property)", () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    const image = writeRuleImage({ kind: "suricata", version: 1, sections: [{ tag: "RULE", bytes }, { tag: "TEXT", bytes }] });
    expect(open(image)).toBe(true);
    expect(open(image, 2)).toBe(false);
    fc.assert(
      fc.property(fc.nat({ max: image.length - 1 }), fc.integer({ min: 1, max: 255 }), (where, change) => {
        const damaged = image.slice();
        damaged[where] = (damaged[where] ?? 0) ^ change;
        const padding = (where >= 164 && where < 176) || where >= 276;
        expect(open(damaged)).toBe(padding);
        expect(open(image.subarray(0, where))).toBe(false);
      }),
    );
  });
});
