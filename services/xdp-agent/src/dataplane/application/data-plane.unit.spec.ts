import { describe, expect, it } from "vitest";
import { FakeKernel } from "../../testing/fake-kernel.js";
import { rule } from "../../testing/policies.js";
import { readPolicy } from "../domain/encode.js";
import { KERNEL_LIMITS } from "../domain/layout.js";
import { DataPlane } from "./data-plane.js";

const policy = (revision: number, ...ids: number[]) => ({ revision, rules: ids.map((id) => rule(id)), forwards: [] });

describe("DataPlane", () => {
  it("writes only generations that no packet reads", async () => {
    const kernel = new FakeKernel();
    const plane = new DataPlane(kernel);
    const spare = KERNEL_LIMITS.generations - 1;
    for (let revision = 1; revision <= spare; revision++) await plane.apply(policy(revision, revision));
    expect(new Set([0, ...kernel.activated]).size).toBe(KERNEL_LIMITS.generations);
    const next = plane.apply(policy(spare + 1, 2));
    await Promise.resolve();
    expect(plane.revision).toBe(spare);
    // The first grace period frees what was retired before it began: one generation.
    await kernel.endGracePeriodsUntil(next);
    expect(plane.revision).toBe(spare + 1);
  });

  it("keeps the counters of rules that stay and zeroes those of new ones before they count", async () => {
    const kernel = new FakeKernel();
    const plane = new DataPlane(kernel);
    await plane.apply(policy(1, 10, 11));
    const before = plane.ruleCounters();
    await plane.apply(policy(2, 11, 12));
    expect(plane.ruleCounters().get(11)).toEqual(before.get(11));
    expect(kernel.zeroed).toHaveLength(3);
    expect(plane.ruleCounters().has(10)).toBe(false);
  });

  it("does not give a deleted rule's counter to a new rule before the grace period", async () => {
    const kernel = new FakeKernel();
    const plane = new DataPlane(kernel);
    await plane.apply(policy(1, 1));
    const old = plane.ruleCounters().get(1)?.packets;
    await plane.apply(policy(2));
    await plane.apply(policy(3, 2));
    expect(plane.ruleCounters().get(2)?.packets).not.toBe(old);
  });

  it("goes on after a restart from what stands in the maps", async () => {
    const kernel = new FakeKernel();
    await new DataPlane(kernel).apply(policy(9, 4, 5));
    const slots = readPolicy(kernel.generations[kernel.active()] ?? new Uint8Array())?.rules;
    kernel.zeroed.length = 0;
    const again = new DataPlane(kernel);
    expect(again.revision).toBe(9);
    await again.apply(policy(10, 4, 5));
    expect(kernel.zeroed).toEqual([]);
    expect(readPolicy(kernel.generations[kernel.active()] ?? new Uint8Array())?.rules).toEqual(slots);
  });
});
