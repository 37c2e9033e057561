import { BUCKETS } from "@secuxflow/contracts";
import { needs, waitFor } from "@secuxflow/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { bucketStream, keySubject } from "../jetstream/definitions.js";
import { recordingLog, Stage } from "../testing/support.js";
import { Bucket, KeyConflict } from "./bucket.js";
import { StatusBucket, type StatusEntry } from "./status-bucket.js";

const Status = z.object({ n: z.number() });
type Status = z.infer<typeof Status>;

needs(describe, "nats")("StatusBucket", () => {
  let stage: Stage;
  let bucket: StatusBucket<Status>;
  let stop: AbortController;
  beforeEach(async () => {
    stage = await Stage.open();
    bucket = new StatusBucket(stage.link(), BUCKETS.agents, Status);
    await stage.link().connected();
    await waitFor(() => bucket.list().then(() => true), { what: "the bucket" });
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await stage.close();
  });

  const recorder = () => {
    const events: string[] = [];
    return {
      events,
      options: {
        onPut: ({ key, value }: StatusEntry<Status>) => void events.push(`${key}=${value.n}`),
        onDelete: (key: string) => void events.push(`-${key}`),
        onInvalid: (key: string) => void events.push(`!${key}`),
        onCaughtUp: () => void events.push("caught up"),
        signal: stop.signal,
      },
    };
  };

  it("lists the newest value of each key, and not what was deleted", async () => {
    expect(await bucket.list()).toEqual([]);
    await bucket.put("a", { n: 1 });
    const revision = await bucket.put("a", { n: 2 });
    await bucket.put("b", { n: 3 });
    await bucket.delete("b");
    const list = await bucket.list();
    expect(list).toEqual([{ key: "a", value: { n: 2 }, revision, time: expect.any(Date) as Date }]);
  });

  it("watches what is there, what comes and what goes", async () => {
    await bucket.put("a", { n: 1 });
    const { events, options } = recorder();
    const done = bucket.watch(options);
    await waitFor(() => events.length === 2, { what: "the first value" });
    const changes = [() => bucket.put("b.c", { n: 2 }), () => bucket.put("a", { n: 3 }), () => bucket.delete("a"), () => bucket.put("a", { n: 4 })];
    for (const [index, change] of changes.entries()) {
      await change();
      // The bucket keeps the newest value of a key alone: a watcher that is behind does not see those before.
      await waitFor(() => events.length === 3 + index, { what: `change ${index}` });
    }
    expect(events).toEqual(["a=1", "caught up", "b.c=2", "a=3", "-a", "a=4"]);
    stop.abort();
    await done;
  });

  it("is caught up at once with an empty bucket", async () => {
    const { events, options } = recorder();
    void bucket.watch(options);
    await waitFor(() => events.length === 1, { what: "the news of an empty bucket" });
    expect(events).toEqual(["caught up"]);
  });

  it("reports values that cannot be read and goes on", async () => {
    const { log, lines } = recordingLog();
    const link = stage.link({ log });
    await link.connected();
    const logged = new StatusBucket(link, BUCKETS.agents, Status);
    const js = link.jetstream("test");
    const { events, options } = recorder();
    void bucket.watch(options);
    await waitFor(() => events.includes("caught up"), { what: "the watch to begin" });
    await bucket.put("a", { n: 1 });
    await js.publish(keySubject(BUCKETS.agents, "a"), "{");
    await js.publish(keySubject(BUCKETS.agents, "b"), JSON.stringify({ n: "no number" }));
    await bucket.put("c", { n: 1 });
    await waitFor(() => events.includes("c=1"), { what: "the last value" });
    expect(events.filter((event) => event !== "caught up")).toEqual(["a=1", "!a", "!b", "c=1"]);
    expect((await logged.list()).map(({ key }) => key)).toEqual(["c"]);
    expect(lines.filter((line) => line.startsWith("warn a status value cannot be read"))).toHaveLength(2);
  });

  it("goes on after a restart, tells nothing twice, and tells what was deleted meanwhile", async () => {
    const watcher = new StatusBucket(stage.link(), BUCKETS.agents, Status);
    await bucket.put("a", { n: 1 });
    await bucket.put("b", { n: 2 });
    const { events, options } = recorder();
    void watcher.watch(options);
    await waitFor(() => events.length === 3, { what: "the first values" });
    await stage.server.kill();
    await stage.server.restart();
    // As if it expired while nobody looked: no marker is left that a watcher would see.
    const link = stage.link();
    await link.connected();
    const { streams } = await link.manager("test");
    await waitFor(() => bucket.put("c", { n: 3 }), { what: "a value after the restart" });
    await waitFor(() => events.includes("c=3"), { what: "the watcher to see it" });
    expect(events).toEqual(["a=1", "b=2", "caught up", "c=3"]);
    await stage.server.pause();
    await stage.server.restart();
    await waitFor(() => streams.info(bucketStream(BUCKETS.agents)), { what: "JetStream" });
    await waitFor(() => bucket.delete("a").then(() => true), { what: "a deletion" });
    await waitFor(() => events.includes("-a"), { what: "the watcher to see the deletion" });
    expect(events).toEqual(["a=1", "b=2", "caught up", "c=3", "-a"]);
  });

  it("drops a key that was not written for longer than the bucket keeps it", async () => {
    const short = new StatusBucket(stage.link(), BUCKETS.agents, Status, 50);
    await bucket.put("a", { n: 1 });
    const { events, options } = recorder();
    void short.watch(options);
    await waitFor(() => events.includes("-a"), { what: "the key to go" });
    expect(events).toEqual(["a=1", "caught up", "-a"]);
  });

  it("ends with what a callback threw", async () => {
    await bucket.put("a", { n: 1 });
    const onPut = (): never => {
      throw new Error("callback failed");
    };
    await expect(bucket.watch({ onPut, signal: stop.signal })).rejects.toThrow("callback failed");
  });

  it("refuses keys that would leave the bucket", async () => {
    for (const key of ["", ".", "a.", ".a", "a..b", "a b", "*", "a.>", "ä", "x".repeat(257)]) {
      await expect(bucket.put(key, { n: 1 })).rejects.toBeInstanceOf(RangeError);
    }
    expect(await bucket.list()).toEqual([]);
  });

  it("says that NATS is away", async () => {
    await stage.server.kill();
    await expect(bucket.list({ timeoutMs: 200 })).rejects.toMatchObject({ name: "NatsUnavailable" });
    await expect(bucket.put("a", { n: 1 })).rejects.toMatchObject({ name: "NatsUnavailable" });
  });
});

needs(describe, "nats")("Bucket", () => {
  let stage: Stage;
  let bucket: Bucket;
  beforeAll(async () => {
    stage = await Stage.open();
    const link = stage.link();
    await link.connected();
    bucket = new Bucket(link, BUCKETS.leases);
  });
  afterAll(() => stage.close());

  it("compares and sets: creates once, updates and deletes at the revision, creates again over the marker", async () => {
    const first = await bucket.put("cas", "1", 0);
    await expect(bucket.put("cas", "x", 0)).rejects.toBeInstanceOf(KeyConflict);
    const second = await bucket.put("cas", "2", first);
    await expect(bucket.put("cas", "x", first)).rejects.toBeInstanceOf(KeyConflict);
    await expect(bucket.delete("cas", first)).rejects.toBeInstanceOf(KeyConflict);
    const marker = await bucket.delete("cas", second);
    expect(await bucket.put("cas", "3", marker)).toBeGreaterThan(marker);
  });

  it("forgets a revision without a trace, twice if need be", async () => {
    const revision = await bucket.put("forget", "1");
    await bucket.put("other", "1");
    await bucket.forget(revision);
    await bucket.forget(revision);
    const keys = (await bucket.list()).map(({ key }) => key);
    expect([keys.includes("forget"), keys.includes("other")]).toEqual([false, true]);
    expect(await bucket.put("forget", "2", 0)).toBeGreaterThan(revision);
  });
});
