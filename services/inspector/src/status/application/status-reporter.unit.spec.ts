import { describe, expect, it } from "vitest";
import { StatusReporter } from "./status-reporter.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe("StatusReporter", () => {
  it("makes one write of many changes, and one more for what changed meanwhile, also after a failure", async () => {
    const writes: (() => void)[] = [];
    let fail = false;
    const reporter = new StatusReporter(() => new Promise((resolve, reject) => {
      writes.push(() => (fail ? reject(new Error("NATS is away")) : resolve()));
    }), 60_000);
    for (let i = 0; i < 64; i++) reporter.changed();
    await turn();
    expect(writes).toHaveLength(1);
    reporter.changed();
    reporter.changed();
    fail = true;
    writes[0]?.();
    await turn();
    expect(writes).toHaveLength(2);
    writes[1]?.();
    await turn();
    fail = false;
    reporter.changed();
    await turn();
    expect(writes).toHaveLength(3);
    writes[2]?.();
    await reporter.stop();
    reporter.changed();
    await turn();
    expect(writes).toHaveLength(3);
  });
});
