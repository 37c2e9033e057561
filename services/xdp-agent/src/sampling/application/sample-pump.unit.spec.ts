import { waitFor } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import type { FrameAssembler } from "./frame-assembler.js";
import { SamplePump, type SampleSource } from "./sample-pump.js";

/** A ring that answers one call after the other: records sorted, and the group that was full. */
function ring(answers: { records: number; malformed?: number; full?: number }[]): SampleSource & { signal: () => void } {
  let readable = (): void => undefined;
  return {
    onReadable: (callback) => { readable = callback; },
    signal: () => { readable(); },
    scatterInto: () => ({ records: 0, malformed: 0, full: -1, ...answers.shift() }),
  };
}

function setup(...answers: Parameters<typeof ring>) {
  const done: (number | "flush")[] = [];
  const assembler = {
    packetsDropped: 0, target: {},
    send: (partition: number) => { done.push(partition); },
    flush: () => { done.push("flush"); },
  };
  const source = ring(...answers);
  const pump = new SamplePump(source, assembler as unknown as FrameAssembler);
  pump.start();
  return { pump, source, done, assembler };
}

describe("SamplePump", () => {
  it("sends full frames at once and the others when the ring is empty", () => {
    const { source, done, pump, assembler } = setup([{ records: 10, full: 3 }, { records: 5, malformed: 2, full: 0 }, { records: 1 }]);
    source.signal();
    expect(done).toEqual([3, 0, "flush"]);
    expect([pump.recordsRead, assembler.packetsDropped]).toEqual([18, 2]);
  });

  it("lets the event loop run between turns and still drains everything", async () => {
    const { source, pump, done } = setup([...Array.from({ length: 100 }, () => ({ records: 1, full: 1 })), { records: 1 }]);
    source.signal();
    expect(pump.recordsRead).toBe(32);
    await waitFor(() => pump.recordsRead === 101, { what: "the ring to be drained" });
    expect(done.at(-1)).toBe("flush");
  });

  it("takes what is in the ring when it is stopped, and nothing after", () => {
    const { source, pump } = setup([{ records: 1 }, { records: 1 }]);
    pump.stop();
    source.signal();
    expect(pump.recordsRead).toBe(1);
  });
});
