import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digest, forModule, readRuleImage, sectionOf, writeRuleImage } from "./container.js";
import { RuleImageError } from "./errors.js";

const sections = fc.uniqueArray(
  fc.record({ tag: fc.stringMatching(/^[A-Z]{4}$/), bytes: fc.uint8Array({ maxLength: 100 }) }),
  { selector: ({ tag }) => tag, maxLength: 10 },
);

describe("rule images", () => {
  it("give back what was put in (property)", () => {
    fc.assert(
      fc.property(sections, fc.constantFrom("suricata" as const, "seclang" as const), fc.nat(), (list, kind, version) => {
        const image = writeRuleImage({ kind, version, sections: list });
        expect(image.length % 16).toBe(0);
        expect(readRuleImage(image)).toEqual({ kind, version, sections: list });
      }),
    );
  });

  it("are refused when any byte that matters is damaged (property)", () => {
    const image = writeRuleImage({ kind: "suricata", version: 3, sections: [{ tag: "RULE", bytes: new Uint8Array(64).fill(7) }] });
    fc.assert(
      fc.property(fc.nat({ max: image.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = image.slice();
        damaged[at] = (damaged[at] ?? 0) ^ change;
        expect(() => readRuleImage(damaged)).toThrow(RuleImageError);
      }),
    );
    expect(() => readRuleImage(image.subarray(0, 20))).toThrow(/at least 32 bytes/);
    expect(() => readRuleImage(image.subarray(0, 48))).toThrow(/48/);
  });

  it("go to modules without what only hosts read", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const image = writeRuleImage({ kind: "seclang", version: 1, sections: [{ tag: "META", bytes }, { tag: "RULE", bytes }] });
    const slim = readRuleImage(forModule(image));
    expect(sectionOf(slim, "META")).toBeUndefined();
    expect(sectionOf(slim, "RULE")).toEqual(bytes);
    expect(digest(image)).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(image)).not.toBe(digest(forModule(image)));
  });

  it("do not take bad tags", () => {
    const write = (...tags: string[]) => () =>
      writeRuleImage({ kind: "suricata", version: 1, sections: tags.map((tag) => ({ tag, bytes: new Uint8Array() })) });
    expect(write("AB")).toThrow(/four ASCII characters/);
    expect(write("ABCD", "ABCD")).toThrow(/twice/);
  });
});

it("reads a Buffer as it reads any bytes, and leaves it as it is", () => {
  const image = writeRuleImage({ kind: "suricata", version: 1, sections: [{ tag: "META", bytes: Uint8Array.of(1, 2, 3) }] });
  const buffer = Buffer.from(image);
  expect(readRuleImage(buffer).sections).toHaveLength(1);
  expect(buffer.equals(image)).toBe(true);
  expect(readRuleImage(buffer).sections).toHaveLength(1);
});
