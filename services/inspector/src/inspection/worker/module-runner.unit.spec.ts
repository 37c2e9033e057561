import { BatchReader } from "@secuxflow/inspect-abi";
import { loadModule } from "@secuxflow/module-host";
import { buildFrame } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { TestPublisher } from "../../testing/frames.js";
import { watModule, type Behaviour } from "../../testing/wat-modules.js";
import { PackWriter } from "../domain/pack.js";
import type { FromWorker } from "./from-worker.js";
import { ModuleRunner } from "./module-runner.js";
import { CallMarks, sampleOf, SHARED_BYTES } from "./shared.js";

const frames = [0b01, 0b10].map((modules) => new TestPublisher().frames(
  [1, 1].map((srcPort) => buildFrame({ ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, udp: { srcPort, dstPort: 2 } })),
  { modules },
)[0]?.frame ?? new Uint8Array());

/** A pack with one frame of two packets for each mask bit. */
function pack(): { type: "pack"; buffer: ArrayBuffer; bytes: number } {
  const writer = new PackWriter(new ArrayBuffer(4_096));
  for (const frame of frames) writer.add(frame, new BatchReader(frame).record(0).modules, 2);
  const { buffer, bytes } = writer.finish();
  return { type: "pack", buffer, bytes };
}

async function runner(...behaviours: Behaviour[]) {
  const told: FromWorker[] = [];
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const running = new ModuleRunner({ policy: "default", inspectorId: "one", maxDetectionsPerCall: 10 }, new CallMarks(shared),
    (message) => told.push(message));
  for (const [slot, behaviour] of behaviours.entries()) {
    await running.handle({ type: "load", slot, loaded: loadModule(watModule(`m${slot}`, behaviour)), bit: slot });
  }
  return { running, told, shared };
}

const types = (told: readonly FromWorker[]): string[] => told
  .map((message) => ("slot" in message ? `${message.type} ${message.slot}` : message.type));
const done = (told: readonly FromWorker[]) => told.find((message) => message.type === "done");

describe("ModuleRunner", () => {
  it("calls a module with the batches that name it, once each", async () => {
    const { running, told, shared } = await runner("finds", "silent");
    await running.handle(pack());
    expect(types(told)).toEqual(["loaded 0", "loaded 1", "detections", "done"]);
    expect(done(told)).toMatchObject({ frames: 2, packets: 4, bytes: 4 * 42 });
    expect(done(told)?.calls.map(({ slot, packets, findings }) => [slot, packets, findings])).toEqual([[0, 2, 1], [1, 2, 0]]);
    // No call runs: the count is even.
    expect(sampleOf(shared).calls % 2).toBe(0);
  });

  it("leaves a module alone that has no bit yet, and calls it by the bit it gets", async () => {
    const { running, told } = await runner("finds");
    await running.handle({ type: "bit", slot: 0, bit: -1 });
    await running.handle(pack());
    expect(done(told)?.calls).toEqual([]);
    await running.handle({ type: "bit", slot: 0, bit: 1 });
    await running.handle(pack());
    expect(types(told)).toEqual(["loaded 0", "done", "detections", "done"]);
    await running.handle({ type: "unload", slot: 0 });
    await running.handle(pack());
    expect(types(told).slice(4)).toEqual(["done"]);
  });

  it.each([["traps", "trapped"], ["lies", "lied"]] as const)("cuts off what %s, and goes on", async (behaviour, kind) => {
    const { running, told, shared } = await runner(behaviour, "finds");
    await running.handle(pack());
    await running.handle(pack());
    expect(types(told)).toEqual(["loaded 0", "loaded 1", "fault 0", "detections", "done", "detections", "done"]);
    expect(told.find((message) => message.type === "fault")).toMatchObject({ kind });
    expect(sampleOf(shared).calls % 2).toBe(0);
  });

  it("does not run a module that fails its self-test", async () => {
    const { told } = await runner("fails-self-test");
    expect(told).toMatchObject([{ type: "fault", slot: 0, kind: "rejected" }]);
  });
});
