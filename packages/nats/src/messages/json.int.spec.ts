import { needs, waitFor } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { recordingLog, Stage } from "../testing/support.js";
import { publishJson, subscribeJson } from "./json.js";

const Value = z.object({ n: z.number() });

needs(describe, "nats")("publishJson and subscribeJson", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open({ provisioned: false });
  });
  afterAll(() => stage.close());

  it("deliver valid messages with their subject, count and log the rest, and survive a failing handler", async () => {
    const { log, lines } = recordingLog();
    const link = stage.link({ log });
    await link.connected();
    const seen: [number, string][] = [];
    const subscription = subscribeJson(link, "stats.*", Value, ({ n }, subject) => {
      seen.push([n, subject]);
      if (n === 1) throw new Error("handler failed");
    });
    expect(publishJson(link, "stats.a", { n: 1 })).toBe(true);
    const nc = link.connection("test");
    for (const bad of ["", "{", "null", '{"n":"1"}', new Uint8Array([0xff])]) nc.publish("stats.b", bad);
    expect(publishJson(link, "stats.c", { n: 2, more: true })).toBe(true);
    await waitFor(() => seen.length === 2, { what: "both messages" });
    expect(seen).toEqual([
      [1, "stats.a"],
      [2, "stats.c"],
    ]);
    expect(subscription.malformed).toBe(5);
    expect(lines.filter((line) => line.includes("malformed message"))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("a subscriber failed"))).toHaveLength(1);
    subscription.stop();
    publishJson(link, "stats.c", { n: 3 });
    await nc.flush();
    expect(seen).toHaveLength(2);
  });

  it("say that a message is too large, and that NATS is away", async () => {
    const link = stage.link();
    await link.connected();
    expect(() => publishJson(link, "x", { text: "x".repeat(1_100_000) })).toThrow(/max_payload/);
    await link.drain();
    expect(publishJson(link, "x", {})).toBe(false);
  });
});
