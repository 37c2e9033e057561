import type { Alert } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { Notifier } from "./notifier.js";
import type { GroupRef } from "./ports.js";

const ref = (gkey: string): GroupRef => ({ bucket: 0, gkey });
const asAlert = (group: GroupRef): Alert => ({ summary: group.gkey }) as Alert;

describe("the notifier", () => {
  const make = (read: (groups: readonly GroupRef[]) => Promise<Alert[]>, limits = {}) => {
    const log = { told: [] as string[], failed: 0, dropped: 0 };
    const notifier = new Notifier({
      read,
      publish: (alert) => log.told.push(alert.summary),
      onError: (_, groups) => (log.failed += groups),
      onDropped: (groups) => (log.dropped += groups),
      ...limits,
    });
    return { notifier, log };
  };

  it("reads once for what is touched many times while it reads", async () => {
    const reads: string[][] = [];
    let release: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (release = resolve));
    const { notifier, log } = make(async (groups) => {
      reads.push(groups.map((group) => group.gkey));
      if (reads.length === 1) await first;
      return groups.map(asAlert);
    });
    notifier.touch([ref("a")]);
    for (let i = 0; i < 100; i++) notifier.touch([ref("a"), ref("b")]);
    release();
    await notifier.idle();
    expect(reads).toEqual([["a"], ["a", "b"]]);
    expect(log.told).toEqual(["a", "a", "b"]);
  });

  it("tells what is touched in the moment it becomes idle", async () => {
    const { notifier, log } = make((groups) => Promise.resolve(groups.map(asAlert)));
    notifier.touch([ref("a")]);
    for (let i = 0; i < 20; i++) {
      await Promise.resolve();
      notifier.touch([ref(`late${i}`)]);
    }
    await notifier.idle();
    expect(log.told).toHaveLength(21);
  });

  it("leaves out the oldest over its limit and counts them", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { notifier, log } = make(
      async (groups) => {
        await gate;
        return groups.map(asAlert);
      },
      { maxWaiting: 3, maxRead: 2 },
    );
    notifier.touch([ref("0")]);
    notifier.touch(["1", "2", "3", "4", "5"].map(ref));
    release();
    await notifier.idle();
    expect([log.told, log.dropped]).toEqual([["0", "3", "4", "5"], 2]);
  });

  it("goes on after a read that failed", async () => {
    let calls = 0;
    const { notifier, log } = make((groups) =>
      calls++ === 0 ? Promise.reject(new Error("away")) : Promise.resolve(groups.map(asAlert)),
    );
    notifier.touch([ref("a")]);
    await notifier.idle();
    notifier.touch([ref("b")]);
    await notifier.idle();
    expect([log.told, log.failed]).toEqual([["b"], 1]);
  });

  it("tells what is known at once and without a read, also while a read runs", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { notifier, log } = make(
      async (groups) => {
        await gate;
        return groups.map(asAlert);
      },
      { known: (group: GroupRef) => (group.gkey.startsWith("known") ? asAlert(group) : undefined) },
    );
    notifier.touch([ref("unknown"), ref("known 1")]);
    notifier.touch([ref("known 2")]);
    expect(log.told).toEqual(["known 1", "known 2"]);
    release();
    await notifier.idle();
    expect(log.told).toEqual(["known 1", "known 2", "unknown"]);
  });

  it("leaves what is beyond its limit for a later turn, and tells it", async () => {
    const { notifier, log } = make(() => Promise.reject(new Error("no read is needed")), { known: asAlert, maxAtOnce: 2, maxRead: 2 });
    notifier.touch(["a", "b", "c", "d", "e"].map(ref));
    const atOnce = [...log.told];
    await notifier.idle();
    expect([atOnce.slice(0, 2), log.told, log.failed]).toEqual([["a", "b"], ["a", "b", "c", "d", "e"], 0]);
  });
});
