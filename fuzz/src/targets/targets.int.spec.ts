import { describe, expect, it } from "vitest";
import { campaign, judge } from "../engine/campaign.js";
import { readFindings } from "../engine/corpus.js";
import { targets } from "./all.js";

// Compiles parts of the engine when they have changed: that takes longer than the runs.
describe.each([...targets])("fuzzing %s", (name, make) => {
  it("does not fail again where it once failed, nor in a small run", async () => {
    const target = await make();
    for (const { file, finding } of readFindings(name)) expect(await judge(target, finding.input), file).toBeUndefined();
    for (const seed of target.seeds.slice(0, 3)) expect(await judge(target, seed)).toBeUndefined();
    const { findings, inputs } = await campaign(target, { seed: 1, seconds: 1, inputs: 200 });
    expect(findings.map(({ note }) => note)).toEqual([]);
    expect(inputs).toBeGreaterThan(0);
  }, 120_000);
});
