import { expect, it } from "vitest";
import { Deadline } from "./problems.js";

const never = (): Promise<never> => new Promise(() => undefined);

it("a deadline ends what does not answer, and tells by its signal", async () => {
  const deadline = new Deadline(10);
  await expect(deadline.hold(never())).rejects.toMatchObject({ name: "TimeoutError" });
  expect(deadline.signal.aborted).toBe(true);
});

it("a deadline does not count the work of this process", async () => {
  const deadline = new Deadline(50);
  const busyUntil = performance.now() + 120;
  while (performance.now() < busyUntil); // nothing else runs meanwhile, timers neither
  deadline.restart();
  await expect(deadline.hold(new Promise((resolve) => setImmediate(() => resolve("done"))))).resolves.toBe("done");
  expect(deadline.signal.aborted).toBe(false);
});
