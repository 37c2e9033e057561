import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TRIE_STEPS } from "./layout.js";
import { buildSetImage } from "./sets.js";
import { lookupSets, trieFind } from "./testing/lookup.js";
import { testPackets } from "./testing/policy.js";
import { encodeSets, maskOf, testSets } from "./testing/sets.js";
import { ImageTooLarge, PREFIX_BYTES } from "./types.js";

describe("buildSetImage", () => {
  const image = new Uint8Array(1 << 20);

  it("knows for each address the sets that hold it", () => {
    fc.assert(fc.property(testSets(40), testPackets(30), (sets, packets) => {
      image.fill(0xa5);
      buildSetImage(encodeSets(sets), image);
      for (const { family, src, dst } of packets) {
        for (const address of [src, dst]) expect(lookupSets(image, family, address)).toBe(maskOf(sets, family, address));
      }
    }), { numRuns: 100 });
  });

  it("keeps every path short, also through prefixes of every length", () => {
    const prefixes = Array.from({ length: 128 }, (_, i) => ({ words: [0xffff0000, 0, 0, 0] as const, length: i + 1 }))
      .map(({ words, length }) => ({ words: (length < 16 ? [(0xffff0000 & (0xffffffff << (32 - length))) >>> 0, 0, 0, 0] : [...words]) as unknown as typeof words, length }));
    buildSetImage(encodeSets([{ bit: 5, prefixes }]), image);
    const view = new DataView(image.buffer);
    for (let bit = 0; bit < 128; bit++) {
      const address = [0xffff0000, 0, 0, 0];
      address[bit >>> 5] = (address[bit >>> 5]! ^ (1 << (31 - (bit & 31)))) >>> 0;
      expect(trieFind(view, view.getUint32(12, true), address).nodes).toBeLessThanOrEqual(TRIE_STEPS);
      expect(lookupSets(image, 6, address)).toBe(bit === 0 ? 0n : 1n << 5n);
    }
  });

  it("holds many hosts in little memory", () => {
    const count = 20_000;
    const bytes = new Uint8Array(count * PREFIX_BYTES);
    for (let i = 0; i < count; i++) {
      bytes.set([0xff, 0xff], i * PREFIX_BYTES + 10);
      new DataView(bytes.buffer).setUint32(i * PREFIX_BYTES + 12, Math.imul(i, 0x9e3779b1) >>> 0);
      bytes[i * PREFIX_BYTES + 16] = 128;
    }
    expect(buildSetImage([{ bit: 0, prefixes: bytes, count }], image)).toBeLessThan(count * 48);
    for (let i = 0; i < count; i += 97) expect(lookupSets(image, 4, [0, 0, 0xffff, Math.imul(i, 0x9e3779b1) >>> 0])).toBe(1n);
    expect(() => buildSetImage([{ bit: 0, prefixes: bytes, count }], new Uint8Array(4096))).toThrow(ImageTooLarge);
  });

  it("refuses bits and lengths that do not exist", () => {
    const prefix = new Uint8Array(PREFIX_BYTES);
    expect(() => buildSetImage([{ bit: 64, prefixes: prefix, count: 1 }], image)).toThrow(/0 to 63/);
    prefix[16] = 129;
    expect(() => buildSetImage([{ bit: 1, prefixes: prefix, count: 1 }], image)).toThrow(/at most 128/);
  });
});
