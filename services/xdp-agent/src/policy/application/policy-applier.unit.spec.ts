import { policyState, type PolicyEvent, type PolicyState } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { PolicyChange } from "../../dataplane/domain/policy-change.js";
import { rule } from "../../testing/policies.js";
import { PolicyApplier, type InForce } from "./policy-applier.js";

const added = (id: number): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: rule(id) } });
const deleted = (id: number): PolicyEvent => ({ type: "rule.deleted", version: 1, data: { id } });
const message = (...events: PolicyEvent[]) => ({ actor: "test", at: "2026-01-01T00:00:00.000Z", events });
const ids = (state: PolicyState | undefined): number[] => [...(state?.rules.keys() ?? [])];

/** An applier over a plane that was left at `standing`. */
function harness(standing?: InForce) {
  const seen = { applied: [] as PolicyChange[], kept: [] as InForce[], reported: [] as number[], problems: new Map<string, string | undefined>() };
  let refuse: string | undefined;
  const plane = {
    revision: standing?.revision ?? 0,
    adopt: (state: PolicyState): boolean => ids(state).join() === ids(standing?.state).join(),
    apply: async (policy: PolicyChange): Promise<void> => {
      await Promise.resolve();
      if (refuse !== undefined) throw new Error(refuse);
      plane.revision = policy.revision;
      seen.applied.push(policy);
    },
  };
  const applier = new PolicyApplier({
    plane,
    keep: (policy) => { seen.kept.push(policy); },
    onApplied: (revision) => seen.reported.push(revision),
    onProblem: (kind, problem) => seen.problems.set(kind, problem),
  });
  return { applier, plane, seen, refuse: (why: string | undefined) => { refuse = why; } };
}

const kept = (revision: number, ...rules: number[]): InForce => ({ revision, state: policyState({ rules: rules.map((id) => rule(id)) }), messages: [] });

describe("PolicyApplier", () => {
  it("applies the newest state, folding what arrives meanwhile", async () => {
    const { applier, seen } = harness();
    for (let revision = 1; revision <= 50; revision++) applier.take(revision, message(added(revision)));
    await applier.idle();
    expect(ids(seen.applied.at(-1)?.state)).toHaveLength(50);
    expect(new Set(seen.applied.flatMap(({ touched }) => [...touched as Set<number>])).size).toBe(50);
    expect(seen.reported.at(-1)).toBe(50);
    expect(seen.applied.length).toBeLessThan(50);
    expect(seen.kept.flatMap(({ messages }) => messages ?? []).map(({ revision, previous }) => [previous, revision])).toEqual(Array.from({ length: 50 }, (_, i) => [i, i + 1]));
  });

  it("ignores what it has already folded", async () => {
    const { applier, seen } = harness();
    applier.take(5, message(added(1)));
    applier.take(5, message(deleted(1)));
    await applier.idle();
    expect(ids(seen.applied.at(-1)?.state)).toEqual([1]);
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
    expect(seen.kept.map(({ revision }) => revision)).toEqual([1]);
    refuse(undefined);
    applier.take(3, message(added(3)));
    await applier.idle();
    expect(plane.revision).toBe(3);
    expect(seen.problems.get("policy")).toBeUndefined();
    // What was refused is part of what came into force now.
    expect(seen.applied.at(-1)?.touched).toEqual(new Set([2, 3]));
    expect(seen.kept.at(-1)?.messages?.map(({ revision }) => revision)).toEqual([2, 3]);
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

  it("keeps a policy as a whole where too many changes led to it", async () => {
    const { applier, seen, refuse } = harness();
    refuse("no");
    for (let revision = 1; revision <= 1_500; revision++) applier.take(revision, message(added(1), deleted(1)));
    await applier.idle();
    refuse(undefined);
    applier.take(1_501, message(added(2)));
    await applier.idle();
    expect(seen.kept).toMatchObject([{ revision: 1_501, messages: undefined }]);
  });
});

describe("PolicyApplier after a restart", () => {
  it("puts a kept policy in force where the kernel has none, or an older one", async () => {
    for (const standing of [undefined, kept(3, 9)]) {
      const { applier, seen } = harness(standing);
      await applier.restore(kept(4, 1));
      expect(seen.applied.map(({ revision }) => revision)).toEqual([4]);
      if (standing) expect(seen.applied[0]?.touched).toBe("all");
    }
  });

  it("leaves the kernel alone where it stands at the kept policy", async () => {
    const { applier, seen } = harness(kept(4, 1));
    await applier.restore(kept(4, 1));
    expect(seen.applied).toEqual([]);
    applier.take(5, message(added(2)));
    await applier.idle();
    expect(seen.applied.map(({ touched }) => touched)).toEqual([new Set([2])]);
  });

  it("writes all of it where the kernel does not hold what its revision says", async () => {
    const { applier, seen } = harness(kept(4, 7));
    await applier.restore(kept(4, 1));
    expect(seen.applied.map(({ touched }) => touched)).toEqual(["all"]);
  });

  it("never goes back to a kept policy that is older than what the kernel stands at", async () => {
    const { applier, seen } = harness(kept(6, 1, 2, 3));
    await applier.restore(kept(4, 1));
    applier.take(5, message(added(2)));
    await applier.idle();
    expect(seen.applied).toEqual([]);
    applier.take(6, message(added(3)));
    await applier.idle();
    expect(seen.applied).toEqual([]);
    expect(seen.kept).toMatchObject([{ revision: 6, messages: [{ revision: 5 }, { revision: 6 }] }]);
    applier.caughtUp();
    expect(seen.problems.get("stream")).toBeUndefined();
  });

  it("says so where the stream ends before what the kernel stands at, and changes nothing", async () => {
    const { applier, plane, seen } = harness(kept(6, 1));
    applier.take(2, message(added(5)));
    await applier.idle();
    applier.caughtUp();
    expect(seen.problems.get("stream")).toMatch(/ends at 2.*revision 6 stays in force/);
    expect(plane.revision).toBe(6);
  });
});
