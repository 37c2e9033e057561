import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/core/test-entry.ts");
});

describe("memory under a budget", () => {
  it("refuses what exceeds it, counts that, and takes again after giving", () => {
    const wasm = fresh();
    wasm.call("setMemoryBudget", 10_000);
    const first = wasm.call("take", 6_000);
    expect(first).toBeGreaterThan(0);
    expect(first % 16).toBe(0);
    expect(wasm.call("take", 6_000)).toBe(0);
    expect(wasm.call("memoryRefusals")).toBe(1);
    wasm.call("give", first);
    expect(wasm.call("memoryTaken")).toBe(0);
    expect(wasm.call("take", 6_000)).toBeGreaterThan(0);
  });

  it("is as full after as before, whatever is taken and given (property)", () => {
    const wasm = fresh();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 50 }), (sizes) => {
        const blocks = sizes.map((size) => wasm.call("take", size));
        blocks.forEach((at, i) => wasm.bytes().fill(i, at, at + (sizes[i] ?? 0)));
        blocks.forEach((at, i) => {
          expect(wasm.read(at, sizes[i] ?? 0).every((byte) => byte === i)).toBe(true);
          wasm.call("give", at);
        });
        expect(wasm.call("memoryTaken")).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe("arena", () => {
  it("gives pieces that do not overlap, and everything back at once (property)", () => {
    const wasm = fresh();
    const arena = wasm.call("arenaNew");
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9_000 }), { maxLength: 40 }), (sizes) => {
        const pieces = sizes.map((size) => ({ size, at: wasm.call("arenaGet", arena, size) }));
        const sorted = pieces.toSorted((a, b) => a.at - b.at);
        sorted.slice(1).forEach(({ at }, i) => expect(at).toBeGreaterThanOrEqual((sorted[i]?.at ?? 0) + (sorted[i]?.size ?? 0)));
        expect(pieces.every(({ at }) => at > 0 && at % 8 === 0)).toBe(true);
        wasm.call("arenaDrop", arena);
        expect(wasm.call("memoryTaken")).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe("buffer", () => {
  it("holds what was appended and not dropped, up to its limit (property)", () => {
    const wasm = fresh();
    const from = wasm.call("take", 4_096);
    const operation = fc.oneof(
      fc.uint8Array({ maxLength: 700 }).map((add) => ({ add, cut: 0 })),
      fc.integer({ min: 0, max: 900 }).map((cut) => ({ add: new Uint8Array(), cut })),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const buffer = wasm.call("bufferNew");
        let model: number[] = [];
        for (const { add, cut } of operations) {
          wasm.write(from, add);
          const fits = model.length + add.length <= 2_000;
          expect(wasm.call("bufferAdd", buffer, from, add.length, 2_000)).toBe(fits ? 1 : 0);
          if (fits) model.push(...add);
          wasm.call("bufferCut", buffer, cut);
          model = model.slice(cut);
        }
        const view = new DataView(wasm.bytes().buffer);
        expect([...wasm.read(view.getUint32(buffer, true), view.getUint32(buffer + 4, true))]).toEqual(model);
        wasm.call("bufferDone", buffer);
      }),
      { numRuns: 50 },
    );
  });
});
