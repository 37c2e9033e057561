import { expect, it } from "vitest";
import { TestClock } from "../../testing/world.js";
import { LIVE_MS, LiveRegistry } from "./live-registry.js";

const setup = () => {
  const clock = new TestClock();
  return { clock, registry: new LiveRegistry<number>(clock) };
};
const live = (registry: LiveRegistry<number>) => registry.live().map(({ id }) => id);

it("calls an owner live for three seconds after its last word", () => {
  const { clock, registry } = setup();
  registry.put("b", 1);
  registry.put("a", 1);
  expect(live(registry)).toEqual(["a", "b"]);
  clock.forward(LIVE_MS - 500);
  registry.put("a", 2);
  clock.forward(1_000);
  expect(live(registry)).toEqual(["a"]);
  expect(registry.all().map(({ id, status, live: alive }) => [id, status, alive])).toEqual([["a", 2, true], ["b", 1, false]]);
});

it("does not take old news for a sign of life", () => {
  const { clock, registry } = setup();
  registry.put("a", 1, true);
  expect(registry.all()[0]).toMatchObject({ live: true, provisional: true });
  registry.put("a", 2);
  clock.forward(LIVE_MS + 1);
  registry.put("a", 2, true);
  expect(registry.all()[0]).toMatchObject({ live: false, provisional: false });
});

it("gives those who were live before a break a new term", () => {
  const { clock, registry } = setup();
  registry.put("dead", 1);
  clock.forward(LIVE_MS + 1);
  registry.put("alive", 1);
  registry.disconnected();
  clock.forward(60_000);
  expect(live(registry)).toEqual([]);
  registry.connected();
  expect(registry.live()).toMatchObject([{ id: "alive", provisional: true }]);
  clock.forward(LIVE_MS + 1);
  expect(live(registry)).toEqual([]);
});

it("forgets owners that end, that are silent for a day, and the most silent of too many", () => {
  const { clock, registry } = setup();
  registry.put("a", 1);
  registry.delete("a");
  expect(registry.all()).toEqual([]);
  registry.put("a", 1);
  clock.forward(24 * 3_600_000 + 1);
  expect(registry.all()).toEqual([]);
  for (let n = 0; n < 1_100; n++) registry.put(`n${n}`, n);
  expect(registry.all()).toHaveLength(1_024);
  expect(registry.all().some(({ id }) => id === "n75")).toBe(false);
  expect(registry.all().some(({ id }) => id === "n76")).toBe(true);
});

it("tells of changes until it is asked to stop", () => {
  const { registry } = setup();
  let calls = 0;
  const stop = registry.onChange(() => (calls += 1));
  registry.put("a", 1);
  registry.delete("a");
  registry.delete("a");
  stop();
  registry.put("a", 1);
  expect(calls).toBe(2);
});
