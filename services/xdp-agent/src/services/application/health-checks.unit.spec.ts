import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HealthChecks, type Checked } from "./health-checks.js";

const checked = (key: string, more: Partial<Checked["check"]> = {}): Checked =>
  ({ key, address: key, port: 80, check: { kind: "tcp", intervalMs: 1_000, timeoutMs: 500, rise: 2, fall: 3, ...more } });

describe("HealthChecks", () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it("tells when a backend goes down and up, and asks with its timeout", async () => {
    const asked: [string, number, number][] = [];
    const told: [string, boolean][] = [];
    let answer = false;
    const checks = new HealthChecks((...args) => { asked.push(args); return Promise.resolve(answer); }, (...change) => { told.push(change); });
    checks.set([checked("a")]);
    expect(checks.isUp("a")).toBe(true);
    await vi.advanceTimersByTimeAsync(2_500);
    expect([asked.length, told]).toEqual([3, [["a", false]]]);
    expect(asked[0]).toEqual(["a", 80, 500]);
    expect(checks.isUp("a")).toBe(false);
    answer = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told).toEqual([["a", false], ["a", true]]);
    checks.stop();
  });

  it("keeps what it knows when the list changes, and forgets what is not in it", async () => {
    const told: string[] = [];
    const checks = new HealthChecks(() => Promise.resolve(false), (key) => { told.push(key); });
    checks.set([checked("a"), checked("b", { fall: 1 })]);
    await vi.advanceTimersByTimeAsync(2_500);
    checks.set([checked("a"), checked("c")]);
    expect([checks.isUp("a"), checks.isUp("b"), checks.isUp("c")]).toEqual([false, true, true]);
    checks.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toEqual(["b", "a"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("drops the answer to a check of a backend that is gone", async () => {
    const told: string[] = [];
    let answer: (ok: boolean) => void = () => undefined;
    const checks = new HealthChecks(() => new Promise((resolve) => { answer = resolve; }), (key) => { told.push(key); });
    checks.set([checked("a", { fall: 1 })]);
    await vi.advanceTimersByTimeAsync(0);
    checks.set([]);
    answer(false);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([told, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
