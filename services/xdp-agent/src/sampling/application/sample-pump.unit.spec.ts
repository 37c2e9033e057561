import { RECORD_HEADER, recordSize } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import { waitFor } from "@secuxflow/testkit";
import type { FrameAssembler } from "../domain/frame-assembler.js";
import { SamplePump, type SampleSource } from "./sample-pump.js";

/** A ring that hands out its chunks one after the other, as libbpf-ts lays them out. */
function ring(chunks: number[][]): SampleSource & { signal: () => void } {
  let readable = (): void => undefined;
  return {
    onReadable: (callback) => { readable = callback; },
    signal: () => { readable(); },
    consumeInto: (buffer) => {
      const view = new DataView(buffer.buffer);
      const lengths = chunks.shift() ?? [];
      let at = 0;
      for (const length of lengths) {
        view.setUint32(at, length, true);
        at += recordSize(length);
      }
      return { bytes: at, records: lengths.length, more: chunks.length > 0 };
    },
  };
}

function setup(chunks: number[][]) {
  const seen: { offset: number; length: number }[] = [];
  let flushes = 0;
  const assembler = {
    add: (_bytes: Uint8Array, _view: DataView, offset: number, length: number) => { seen.push({ offset, length }); },
    flush: () => { flushes += 1; },
  } as unknown as FrameAssembler;
  const source = ring(chunks);
  const pump = new SamplePump(source, assembler);
  pump.start();
  return { pump, source, seen, flushes: () => flushes };
}

describe("SamplePump", () => {
  it("walks records of any length and sends when the ring is empty", () => {
    const { source, seen, flushes, pump } = setup([[96, 101, 3]]);
    source.signal();
    expect(seen.map(({ length }) => length)).toEqual([96, 101, 3]);
    expect(seen.map(({ offset }) => offset)).toEqual([RECORD_HEADER, recordSize(96) + RECORD_HEADER, recordSize(96) + recordSize(101) + RECORD_HEADER]);
    expect([pump.recordsRead, flushes()]).toEqual([3, 1]);
  });

  it("lets the event loop run between turns and still drains everything", async () => {
    const { source, pump } = setup(Array.from({ length: 11 }, () => [8]));
    source.signal();
    expect(pump.recordsRead).toBe(4);
    await waitFor(() => pump.recordsRead === 11, { what: "the ring to be drained" });
  });

  it("takes what is in the ring when it is stopped, and nothing after", () => {
    const { source, pump } = setup([[8], []]);
    pump.stop();
    source.signal();
    expect(pump.recordsRead).toBe(1);
  });
});
