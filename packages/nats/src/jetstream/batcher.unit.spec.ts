import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Batcher } from "./batcher.js";

describe("Batcher", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("handles a full batch at once", async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number>({
      size: 3,
      maxWaitMs: 1_000,
      handle: (items) => Promise.resolve(void batches.push(items)),
    });
    for (const n of [1, 2, 3, 4]) await batcher.add(n);
    expect(batches).toEqual([[1, 2, 3]]);
    await batcher.finish();
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it("handles a part of a batch after the wait, counted from its first item", async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number>({ size: 3, maxWaitMs: 10, handle: (items) => Promise.resolve(void batches.push(items)) });
    await batcher.add(1);
    await vi.advanceTimersByTimeAsync(6);
    await batcher.add(2);
    await vi.advanceTimersByTimeAsync(3);
    expect(batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(batches).toEqual([[1, 2]]);
  });

  it("lets one more batch gather while one is handled, and then makes the source wait", async () => {
    const batches: number[][] = [];
    const release: (() => void)[] = [];
    const handle = (items: number[]): Promise<void> => {
      batches.push(items);
      return new Promise((resolve) => release.push(resolve));
    };
    const batcher = new Batcher<number>({ size: 2, maxWaitMs: 10, handle });
    for (const n of [1, 2, 3]) await batcher.add(n);
    let added = false;
    const fourth = batcher.add(4).then(() => (added = true));
    await vi.advanceTimersByTimeAsync(100);
    expect([batches, added]).toEqual([[[1, 2]], false]);
    release[0]?.();
    await fourth;
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
    release[1]?.();
    await batcher.finish();
    expect(batches).toHaveLength(2);
  });

  it("hands over every item once and in order, in batches within the size, never two at a time", async () => {
    vi.useRealTimers();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean(), { maxLength: 40 }), async (size, pauses) => {
        const out: number[] = [];
        let running = 0;
        const handle = async (items: number[]): Promise<void> => {
          expect(++running).toBe(1);
          expect(items.length).toBeGreaterThan(0);
          expect(items.length).toBeLessThanOrEqual(size);
          await new Promise((resolve) => setImmediate(resolve));
          out.push(...items);
          running -= 1;
        };
        const batcher = new Batcher<number>({ size, maxWaitMs: 0, handle });
        for (const [n, pause] of pauses.entries()) {
          await batcher.add(n);
          if (pause) await new Promise((resolve) => setTimeout(resolve, 1));
        }
        await batcher.finish();
        expect(out).toEqual(pauses.map((_, n) => n));
      }),
      { numRuns: 50 },
    );
  });
});
