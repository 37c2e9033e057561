import { BUCKETS, STREAMS, subjects } from "@secuxflow/contracts";
import { needs } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reasonOf } from "../connection/errors.js";
import { Stage } from "../testing/support.js";
import { bucketStream, DEFINITIONS } from "./definitions.js";
import { provision, ProvisionError } from "./provision.js";

needs(describe, "nats")("provision", () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await Stage.open({ provisioned: false });
  });
  afterEach(() => stage.close());

  it("makes every stream and bucket, by several services at once, and finds nothing to do the second time", async () => {
    await Promise.all(Array.from({ length: 5 }, () => provision(stage.link(), { timeoutMs: 10_000 })));
    const link = stage.link();
    await provision(link);
    const names = (await (await link.manager("test")).streams.list().next()).map(({ config }) => config.name).sort();
    expect(names).toEqual([...Object.values(STREAMS), ...Object.values(BUCKETS).map(bucketStream)].sort());
    expect(names).toHaveLength(DEFINITIONS.length);
  });

  it("names each difference, changes nothing, and takes a tunable limit as it is", async () => {
    const link = stage.link();
    await provision(link);
    const { streams } = await link.manager("test");
    await streams.update(STREAMS.detections, { max_bytes: 5_000_000 });
    await provision(link);
    await streams.update(STREAMS.policy, { max_msgs: 7, duplicate_window: 1_000_000_000 });
    const error: unknown = await provision(link).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProvisionError);
    expect((error as ProvisionError).resource).toBe(STREAMS.policy);
    expect((error as ProvisionError).differences.map(({ field }) => field).sort()).toEqual(["duplicate_window", "max_msgs"]);
    expect(reasonOf(error)).toContain("max_msgs is 7, needed is -1");
    expect((await streams.info(STREAMS.policy)).config.max_msgs).toBe(7);
  });

  it("keeps what was stored", async () => {
    const link = stage.link();
    await provision(link);
    await link.jetstream("test").publish(subjects.detections("m"), "kept");
    await provision(link);
    expect((await (await link.manager("test")).streams.info(STREAMS.detections)).state.messages).toBe(1);
  });

  it("says what nats-server refuses: a stream of somebody else on our subjects", async () => {
    const link = stage.link();
    await link.connected();
    await (await link.manager("test")).streams.add({ name: "OTHER", subjects: ["secuxflow.>"] });
    await expect(provision(link)).rejects.toMatchObject({
      name: "ProvisionError",
      resource: STREAMS.policy,
      message: expect.stringMatching(/overlap/) as string,
    });
  });

  it("has nats-server refuse what would lose data: purge, rollup, and deletion of policy events", async () => {
    const link = stage.link();
    await provision(link);
    const { streams } = await link.manager("test");
    const js = link.jetstream("test");
    const { seq } = await js.publish(subjects.policyEvents("p"), "1");
    await expect(streams.purge(STREAMS.policy)).rejects.toThrow(/purge/);
    await expect(streams.purge(bucketStream(BUCKETS.agents), { filter: "x" })).rejects.toThrow(/purge/);
    await expect(streams.deleteMessage(STREAMS.policy, seq)).rejects.toThrow(/delete/);
    const { headers } = await import("@nats-io/transport-node");
    const rollup = headers();
    rollup.set("Nats-Rollup", "sub");
    await expect(js.publish(`$KV.${BUCKETS.agents}.x`, "", { headers: rollup })).rejects.toThrow(/rollup/);
  });

  it("waits for NATS as long as it is told to", async () => {
    await stage.server.pause();
    await expect(provision(stage.link(), { timeoutMs: 100 })).rejects.toMatchObject({ name: "NatsUnavailable" });
    const done = provision(stage.link());
    await stage.server.restart();
    await done;
  });

  it("says after its time that JetStream is off", async () => {
    const without = await Stage.open({ provisioned: false, server: { jetstream: false } });
    try {
      await expect(provision(without.link(), { timeoutMs: 500 })).rejects.toMatchObject({ name: "NatsUnavailable" });
    } finally {
      await without.close();
    }
  });
});
