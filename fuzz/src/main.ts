import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { problemWith } from "@secuxflow/testkit";
import { describeFinding, run, type RunResult } from "./run.js";
import { openSideBySide } from "./side-by-side.js";
import { keepFinding, replayCorpus } from "./corpus.js";

const USAGE = `usage: npm run fuzz -- dataplane [--seconds N] [--packets N] [--seed S] [--mismatches N (1)] [--batch N (4096)] [--json FILE]
  dataplane  random policies and frames through the XDP filter and through a slow model; ends after so many seconds
             (60 unless packets are given) or packets, or at the first mismatch, which it makes small and keeps in fuzz/corpus`;

interface Wanted {
  readonly seed: number;
  readonly packets: number;
  readonly seconds: number;
  readonly mismatches: number;
  readonly batch: number;
  readonly json: string | undefined;
}

/** Reads the command line; a text says what is wrong with it. */
function wanted(args: readonly string[]): Wanted | string | undefined {
  const { positionals, values } = parseArgs({
    args: [...args], allowPositionals: true,
    options: {
      seconds: { type: "string" }, packets: { type: "string" }, seed: { type: "string" }, mismatches: { type: "string", default: "1" },
      batch: { type: "string", default: "4096" }, json: { type: "string" }, help: { type: "boolean" },
    },
  });
  if (values.help === true) return undefined;
  if (positionals.length !== 1 || positionals[0] !== "dataplane") return `say what to fuzz: dataplane, not ${JSON.stringify(positionals.join(" "))}`;
  const number = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : /^\d+$/.test(text) ? Number(text) : NaN);
  const result = {
    seed: number(values.seed, Date.now() % 0x1_0000_0000), packets: number(values.packets, Infinity),
    seconds: number(values.seconds, values.packets === undefined ? 60 : Infinity),
    mismatches: number(values.mismatches, 1), batch: number(values.batch, 4_096), json: values.json,
  };
  const wrong = (["seed", "packets", "seconds", "mismatches", "batch"] as const).find((name) => Number.isNaN(result[name]) || (name !== "seed" && result[name] < 1));
  return wrong === undefined ? result : `--${wrong} is a whole number, at least ${wrong === "seed" ? 0 : 1}`;
}

const document = ({ seed }: Wanted, { findings, ...rest }: RunResult): string =>
  `${JSON.stringify({ fuzz: "dataplane", seed, ...rest, mismatches: findings.map(({ what }) => what) }, null, 2)}\n`;

async function main(): Promise<number> {
  let options: ReturnType<typeof wanted>;
  try {
    options = wanted(process.argv.slice(2));
  } catch (error) {
    options = error instanceof Error ? error.message : String(error);
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  if (typeof options === "string") {
    console.error(`${options}\n\n${USAGE}`);
    return 2;
  }
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

main().then((code) => process.exit(code), (error: unknown) => {
  console.error(error);
  process.exit(1);
});
