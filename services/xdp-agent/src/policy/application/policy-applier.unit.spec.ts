import type { PolicyEvent } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { KernelPolicy } from "../../dataplane/domain/encode.js";
import { rule } from "../../testing/policies.js";
import type { LastGood } from "./last-good.js";
import { PolicyApplier } from "./policy-applier.js";

const added = (id: number): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: rule(id) } });
const message = (...events: PolicyEvent[]) => ({ actor: "test", at: "2026-01-01T00:00:00.000Z", events });

function harness() {
  const seen = { applied: [] as KernelPolicy[], saved: [] as LastGood[], reported: [] as number[], problems: new Map<string, string | undefined>() };
  let refuse: string | undefined;
  const plane = {
    revision: 0,
    apply: async (policy: KernelPolicy): Promise<void> => {
      await Promise.resolve();
      if (refuse !== undefined) throw new Error(refuse);
      plane.revision = policy.revision;
      seen.applied.push(policy);
    },
  };
  const applier = new PolicyApplier({
    plane,
    save: (lastGood) => { seen.saved.push(lastGood); return Promise.resolve(); },
    onApplied: (revision) => seen.reported.push(revision),
    onProblem: (kind, problem) => seen.problems.set(kind, problem),
  });
  return { applier, plane, seen, refuse: (why: string | undefined) => { refuse = why; } };
}

describe("PolicyApplier", () => {
  it("applies the newest state, folding what arrives meanwhile", async () => {
    const { applier, seen } = harness();
    for (let revision = 1; revision <= 50; revision++) applier.take(revision, message(added(revision)));
    await applier.idle();
    expect(seen.applied.at(-1)?.rules).toHaveLength(50);
    expect(seen.reported.at(-1)).toBe(50);
    expect(seen.applied.length).toBeLessThan(50);
    expect(seen.saved.at(-1)?.revision).toBe(50);
  });

  it("ignores what it has already folded", async () => {
    const { applier, seen } = harness();
    applier.take(5, message(added(1)));
    applier.take(5, message({ type: "rule.deleted", version: 1, data: { id: 1 } }));
    await applier.idle();
    expect(seen.applied.at(-1)?.rules).toHaveLength(1);
  });

  it("keeps the last good policy where a change cannot be applied, says so, and recovers", async () => {
    const { applier, plane, seen, refuse } = harness();
    applier.take(1, message(added(1)));
    await applier.idle();
    refuse("map full");
    applier.take(2, message(added(2)));
    await applier.idle();
    expect(plane.revision).toBe(1);
    expect(seen.problems.get("policy")).toMatch(/revision 2 is not in force: map full/);
    expect(seen.saved.at(-1)?.revision).toBe(1);
    refuse(undefined);
    applier.take(3, message(added(3)));
    await applier.idle();
    expect(plane.revision).toBe(3);
    expect(seen.problems.get("policy")).toBeUndefined();
  });

  it("does not guess past a message it cannot read", async () => {
    const { applier, plane, seen } = harness();
    applier.take(1, message(added(1)));
    applier.stopAt(2, "unknown version");
    applier.take(3, message(added(3)));
    await applier.idle();
    expect(plane.revision).toBe(1);
    expect(seen.problems.get("stream")).toMatch(/upgrade this agent/);
  });

  it("restores a kept policy, and leaves the kernel alone when it already stands there", async () => {
    const first = harness();
    first.applier.take(4, message(added(1)));
    await first.applier.idle();
    const kept = first.seen.saved.at(-1);
    if (!kept) throw new Error("nothing was kept");
    const second = harness();
    await second.applier.restore(kept);
    expect(second.seen.applied.map((policy) => policy.revision)).toEqual([4]);
    const third = harness();
    third.plane.revision = 4;
    await third.applier.restore(kept);
    expect(third.seen.applied).toEqual([]);
    expect(third.applier.revision).toBe(4);
  });
});
