import { BatchReader, RECORD_BYTES, RECORD_DATA_LEN, RECORD_FAMILY, RECORD_FLOW_ID, RECORD_KIND, RECORD_STREAM_OFFSET, RECORD_WIRE_LEN, SequenceTracker } from "@secuxflow/inspect-abi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameAssembler } from "./frame-assembler.js";

/** A ring-buffer record as the XDP program writes it. */
function ringRecord(flow: number, time: bigint, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES + data.length + 7);
  const view = new DataView(bytes.buffer);
  view.setUint32(RECORD_FLOW_ID, flow, true);
  view.setBigUint64(RECORD_STREAM_OFFSET, time, true);
  view.setUint32(RECORD_DATA_LEN, data.length, true);
  view.setUint32(RECORD_WIRE_LEN, data.length, true);
  view.setUint8(RECORD_KIND, 1);
  view.setUint8(RECORD_FAMILY, 4);
  bytes.set(data, RECORD_BYTES);
  return bytes;
}

function harness(maxFrameBytes: number, accept: () => boolean = () => true) {
  const frames: { partition: number; bytes: Uint8Array; packets: number }[] = [];
  const assembler = new FrameAssembler({
    publisher: 7n, maxFrameBytes, wallMinusMonotonic: () => 1_000_000n,
    sink: (partition, frame, packets) => {
      const taken = accept();
      if (taken) frames.push({ partition, bytes: frame.slice(), packets });
      return taken;
    },
  });
  const add = (flow: number, time: bigint, data: Uint8Array): void => {
    const record = ringRecord(flow, time, data);
    assembler.add(record, new DataView(record.buffer), 0, record.length);
  };
  return { assembler, frames, add };
}

describe("FrameAssembler", () => {
  it("carries every packet once, in order within its partition, with its time and bytes", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 })), { maxLength: 200 }), (packets) => {
      const { assembler, frames, add } = harness(4_096);
      packets.forEach(([flow, data], index) => { add(flow, BigInt(index + 1) * 1_000n, data); });
      assembler.flush();
      const seen = new Map<number, string[]>();
      for (const { partition, bytes, packets: count } of frames) {
        const reader = new BatchReader(bytes);
        expect(reader.count).toBe(count);
        for (let i = 0; i < reader.count; i++) {
          const record = reader.record(i);
          const time = reader.header.timeBaseNs + BigInt(record.timeDeltaNs);
          seen.set(partition, [...(seen.get(partition) ?? []), `${time}:${Buffer.from(reader.data(i)).toString("hex")}`]);
        }
      }
      const wanted = new Map<number, string[]>();
      packets.forEach(([flow, data], index) => {
        wanted.set(flow & 63, [...(wanted.get(flow & 63) ?? []), `${BigInt(index + 1) * 1_000n + 1_000_000n}:${Buffer.from(data).toString("hex")}`]);
      });
      expect(seen).toEqual(wanted);
      expect(assembler.packetsSent).toBe(packets.length);
    }), { numRuns: 50 });
  });

  it("leaves a gap in the sequence for a frame that could not be sent", () => {
    let accept = true;
    const { assembler, frames, add } = harness(4_096, () => accept);
    const send = (): void => { add(1, 1n, new Uint8Array(10)); add(1, 2n, new Uint8Array(10)); assembler.flush(); };
    send();
    accept = false;
    send();
    accept = true;
    send();
    const tracker = new SequenceTracker();
    for (const { bytes } of frames) tracker.observe(new BatchReader(bytes).header);
    expect(tracker.lost).toBe(2n);
    expect(assembler.packetsDropped).toBe(2);
  });

  it("counts a record that is shorter than it claims, or larger than a frame, as lost", () => {
    const { assembler, frames, add } = harness(2_048);
    const short = ringRecord(1, 1n, new Uint8Array(100));
    assembler.add(short, new DataView(short.buffer), 0, RECORD_BYTES + 50);
    assembler.add(short, new DataView(short.buffer), 0, 4);
    add(1, 1n, new Uint8Array(4_000));
    assembler.flush();
    expect(assembler.packetsDropped).toBe(3);
    expect(frames).toEqual([]);
  });
});
