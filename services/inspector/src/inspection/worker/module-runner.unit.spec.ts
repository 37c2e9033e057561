import { BatchReader } from "@secuxflow/inspect-abi";
import { loadModule } from "@secuxflow/module-host";
import { buildFrame } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { TestPublisher } from "../../testing/frames.js";
import { watModule, type Behaviour } from "../../testing/wat-modules.js";
import { bundleOf, type RulesBundle } from "../application/rules-bundle.js";
import { PackWriter } from "../domain/pack.js";
import type { FromWorker } from "./from-worker.js";
import { ModuleRunner } from "./module-runner.js";
import { CallMarks, sampleOf, SHARED_BYTES } from "./shared.js";

const framesOf = (port: number) => [0b01, 0b10].map((modules) => new TestPublisher().frames(
  [port, port].map((srcPort) => buildFrame({ ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, udp: { srcPort, dstPort: 2 } })),
  { modules },
)[0]?.frame ?? new Uint8Array());

/** A rule set whose first byte tells the module of the tests what to answer. */
function ruleSet(first: number): RulesBundle {
  const texts = new Map([[2001, { gid: 1, rev: 1, msg: "a rule", classtype: "recon", category: "Attempted Recon", severity: 2, action: "alert",
    references: [], metadata: {} }]]);
  return bundleOf({ kind: "suricata", image: new Uint8Array([first, 0, 0, 0]), texts, digest: "0".repeat(64) });
}

/** A pack with one frame of two packets of one flow for each mask bit. */
function pack(port = 1): { type: "pack"; buffer: ArrayBuffer; bytes: number } {
  const writer = new PackWriter(new ArrayBuffer(4_096));
  for (const frame of framesOf(port)) writer.add(frame, new BatchReader(frame).record(0).modules, 2);
  const { buffer, bytes } = writer.finish();
  return { type: "pack", buffer, bytes };
}

async function runner(...behaviours: Behaviour[]) {
  const told: FromWorker[] = [];
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  let now = 1_000_000;
  const running = new ModuleRunner({ policy: "default", inspectorId: "one", maxDetectionsPerCall: 10 }, new CallMarks(shared),
    (message) => told.push(message), () => now);
  for (const [slot, behaviour] of behaviours.entries()) {
    await running.handle({ type: "bit", name: `m${slot}`, bit: slot });
    await running.handle({ type: "load", slot, name: `m${slot}`, role: "base", loaded: loadModule(watModule(`m${slot}`, behaviour)), configure: "" });
  }
  return { running, told, shared, pass: (ms: number) => void (now += ms) };
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
    await running.handle({ type: "bit", name: "m0", bit: -1 });
    await running.handle(pack());
    expect(done(told)?.calls).toEqual([]);
    await running.handle({ type: "bit", name: "m0", bit: 1 });
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

  it("swaps rules in place, tells how long it took, and keeps those before when they are refused", async () => {
    const { running, told } = await runner("takes-rules");
    await running.handle({ type: "rules", slot: 0, rules: ruleSet(0) });
    expect(told.at(-1)).toMatchObject({ type: "swapped", slot: 0 });
    await running.handle(pack());
    expect(told.filter(({ type }) => type === "detections")).toMatchObject([
      { detections: [{ rule: { id: 2001, name: "a rule", category: "Attempted Recon" } }] },
    ]);
    await running.handle({ type: "rules", slot: 0, rules: ruleSet(0xfa) });
    expect(told.at(-1)).toMatchObject({ type: "rules-refused", slot: 0 });
    await running.handle(pack());
    expect(types(told).slice(-2)).toEqual(["detections", "done"]);
    await running.handle({ type: "rules", slot: 0, rules: ruleSet(0x7f) });
    expect(told.at(-1)).toMatchObject({ type: "fault", slot: 0, kind: "trapped" });
  });

  it("tells nothing of findings that keep book only", async () => {
    const { running, told } = await runner("keeps-book");
    await running.handle(pack());
    expect(types(told)).toEqual(["loaded 0", "done"]);
    expect(done(told)?.calls).toMatchObject([{ findings: 1 }]);
  });

  it("leaves flows with the version that they began with, until they had their time", async () => {
    const { running, told, pass } = await runner("finds");
    await running.handle(pack());
    const next = { type: "load", slot: 7, name: "m0", role: "aside", loaded: loadModule(watModule("m0", "finds", "2.0.0")), configure: "" } as const;
    await running.handle(next);
    await running.handle({ type: "route", name: "m0", next: 7, nextBit: 31, share: 10_000, drainMs: 60_000, retire: true });
    const versions = () => told.flatMap((message) => (message.type === "detections" ? message.detections.map(({ module }) => module.version) : []));
    await running.handle(pack());
    expect(versions()).toEqual(["1.0.0", "1.0.0"]);
    await running.handle(pack(5));
    expect(versions()).toEqual(["1.0.0", "1.0.0", "2.0.0"]);
    pass(60_000);
    await running.handle(pack());
    expect(versions().slice(3)).toEqual(["2.0.0"]);
    expect(types(told).filter((type) => type.startsWith("retired"))).toEqual(["retired 0"]);
  });

  it("goes back to the base when what was routed to fails", async () => {
    const { running, told } = await runner("finds");
    await running.handle({ type: "load", slot: 7, name: "m0", role: "aside", loaded: loadModule(watModule("m0", "traps", "2.0.0")), configure: "" });
    await running.handle({ type: "route", name: "m0", next: 7, nextBit: 31, share: 10_000, drainMs: 0, retire: false });
    await running.handle(pack());
    await running.handle(pack());
    expect(types(told)).toEqual(["loaded 0", "loaded 7", "fault 7", "done", "detections", "done"]);
  });

  it("does not run a module that fails its self-test", async () => {
    const { told } = await runner("fails-self-test");
    expect(told).toMatchObject([{ type: "fault", slot: 0, kind: "rejected" }]);
  });
});
