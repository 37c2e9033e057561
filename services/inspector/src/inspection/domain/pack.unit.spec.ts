import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPack } from "./pack.js";
import { PackQueue } from "./pack-queue.js";

const frames = fc.array(fc.record({ bytes: fc.uint8Array({ maxLength: 300 }), mask: fc.integer({ min: 0, max: 0xffff_ffff }),
  packets: fc.integer({ min: 1, max: 9 }) }));

describe("PackQueue", () => {
  it("gives back what it took, in order, and refuses only what passes a bound", () => {
    fc.assert(fc.property(frames, fc.integer({ min: 0, max: 5 }), fc.array(fc.boolean()), (offered, every, recycles) => {
      const bounds = { maxBytes: 1_000, maxPackets: 30, packBytes: 256 };
      const queue = new PackQueue(bounds);
      const taken: { bytes: number[]; mask: number; packets: number }[] = [];
      const expected: typeof taken = [];
      const waiting: typeof offered = [];
      const takeOne = (): void => {
        const pack = queue.take();
        if (pack === undefined) return;
        const read = [...readPack(pack.buffer, pack.bytes)];
        expect(read).toHaveLength(pack.frames);
        expect(read.reduce((sum, { packets }) => sum + packets, 0)).toBe(pack.packets);
        taken.push(...read.map(({ frame, mask, packets }) => ({ bytes: [...frame], mask, packets })));
        waiting.splice(0, pack.frames);
        if (recycles[taken.length % (recycles.length + 1)] === true) queue.recycle(pack.buffer);
      };
      offered.forEach((frame, index) => {
        const bytes = waiting.reduce((sum, one) => sum + one.bytes.length, 0);
        const packets = waiting.reduce((sum, one) => sum + one.packets, 0);
        expect([queue.bytes, queue.packets]).toEqual([bytes, packets]);
        const fits = bytes + frame.bytes.length <= bounds.maxBytes && packets + frame.packets <= bounds.maxPackets;
        expect(queue.push(frame.bytes, frame.mask, frame.packets)).toBe(fits);
        if (fits) {
          waiting.push(frame);
          expected.push({ bytes: [...frame.bytes], mask: frame.mask, packets: frame.packets });
        }
        if (every > 0 && index % every === 0) takeOne();
      });
      while (!queue.empty) takeOne();
      expect(taken).toEqual(expected);
      expect([queue.bytes, queue.packets, queue.take()]).toEqual([0, 0, undefined]);
    }));
  });

  it("lets the copy be changed and leaves the frame alone", () => {
    const queue = new PackQueue({ maxBytes: 100, maxPackets: 10, packBytes: 64 });
    const frame = Uint8Array.of(1, 2, 3);
    queue.push(Uint8Array.of(9), 1, 1);
    queue.push(frame, 1, 1, (copy) => (copy[1] = 7));
    const pack = queue.take();
    expect([...readPack(pack?.buffer ?? new ArrayBuffer(0), pack?.bytes ?? 0)].map(({ frame: copy }) => [...copy]))
      .toEqual([[9], [1, 7, 3]]);
    expect([...frame]).toEqual([1, 2, 3]);
  });
});
