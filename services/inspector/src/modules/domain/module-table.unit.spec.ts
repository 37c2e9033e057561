import { describe, expect, it } from "vitest";
import { ModuleTable } from "./module-table.js";

const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;
const offer = (name: string, version = 1) => ({ name, version: `${version}.0.0`, digest: digest(version), title: name });
const binding = (name: string, bit: number, version = 1) => [name, { ...offer(name, version), bit }] as const;

describe("ModuleTable", () => {
  it("waits for the policy, and follows it", () => {
    const table = new ModuleTable(3);
    expect([table.offer(offer("ips")), table.offer(offer("waf")), table.offer(offer("ips"))]).toEqual([
      { slot: 0, changed: true }, { slot: 1, changed: true }, { slot: 0, changed: false },
    ]);
    expect(table.list().map(({ state }) => state)).toEqual(["waiting", "waiting"]);
    expect(table.runningMask()).toBe(0);
    expect(table.bind(new Map([binding("waf", 31), binding("other", 2)]))).toEqual([1]);
    expect(table.list().map(({ state }) => state)).toEqual(["waiting", "running"]);
    expect(table.runningMask()).toBe(0x8000_0000);
    expect(table.bind(new Map([binding("waf", 31), binding("ips", 0)]))).toEqual([0]);
    expect(table.problems()).toEqual([]);
  });

  it("says when the policy has another version, and runs all the same", () => {
    const table = new ModuleTable(3);
    table.offer(offer("ips", 2));
    table.bind(new Map([binding("ips", 0)]));
    expect(table.list()[0]?.state).toBe("running");
    expect(table.problems()).toEqual([
      "module ips runs as version 2.0.0 (sha256:222222222222), the policy has 1.0.0 (sha256:111111111111)",
    ]);
  });

  it("quarantines at the last strike, until there is a new digest", () => {
    const table = new ModuleTable(3);
    for (const name of ["ips", "waf"]) table.offer(offer(name));
    table.bind(new Map([binding("ips", 0), binding("waf", 1)]));
    expect(table.strike(0, digest(1), "late")).toBe("restart");
    // The one without strikes comes first.
    expect(table.runnable()).toEqual([1, 0]);
    const sentences = [[1, "late"], [9, "old"], [1, "trapped: x"]] as const;
    expect(sentences.map(([version, fault]) => table.strike(0, digest(version), fault)))
      .toEqual(["restart", "stale", "quarantined"]);
    expect(table.strike(0, digest(1), "late")).toBe("stale");
    expect([table.runnable(), table.runningMask()]).toEqual([[1], 0b10]);
    expect(table.list()[0]).toMatchObject({ state: "quarantined", strikes: 3 });
    expect(table.problems()[0]).toContain("(last: trapped: x)");
    expect(table.offer(offer("ips", 2))).toEqual({ slot: 0, changed: true });
    expect(table.list()[0]).toMatchObject({ state: "running", strikes: 0 });
  });

  it("takes 32 modules", () => {
    const table = new ModuleTable(1);
    const taken = Array.from({ length: 33 }, (_, i) => table.offer(offer(`m${i}`)));
    expect(taken[31]).toEqual({ slot: 31, changed: true });
    expect(taken[32]).toBeUndefined();
  });
});
