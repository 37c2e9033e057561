import type { PolicyMessage } from "@secuxflow/contracts";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HistoryRewound, RevisionConflict } from "../errors.js";
import type { EventStore, Stored } from "../store.js";

/** A store under test and how to get rid of it. */
export interface ContractStore {
  readonly store: EventStore<PolicyMessage>;
  readonly close?: () => Promise<void>;
}

/** A valid message that differs for each `n`. */
export function sampleMessage(n: number): PolicyMessage {
  return {
    actor: `tester-${n}`,
    at: "2026-01-01T00:00:00.000Z",
    events: [{ type: "rule.deleted", version: 1, data: { id: n + 1 } }],
  };
}

/** A message of about 200 bytes a rule: 12,000 are more than a NATS message takes. */
function manyRules(count: number): PolicyMessage {
  const rules = Array.from({ length: count }, (_, n) => ({
    id: n + 1, src: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, dst: "any", proto: "tcp", port: 80, action: "drop" as const, priority: 1_000, tags: [],
    createdAt: "2026-01-01T00:00:00.000Z",
  }));
  return { actor: "tester", at: "2026-01-01T00:00:00.000Z", events: [{ type: "rules.added", version: 1, data: { rules } }] };
}

/**
 * What every event store promises, as tests.
 * @param makeStore gives an empty store; called before each test
 */
export function eventStoreContract(name: string, makeStore: () => Promise<ContractStore>): void {
  describe(`event store contract: ${name}`, () => {
    let made: ContractStore;
    let store: EventStore<PolicyMessage>;
    beforeEach(async () => {
      made = await makeStore();
      store = made.store;
    });
    afterEach(async () => {
      await made.close?.();
    });

    const append = async (
      stream: string,
      n: number,
      expectedRevision: number,
      commandId: string = randomUUID(),
    ): Promise<number> => (await store.append(stream, sampleMessage(n), { expectedRevision, commandId })).revision;

    /** Appends messages 1 to `count` and gives their revisions. */
    const fill = async (stream: string, count: number): Promise<number[]> => {
      const revisions: number[] = [];
      for (let n = 1; n <= count; n++) revisions.push(await append(stream, n, revisions.at(-1) ?? (await store.head(stream))));
      return revisions;
    };

    const readAll = async (stream: string, after = 0): Promise<Stored<PolicyMessage>[]> => {
      const all: Stored<PolicyMessage>[] = [];
      for await (const stored of store.read(stream, { after })) all.push(stored);
      return all;
    };

    it("an empty stream has head 0, reads as nothing and takes expectation 0", async () => {
      expect(await store.head("p")).toBe(0);
      expect(await readAll("p")).toEqual([]);
      expect(await append("p", 1, 0)).toBeGreaterThan(0);
    });

    it("gives back what was appended, in order, with growing revisions", async () => {
      const started = Date.now();
      const ids = [randomUUID(), randomUUID(), randomUUID()] as const;
      const revisions: number[] = [];
      for (const [n, id] of ids.entries()) revisions.push(await append("p", n, revisions.at(-1) ?? 0, id));
      const all = await readAll("p");
      expect(all.map(({ revision }) => revision)).toEqual(revisions);
      expect([...revisions].sort((a, b) => a - b)).toEqual(revisions);
      expect(all.map(({ message }) => message)).toEqual([0, 1, 2].map(sampleMessage));
      expect(all.map(({ commandId }) => commandId)).toEqual(ids);
      for (const { time } of all) expect(Math.abs(time.getTime() - started)).toBeLessThan(3_600_000);
      expect(await store.head("p")).toBe(revisions.at(-1));
    });

    it("gives back a message of many rules as it was, to readers and followers", async () => {
      const large = manyRules(12_000);
      const commandId = randomUUID();
      const { revision } = await store.append("p", large, { expectedRevision: 0, commandId });
      const after = await append("p", 1, revision);
      expect((await readAll("p")).map(({ message }) => message)).toEqual([large, sampleMessage(1)]);
      expect(await store.append("p", large, { expectedRevision: 0, commandId })).toEqual({ revision, duplicate: true });
      await expect(store.append("p", large, { expectedRevision: revision, commandId: randomUUID() })).rejects.toBeInstanceOf(RevisionConflict);
      const stop = new AbortController();
      const seen: PolicyMessage[] = [];
      const done = store.follow("p", { after: 0, signal: stop.signal, onMessage: ({ message }) => void seen.push(message) });
      await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(2);
      stop.abort();
      await done;
      expect(seen[0]).toEqual(large);
      expect(await store.head("p")).toBe(after);
    });

    it("reads only what comes after a revision", async () => {
      const revisions = await fill("p", 5);
      expect((await readAll("p", revisions[2])).map(({ revision }) => revision)).toEqual(revisions.slice(3));
      expect(await readAll("p", revisions[4])).toEqual([]);
    });

    it("refuses a stale expectation, naming both revisions, and stores nothing", async () => {
      const revisions = await fill("p", 2);
      for (const stale of [0, revisions[0] ?? 0]) {
        const error = await append("p", 9, stale).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(RevisionConflict);
        expect(error).toMatchObject({ stream: "p", expectedRevision: stale });
        const { actualRevision } = error as RevisionConflict;
        expect([undefined, revisions[1]]).toContain(actualRevision);
      }
      expect(await readAll("p")).toHaveLength(2);
    });

    it("refuses an expectation beyond the end", async () => {
      const [revision = 0] = await fill("p", 1);
      await expect(append("p", 9, revision + 1)).rejects.toBeInstanceOf(RevisionConflict);
      await expect(append("empty", 9, 1)).rejects.toBeInstanceOf(RevisionConflict);
      expect(await store.head("p")).toBe(revision);
    });

    it("answers a repeated command id with the first revision, even though the expectation is stale", async () => {
      const commandId = randomUUID();
      const first = await append("p", 1, 0, commandId);
      const later = await append("p", 2, first);
      for (const expectedRevision of [0, first, later]) {
        expect(await store.append("p", sampleMessage(7), { expectedRevision, commandId })).toEqual({
          revision: first,
          duplicate: true,
        });
      }
      expect((await readAll("p")).map(({ message }) => message)).toEqual([sampleMessage(1), sampleMessage(2)]);
    });

    it("lets exactly one of many concurrent writers win each revision", async () => {
      const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => append("p", n, 0)));
      const won = results.filter(({ status }) => status === "fulfilled");
      expect(won).toHaveLength(1);
      for (const result of results) if (result.status === "rejected") expect(result.reason).toBeInstanceOf(RevisionConflict);
      expect(await readAll("p")).toHaveLength(1);
    });

    it("keeps streams apart", async () => {
      const p = await append("p", 1, 0);
      const q = await append("q", 2, 0);
      await append("p", 3, p);
      expect((await readAll("p")).map(({ message }) => message)).toEqual([sampleMessage(1), sampleMessage(3)]);
      expect((await readAll("q")).map(({ message }) => message)).toEqual([sampleMessage(2)]);
      expect(await store.head("q")).toBe(q);
    });

    it("says that history was lost to a reader or follower that stands beyond the end", async () => {
      const [revision = 0] = await fill("p", 1);
      await expect(readAll("p", revision + 5)).rejects.toBeInstanceOf(HistoryRewound);
      const { signal } = new AbortController();
      const onMessage = (): void => undefined;
      await expect(store.follow("p", { after: revision + 5, onMessage, signal })).rejects.toBeInstanceOf(HistoryRewound);
    });

    describe("follow", () => {
      let stop: AbortController;
      beforeEach(() => {
        stop = new AbortController();
      });
      afterEach(() => {
        stop.abort();
      });

      it("delivers what is there, says so, delivers what comes, and resolves on abort", async () => {
        const old = await fill("p", 3);
        await fill("q", 2);
        const seen: number[] = [];
        let caughtUp = -1;
        const done = store.follow("p", {
          after: 0,
          onMessage: ({ revision }) => void seen.push(revision),
          onCaughtUp: (revision) => (caughtUp = revision),
          signal: stop.signal,
        });
        await expect.poll(() => caughtUp).toBe(old[2]);
        expect(seen).toEqual(old);
        const fresh = await append("p", 4, old[2] ?? 0);
        await expect.poll(() => seen).toEqual([...old, fresh]);
        stop.abort();
        await expect(done).resolves.toBeUndefined();
      });

      it("starts after a revision, and is caught up at once where nothing is newer", async () => {
        const revisions = await fill("p", 3);
        const seen: number[] = [];
        const caughtUp: number[] = [];
        const onMessage = ({ revision }: Stored<PolicyMessage>): void => void seen.push(revision);
        const onCaughtUp = (revision: number): void => void caughtUp.push(revision);
        void store.follow("p", { after: revisions[1] ?? 0, onMessage, onCaughtUp, signal: stop.signal });
        await expect.poll(() => seen).toEqual([revisions[2]]);
        void store.follow("p", { after: revisions[2] ?? 0, onMessage, onCaughtUp, signal: stop.signal });
        await expect.poll(() => caughtUp).toEqual([revisions[2], revisions[2]]);
        expect(seen).toEqual([revisions[2]]);
      });

      it("waits for a slow handler and keeps the order", async () => {
        const revisions = await fill("p", 20);
        const seen: number[] = [];
        let running = 0;
        let overlapped = false;
        const onMessage = async ({ revision }: Stored<PolicyMessage>): Promise<void> => {
          overlapped ||= ++running > 1;
          await new Promise((resolve) => setImmediate(resolve));
          seen.push(revision);
          running -= 1;
        };
        void store.follow("p", { after: 0, onMessage, signal: stop.signal });
        await expect.poll(() => seen).toEqual(revisions);
        expect(overlapped).toBe(false);
      });

      it("ends with the error that the handler threw", async () => {
        await fill("p", 2);
        const fail = (): never => {
          throw new Error("handler failed");
        };
        await expect(store.follow("p", { after: 0, onMessage: fail, signal: stop.signal })).rejects.toThrow("handler failed");
      });

      it("resolves at once when aborted before", async () => {
        stop.abort();
        const onMessage = (): void => undefined;
        await expect(store.follow("p", { after: 0, onMessage, signal: stop.signal })).resolves.toBeUndefined();
      });
    });
  });
}
