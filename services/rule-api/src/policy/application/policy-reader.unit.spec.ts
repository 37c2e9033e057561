import type { PolicyEvent, PolicyMessage } from "@secuxflow/contracts";
import { HistoryRewound, InMemoryEventStore, type EventStore, type FollowOptions, type Stored } from "@secuxflow/event-store";
import { afterEach, expect, it } from "vitest";
import { moduleRegistered, ruleAdded, standing } from "../domain/testing.js";
import { silent } from "../../testing/world.js";
import { EMPTY_VIEW, PolicyReader, project } from "./policy-reader.js";

let controllers: AbortController[] = [];
afterEach(() => {
  for (const each of controllers) each.abort();
  controllers = [];
});

const run = (reader: PolicyReader): void => {
  const controller = new AbortController();
  controllers.push(controller);
  void reader.run(controller.signal);
};

const stored = (revision: number, ...events: PolicyEvent[]): Stored<PolicyMessage> => ({
  revision,
  time: new Date(0),
  commandId: `c${revision}`,
  message: { actor: "x", at: "2026-01-01T00:00:00Z", events },
});

/** A store whose following is in the hands of the test. */
class Scripted implements Pick<EventStore<PolicyMessage>, "follow"> {
  readonly followed: FollowOptions<PolicyMessage>[] = [];
  #fail: ((error: Error) => void) | undefined;

  follow(_stream: string, options: FollowOptions<PolicyMessage>): Promise<void> {
    this.followed.push(options);
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      options.signal.addEventListener("abort", () => resolve());
    });
  }

  fail(error: Error): void {
    this.#fail?.(error);
  }

  get current(): FollowOptions<PolicyMessage> {
    const last = this.followed.at(-1);
    if (!last) throw new Error("nobody follows");
    return last;
  }
}

const ruleOf = (id: number, expiresAt?: string) => standing(id, { src: `10.0.0.${id}`, action: "drop" }, expiresAt);
const rule = (id: number) => ruleAdded(id, { src: `10.0.0.${id}`, action: "drop" });

it("shows nothing before it has caught up, then every change", async () => {
  const store = new Scripted();
  const reader = new PolicyReader(store as unknown as EventStore<PolicyMessage>, "default", silent);
  run(reader);
  await store.current.onMessage(stored(3, rule(1)));
  expect(reader.view).toBeUndefined();
  store.current.onCaughtUp?.(3);
  expect(reader.view?.revision).toBe(3);
  const seen: number[] = [];
  const end = reader.onChange(({ revision }) => seen.push(revision));
  await store.current.onMessage(stored(5, rule(2)));
  end();
  await store.current.onMessage(stored(6, rule(3)));
  expect(seen).toEqual([3, 5]);
  expect([...(reader.view?.since.rules ?? [])]).toEqual([
    [1, 3],
    [2, 5],
    [3, 6],
  ]);
});

it("keeps the last good policy before a message that it cannot read", async () => {
  const store = new Scripted();
  const reader = new PolicyReader(store as unknown as EventStore<PolicyMessage>, "default", silent);
  run(reader);
  await store.current.onMessage(stored(1, rule(1)));
  store.current.onCaughtUp?.(1);
  await store.current.onUnreadable?.(2, new Error("rule.added@9"));
  await store.current.onMessage(stored(3, rule(2)));
  expect(reader.view?.revision).toBe(1);
  expect(reader.problem).toContain("revision 2 of the policy: rule.added@9");
});

it("reads everything again when history was lost, and shows the old view until then", async () => {
  const store = new Scripted();
  const reader = new PolicyReader(store as unknown as EventStore<PolicyMessage>, "default", silent);
  run(reader);
  await store.current.onMessage(stored(8, rule(1)));
  store.current.onCaughtUp?.(8);
  let told = 0;
  reader.onRewound(() => (told += 1));
  store.fail(new HistoryRewound("default", 8, 2));
  await expect.poll(() => store.followed.length).toBe(2);
  expect([store.current.after, told]).toEqual([0, 1]);
  expect(reader.view?.revision).toBe(8);
  await store.current.onMessage(stored(2, rule(5)));
  expect(reader.view?.revision).toBe(8);
  store.current.onCaughtUp?.(2);
  expect([...(reader.view?.state.rules.keys() ?? [])]).toEqual([5]);
});

it("goes on where it was after any other interruption", async () => {
  const store = new Scripted();
  const reader = new PolicyReader(store as unknown as EventStore<PolicyMessage>, "default", silent);
  run(reader);
  await store.current.onMessage(stored(4, rule(1)));
  store.current.onCaughtUp?.(4);
  store.fail(new Error("broken"));
  await expect.poll(() => store.followed.length).toBe(2);
  expect(store.current.after).toBe(4);
});

it("tells whether a revision was reached", async () => {
  const store = new InMemoryEventStore<PolicyMessage>();
  const reader = new PolicyReader(store, "default", silent);
  run(reader);
  expect(await reader.reached(0, 1_000)).toBe(true);
  const waiting = reader.reached(1, 5_000);
  await store.append("default", stored(1, rule(1)).message, { expectedRevision: 0, commandId: "a" });
  expect(await waiting).toBe(true);
  expect(await reader.reached(2, 5)).toBe(false);
});

it("projects what history tells", () => {
  const first = project(EMPTY_VIEW, stored(2, rule(1), rule(2), moduleRegistered("ips", 0)));
  expect(first.registered.size).toBe(1);
  expect(project(first, stored(2, rule(9)))).toBe(first);
  const cleared = project(first, stored(4, { type: "rules.cleared", version: 1, data: { ids: [1, 2] } }));
  expect([cleared.since.rules.size, cleared.state.rules.size, cleared.state.nextRuleId]).toEqual([0, 0, 3]);
});

it("projects what bulk changes, sets and services tell", () => {
  const due = "2026-01-01T00:10:00.000Z";
  const [one, two, three] = [ruleOf(1), ruleOf(2, due), ruleOf(3)];
  const added = project(EMPTY_VIEW, stored(2, { type: "rules.added", version: 1, data: { rules: [one, two] } }));
  expect([[...added.since.rules], [...added.expiring]]).toEqual([
    [
      [1, 2],
      [2, 2],
    ],
    [[2, Date.parse(due)]],
  ]);
  // A rule that stays keeps the revision it came with.
  const replaced = project(added, stored(5, { type: "rules.replaced", version: 1, data: { rules: [one, three] } }));
  expect([[...replaced.since.rules], replaced.expiring.size]).toEqual([
    [
      [1, 2],
      [3, 5],
    ],
    0,
  ]);
  const sets = project(
    replaced,
    stored(
      7,
      { type: "set.created", version: 1, data: { name: "bad", entries: ["10.0.0.1"] } },
      { type: "set.created", version: 1, data: { name: "gone", entries: [] } },
      { type: "set.deleted", version: 1, data: { name: "gone" } },
    ),
  );
  const changed = project(sets, stored(9, { type: "set.changed", version: 1, data: { name: "bad", add: ["10.0.0.2"], remove: [] } }));
  expect([[...sets.since.sets], [...changed.since.sets], changed.state.sets.get("bad")?.entries.size]).toEqual([
    [["bad", 7]],
    [["bad", 9]],
    2,
  ]);
});
