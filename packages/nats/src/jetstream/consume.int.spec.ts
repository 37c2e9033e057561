import { STREAMS, subjects } from "@secuxflow/contracts";
import { needs, waitFor } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NatsLink } from "../connection/link.js";
import { recordingLog, Stage } from "../testing/support.js";
import { consume, consumerBacklog, type ConsumedMessage, type ConsumeOptions } from "./consume.js";
import { ProvisionError } from "./provision.js";

needs(describe, "nats")("consume", () => {
  let stage: Stage;
  let link: NatsLink;
  let stop: AbortController;
  const running: Promise<void>[] = [];
  beforeEach(async () => {
    stage = await Stage.open();
    link = stage.link();
    await link.connected();
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await Promise.allSettled(running.splice(0));
    await stage.close();
  });

  const begin = (onBatch: ConsumeOptions["onBatch"], more: Partial<ConsumeOptions> = {}): Promise<void> => {
    const done = consume(link, STREAMS.detections, {
      durable: "alerting",
      filter: subjects.allDetections,
      batch: 10,
      maxWaitMs: 5,
      retryDelayMs: 20,
      onBatch,
      signal: stop.signal,
      ...more,
    });
    running.push(done);
    return done;
  };

  const publish = async (from: number, to: number): Promise<void> => {
    const js = link.jetstream("test");
    for (let n = from; n < to; n++) await js.publish(subjects.detections("ips"), `${n}`, { msgID: `m${n}` });
  };

  const numbers = (messages: readonly ConsumedMessage[]): number[] =>
    messages.map(({ data }) => Number(new TextDecoder().decode(data)));
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const backlog = () => consumerBacklog(link, STREAMS.detections, "alerting");

  it("hands over batches within the size, in order, and has them acknowledged", async () => {
    await publish(0, 35);
    const batches: number[][] = [];
    void begin((messages) => {
      batches.push(numbers(messages));
      for (const message of messages) message.ack();
    });
    await waitFor(() => batches.flat().length === 35, { what: "all messages" });
    expect(batches.flat()).toEqual(upTo(35));
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(10);
    await waitFor(async () => (await backlog()) === 0, { what: "the acknowledgements to arrive" });
    await publish(35, 36);
    await waitFor(() => batches.flat().length === 36, { what: "a message that comes later" });
    stop.abort();
    await Promise.all(running);
  });

  it("delivers again what a failed batch has not answered, and only that", async () => {
    await publish(0, 5);
    const { log, lines } = recordingLog();
    link = stage.link({ log });
    const seen: [number, boolean, number][] = [];
    let failed = false;
    void begin(
      (messages) => {
        for (const [i, n] of numbers(messages).entries()) {
          const message = messages[i];
          if (message === undefined) continue;
          seen.push([n, message.redelivered, message.deliveries]);
          if (failed || n < 2) message.ack();
          if (!failed && n === 2) message.term();
        }
        if (!failed) {
          failed = true;
          throw new Error("storage away");
        }
      },
      { maxWaitMs: 100 },
    );
    await waitFor(() => seen.length >= 7, { what: "the redelivery" });
    await waitFor(async () => (await backlog()) === 0, { what: "the acknowledgements to arrive" });
    expect(seen.slice(0, 5)).toEqual(upTo(5).map((n) => [n, false, 1]));
    expect(seen.slice(5).sort()).toEqual([
      [3, true, 2],
      [4, true, 2],
    ]);
    expect(lines.filter((line) => line.includes("storage away"))).toHaveLength(1);
  });

  it("delivers again what was not acknowledged, after a nak, and after the wait", async () => {
    await publish(0, 2);
    const seen: number[] = [];
    void begin(
      (messages) => {
        for (const [i, n] of numbers(messages).entries()) {
          seen.push(n);
          if (messages[i]?.redelivered === true) messages[i].ack();
          else if (n === 0) messages[i]?.nak();
        }
      },
      { ackWaitMs: 500 },
    );
    await waitFor(() => seen.length === 4, { what: "both again" });
    expect(seen.filter((n) => n === 0)).toHaveLength(2);
    await waitFor(async () => (await backlog()) === 0, { what: "the acknowledgements to arrive" });
  });

  it("goes on where it was after a restart of the process", async () => {
    await publish(0, 10);
    const seen: number[] = [];
    const onBatch = (messages: readonly ConsumedMessage[]): void => {
      seen.push(...numbers(messages));
      for (const message of messages) message.ack();
    };
    void begin(onBatch);
    await waitFor(async () => seen.length === 10 && (await backlog()) === 0, { what: "the first ten" });
    stop.abort();
    await Promise.all(running);
    await publish(10, 15);
    stop = new AbortController();
    void begin(onBatch);
    await waitFor(() => seen.length === 15, { what: "the others" });
    expect(seen).toEqual(upTo(15));
  });

  for (const [name, fault] of [
    ["the server restarts", async () => stage.server.restart()],
    [
      "the server is killed and comes back",
      async () => {
        await stage.server.kill();
        await stage.server.restart();
      },
    ],
    [
      "the consumer is deleted",
      async () => void (await (await link.manager("test")).consumers.delete(STREAMS.detections, "alerting")),
    ],
  ] as const) {
    it(`loses nothing when ${name}`, async () => {
      const seen = new Set<number>();
      void begin(
        (messages) => {
          for (const n of numbers(messages)) seen.add(n);
          for (const message of messages) message.ack();
        },
        { ackWaitMs: 1_000 },
      );
      await publish(0, 20);
      await waitFor(() => seen.size === 20, { what: "the first messages" });
      await fault();
      await waitFor(() => publish(20, 40).then(() => true), { what: "more messages to be stored" });
      await waitFor(() => seen.size === 40, { what: "all messages", deadlineMs: 15_000 });
      await waitFor(async () => (await backlog()) === 0, { what: "all to be acknowledged", deadlineMs: 40_000 });
    });
  }

  it("lets two processes share the messages", async () => {
    const seen: number[][] = [[], []];
    for (const mine of seen) {
      void begin(async (messages) => {
        mine.push(...numbers(messages));
        await new Promise((resolve) => setTimeout(resolve, 5));
        for (const message of messages) message.ack();
      });
    }
    await waitFor(async () => (await backlog()) === 0, { what: "the consumer" });
    await publish(0, 200);
    await waitFor(() => seen.flat().length === 200, { what: "all messages" });
    expect(seen.flat().sort((a, b) => a - b)).toEqual(upTo(200));
    expect(Math.min(...seen.map((mine) => mine.length))).toBeGreaterThan(0);
  });

  it("refuses a consumer of another configuration, naming the difference, and leaves it as it is", async () => {
    await begin(() => undefined, { signal: AbortSignal.abort() });
    const done = begin(() => undefined);
    await waitFor(async () => (await backlog()) === 0, { what: "the consumer" });
    stop.abort();
    await done;
    stop = new AbortController();
    const changed = begin(() => undefined, { filter: subjects.detections("ips"), ackWaitMs: 1_234 });
    await expect(changed).rejects.toBeInstanceOf(ProvisionError);
    await expect(changed).rejects.toMatchObject({ differences: [{ field: "filter_subject" }, { field: "ack_wait" }] });
    const info = await (await link.manager("test")).consumers.info(STREAMS.detections, "alerting");
    expect(info.config.filter_subject).toBe(subjects.allDetections);
  });

  it("waits for a handler before it takes the next batch", async () => {
    await publish(0, 60);
    let running = 0;
    let most = 0;
    let handled = 0;
    void begin(async (messages) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      handled += messages.length;
      running -= 1;
      for (const message of messages) message.ack();
    });
    await waitFor(() => handled === 60, { what: "all messages" });
    expect(most).toBe(1);
  });
});
