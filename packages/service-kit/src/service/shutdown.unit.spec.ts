import { describe, expect, it } from "vitest";
import { ShutdownSequence } from "./shutdown.js";

const sequence = () => new ShutdownSequence(["intake", "drain", "close"]);
const LONG = 60_000;

describe("ShutdownSequence", () => {
  it("runs phases in order, whatever the order of adding, and each only when the one before has ended", async () => {
    const shutdown = sequence();
    const events: string[] = [];
    const task = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise(setImmediate);
      events.push(`${name} ends`);
    };
    shutdown.add("close", "nats", task("nats"));
    shutdown.add("intake", "http", task("http"));
    shutdown.add("drain", "queue", task("queue"));
    const report = await shutdown.run({ deadlineMs: LONG });
    expect(events).toEqual(["http begins", "http ends", "queue begins", "queue ends", "nats begins", "nats ends"]);
    expect(report).toEqual({ outcome: "done", errors: [], pending: [] });
  });

  it("runs the tasks of one phase together", async () => {
    const shutdown = sequence();
    let release = () => undefined as void;
    shutdown.add("drain", "waits", () => new Promise<void>((resolve) => (release = resolve)));
    shutdown.add("drain", "releases", () => release());
    expect((await shutdown.run({ deadlineMs: LONG })).outcome).toBe("done");
  });

  it("goes on after failures and reports them", async () => {
    const shutdown = sequence();
    let closed = false;
    const broken = new Error("broken");
    shutdown.add("intake", "sync", () => {
      throw broken;
    });
    shutdown.add("drain", "async", () => Promise.reject(broken));
    shutdown.add("close", "files", () => (closed = true));
    const report = await shutdown.run({ deadlineMs: LONG });
    expect(closed).toBe(true);
    expect(report.errors).toEqual([
      { phase: "intake", task: "sync", error: broken },
      { phase: "drain", task: "async", error: broken },
    ]);
  });

  it("ends at its deadline and names what had not ended", async () => {
    const shutdown = sequence();
    let closed = false;
    shutdown.add("drain", "stuck", () => new Promise(() => undefined));
    shutdown.add("drain", "fine", () => undefined);
    shutdown.add("close", "files", () => (closed = true));
    expect(await shutdown.run({ deadlineMs: 10 })).toEqual({ outcome: "deadline", errors: [], pending: ["drain/stuck"] });
    expect(closed).toBe(false);
  });

  it("runs once, however often it is asked", async () => {
    const shutdown = sequence();
    let count = 0;
    shutdown.add("close", "x", () => count++);
    expect(shutdown.started).toBe(false);
    const [one, two] = await Promise.all([shutdown.run({ deadlineMs: LONG }), shutdown.run({ deadlineMs: LONG })]);
    expect(one).toBe(two);
    expect(count).toBe(1);
    expect(shutdown.started).toBe(true);
  });

  it("runs a task at once whose phase has passed, and waits for it", async () => {
    const shutdown = sequence();
    const events: string[] = [];
    shutdown.add("drain", "opens late", () => {
      shutdown.add("intake", "late", async () => {
        await new Promise(setImmediate);
        events.push("late closed");
      });
      shutdown.add("close", "later", () => events.push("close ran"));
    });
    await shutdown.run({ deadlineMs: LONG });
    expect(events.sort()).toEqual(["close ran", "late closed"]);
  });

  it("tells its listener of each phase and refuses one that is not declared", async () => {
    const shutdown = sequence();
    shutdown.add("close", "x", () => undefined);
    const seen: [string, readonly string[]][] = [];
    await shutdown.run({ deadlineMs: LONG, listener: { phase: (phase, tasks) => seen.push([phase, tasks]) } });
    expect(seen).toEqual([["intake", []], ["drain", []], ["close", ["x"]]]);
    expect(() => sequence().add("nothing" as "close", "x", () => undefined)).toThrow(/no shutdown phase "nothing"/);
  });
});
