import { ProblemError, ServiceSpec } from "@secuxflow/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AT_ONCE, context, spec, World } from "../../testing/world.js";

let world: World;
beforeEach(async () => void (world = await new World().ready()));
afterEach(() => world.close());

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof ProblemError) return error.code;
  throw new Error("it was done");
};
const shop = (address = "10.0.0.5") => ServiceSpec.parse({ name: "shop", address });

describe("a retry with the same key", () => {
  it("is told what was done the first time, and nothing is done again", async () => {
    const { things } = world;
    const twice = async <T>(key: string, act: (key: string) => Promise<T>): Promise<[T, T]> => [await act(key), await act(key)];
    const [made, again] = await twice("k1", (key) => things.createSet({ name: "bad", entries: ["10.0.0.1"] }, context(key), AT_ONCE));
    expect([made.entries, again.entries, again.enforcement.revision]).toEqual([1, 1, made.enforcement.revision]);
    const add = { add: ["10.0.0.2"], remove: [] };
    const [first, second] = await twice("k2", (key) => things.changeSet("bad", add, context(key), AT_ONCE));
    expect([first.added, second.added, second.entries]).toEqual([1, 1, 2]);
    await twice("k3", (key) => things.replaceSet("bad", ["10.0.0.9"], context(key), AT_ONCE));
    await twice("k4", (key) => things.addService(shop(), context(key), AT_ONCE));
    await twice("k5", (key) => things.changeProtection({ synCookies: "on" }, context(key), AT_ONCE));
    await twice("k6", (key) => things.deleteSet("bad", context(key), { waitMs: 0 }));
    await twice("k7", (key) => things.deleteService("shop", context(key), { waitMs: 0 }));
    expect(await world.messages()).toHaveLength(7);
    expect([world.state.sets.size, world.state.services.size, world.state.protection.synCookies]).toEqual([0, 0, "on"]);
  });

  it("of another command is refused", async () => {
    const { things, service } = world;
    const key = () => context("used");
    await things.createSet({ name: "bad", entries: ["10.0.0.1"] }, key(), AT_ONCE);
    for (const attempt of [
      () => things.createSet({ name: "other", entries: [] }, key(), AT_ONCE),
      () => things.changeSet("bad", { add: ["10.0.0.2"], remove: [] }, key(), AT_ONCE),
      () => things.replaceSet("bad", [], key(), AT_ONCE),
      () => things.deleteSet("bad", key(), { waitMs: 0 }),
      () => things.addService(shop(), key(), AT_ONCE),
      () => things.changeProtection({ synCookies: "on" }, key(), AT_ONCE),
      () => service.importRules({ mode: "add", rules: [spec({ action: "drop", src: "10.0.0.1" })] }, key(), AT_ONCE),
    ])
      expect(await codeOf(attempt())).toBe("conflict");
    expect(await world.messages()).toHaveLength(1);
  });
});

it("what makes no difference stores nothing, and says so", async () => {
  const { things } = world;
  await things.createSet({ name: "bad", entries: ["10.0.0.1"] }, context(), AT_ONCE);
  expect(await things.changeSet("bad", { add: ["10.0.0.1"], remove: ["10.9.9.9"] }, context(), AT_ONCE)).toMatchObject({
    added: 0,
    removed: 0,
    entries: 1,
  });
  expect(await things.replaceSet("bad", ["10.0.0.1"], context(), AT_ONCE)).toMatchObject({ added: 0, removed: 0, entries: 1 });
  expect((await things.changeProtection({ synCookies: "off" }, context(), AT_ONCE)).protection.synCookies).toBe("off");
  expect(await world.messages()).toHaveLength(1);
});

it("a stale revision changes nothing", async () => {
  const { things } = world;
  await things.createSet({ name: "bad", entries: [] }, context(), AT_ONCE);
  const stale = { ...AT_ONCE, ifRevision: 0 };
  expect(await codeOf(things.changeSet("bad", { add: ["10.0.0.1"], remove: [] }, context(), stale))).toBe("stale_revision");
  expect(await codeOf(things.deleteSet("bad", context(), { waitMs: 0, ifRevision: 0 }))).toBe("stale_revision");
  expect(await world.messages()).toHaveLength(1);
});
