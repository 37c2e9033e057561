import { STREAMS, subjects, UnreadablePolicyMessage, type PolicyMessage } from "@secuxflow/contracts";
import { HistoryRewound, StoreUnavailable, type Stored } from "@secuxflow/event-store";
import { eventStoreContract, sampleMessage as message } from "@secuxflow/event-store/testing";
import { NatsServer, needs, waitFor } from "@secuxflow/testkit";
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectNats } from "../connection/link.js";
import { provision } from "../jetstream/provision.js";
import { Stage } from "../testing/support.js";
import { JetStreamEventStore } from "./jetstream-event-store.js";

needs(describe, "nats")("JetStreamEventStore on one server", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage.close());

  let serial = 0;
  // One server for all tests: each store sees streams under names of its own.
  eventStoreContract("JetStreamEventStore", () => {
    const prefix = `t${++serial}-`;
    const inner = new JetStreamEventStore(stage.link());
    const store: typeof inner = Object.create(inner, {
      append: {
        value: (s: string, ...rest: [PolicyMessage, Parameters<typeof inner.append>[2]]) =>
          inner.append(prefix + s, ...rest).catch((error: unknown) => {
            if (error instanceof Error && "stream" in error) Object.assign(error, { stream: s });
            throw error;
          }),
      },
      read: { value: (s: string, o?: { after?: number }) => inner.read(prefix + s, o) },
      follow: { value: (s: string, o: Parameters<typeof inner.follow>[1]) => inner.follow(prefix + s, o) },
      head: { value: (s: string) => inner.head(prefix + s) },
    }) as typeof inner;
    return Promise.resolve({ store });
  });

  it("writes CloudEvents headers in binary mode", async () => {
    const link = stage.link({ name: "rule-api 1" });
    await link.connected();
    const commandId = randomUUID();
    const { revision } = await new JetStreamEventStore(link).append("headers", message(1), {
      expectedRevision: 0,
      commandId,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    const stored = await (await link.manager("test")).streams.getMessage(STREAMS.policy, { seq: revision });
    const get = (name: string) => stored?.header.get(name);
    expect(stored?.subject).toBe(subjects.policyEvents("headers"));
    expect(
      Object.fromEntries(
        [
          "Nats-Msg-Id",
          "ce-id",
          "ce-specversion",
          "ce-source",
          "ce-type",
          "ce-subject",
          "ce-time",
          "ce-dataschema",
          "ce-datacontenttype",
          "traceparent",
        ].map((name) => [name, get(name)]),
      ),
    ).toEqual({
      "Nats-Msg-Id": commandId,
      "ce-id": commandId,
      "ce-specversion": "1.0",
      "ce-source": "urn:secuxflow:service:rule-api-1",
      "ce-type": "secuxflow.policy.events",
      "ce-subject": "headers",
      "ce-time": message(1).at,
      "ce-dataschema": "urn:secuxflow:schema:policy-message:2",
      "ce-datacontenttype": "application/json",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
  });

  it("refuses to write what no reader could read", async () => {
    const store = new JetStreamEventStore(stage.link());
    const bad = { ...message(1), events: [{ type: "rule.deleted", version: 1, data: { id: 0 } }] } as PolicyMessage;
    await expect(store.append("bad", bad, { expectedRevision: 0, commandId: randomUUID() })).rejects.toThrow(
      /events\[0\].data.id/,
    );
    expect(await store.head("bad")).toBe(0);
  });

  it("reads streams of more than a page", async () => {
    const store = new JetStreamEventStore(stage.link(), { pageMessages: 1_000 });
    let last = 0;
    for (let n = 0; n < 2_300; n++)
      last = (await store.append("long", message(n), { expectedRevision: last, commandId: randomUUID() })).revision;
    const ids: number[] = [];
    for await (const {
      message: {
        events: [event],
      },
    } of store.read("long"))
      if (event?.type === "rule.deleted") ids.push(event.data.id);
    expect(ids).toEqual(Array.from({ length: 2_300 }, (_, n) => n + 1));
  });

  it("tells a follower of messages it cannot read, and goes on", async () => {
    const link = stage.link();
    const store = new JetStreamEventStore(link);
    await link.connected();
    const subject = subjects.policyEvents("strange");
    const good = await store.append("strange", message(1), { expectedRevision: 0, commandId: randomUUID() });
    const js = link.jetstream("test");
    const bad = [
      (await js.publish(subject, "{not json")).seq,
      (await js.publish(subject, JSON.stringify({ ...message(2), events: [{ type: "rule.teleported", version: 9, data: {} }] })))
        .seq,
      (await js.publish(subject, new Uint8Array([0xff, 0xfe]))).seq,
    ];
    const newer = await store.append("strange", message(3), { expectedRevision: bad.at(-1) ?? 0, commandId: randomUUID() });
    const seen: number[] = [];
    const unreadable: [number, string][] = [];
    const stop = new AbortController();
    const done = store.follow("strange", {
      after: 0,
      signal: stop.signal,
      onMessage: ({ revision }) => void seen.push(revision),
      onUnreadable: (revision, error) => void unreadable.push([revision, error.name]),
    });
    await waitFor(() => seen.length === 2, { what: "both readable messages" });
    expect(seen).toEqual([good.revision, newer.revision]);
    expect(unreadable).toEqual(bad.map((revision) => [revision, "UnreadablePolicyMessage"]));
    stop.abort();
    await done;
    const fail = store.follow("strange", { after: 0, signal: new AbortController().signal, onMessage: () => undefined });
    await expect(fail).rejects.toBeInstanceOf(UnreadablePolicyMessage);
    await expect(store.read("strange", { after: good.revision }).next()).rejects.toBeInstanceOf(UnreadablePolicyMessage);
  });
});

needs(describe, "nats")("JetStreamEventStore beside provisioning", () => {
  it("leaves the server alive when it is asked while the streams are being made", async () => {
    for (let round = 0; round < 4; round++) {
      const stage = await Stage.open({ provisioned: false });
      let asking = true;
      const ask = async (store: JetStreamEventStore): Promise<void> => {
        while (asking) await store.head("p").catch(() => undefined);
      };
      try {
        const stores = [stage.link(), stage.link()].map((link) => new JetStreamEventStore(link));
        const done = stores.map(ask);
        await provision(stage.link(), { timeoutMs: 10_000 }).finally(() => (asking = false));
        await Promise.all(done);
        for (const store of stores) expect(await store.head("p")).toBe(0);
        expect(stage.server.running).toBe(true);
      } finally {
        await stage.close();
      }
    }
  });
});

needs(describe, "nats")("JetStreamEventStore through faults of the server", () => {
  let stage: Stage;
  let store: JetStreamEventStore;
  let stop: AbortController;
  beforeEach(async () => {
    stage = await Stage.open();
    store = new JetStreamEventStore(stage.link());
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await stage.close();
  });

  /** Appends as a patient client does: the same command id until it is answered. */
  const insist = async (n: number, expectedRevision: number): Promise<number> => {
    const commandId = `command-${n}`;
    return waitFor(
      () =>
        store.append("p", message(n), { expectedRevision, commandId }).then(
          ({ revision }) => revision,
          (error: unknown) => {
            if (error instanceof StoreUnavailable) return undefined;
            throw error;
          },
        ),
      { what: `command ${n} to be stored`, deadlineMs: 30_000 },
    );
  };

  const follow = (seen: Stored<PolicyMessage>[], after = 0): Promise<void> =>
    store.follow("p", { after, signal: stop.signal, onMessage: (stored) => void seen.push(stored) });

  for (const [name, fault] of [
    ["restarts", (s: Stage) => s.server.restart()],
    [
      "is killed and comes back",
      async (s: Stage) => {
        await s.server.kill();
        await s.server.restart();
      },
    ],
  ] as const) {
    it(`delivers everything once and in order to a follower while the server ${name}`, async () => {
      const seen: Stored<PolicyMessage>[] = [];
      const done = follow(seen);
      const revisions: number[] = [];
      for (let round = 0; round < 3; round++) {
        for (let n = 0; n < 10; n++) revisions.push(await insist(revisions.length, revisions.at(-1) ?? 0));
        const faulty = fault(stage);
        for (let n = 0; n < 5; n++) revisions.push(await insist(revisions.length, revisions.at(-1) ?? 0));
        await faulty;
      }
      await waitFor(() => seen.length >= revisions.length, { what: "the follower to see all", deadlineMs: 20_000 });
      expect(seen.map(({ revision }) => revision)).toEqual(revisions);
      expect(seen.map(({ commandId }) => commandId)).toEqual(revisions.map((_, n) => `command-${n}`));
      stop.abort();
      await done;
    });
  }

  it("fails a command within its deadline while NATS is away, and stores it on a retry", async () => {
    await insist(0, 0);
    await stage.server.kill();
    const error: unknown = await store
      .append("p", message(1), { expectedRevision: 1, commandId: "command-1" })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(StoreUnavailable);
    await expect(store.head("p")).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.read("p").next()).rejects.toBeInstanceOf(StoreUnavailable);
    await stage.server.restart();
    expect(await insist(1, 1)).toBe(2);
  });

  it("answers a retry with the first revision also after a restart", async () => {
    const first = await store.append("p", message(1), { expectedRevision: 0, commandId: "once" });
    await store.append("p", message(2), { expectedRevision: first.revision, commandId: "two" });
    await stage.server.restart();
    expect(
      await waitFor(() => store.append("p", message(1), { expectedRevision: 0, commandId: "once" }), { what: "an answer" }),
    ).toEqual({ revision: first.revision, duplicate: true });
  });

  it("ends with HistoryRewound when the server comes back with another history", async () => {
    const seen: Stored<PolicyMessage>[] = [];
    await insist(0, 0);
    await insist(1, 1);
    const done = follow(seen);
    await waitFor(() => seen.length === 2, { what: "two messages" });
    const outcome = done.catch((error: unknown) => error);
    await stage.server.pause();
    await rm(join(stage.server.storeDir, "jetstream"), { recursive: true });
    await stage.server.restart();
    await provision(stage.link(), { timeoutMs: 10_000 });
    expect(await outcome).toBeInstanceOf(HistoryRewound);
    expect(await outcome).toMatchObject({ after: 2 });
  });

  it("tells another message under a known revision from the one that was read", async () => {
    const seen: Stored<PolicyMessage>[] = [];
    await insist(0, 0);
    const done = follow(seen).catch((error: unknown) => error);
    await waitFor(() => seen.length === 1, { what: "a message" });
    await stage.server.pause();
    await rm(join(stage.server.storeDir, "jetstream"), { recursive: true });
    // The follower stays away until the new history is as long as the old one.
    const port = stage.server.port;
    const aside = await NatsServer.start({ storeDir: stage.server.storeDir });
    const link = connectNats({ urls: aside.url, name: "aside" });
    await provision(link, { timeoutMs: 10_000 });
    await new JetStreamEventStore(link).append("p", message(7), { expectedRevision: 0, commandId: "other" });
    await link.drain();
    await aside.stop();
    await stage.server.restart();
    expect(stage.server.port).toBe(port);
    expect(await done).toBeInstanceOf(HistoryRewound);
  });

  it("follows from before NATS is there", async () => {
    await stage.server.pause();
    const late = new JetStreamEventStore(stage.link());
    const seen: number[] = [];
    void late.follow("p", { after: 0, signal: stop.signal, onMessage: ({ revision }) => void seen.push(revision) });
    await stage.server.restart();
    const revision = await insist(0, 0);
    await waitFor(() => seen.includes(revision), { what: "the message" });
  });
});
