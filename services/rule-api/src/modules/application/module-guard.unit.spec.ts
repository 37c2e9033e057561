import { policyState, SortedMap, uncontrolled, type InspectorModule, type InspectorStatus, type ModuleControl } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { EMPTY_VIEW, type PolicyView } from "../../policy/application/policy-reader.js";
import { inspectorStatus } from "../../testing/world.js";
import { measures } from "./module-guard.js";

const now = "2026-11-22T12:00:00.000Z";
const digest = (n: number): string => `sha256:${n.toString(16).padStart(64, "0")}`;
const view = (control: Partial<ModuleControl>): PolicyView => ({
  ...EMPTY_VIEW, revision: 9, state: policyState({ controls: [{ ...uncontrolled("m"), ...control }] }),
  since: { ...EMPTY_VIEW.since, modules: SortedMap.from([["m", 7]]) },
});
const says = (module: Partial<InspectorModule>, revision = 8): InspectorStatus => {
  const status = inspectorStatus("one", [{ name: "m", digest: digest(1) }]);
  return { ...status, revision, modules: status.modules.map((one) => ({ ...one, ...module })) };
};
const of = (control: Partial<ModuleControl>, ...statuses: InspectorStatus[]) => measures(view(control), statuses, now);
const quarantined = { state: "quarantined", strikes: 3 } as const;
const canary = { choice: { version: digest(2) }, share: 1_000, startedAt: now };
const failed = (problem: string) => ({ canary: { version: "2", digest: digest(2), share: 1_000, state: "failed" as const, problem } });

describe("measures", () => {
  it("cut a module off everywhere that one inspector has cut off", () => {
    expect(of({}, says(quarantined), says(quarantined))).toEqual([{
      type: "quarantine_module", name: "m",
      quarantine: { reason: "it failed 3 times", strikes: 3, inspector: "one", digest: digest(1), at: now },
    }]);
  });

  it("take back a canary and an upgrade that do not work", () => {
    expect(of({ canary }, says(failed("rejected: trapped")))).toMatchObject([{ type: "rollback_module", only: canary.choice }]);
    const refused = { refused: { version: digest(3), problem: "rejected: self-test" } };
    expect(of({ active: { version: digest(3) }, previous: [{}] }, says(refused))).toMatchObject([{ type: "rollback_module" }]);
    const rules = { refused: { version: digest(1), rules: digest(4), problem: "rejected: bad-rules" } };
    expect(of({ active: { rules: digest(4) }, previous: [{}] }, says(rules))).toMatchObject([{ type: "rollback_module" }]);
  });

  it.each([
    ["words from before the last decision", of({}, says(quarantined, 6))],
    ["what is cut off already", of({ quarantine: { reason: "r", strikes: 3, at: now } }, says(quarantined))],
    ["another version than the one in force", of({ active: { version: digest(9) } }, says(quarantined))],
    ["a missing key", of({ canary }, says(failed("untrusted: no key")))],
    ["an upgrade with nothing before it", of({ active: { version: digest(3) } }, says({ refused: { version: digest(3), problem: "rejected: x" } }))],
    ["a module that is well", of({ canary }, says({}))],
  ])("are not taken for %s", (_what, taken) => {
    expect(taken).toEqual([]);
  });
});
