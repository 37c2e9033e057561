import { emptyPolicy, evolve, rulesInOrder, STREAMS, subjects, UnreadablePolicyMessage, type FilterRule, type PolicyMessage } from "@secuxflow/contracts";
import { HistoryRewound, MessageTooLarge, RevisionConflict, StoreUnavailable, type Stored } from "@secuxflow/event-store";
import { sampleMessage } from "@secuxflow/event-store/testing";
import { needs, waitFor } from "@secuxflow/testkit";
import { headers } from "@nats-io/transport-node";
import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NatsUnavailable } from "../connection/errors.js";
import { Stage } from "../testing/support.js";
import { PolicyBodies } from "./bodies.js";
import { MAX_BODY_BYTES } from "./codec.js";
import { JetStreamEventStore } from "./jetstream-event-store.js";

const rules = (count: number, first = 1): FilterRule[] => Array.from({ length: count }, (_, n) => ({
  id: first + n, src: `10.${((first + n) >> 16) & 255}.${((first + n) >> 8) & 255}.${(first + n) & 255}`, dst: "any", proto: "tcp", port: n % 2 ? 80 : "80,443",
  action: "drop", priority: n % 100, tags: [], createdAt: "2026-01-01T00:00:00.000Z",
}));
/** A command that replaces the policy; 8,000 rules are more than a NATS message takes. */
const replacement = (count: number, first = 1): PolicyMessage =>
  ({ actor: "tester", at: "2026-01-01T00:00:00.000Z", events: [{ type: "rules.replaced", version: 1, data: { rules: rules(count, first) } }] });
const LARGE = 8_000;

needs(describe, "nats")("large policy messages", () => {
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

  const append = (message: PolicyMessage, expectedRevision: number, commandId: string = randomUUID()) =>
    store.append("p", message, { expectedRevision, commandId });
  const streams = async () => {
    const link = stage.link();
    await link.connected();
    return (await link.manager("test")).streams;
  };
  const partsStored = async (): Promise<number> => (await (await streams()).info(STREAMS.policyBodies)).state.messages;
  const readAll = async (): Promise<Stored<PolicyMessage>[]> => {
    const all: Stored<PolicyMessage>[] = [];
    for await (const stored of store.read("p")) all.push(stored);
    return all;
  };
  const rulesOf = (messages: readonly Stored<PolicyMessage>[]): readonly FilterRule[] =>
    rulesInOrder(messages.flatMap(({ message }) => message.events).reduce(evolve, emptyPolicy));

  it("replaces 100,000 rules through the store and back, to readers and followers, between small messages", async () => {
    const seen: Stored<PolicyMessage>[] = [];
    void store.follow("p", { after: 0, signal: stop.signal, onMessage: (stored) => void seen.push(stored) });
    const first = await append(sampleMessage(1), 0);
    const large = await append(replacement(100_000), first.revision);
    const last = await append(sampleMessage(2), large.revision); // deletes rule 3
    await waitFor(() => seen.length === 3, { what: "the follower to see all", deadlineMs: 30_000 });
    expect(seen.map(({ revision }) => revision)).toEqual([first.revision, large.revision, last.revision]);
    expect(seen[1]?.message).toEqual(replacement(100_000));
    const expected = rules(100_000).filter(({ id }) => id !== 3).sort((a, b) => a.priority - b.priority || a.id - b.id);
    expect(rulesOf(seen)).toEqual(expected);
    expect(rulesOf(await readAll())).toEqual(expected);
  });

  it("keeps body and message together through a killed server", async () => {
    let revision = 0;
    for (let round = 0; round < 3; round++) {
      const killed = stage.server.kill().then(() => stage.server.restart());
      const commandId = randomUUID();
      revision = await waitFor(
        () => append(replacement(LARGE, 1 + round), revision, commandId).then((appended) => appended.revision, (error: unknown) => {
          if (error instanceof StoreUnavailable) return undefined;
          throw error;
        }),
        { what: `replacement ${round}`, deadlineMs: 30_000 },
      );
      await killed;
    }
    const all = await waitFor(() => readAll().catch(() => undefined), { what: "all messages" });
    expect(all.map(({ message }) => message)).toEqual([0, 1, 2].map((round) => replacement(LARGE, 1 + round)));
  });

  it("leaves no body behind when the append is refused, or was done before", async () => {
    const first = await append(replacement(LARGE), 0, "once");
    const kept = await partsStored();
    await expect(append(replacement(LARGE), first.revision + 1)).rejects.toBeInstanceOf(RevisionConflict);
    expect(await append(replacement(LARGE), 0, "once")).toEqual({ revision: first.revision, duplicate: true });
    expect(await partsStored()).toBe(kept);
    expect(await readAll()).toHaveLength(1);
  });

  it("sweeps the body of a process that died before its message, and nothing that a message claims", async () => {
    const first = await append(replacement(LARGE), 0);
    const kept = await partsStored();
    const link = stage.link();
    await link.connected();
    const orphan = await new PolicyBodies(link).put("p", randomBytes(3_000_000), 512 * 1024);
    const other = await new PolicyBodies(link).put("q", randomBytes(1_000), 512 * 1024);
    await stage.server.kill();
    await stage.server.restart();
    expect(orphan.sequences.length).toBeGreaterThan(1);
    await waitFor(() => partsStored().catch(() => undefined), { what: "the server" });
    expect(await store.sweep("p")).toBe(0); // younger than an hour: its message may be on its way
    expect(await store.sweep("p", { olderThanMs: 0 })).toBe(orphan.sequences.length);
    expect(await partsStored()).toBe(kept + other.sequences.length);
    expect((await readAll()).map(({ revision }) => revision)).toEqual([first.revision]);
  });

  it("tells a follower of a body that is missing or damaged, and goes on", async () => {
    const gone = await append(replacement(LARGE), 0);
    const manager = await streams();
    await manager.deleteMessage(STREAMS.policyBodies, (await manager.info(STREAMS.policyBodies)).state.first_seq, false);
    const forged = stage.link();
    await forged.connected();
    const body = await new PolicyBodies(forged).put("p", new TextEncoder().encode(JSON.stringify(sampleMessage(1))), 512 * 1024);
    const set = headers();
    const claim = { ...body.claim, sha256: "0".repeat(64) };
    set.set("ce-dataschema", "urn:secuxflow:schema:policy-message-claim:1");
    for (const [field, value] of Object.entries(claim)) set.set(`SecuXFlow-Body-${field}`, String(value));
    const damaged = await forged.jetstream("test").publish(subjects.policyEvents("p"), "", { headers: set });
    set.set("SecuXFlow-Body-parts", "none");
    const senseless = await forged.jetstream("test").publish(subjects.policyEvents("p"), "", { headers: set });
    const good = await append(sampleMessage(3), senseless.seq);
    const seen: number[] = [];
    const unreadable: [number, string][] = [];
    void store.follow("p", {
      after: 0,
      signal: stop.signal,
      onMessage: ({ revision }) => void seen.push(revision),
      onUnreadable: (revision, error) => void unreadable.push([revision, error.message]),
    });
    await waitFor(() => seen.length === 1, { what: "the readable message", deadlineMs: 20_000 });
    expect(seen).toEqual([good.revision]);
    expect(unreadable.map(([revision]) => revision)).toEqual([gone.revision, damaged.seq, senseless.seq]);
    expect(unreadable.map(([, message]) => message)).toEqual([
      expect.stringMatching(/is missing: \d+ of \d+ parts/), expect.stringMatching(/is damaged/), expect.stringMatching(/does not say where its body is/),
    ]);
    await expect(readAll()).rejects.toBeInstanceOf(UnreadablePolicyMessage);
  });

  it("a follower waits for a body while NATS is away, rather than giving it up; a reader is told", async () => {
    const large = await append(replacement(LARGE), 0);
    const link = stage.link();
    const manager = link.manager.bind(link);
    let away = 4;
    link.manager = (what) => (what.startsWith("reading a large body") && away-- > 0 ? Promise.reject(new NatsUnavailable(what, "away", false)) : manager(what));
    const distant = new JetStreamEventStore(link);
    await link.connected();
    await expect(distant.read("p").next()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(away).toBe(3);
    const seen: number[] = [];
    const problems: string[] = [];
    void distant.follow("p", {
      after: 0,
      signal: stop.signal,
      onMessage: ({ revision }) => void seen.push(revision),
      onUnreadable: (_, error) => void problems.push(error.message),
    });
    await waitFor(() => seen.length === 1, { what: "the large message", deadlineMs: 30_000 });
    expect([seen, problems, away < 0]).toEqual([[large.revision], [], true]);
  });

  it("refuses what is beyond every limit before anything is stored", async () => {
    const link = stage.link();
    await link.connected();
    await expect(new PolicyBodies(link).put("p", new Uint8Array(MAX_BODY_BYTES + 1), 512 * 1024)).rejects.toBeInstanceOf(MessageTooLarge);
    expect(await partsStored()).toBe(0);
  });

  it("a follower beyond the end still learns that history was lost", async () => {
    const { revision } = await append(replacement(LARGE), 0);
    await expect(store.follow("p", { after: revision + 1, signal: stop.signal, onMessage: () => undefined })).rejects.toBeInstanceOf(HistoryRewound);
  });
});
