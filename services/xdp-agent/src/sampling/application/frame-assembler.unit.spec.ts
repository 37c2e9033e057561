import { BatchReader, RECORD_BYTES, RECORD_DATA_LEN, RECORD_FAMILY, RECORD_FLOW_ID, RECORD_KIND, RECORD_STREAM_OFFSET, RECORD_WIRE_LEN, SequenceTracker } from "@secuxflow/inspect-abi";
import fc from "fast-check";
import { RECORD_HEADER, recordSize, scatterRecords } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import { SamplePump } from "./sample-pump.js";
import { FrameAssembler } from "./frame-assembler.js";

interface Sample {
  readonly flow: number;
  readonly time: bigint;
  readonly data: Uint8Array;
  /** What the record claims to have; its data's length unless it lies. */
  readonly claims?: number;
}

/** A batch of ring-buffer records as the XDP program writes them. */
function ringBatch(samples: readonly Sample[]): Uint8Array {
  const sizes = samples.map(({ data }) => recordSize(RECORD_BYTES + data.length));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  samples.forEach(({ flow, time, data, claims = data.length }, index) => {
    view.setUint32(at, RECORD_BYTES + data.length, true);
    const record = at + RECORD_HEADER;
    view.setUint32(record + RECORD_FLOW_ID, flow, true);
    view.setBigUint64(record + RECORD_STREAM_OFFSET, time, true);
    view.setUint32(record + RECORD_DATA_LEN, claims, true);
    view.setUint32(record + RECORD_WIRE_LEN, data.length, true);
    view.setUint8(record + RECORD_KIND, 1);
    view.setUint8(record + RECORD_FAMILY, 4);
    bytes.set(data, record + RECORD_BYTES);
    at += sizes[index] ?? 0;
  });
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
  /** Puts samples into a ring and pumps until it is empty. */
  const deliver = (samples: readonly Sample[]): void => {
    const batch = ringBatch(samples);
    let done = 0;
    const pump = new SamplePump({
      scatterInto: (target) => {
        const result = scatterRecords(batch, batch.length, target, done);
        done += result.records + result.malformed;
        return result;
      },
      onReadable: () => undefined,
    }, assembler);
    while (done < samples.length) pump.pump();
  };
  return { assembler, frames, deliver };
}

describe("FrameAssembler", () => {
  it("carries every packet once, in order within its partition, with its time and bytes", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 })), { maxLength: 200 }), (packets) => {
      const { assembler, frames, deliver } = harness(4_096);
      deliver(packets.map(([flow, data], index) => ({ flow, time: BigInt(index + 1) * 1_000n, data })));
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
    const { assembler, frames, deliver } = harness(4_096, () => accept);
    const send = (): void => { deliver([1n, 2n].map((time) => ({ flow: 1, time, data: new Uint8Array(10) }))); };
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

  it("begins a new frame where times are too far apart for one", () => {
    const { frames, deliver } = harness(4_096);
    const far = 5_000_000_000n;
    deliver([1n, far, far + 1n].map((time) => ({ flow: 1, time, data: new Uint8Array(1) })));
    expect(frames.map(({ bytes }) => new BatchReader(bytes).header.timeBaseNs)).toEqual([1_000_001n, far + 1_000_000n]);
  });

  it("counts a record that is shorter than it claims, or larger than a frame, as lost", () => {
    const { assembler, frames, deliver } = harness(2_048);
    deliver([
      { flow: 1, time: 1n, data: new Uint8Array(50), claims: 100 },
      { flow: 1, time: 1n, data: new Uint8Array(4_000) },
    ]);
    expect(assembler.packetsDropped).toBe(2);
    expect(frames).toEqual([]);
  });
});
