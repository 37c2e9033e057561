import { ProblemError, UnreadablePolicyMessage, type PolicyMessage } from "@secuxflow/contracts";
import { InMemoryEventStore, MessageTooLarge, RevisionConflict, StoreUnavailable, type EventStore } from "@secuxflow/event-store";
import { afterEach, describe, expect, it } from "vitest";
import { agentStatus, AT_ONCE, context, POLICY, spec, World } from "../../testing/world.js";

const worlds: World[] = [];
const world = async (store?: EventStore<PolicyMessage>): Promise<World> => {
  const made = new World(store);
  worlds.push(made);
  return made.ready();
};
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((each) => each.close()));
});

/** A store where one operation is replaced. */
const storeWith = (
  replace: Partial<EventStore<PolicyMessage>>,
  inner = new InMemoryEventStore<PolicyMessage>(),
): EventStore<PolicyMessage> => ({
  append: (...args) => inner.append(...args),
  read: (...args) => inner.read(...args),
  follow: (...args) => inner.follow(...args),
  head: (...args) => inner.head(...args),
  ...replace,
});

const problem = async (promise: Promise<unknown>): Promise<ProblemError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ProblemError) return error;
  throw new Error(`no problem but ${String(error)}`);
};

const DROP = spec({ src: "10.1.1.1", action: "drop" });
const other = (n: number) => spec({ src: `10.2.${n >> 8}.${n & 255}`, action: "drop" });

describe("adding a rule", () => {
  it("stores it with the actor and the time, and shows it to whoever asks next", async () => {
    const w = await world();
    const { rule } = await w.service.addRule(DROP, context(), AT_ONCE);
    expect(rule.id).toBe(1);
    expect([...w.state.rules.keys()]).toEqual([1]);
    const [message] = await w.messages();
    expect(message).toMatchObject({ actor: "tester", at: rule.createdAt, events: [{ type: "rule.added" }] });
  });

  it("waits until the agents have it, and reacts to their word", async () => {
    const w = await world();
    w.agents.put("a", agentStatus("a"));
    w.agents.put("b", agentStatus("b"));
    const adding = w.service.addRule(DROP, context(), { confirm: false, waitMs: 10_000 });
    await w.reader.reached(1, 5_000);
    w.agents.put("a", agentStatus("a", 1));
    w.agents.put("b", agentStatus("b", 1));
    expect((await adding).enforcement).toMatchObject({ revision: 1, agents: 2, active: 2, pending: [] });
  });

  it("names the agents that are late, and those that are silent", async () => {
    const w = await world();
    w.agents.put("gone", agentStatus("gone"));
    w.clock.forward(10_000);
    w.agents.put("late", agentStatus("late"));
    const { enforcement, warnings } = await w.service.addRule(DROP, context(), { confirm: false, waitMs: 20 });
    expect(enforcement).toMatchObject({ agents: 1, active: 0, pending: ["late"] });
    expect(warnings).toEqual(["agent gone not heard from: the rules there are those of before until it is back"]);
  });

  it("says so when no agent is live", async () => {
    const { enforcement, warnings } = await (await world()).service.addRule(DROP, context(), AT_ONCE);
    expect(enforcement).toMatchObject({ agents: 0, active: 0, pending: [] });
    expect(warnings).toContain("no agent is live: this is stored, and comes into force when one starts");
  });

  it("is refused as the domain says, and nothing is stored", async () => {
    const w = await world();
    await w.service.addRule(DROP, context(), AT_ONCE);
    expect((await problem(w.service.addRule(DROP, context(), AT_ONCE))).code).toBe("conflict");
    expect((await problem(w.service.addRule(spec({ src: "127.0.0.1", action: "drop" }), context(), AT_ONCE))).code).toBe(
      "confirmation_required",
    );
    expect(await w.messages()).toHaveLength(1);
    expect(w.metrics.results).toEqual(["add_rule ok", "add_rule conflict", "add_rule confirmation_required"]);
  });

  it("knows the caller's own session", async () => {
    const w = await world();
    const session = { remoteAddress: "192.0.2.9", remotePort: 5_000, localAddress: "10.0.0.1", localPort: 7_400 };
    const refused = await problem(
      w.service.addRule(spec({ src: "192.0.2.0/24", action: "drop" }), { ...context(), session }, AT_ONCE),
    );
    expect(refused.message).toContain("your own address 192.0.2.9");
  });
});

describe("a retry", () => {
  it("with the same key gives the same rule", async () => {
    const w = await world();
    const first = await w.service.addRule(DROP, context("key:1"), AT_ONCE);
    expect((await w.service.addRule(DROP, context("key:1"), AT_ONCE)).rule).toEqual(first.rule);
    expect(await w.messages()).toHaveLength(1);
    expect(w.metrics.results).toEqual(["add_rule ok", "add_rule duplicate"]);
  });

  it("after a restart gives the same rule", async () => {
    const w = await world();
    const first = await w.service.addRule(DROP, context("key:1"), AT_ONCE);
    const restarted = await world(w.store);
    expect((await restarted.service.addRule(DROP, context("key:1"), AT_ONCE)).rule).toEqual(first.rule);
    expect(await w.messages()).toHaveLength(1);
  });

  it("after the answer was lost gives the same rule", async () => {
    const inner = new InMemoryEventStore<PolicyMessage>();
    let lose = true;
    const w = await world(
      storeWith(
        {
          append: async (...args) => {
            const appended = await inner.append(...args);
            if (!lose) return appended;
            lose = false;
            throw new StoreUnavailable("append", "the answer was lost", "unknown");
          },
        },
        inner,
      ),
    );
    const refused = await problem(w.service.addRule(DROP, context("key:1"), AT_ONCE));
    expect([refused.code, refused.message.includes("unknown"), refused.more.next?.includes("Idempotency-Key")]).toEqual([
      "nats_unavailable",
      true,
      true,
    ]);
    expect((await w.service.addRule(DROP, context("key:1"), AT_ONCE)).rule.id).toBe(1);
    expect(await w.messages()).toHaveLength(1);
  });

  it.each(["rule", "delete", "clear"])("of another command with a used key is refused: %s", async (kind) => {
    const w = await world();
    await w.service.addRule(DROP, context("key:1"), AT_ONCE);
    const again = context("key:1");
    const attempt = {
      rule: () => w.service.addRule(other(1), again, AT_ONCE),
      delete: () => w.service.remove({ type: "delete_rule", id: 1 }, again, { waitMs: 0 }),
      clear: () => w.service.remove({ type: "clear_rules", confirm: true }, again, { waitMs: 0 }),
    }[kind];
    if (!attempt) throw new Error(kind);
    expect((await problem(attempt())).message).toContain("this Idempotency-Key was used for another command");
    expect(await w.messages()).toHaveLength(1);
  });
});

describe("taking out", () => {
  it("refuses the key of a deletion for clearing", async () => {
    const w = await world();
    for (const n of [1, 2]) await w.service.addRule(other(n), context(), AT_ONCE);
    const deleting = { type: "delete_rule", id: 1 } as const;
    await w.service.remove(deleting, context("key:d"), { waitMs: 0 });
    expect((await w.service.remove(deleting, context("key:d"), { waitMs: 0 })).ids).toEqual([1]);
    expect((await problem(w.service.remove({ type: "clear_rules", confirm: true }, context("key:d"), { waitMs: 0 }))).code).toBe("conflict");
    expect((await problem(w.service.remove({ type: "delete_rule", id: 2 }, context("key:d"), { waitMs: 0 }))).code).toBe("conflict");
    expect([...w.state.rules.keys()]).toEqual([2]);
  });

  it("deletes and clears, and tells the ids", async () => {
    const w = await world();
    for (const n of [1, 2, 3]) await w.service.addRule(other(n), context(), AT_ONCE);
    expect((await w.service.remove({ type: "delete_rule", id: 2 }, context(), { waitMs: 0 })).ids).toEqual([2]);
    expect((await w.service.remove({ type: "clear_rules", confirm: true }, context(), { waitMs: 0 })).ids).toEqual([1, 3]);
    expect((await w.service.remove({ type: "clear_rules", confirm: true }, context(), { waitMs: 0 })).ids).toEqual([]);
    expect(w.state.rules.size).toBe(0);
  });
});

describe("the revision that was asked for", () => {
  it("is held before and while storing", async () => {
    const w = await world();
    await w.service.addRule(DROP, context(), AT_ONCE);
    expect((await problem(w.service.addRule(other(1), context(), { ...AT_ONCE, ifRevision: 0 }))).code).toBe("stale_revision");
    expect((await problem(w.service.addRule(other(1), context(), { ...AT_ONCE, ifRevision: 9 }))).code).toBe("stale_revision");
    expect(
      (await problem(w.service.remove({ type: "clear_forwards", confirm: true }, context(), { waitMs: 0, ifRevision: 9 }))).code,
    ).toBe("stale_revision");
    expect((await w.service.addRule(other(1), context(), { ...AT_ONCE, ifRevision: 1 })).rule.id).toBe(2);
    expect(await w.messages()).toHaveLength(2);
  });

  it("is lost to somebody faster", async () => {
    const inner = new InMemoryEventStore<PolicyMessage>();
    let first = true;
    const w = await world(
      storeWith(
        {
          append: async (stream, message, options) => {
            if (first) {
              first = false;
              await inner.append(
                stream,
                { actor: "x", at: message.at, events: [{ type: "rule.deleted", version: 1, data: { id: 7 } }] },
                { expectedRevision: options.expectedRevision, commandId: "faster" },
              );
            }
            return inner.append(stream, message, options);
          },
        },
        inner,
      ),
    );
    expect((await problem(w.service.addRule(DROP, context(), { ...AT_ONCE, ifRevision: 0 }))).code).toBe("stale_revision");
    expect(w.metrics.conflicts).toBe(1);
    expect(w.state.rules.size).toBe(0);
  });
});

describe("many at once", () => {
  it("give every rule an id of its own, from two services", async () => {
    const a = await world();
    const b = await world(a.store);
    const added = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? a : b).service.addRule(other(n), context(), AT_ONCE)),
    );
    const ids = added.map(({ rule }) => rule.id).sort((x, y) => x - y);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    await Promise.all([a.reader.reached(40, 5_000), b.reader.reached(40, 5_000)]);
    expect(a.state).toEqual(b.state);
    expect(a.state.rules.size).toBe(40);
  });

  it("approve an alert once", async () => {
    const a = await world();
    const b = await world(a.store);
    const approved = await Promise.all([a, b, a, b].map((w) => w.service.approve(7, DROP, { actor: "x" }, AT_ONCE)));
    expect(new Set(approved.map(({ rule }) => rule.id))).toEqual(new Set([1]));
    expect(approved.filter(({ existing }) => !existing)).toHaveLength(1);
    expect(await a.messages()).toHaveLength(1);
    await a.service.remove({ type: "delete_rule", id: 1 }, context(), { waitMs: 0 });
    expect((await a.service.approve(7, DROP, { actor: "x" }, AT_ONCE)).rule.id).toBe(2);
  });
});

describe("trouble with the store", () => {
  it("is told at once when NATS is away, and reads go on", async () => {
    const w = await world();
    await w.service.addRule(DROP, context(), AT_ONCE);
    w.connection.connected = false;
    const refused = await problem(w.service.addRule(other(1), context(), AT_ONCE));
    expect([refused.code, refused.message]).toEqual(["nats_unavailable", "NATS cannot be reached: nothing was changed"]);
    expect(w.service.view().state.rules.size).toBe(1);
    expect(await w.messages()).toHaveLength(1);
  });

  it("is told in time when NATS hangs, also to those who wait in line", async () => {
    const w = await world(storeWith({ append: () => new Promise(() => undefined) }));
    const refused = await Promise.all([1, 2, 3].map((n) => problem(w.service.addRule(other(n), context(), AT_ONCE))));
    expect(refused.map(({ code }) => code)).toEqual(["nats_unavailable", "nats_unavailable", "nats_unavailable"]);
  });

  it("before the first reading leaves nothing to answer", async () => {
    const w = new World(
      storeWith({ follow: (_stream, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())) }),
    );
    worlds.push(w);
    expect(() => w.service.view()).toThrow(ProblemError);
    expect((await problem(w.service.addRule(DROP, context(), AT_ONCE))).code).toBe("nats_unavailable");
  });

  it.each([
    ["a store that refuses", new StoreUnavailable("append", "insufficient storage", "no"), "nats_unavailable"],
    ["endless conflicts", new RevisionConflict(POLICY, 0, 1), "conflict"],
    ["a message too large", new MessageTooLarge(POLICY, 2, 1), "limit_reached"],
    ["a message that cannot be read", new UnreadablePolicyMessage("newer"), "storage_unavailable"],
    ["what nobody thought of", new Error("boom"), "internal"],
  ])("has a code: %s", async (_, error, code) => {
    const w = await world(storeWith({ append: () => Promise.reject(error) }));
    expect((await problem(w.service.addRule(DROP, context(), AT_ONCE))).code).toBe(code);
  });
});
