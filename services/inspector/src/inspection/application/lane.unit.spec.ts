import { BatchReader, RecordFlag } from "@secuxflow/inspect-abi";
import { buildFrame } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { TestPublisher } from "../../testing/frames.js";
import { readPack } from "../domain/pack.js";
import { Watchdog } from "../domain/watchdog.js";
import type { ToWorker } from "../worker/to-worker.js";
import { Lane } from "./lane.js";
import type { Thread, ThreadEvents } from "./thread.js";

/** A thread that does what the test says. */
class FakeThread implements Thread {
  readonly messages: ToWorker[] = [];
  calls = 0;
  ended = false;

  constructor(readonly events: ThreadEvents) {}

  post(message: ToWorker): void {
    this.messages.push(message);
  }

  sample = () => ({ calls: this.calls, slot: 4, loading: false });

  terminate(): Promise<void> {
    this.ended = true;
    return Promise.resolve();
  }

  packs = () => this.messages.filter((message) => message.type === "pack");

  finish(): void {
    const pack = this.packs()[0];
    if (pack?.type !== "pack") throw new Error("there is no pack");
    this.messages.splice(this.messages.indexOf(pack), 1);
    this.events.onMessage({ type: "done", buffer: pack.buffer, frames: 1, packets: 1, bytes: 1, calls: [], memory: [] });
  }
}

const frame = new BatchReader(new TestPublisher().frames([
  buildFrame({ ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, udp: { srcPort: 1, dstPort: 2 } }),
], { modules: 1 })[0]?.frame ?? new Uint8Array());

function setup(bounds = { maxBytes: 100_000, maxPackets: 3, packBytes: 256 }) {
  const threads: FakeThread[] = [];
  const told: string[] = [];
  const lane = new Lane({
    bounds, watchdog: () => new Watchdog(2, 2),
    startThread: (events) => {
      const thread = new FakeThread(events);
      threads.push(thread);
      return thread;
    },
  }, {
    onMessage: ({ type }) => told.push(type),
    onLate: (slot) => told.push(`late ${slot}`),
    onCrash: (slot, reason) => told.push(`crash ${slot ?? "outside"} ${reason}`),
    onLost: (packets) => told.push(`lost ${packets}`),
    modules: () => [{ type: "load", slot: 1, name: "ips", role: "base", loaded: {} as never, configure: "" }],
  });
  lane.start();
  const offer = (gap = false): boolean => lane.offer(frame.bytes, 1, frame.layout, gap);
  const thread = (): FakeThread => {
    const last = threads.at(-1);
    if (last === undefined) throw new Error("there is no thread");
    return last;
  };
  return { lane, threads, thread, told, offer };
}

const gapOf = (message: ToWorker | undefined): boolean[] => {
  if (message?.type !== "pack") throw new Error("no pack");
  return [...readPack(message.buffer, message.bytes)]
    .map(({ frame: bytes }) => (new BatchReader(bytes).record(0).flags & RecordFlag.GAP) !== 0);
};

describe("Lane", () => {
  it("starts the modules before it sends packs, two at a time, and drops whole frames over the bound", () => {
    const { lane, thread, offer } = setup();
    expect([1, 2, 3, 4, 5].map(() => offer())).toEqual([true, true, true, true, true]);
    expect(thread().messages.map(({ type }) => type)).toEqual(["load", "pack", "pack"]);
    expect([lane.queuedPackets, lane.fill]).toEqual([3, 1]);
    expect(offer()).toBe(false);
    thread().finish();
    expect(lane.queuedPackets).toBe(2);
    expect(thread().packs()).toHaveLength(2);
    // What comes after a drop says so, once.
    expect([offer(), offer()]).toEqual([true, false]);
    thread().finish();
    thread().finish();
    expect(offer()).toBe(true);
    thread().finish();
    expect(thread().packs().flatMap(gapOf)).toEqual([false, true]);
    thread().finish();
    expect(thread().packs().flatMap(gapOf)).toEqual([true, true]);
  });

  it("marks the records behind a gap", () => {
    const { thread, offer } = setup();
    offer(true);
    offer();
    expect(thread().packs().flatMap(gapOf)).toEqual([true, false]);
  });

  it("ends a thread that hangs, counts what was with it, and goes on with a new one", async () => {
    const { lane, threads, thread, told, offer } = setup();
    for (let i = 0; i < 4; i++) offer();
    const first = thread();
    first.calls = 1;
    for (let i = 0; i < 3; i++) lane.look();
    expect(told).toEqual(["lost 2", "late 4"]);
    expect([first.ended, threads.length, lane.restarts]).toEqual([true, 2, 1]);
    expect(thread().messages.map(({ type }) => type)).toEqual(["load", "pack", "pack"]);
    // What the old thread still says is not listened to.
    first.finish();
    expect(told).toEqual(["lost 2", "late 4"]);
    const drained = lane.drained();
    thread().finish();
    while (thread().packs().length > 0) thread().finish();
    await drained;
    expect(lane.queuedPackets).toBe(0);
  });

  const crashes = [[1, "crash 4 out of memory"], [2, "crash outside out of memory"]] as const;
  it.each(crashes)("blames the module that ran when the thread ended (call mark %i)", async (calls, expected) => {
    const { lane, thread, told, offer } = setup();
    offer();
    thread().calls = calls;
    thread().events.onExit("out of memory");
    expect(told).toEqual(["lost 1", expected]);
    expect(offer()).toBe(true);
    expect(lane.queuedPackets).toBe(1);
    await lane.stop();
  });
});
