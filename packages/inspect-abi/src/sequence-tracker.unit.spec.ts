import { describe, expect, it } from "vitest";
import { SequenceTracker } from "./sequence-tracker.js";

const batch = (sequence: bigint, count: number, partition = 1, publisher = 9n) => ({ publisher, partition, sequence, count });

describe("SequenceTracker", () => {
  it("counts missing records exactly, per publisher and partition", () => {
    const tracker = new SequenceTracker();
    expect(tracker.observe(batch(100n, 10))).toBe(0n);
    expect(tracker.observe(batch(110n, 5))).toBe(0n);
    expect(tracker.observe(batch(120n, 5))).toBe(5n);
    expect(tracker.observe(batch(120n, 5))).toBe(0n);
    expect(tracker.observe(batch(115n, 5))).toBe(0n);
    expect(tracker.observe(batch(125n, 0))).toBe(0n);
    expect(tracker.observe(batch(7n, 1, 2))).toBe(0n);
    expect(tracker.observe(batch(0n, 1, 1, 10n))).toBe(0n);
    expect(tracker.observe(batch(126n, 1))).toBe(1n);
    expect(tracker.lost).toBe(6n);
  });

  it("forgets the stream not heard of for longest", () => {
    const tracker = new SequenceTracker(2);
    tracker.observe(batch(0n, 1, 1));
    tracker.observe(batch(0n, 1, 2));
    tracker.observe(batch(1n, 1, 1));
    tracker.observe(batch(0n, 1, 3));
    expect(tracker.observe(batch(5n, 1, 2))).toBe(0n);
    expect(tracker.observe(batch(5n, 1, 3))).toBe(4n);
  });
});
