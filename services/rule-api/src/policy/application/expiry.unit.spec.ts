import type { PolicyMessage } from "@secuxflow/contracts";
import { InMemoryEventStore } from "@secuxflow/event-store";
import { afterEach, expect, it } from "vitest";
import { AT_ONCE, context, silent, spec, World } from "../../testing/world.js";
import { ExpiryScheduler, expiryCommandId } from "./expiry.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const start = async (store?: InMemoryEventStore<PolicyMessage>): Promise<World> => {
  const world = await new World(store).ready();
  const scheduler = new ExpiryScheduler(world.reader, world.service, world.clock, silent);
  scheduler.start();
  cleanups.push(
    () => scheduler.stop(),
    () => world.close(),
  );
  return world;
};

const add = (world: World, n: number, ttlMs?: number) =>
  world.service.addRule(
    spec({ src: `10.0.0.${n}`, action: "drop", ...(ttlMs === undefined ? {} : { ttlMs }) }),
    context(),
    AT_ONCE,
  );

const expired = async (world: World) =>
  (await world.messages()).flatMap(({ events }) => events).filter(({ type }) => type === "rule.expired");

it("expires what is due, by an event of its own, and leaves the rest", async () => {
  const world = await start();
  await add(world, 1, 1_000);
  await add(world, 2, 3_600_000);
  await add(world, 3);
  await expect.poll(() => [...world.state.rules.keys()], { timeout: 5_000 }).toEqual([2, 3]);
  expect(await expired(world)).toEqual([{ type: "rule.expired", version: 1, data: { id: 1 } }]);
  expect((await world.messages()).at(-1)?.actor).toBe("system:rule-api");
});

it("expires on start what became due while nobody ran", async () => {
  const store = new InMemoryEventStore<PolicyMessage>();
  const before = await new World(store).ready();
  await add(before, 1, 1_000);
  await before.close();
  const world = new World(store);
  world.clock.forward(3_600_000);
  const scheduler = new ExpiryScheduler(world.reader, world.service, world.clock, silent);
  scheduler.start();
  cleanups.push(
    () => scheduler.stop(),
    () => world.close(),
  );
  await expect.poll(() => world.reader.view?.state.rules.size, { timeout: 5_000 }).toBe(0);
});

it("is done once by several at once", async () => {
  const store = new InMemoryEventStore<PolicyMessage>();
  const worlds = await Promise.all([start(store), start(store), start(store)]);
  await Promise.all([1, 2, 3].map((n) => add(worlds[0], n, 1_000)));
  for (const world of worlds) await expect.poll(() => world.state.rules.size, { timeout: 5_000 }).toBe(0);
  const ids = (await expired(worlds[0])).map(({ data }) => (data as { id: number }).id);
  expect(ids.sort()).toEqual([1, 2, 3]);
});

it("tries again when the store was away", async () => {
  const world = await start();
  await add(world, 1, 1_000);
  world.connection.connected = false;
  await expect.poll(() => world.metrics.results.includes("expire_rules nats_unavailable"), { timeout: 5_000 }).toBe(true);
  expect(world.state.rules.size).toBe(1);
  world.connection.connected = true;
  await expect.poll(() => world.state.rules.size, { timeout: 5_000 }).toBe(0);
});

it("has one id for the same rules, short for many", () => {
  expect(expiryCommandId([3, 5])).toBe("expire:3,5");
  const many = Array.from({ length: 4_096 }, (_, n) => n);
  expect(expiryCommandId(many)).toHaveLength("expire:".length + 64);
  expect(expiryCommandId(many)).not.toBe(expiryCommandId(many.slice(1)));
});
