import { encodeLiterals } from "@secuxflow/rule-image";
import type { Literal } from "@secuxflow/rule-image";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

let wasm: Compiled;
let text = 0;
beforeAll(async () => {
  wasm = (await compileEntry("engine/match/test-entry.ts"))();
  text = wasm.call("room", 70_000);
});

const bytesOf = (value: string) => Uint8Array.from(Buffer.from(value, "latin1"));
const fold = (bytes: Uint8Array) => Buffer.from(bytes.map((b) => (b >= 65 && b <= 90 ? b | 32 : b)));

/** First occurrence's end by index: the obvious way. */
function model(patterns: readonly Literal[], data: Uint8Array): Map<number, number> {
  const found = new Map<number, number>();
  patterns.forEach(({ bytes, nocase }, i) => {
    const at = nocase ? fold(data).indexOf(fold(bytes)) : Buffer.from(data).indexOf(bytes);
    if (at >= 0) found.set(i, at + bytes.length);
  });
  return found;
}

function attach(patterns: readonly Literal[]): { at: number; set: number } {
  const image = encodeLiterals(patterns);
  const at = wasm.call("room", image.length);
  wasm.write(at, image);
  const set = wasm.call("literalsAttach", at, image.length);
  expect(set).toBeGreaterThan(0);
  return { at, set };
}

function scan(set: number, data: Uint8Array): Map<number, number> {
  wasm.write(text, data);
  const count = wasm.call("literalScan", set, text, data.length);
  const hits = new Uint32Array(wasm.read(wasm.call("literalHits"), count * 4).buffer);
  const found = new Map([...hits].map((index) => [index, wasm.call("literalFirstEnd", index)]));
  expect(found.size).toBe(count);
  return found;
}

const sorted = (found: Map<number, number>) => [...found].sort(([a], [b]) => a - b);

describe("literal sets", () => {
  it("finds each pattern once, with the end of its first occurrence", () => {
    const { set } = attach([
      { bytes: bytesOf("evil.exe"), nocase: true },
      { bytes: bytesOf("Evil"), nocase: false },
      { bytes: bytesOf("x"), nocase: false },
      { bytes: bytesOf("absent"), nocase: true },
      { bytes: bytesOf("evil.exe"), nocase: true },
    ]);
    expect(sorted(scan(set, bytesOf("an EVIL.exe and evil.exe, Evil")))).toEqual([[0, 11], [1, 30], [2, 10], [4, 11]]);
    expect(scan(set, bytesOf("")).size).toBe(0);
  });

  const letter = fc.constantFrom(...Buffer.from("abABc\0\x20@`\xff", "latin1"));
  const literal = fc.record({
    bytes: fc.array(letter, { minLength: 1, maxLength: 12 }).map((bytes) => Uint8Array.from(bytes)),
    nocase: fc.boolean(),
  });
  it.each([["small", 1, 20], ["large", 60, 160]])("agrees with indexOf for %s sets (property)", (_, minLength, maxLength) => {
    fc.assert(
      fc.property(
        fc.array(literal, { minLength, maxLength }),
        fc.array(fc.array(letter, { maxLength: 120 }), { minLength: 1, maxLength: 10 }),
        (patterns, texts) => {
          const { set } = attach(patterns);
          for (const data of texts.map((bytes) => Uint8Array.from(bytes))) {
            expect(sorted(scan(set, data))).toEqual(sorted(model(patterns, data)));
          }
          wasm.call("literalsDetach", set);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("finds long patterns in noise at any position (property)", () => {
    const long = fc.record({ bytes: fc.uint8Array({ minLength: 5, maxLength: 60 }), nocase: fc.boolean() });
    const both = fc.oneof(long, fc.record({ bytes: fc.uint8Array({ minLength: 2, maxLength: 4 }), nocase: fc.boolean() }));
    fc.assert(
      fc.property(fc.array(long, { minLength: 40, maxLength: 80 }),
        fc.array(both, { maxLength: 10 }), fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat()), { maxLength: 20 }),
        (longs, others, pieces) => {
          const patterns = [...longs, ...others];
          const { set } = attach(patterns);
          const data = Buffer.concat(pieces.flatMap(([noise, n]) => [noise, patterns[n % patterns.length]?.bytes ?? noise]));
          expect(sorted(scan(set, data))).toEqual(sorted(model(patterns, data)));
          wasm.call("literalsDetach", set);
        }),
      { numRuns: 60 },
    );
  });

  it("misses nothing around long runs of one byte (property)", () => {
    const runs = Array.from({ length: 60 }, (_, i) => ({
      bytes: Buffer.concat([Buffer.from(i % 3 === 0 ? `a${i}` : ""), Buffer.alloc(2 + i), Buffer.from(i % 2 === 0 ? `b${i}` : "")]),
      nocase: false,
    }));
    const run = fc.tuple(fc.constantFrom(0, 0, 65), fc.nat({ max: 500 })).map(([byte, n]) => Buffer.alloc(n, byte));
    const piece = fc.oneof(run, fc.nat({ max: 59 }).map((n) => runs[n]?.bytes ?? Buffer.alloc(0)), fc.constantFrom(Buffer.from("b4"), Buffer.from("a9")));
    const { set } = attach(runs);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const data = Buffer.concat(pieces);
        expect(sorted(scan(set, data))).toEqual(sorted(model(runs, data)));
      }),
      { numRuns: 300 },
    );
  });

  it("survives damaged sets: refuses them or stays within memory (property)", () => {
    const patterns = Array.from({ length: 50 }, (_, i) => ({ bytes: bytesOf(`pattern ${i}`), nocase: i % 2 === 0 }));
    for (const image of [encodeLiterals(patterns), encodeLiterals(patterns.slice(0, 9))]) {
      const at = wasm.call("room", image.length);
      fc.assert(
        fc.property(fc.nat({ max: image.length - 1 }), fc.integer({ min: 1, max: 255 }), (where, change) => {
          const damaged = image.slice();
          damaged[where] = (damaged[where] ?? 0) ^ change;
          wasm.write(at, damaged);
          const set = wasm.call("literalsAttach", at, image.length);
          if (set !== 0) wasm.call("literalScan", set, text, 5_000);
          wasm.call("literalsDetach", set);
        }),
        { numRuns: 500 },
      );
      wasm.write(at, image);
      expect(wasm.call("literalsCheck", at, image.length)).toBe(1);
      expect(wasm.call("literalsCheck", at, image.length - 16)).toBe(0);
    }
  });

  it("compares a bounded number of bytes for each byte of a text made of near misses", () => {
    const patterns: Literal[] = Array.from({ length: 100 }, (_, i) => ({
      bytes: bytesOf(`${"A".repeat(20 + i)}${String.fromCharCode(66 + (i % 20))}tail${i}`), nocase: true,
    }));
    const { set } = attach(patterns);
    const before = Number(wasm.call64("comparedBytes"));
    const data = new Uint8Array(60_000).fill(65);
    expect(scan(set, data).size).toBe(0);
    expect((Number(wasm.call64("comparedBytes")) - before) / data.length).toBeLessThan(64);
  });

  it("refuses empty and overlong literals, and memory that is short", () => {
    expect(() => encodeLiterals([{ bytes: new Uint8Array(), nocase: false }])).toThrow(/1 to 8192 bytes/);
    expect(() => encodeLiterals([{ bytes: new Uint8Array(8193), nocase: false }])).toThrow(/1 to 8192 bytes/);
    const image = encodeLiterals([{ bytes: bytesOf("abc"), nocase: false }]);
    const at = wasm.call("room", image.length);
    wasm.write(at, image);
    wasm.call("setMemoryBudget", 0);
    expect(wasm.call("literalsAttach", at, image.length)).toBe(0);
    wasm.call("setMemoryBudget", 64 << 20);
  });
});
