import { writeFileSync } from "node:fs";
import { judge } from "./engine/campaign.js";
import { keepInput, readFindings } from "./engine/corpus.js";
import { formatFinding, type Finding } from "./engine/input.js";
import { watched } from "./engine/watched.js";
import { targets } from "./targets/all.js";
import { runWafTime, wafTimeText } from "./waf-time/run.js";
import { usage, wanted, type Wanted } from "./wanted.js";

/** Not about what happens but how long it takes: every rule of the waf on hostile inputs. */
const WAF_TIME = "waf-time";

/** A case of more letters than this is for the file alone. */
const SHOWN = 2_000;

interface Report {
  readonly fuzz: string;
  readonly seed: number;
  readonly seconds: number;
  readonly inputs: number;
  readonly reached: number;
  readonly failures: readonly string[];
}

function tell(finding: Finding): void {
  const text = formatFinding(finding);
  console.error(`FAILURE ${finding.note}\n${text.length > SHOWN ? "" : text}kept as fuzz/corpus/${keepInput(finding)}`);
}

/** Feeds what failed once, then new inputs. */
async function fuzzPart(name: string, { seed, seconds, mismatches }: Wanted): Promise<Report> {
  const make = targets.get(name);
  if (make === undefined) throw new Error(`there is no target ${name}`);
  const target = await make();
  const failures: string[] = [];
  for (const { file, finding } of readFindings(name)) {
    const what = await judge(target, finding.input);
    if (what === undefined) continue;
    console.error(`corpus/${name}/${file}: ${what}`);
    failures.push(what);
  }
  console.log(`${name}: seed ${seed}, ${target.seeds.length} inputs to start from`);
  const result = await watched({ target: name, seed, seconds, failures: mismatches, onFailure: tell });
  const { inputs, reached } = result;
  for (const { note } of result.findings) failures.push(note);
  console.log(`${name}: ${inputs.toLocaleString("en-US")} inputs in ${result.seconds.toFixed(1)} s, ${reached} of them reached something new: ${failures.length} failures`);
  return { fuzz: name, seed, seconds: result.seconds, inputs, reached, failures };
}

/** Time has a report of its own. */
async function fuzzTime({ seconds, seed, json }: Wanted): Promise<number> {
  const report = await runWafTime({ seconds, seed });
  console.log(wafTimeText(report));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  return report.failures.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const names = [...targets.keys(), WAF_TIME];
  let options: ReturnType<typeof wanted>;
  try {
    options = wanted(process.argv.slice(2), names);
  } catch (error) {
    options = error instanceof Error ? error.message : String(error);
  }
  if (options === undefined) {
    console.log(usage(names));
    return 0;
  }
  if (typeof options === "string") {
    console.error(`${options}\n\n${usage(names)}`);
    return 2;
  }
  if (options.target === "dataplane") return (await import("./dataplane-main.js")).fuzzDataplane(options);
  const reports: Report[] = [];
  if (options.target === WAF_TIME) return fuzzTime(options);
  for (const name of options.target === "all" ? [...targets.keys()] : [options.target]) reports.push(await fuzzPart(name, options));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 2)}\n`);
  return reports.every(({ failures }) => failures.length === 0) ? 0 : 1;
}

main().then((code) => process.exit(code), (error: unknown) => {
  console.error(error);
  process.exit(1);
});
