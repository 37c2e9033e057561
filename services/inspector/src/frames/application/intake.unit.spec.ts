import { BatchReader, RECORD_MODULES } from "@secuxflow/inspect-abi";
import { buildFrame } from "@secuxflow/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TestPublisher } from "../../testing/frames.js";
import { Intake } from "./intake.js";

const packet = (srcPort: number): Buffer =>
  buildFrame({ ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, udp: { srcPort, dstPort: 53 } });

function setup() {
  const inspected: { partition: number; mask: number; count: number; gap: boolean }[] = [];
  const malformed: string[] = [];
  let accounted = 0;
  const intake = new Intake({
    account: (batch) => (accounted += batch.count),
    inspect: (partition, _frame, mask, { count }, gap) => inspected.push({ partition, mask, count, gap }),
    onMalformed: (_partition, reason) => malformed.push(reason),
  });
  return { intake, inspected, malformed, accounted: () => accounted };
}

describe("Intake", () => {
  it("hands valid frames on, with the OR of their masks and the gap before them", () => {
    const { intake, inspected, accounted } = setup();
    const publisher = new TestPublisher();
    const send = (modules: number): number => {
      const [made] = publisher.frames([packet(1), packet(1)], { modules });
      if (made === undefined) throw new Error("no frame");
      intake.begin(99); // other partitions do not matter
      if (inspected.length === 0) intake.begin(made.partition);
      const second = new BatchReader(made.frame).recordAt(1) + RECORD_MODULES;
      if (modules === 2) new DataView(made.frame.buffer).setUint32(second, 0x8000_0000, true);
      intake.receive(made.frame, made.partition);
      return made.partition;
    };
    const partition = send(1);
    publisher.skip(partition, 5);
    send(2);
    send(1);
    expect(inspected).toEqual([
      { partition, mask: 1, count: 2, gap: false }, { partition, mask: 0x8000_0002, count: 2, gap: true },
      { partition, mask: 1, count: 2, gap: false },
    ]);
    expect([intake.lostInTransit, intake.received, accounted()]).toEqual([5, 3, 6]);
    // What others inspected while the partition was theirs is not missed.
    intake.end(partition);
    publisher.skip(partition, 50);
    send(1);
    expect(inspected).toHaveLength(3);
    intake.begin(partition);
    send(1);
    expect(intake.lostInTransit).toBe(5);
  });

  it("counts what is no batch, or not of its partition, and changes nothing", () => {
    const { intake, inspected, malformed } = setup();
    for (let partition = 0; partition < 64; partition++) intake.begin(partition);
    const [made] = new TestPublisher().frames([packet(1)]);
    intake.receive(made?.frame ?? new Uint8Array(), ((made?.partition ?? 0) + 1) % 64);
    expect([intake.malformed, malformed.length]).toEqual([1, 1]);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const before = intake.malformed;
      intake.receive(bytes, 3);
      expect(intake.malformed).toBe(before + 1);
    }));
    expect(inspected).toEqual([]);
    expect(malformed).toHaveLength(1);
  });
});
