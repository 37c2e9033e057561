/** `npm run fuzz -- dataplane`: runs against the kernel. Loaded only for it: the other targets need no kernel. */
import { writeFileSync } from "node:fs";
import { problemWith } from "@secuxflow/testkit";
import { describeFinding, run, type RunResult } from "./run.js";
import { openSideBySide } from "./side-by-side.js";
import { keepFinding, replayCorpus } from "./corpus.js";
import type { Wanted } from "./wanted.js";

const document = ({ seed }: Wanted, { findings, ...rest }: RunResult): string =>
  `${JSON.stringify({ fuzz: "dataplane", seed, ...rest, mismatches: findings.map(({ what }) => what) }, null, 2)}\n`;

/** @returns the exit code */
export async function fuzzDataplane(options: Wanted): Promise<number> {
  const problem = problemWith("kernel");
  if (problem !== undefined) {
    console.error(`the data plane runs in the kernel: this machine ${problem}`);
    return 1;
  }
  const bench = openSideBySide();
  try {
    console.log(`seed ${options.seed}`);
    const old = await replayCorpus(bench);
    for (const finding of old) console.error(`corpus/${finding.file}: ${finding.what}`);
    const result = await run(bench, { ...options, say: console.log });
    for (const finding of result.findings) console.error(describeFinding(finding, keepFinding(finding)));
    if (options.json !== undefined) writeFileSync(options.json, document(options, result));
    const { packets, policies, seconds, verdicts, findings } = result;
    console.log(`${packets.toLocaleString("en-US")} packets by ${policies} policies in ${seconds.toFixed(1)} s: ${findings.length} mismatches; ${JSON.stringify(verdicts)}`);
    return findings.length + old.length === 0 ? 0 : 1;
  } finally {
    await bench.plane.close();
  }
}
