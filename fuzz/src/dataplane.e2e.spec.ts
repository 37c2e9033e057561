import { needs } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCorpus } from "./corpus.js";
import { describeFinding, run } from "./run.js";
import { openSideBySide, type SideBySide } from "./side-by-side.js";

needs(describe, "kernel")("the filter in the kernel and the model", () => {
  let bench: SideBySide;
  beforeAll(() => { bench = openSideBySide(); });
  afterAll(() => bench.plane.close());

  it.each(readCorpus())("agree on what they once disagreed on: $file", async ({ case: known }) => {
    expect(await bench.replay(known)).toBeUndefined();
  });

  it("agree on random policies and frames", async () => {
    const result = await run(bench, { seed: 20_261_122, packets: 80_000, seconds: 60, mismatches: 1, batch: 2_048 });
    expect(result.findings.map((finding) => describeFinding(finding, "(not kept)"))).toEqual([]);
    // A run that never drops, rejects or uses the flow cache shows nothing.
    expect(result.packets).toBeGreaterThan(10_000);
    for (const verdict of ["pass", "drop", "reject", "cached"]) expect(result.verdicts[verdict], verdict).toBeGreaterThan(0);
  });

  it("disagree where the model is told another policy", async () => {
    const rules = [
      { id: 1, priority: 5, action: "pass" as const, src: "10.0.0.0/8", dst: "any", proto: "udp" },
      { id: 2, priority: 9, action: "drop" as const, src: "any", dst: "any", proto: "any" },
    ];
    const policy = { rules, forwards: [], sets: new Map(), allow: [] };
    await bench.apply(policy, "overlay", true);
    const frame = new Uint8Array(60);
    frame.set([8, 0, 0x45], 12);
    bench.program.put(0, frame);
    expect(bench.compare(policy, 1)).toBeUndefined();
    const changed = { ...policy, rules: rules.slice(0, 1) };
    bench.program.put(0, frame);
    expect(bench.compare(changed, 1)).toEqual({ index: 0, what: expect.stringContaining("pass expected, the program said drop") as string });
  });
});
