import { needs, waitFor } from "@secuxflow/testkit";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordingLog, Stage } from "../testing/support.js";
import { Proxy } from "../testing/proxy.js";
import { FramePublisher } from "./publisher.js";
import { FrameSubscriber } from "./subscriber.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

needs(describe, "nats")("frames", () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await Stage.open({ provisioned: false });
  });
  afterEach(() => stage.close());

  it("arrive byte for byte, at their partition only, until the subscription ends", async () => {
    const [near, far] = [stage.link(), stage.link()];
    await Promise.all([near.connected(), far.connected()]);
    const [publisher, subscriber] = [new FramePublisher(near), new FrameSubscriber(far)];
    const seen: Buffer[] = [];
    const other: number[] = [];
    const stop = subscriber.subscribe("default", 7, (bytes) => void seen.push(Buffer.from(bytes)));
    subscriber.subscribe("default", 63, (_, partition) => void other.push(partition));
    await far.connection("test").flush();
    const frames = Array.from({ length: 200 }, (_, n) => randomBytes(n === 0 ? 0 : (n * 997) % 65_536));
    for (const frame of frames) {
      while (!publisher.publish("default", 7, frame)) await turn();
    }
    publisher.publish("default", 0, frames[1] ?? Buffer.alloc(1));
    publisher.publish("default", 63, Buffer.of(1));
    await waitFor(() => seen.length === frames.length && other.length === 1, { what: "all frames" });
    expect(seen.every((frame, n) => frame.equals(frames[n] ?? Buffer.alloc(0)))).toBe(true);
    expect(subscriber.counts()).toMatchObject({ frames: 201, failed: 0 });
    stop();
    publisher.publish("default", 7, Buffer.of(1));
    publisher.publish("default", 63, Buffer.of(1));
    await waitFor(() => other.length === 2, { what: "the last frame" });
    expect(seen).toHaveLength(frames.length);
    await waitFor(() => publisher.counts().outstandingBytes === 0, { what: "the account to be settled" });
  });

  it("are dropped and counted while NATS is away, and flow again when it is back", async () => {
    const link = stage.link();
    const publisher = new FramePublisher(link);
    await link.connected();
    await stage.server.kill();
    await waitFor(() => link.state() === "disconnected", { what: "the loss to be seen" });
    for (let n = 0; n < 1_000; n++) expect(publisher.publish("default", 1, Buffer.alloc(65_536))).toBe(false);
    expect(publisher.counts()).toMatchObject({ frames: 0, droppedAway: 1_000, droppedBehind: 0 });
    await stage.server.restart();
    await link.connected();
    expect(publisher.publish("default", 1, Buffer.of(1))).toBe(true);
  });

  it("are dropped and counted beyond the bound while the server does not read, without any error or growth", async () => {
    const proxy = await Proxy.open(stage.server.port);
    try {
      const link = stage.link({ urls: proxy.url });
      await link.connected();
      const publisher = new FramePublisher(link, { maxOutstandingBytes: 1_000_000 });
      proxy.freeze();
      const frame = Buffer.alloc(65_536);
      for (let n = 0; n < 5_000; n++) {
        publisher.publish("default", 1, frame);
        if (n % 100 === 0) await turn();
      }
      const { frames, droppedBehind, outstandingBytes } = publisher.counts();
      expect(frames + droppedBehind).toBe(5_000);
      expect(outstandingBytes).toBeLessThanOrEqual(1_000_000);
      expect(droppedBehind).toBeGreaterThan(4_000);
      proxy.thaw();
      await waitFor(() => publisher.counts().outstandingBytes === 0, { what: "the account to be settled" });
      expect(publisher.publish("default", 1, frame)).toBe(true);
    } finally {
      await proxy.close();
    }
  });

  it("go on after a handler failed", async () => {
    const { log, lines } = recordingLog();
    const link = stage.link({ log });
    await link.connected();
    const subscriber = new FrameSubscriber(link);
    const publisher = new FramePublisher(link);
    subscriber.subscribe("default", 1, () => {
      throw new Error("handler failed");
    });
    for (let n = 0; n < 3; n++) publisher.publish("default", 1, Buffer.of(n));
    await waitFor(() => subscriber.counts().failed === 3, { what: "three failures" });
    expect(lines.filter((line) => line.includes("handler failed"))).toHaveLength(1);
  });

  it("refuse partitions that are not there, pools that are no token, and frames the server would not take", async () => {
    const link = stage.link();
    await link.connected();
    const [publisher, subscriber] = [new FramePublisher(link), new FrameSubscriber(link)];
    for (const partition of [-1, 64, 1.5, NaN]) {
      expect(() => publisher.publish("default", partition, Buffer.of(1))).toThrow(RangeError);
      expect(() => subscriber.subscribe("default", partition, () => undefined)).toThrow(RangeError);
    }
    expect(() => publisher.publish("a.b", 1, Buffer.of(1))).toThrow(RangeError);
    expect(() => publisher.publish("default", 1, Buffer.alloc(1_048_577))).toThrow(/max_payload/);
    expect(publisher.publish("default", 1, Buffer.alloc(1_048_576))).toBe(true);
  });
});
