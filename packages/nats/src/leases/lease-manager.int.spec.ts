import { BUCKETS } from "@secuxflow/contracts";
import { needs, waitFor } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NatsLink } from "../connection/link.js";
import { Bucket } from "../kv/bucket.js";
import { Proxy } from "../testing/proxy.js";
import { recordingLog, Stage } from "../testing/support.js";
import { LeaseManager } from "./lease-manager.js";
import { ownerOf } from "./rendezvous.js";

const PARTITIONS = 64;
const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);

needs(describe, "nats")("LeaseManager", () => {
  let stage: Stage;
  /** Who holds each partition right now, as the callbacks of all members tell. */
  let owners: Map<number, Set<string>>;
  /** All epochs of each partition, in the order they were gained. */
  let epochs: Map<number, number[]>;
  let overlaps: string[];
  const managers: LeaseManager[] = [];
  beforeEach(async () => {
    stage = await Stage.open();
    owners = new Map(all.map((partition) => [partition, new Set<string>()]));
    epochs = new Map(all.map((partition) => [partition, []]));
    overlaps = [];
  });
  afterEach(async () => {
    await Promise.all(managers.splice(0).map((manager) => manager.stop()));
    await stage.close();
  });

  const join = (id: string, link: NatsLink = stage.link(), more: { pool?: string; as?: string } = {}): LeaseManager => {
    const name = more.as ?? id;
    const manager = new LeaseManager(link, {
      pool: more.pool ?? "default",
      inspectorId: id,
      onGained: (partition, epoch) => {
        const now = owners.get(partition);
        if (now !== undefined && now.size > 0) overlaps.push(`${partition}: ${[...now].join()} and ${name}`);
        now?.add(name);
        epochs.get(partition)?.push(epoch);
      },
      onLost: (partition) => void owners.get(partition)?.delete(name),
    });
    managers.push(manager);
    manager.start();
    return manager;
  };

  /** Every partition has exactly the owner that rendezvous hashing gives it among `members`. */
  const divided = (...members: string[]) =>
    waitFor(() => all.every((partition) => [...(owners.get(partition) ?? [])].join() === ownerOf(partition, members)), {
      what: `the partitions to be divided among ${members.join(", ")}`,
      deadlineMs: 8_000,
    });

  const epochsGrow = (): boolean =>
    [...epochs.values()].every((list) => list.every((epoch, n) => n === 0 || epoch > (list[n - 1] ?? 0)));

  it("one member owns all, and what it says it holds is what it was told", async () => {
    const manager = join("one");
    await divided("one");
    expect([...manager.held().keys()].sort((a, b) => a - b)).toEqual(all);
    for (const [partition, epoch] of manager.held()) expect(epochs.get(partition)).toEqual([epoch]);
    expect(manager.members()).toEqual(["one"]);
    expect(manager.problem()).toBeUndefined();
  });

  it("three members share; one that leaves is taken over from; one that comes gets its share; never two owners", async () => {
    join("a");
    const b = join("b");
    join("c");
    await divided("a", "b", "c");
    await b.stop();
    await divided("a", "c");
    join("d");
    await divided("a", "c", "d");
    expect(overlaps).toEqual([]);
    expect(epochsGrow()).toBe(true);
    expect(managers[0]?.members()).toEqual(["a", "c", "d"]);
  });

  it("a member whose connection ends without a word is taken over from, and gives up by itself before", async () => {
    const doomed = stage.link();
    join("a");
    const b = join("b", doomed);
    join("c");
    await divided("a", "b", "c");
    await doomed.drain(1);
    await divided("a", "c");
    expect(b.held().size).toBe(0);
    expect(overlaps).toEqual([]);
    expect(epochsGrow()).toBe(true);
  });

  it("a member whose wire goes dead gives up before the others take over, and comes back", async () => {
    const proxy = await Proxy.open(stage.server.port);
    try {
      join("a");
      const b = join("b", stage.link({ urls: proxy.url }));
      await divided("a", "b");
      proxy.freeze();
      await divided("a");
      expect(overlaps).toEqual([]);
      expect(b.problem()).toBe("its heartbeats do not come back");
      proxy.thaw();
      await divided("a", "b");
      expect(overlaps).toEqual([]);
      expect(epochsGrow()).toBe(true);
    } finally {
      await proxy.close();
    }
  });

  it("all give up while NATS is away, and share again when it is back, with higher epochs", async () => {
    const [a] = [join("a"), join("b")];
    await divided("a", "b");
    await stage.server.kill();
    await waitFor(() => all.every((partition) => owners.get(partition)?.size === 0), { what: "everyone to give up" });
    expect(a.problem()).toMatch(/NATS is away/);
    await stage.server.restart();
    await divided("a", "b");
    expect(overlaps).toEqual([]);
    expect(epochsGrow()).toBe(true);
  });

  it("starts while NATS is away", async () => {
    await stage.server.kill();
    const manager = join("a");
    expect(manager.held().size).toBe(0);
    await stage.server.restart();
    await divided("a");
  });

  it("a second process under the same id takes over, and the first one gives up for good", async () => {
    const { log, lines } = recordingLog();
    const first = join("same", stage.link({ log }), { as: "first" });
    await waitFor(() => first.held().size === PARTITIONS, { what: "the first to own all" });
    const second = join("same", stage.link(), { as: "second" });
    await waitFor(() => second.held().size === PARTITIONS && first.held().size === 0, { what: "the second to own all" });
    expect(first.problem()).toMatch(/another process runs as inspector "same"/);
    expect(lines.filter((line) => line.startsWith("error another process"))).toHaveLength(1);
    expect(epochsGrow()).toBe(true);
  });

  it("pools are apart", async () => {
    const one = join("a", stage.link(), { pool: "one" });
    await divided("a");
    const other = join("b", stage.link(), { pool: "two", as: "none" });
    await waitFor(() => other.held().size === PARTITIONS, { what: "the other pool" });
    expect(one.held().size).toBe(PARTITIONS);
  });

  it("does not wait for members that were dead long before it came, and takes their keys away", async () => {
    const link = stage.link();
    await link.connected();
    const bucket = new Bucket(link, BUCKETS.leases);
    await bucket.put("default.member.dead", JSON.stringify({ instance: "x", count: 1, since: 0 }));
    await bucket.put("default.0", JSON.stringify({ holder: "dead/x" }));
    await bucket.put("default.member.broken", "{");
    await bucket.put("default.999", JSON.stringify({ holder: "dead/x" }));
    const manager = new LeaseManager(link, {
      pool: "default",
      inspectorId: "a",
      ttlMs: 150,
      onGained: () => undefined,
      onLost: () => undefined,
    });
    managers.push(manager);
    await waitFor(
      async () => {
        const [entry] = (await bucket.list()).filter(({ key }) => key === "default.member.dead");
        return entry !== undefined && Date.now() - entry.time.getTime() > 400;
      },
      { what: "the dead member to be old" },
    );
    manager.start();
    await waitFor(() => manager.held().size === PARTITIONS, { what: "all partitions" });
    expect(manager.members()).toEqual(["a"]);
    await waitFor(async () => !(await bucket.list()).some(({ key }) => key === "default.member.dead"), { what: "its key to go" });
  });

  it("refuses names that cannot be part of a key", () => {
    const callbacks = { onGained: () => undefined, onLost: () => undefined };
    for (const bad of ["", "a.b", "a b", "*"]) {
      expect(() => new LeaseManager(stage.link(), { pool: bad, inspectorId: "a", ...callbacks })).toThrow(RangeError);
      expect(() => new LeaseManager(stage.link(), { pool: "p", inspectorId: bad, ...callbacks })).toThrow(RangeError);
    }
  });
});
