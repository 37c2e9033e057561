import { beforeAll, describe, expect, it } from "vitest";
import { ArgumentError, BpfObject, RingBuffer, scatterRecords, type ScatterLayout, type ScatterTarget } from "./index.js";
import { compileFixture, KERNEL, kernelReady } from "./testing/fixtures.js";

const GROUPS = 8;
const layout: ScatterLayout = {
  headBytes: 32, group: 0, dataLength: 4, time: 8, dataOffset: 16, timeDelta: 20, clip: [24, 26],
  headsStart: 64, dataStart: 64 + 20 * 32, maxRecords: 20,
};

const target = (bytes = 2_048, more: Partial<ScatterLayout> = {}): ScatterTarget => ({
  layout: { ...layout, ...more },
  groups: Array.from({ length: GROUPS }, () => new Uint8Array(bytes)),
  counts: new Uint32Array(GROUPS), ends: new Uint32Array(GROUPS), timeBases: new BigUint64Array(GROUPS),
});

/** What was written of a group, and how often it was taken. */
const written = ({ groups, counts, ends, timeBases }: ScatterTarget, group: number): object => ({
  count: counts[group], base: timeBases[group],
  heads: Buffer.from(groups[group]?.subarray(64, 64 + (counts[group] ?? 0) * 32) ?? []).toString("hex"),
  data: counts[group] === 0 ? "" : Buffer.from(groups[group]?.subarray(layout.dataStart, ends[group]) ?? []).toString("hex"),
});

describe.skipIf(!kernelReady)(`RingBuffer.scatterInto (${KERNEL})`, () => {
  let file = "";
  beforeAll(() => { file = compileFixture("scatter"); });

  it.each([["full by heads", 16_384], ["full by bytes", 1_024], ["with data larger than a group", 720]])("sorts as the model does: groups %s", (_name, bytes) => {
    const object = BpfObject.open(file).load();
    const [ring, mirror] = [new RingBuffer(object.map("sorted")), new RingBuffer(object.map("mirror"))];
    const batch = new Uint8Array(1 << 20);
    const [actual, model] = [target(bytes), target(bytes)];
    let fullTimes = 0;
    let malformed = 0;
    for (let round = 0; round < 3; round++) {
      object.program("produce").testRun({ data: Buffer.alloc(64), repeat: 1_500, dataOutSize: 0 });
      const taken = mirror.consumeInto(batch);
      expect([taken.records, taken.more]).toEqual([1_500, false]);
      for (let done = 0; done < taken.records;) {
        const expected = scatterRecords(batch, taken.bytes, model, done);
        expect({ ...ring.scatterInto(actual) }).toEqual(expected);
        done += expected.records + expected.malformed;
        malformed += expected.malformed;
        for (let group = 0; group < GROUPS; group++) expect(written(actual, group)).toEqual(written(model, group));
        if (expected.full < 0) continue;
        fullTimes++;
        actual.counts[expected.full] = model.counts[expected.full] = 0;
      }
      expect({ ...ring.scatterInto(actual) }).toEqual({ records: 0, malformed: 0, full: -1 });
      expect(ring.pendingBytes()).toBe(0);
    }
    expect(fullTimes).toBeGreaterThan(100);
    expect(malformed).toBeGreaterThan(80);
    ring.close();
    mirror.close();
    object.close();
  });

  it("refuses a layout that does not fit", () => {
    const object = BpfObject.open(file).load();
    const ring = new RingBuffer(object.map("sorted"));
    for (const wrong of [{ headBytes: 30 }, { group: 30 }, { time: 28 }, { clip: [31] }, { clip: [0, 2, 4, 6, 8] }, { maxRecords: 21 }, { dataStart: 4_096 }, { headsStart: 60 }]) {
      expect(() => ring.scatterInto(target(2_048, wrong)), JSON.stringify(wrong)).toThrow(ArgumentError);
    }
    const three = target();
    expect(() => ring.scatterInto({ ...three, groups: three.groups.slice(0, 3) })).toThrow(/power of two/);
    expect(() => ring.scatterInto({ ...three, counts: new Uint32Array(4) })).toThrow(TypeError);
    expect(() => ring.scatterInto({ ...three, groups: [...three.groups.slice(1), new Uint8Array(4)] })).toThrow(TypeError);
    ring.close();
    object.close();
  });
});
