import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileSecLang } from "@secuxflow/seclang";
import { repoRoot, tempDir } from "@secuxflow/testkit";
import { modulePath } from "@secuxflow/wasm";
import type { SuiteResult } from "../report.js";
import { metric, type Metric } from "../statistics.js";
import type { WafJob, WafMeasurement } from "./waf-child.js";

const CHILD = fileURLToPath(new URL("./waf-child.js", import.meta.url));
const KINDS = ["get", "form1k", "json100k"] as const;
const LEVELS = [1, 4] as const;

interface Rules {
  readonly image: Uint8Array;
  readonly count: number;
  readonly ms: number;
}

const crsFolder = (): string => join(process.env.SECUXFLOW_CONFORMANCE ?? join(repoRoot(import.meta.url), "../shared/conformance"), "crs-v4.28");

/** CRS as installed, at a paranoia level. */
function compileCrs(folder: string, level: number): Rules {
  const rules = join(folder, "rules");
  const names = readdirSync(rules).filter((name) => name.endsWith(".conf")).sort();
  const before = performance.now();
  const files = [join(folder, "crs-setup.conf.example"), ...names.map((name) => join(rules, name))].map((file) => ({ name: basename(file), text: readFileSync(file, "utf8") }));
  const setup = [
    "SecRuleEngine On", "SecRequestBodyAccess On", "SecResponseBodyAccess On", "SecResponseBodyMimeType text/plain text/html text/xml application/json",
    `SecAction "id:900001,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=${level},setvar:tx.detection_paranoia_level=${level}"`, "",
  ].join("\n");
  const compiled = compileSecLang([{ name: "setup.conf", text: setup }, ...files], { read: (name: string) => readFileSync(join(rules, basename(name))) });
  const [refused] = compiled.refused;
  if (refused !== undefined) throw new Error(`${compiled.refused.length} rules of CRS are refused, first ${refused.file}:${refused.line}: ${refused.reason}`);
  return { image: compiled.image, count: compiled.rules.length, ms: performance.now() - before };
}

function measure(job: WafJob): WafMeasurement {
  return JSON.parse(execFileSync(process.execPath, [CHILD, JSON.stringify(job)], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })) as WafMeasurement;
}

/**
 * The waf module with the whole Core Rule Set at paranoia levels 1 and 4: one process on one core that gets packets as the
 * inspector does.
 * @param requests after how many requests memory is compared with that after ten thousand
 * @throws Error when CRS is not there: without it nothing is measured
 */
export async function waf(rounds: number, seconds: number, requests: number): Promise<SuiteResult> {
  const folder = crsFolder();
  if (!existsSync(join(folder, "rules"))) throw new Error(`the Core Rule Set is not at ${folder}: set SECUXFLOW_CONFORMANCE`);
  const temp = await tempDir("bench-waf");
  try {
    return measureLevels(folder, temp.path, { rounds, seconds, requests });
  } finally {
    await temp.remove();
  }
}

function measureLevels(folder: string, temp: string, { rounds, seconds, requests }: { rounds: number; seconds: number; requests: number }): SuiteResult {
  const metrics: Metric[] = [];
  const loads: number[] = [];
  const results: WafMeasurement[] = [];
  let count = 0;
  for (const level of LEVELS) {
    const rules = compileCrs(folder, level);
    count = rules.count;
    const image = join(temp, `pl${level}.sxr`);
    writeFileSync(image, rules.image);
    const job = { module: process.env.SECUXFLOW_WAF_MODULE ?? modulePath("waf"), image, kinds: KINDS, rounds, seconds };
    const result = measure({ ...job, memoryRequests: level === 1 ? requests : 0 });
    results.push(result);
    loads.push((rules.ms + result.startMs) / 1_000);
    for (const kind of KINDS) {
      const rates = result.rates[kind] ?? [];
      if (kind === "json100k") metrics.push(metric(`ms.pl${level}.json100k`, "ms", rates.map((rate) => 1_000 / rate)));
      else metrics.push(metric(`rps.pl${level}.${kind}`, "requests/s", rates));
    }
  }
  metrics.push(
    metric("rss_mb", "MiB", results.map(({ rssMb }) => rssMb)),
    metric("process_mb", "MiB", results.map(({ processMb }) => processMb)),
    metric("wasm_mb", "MiB", results.map(({ wasmMb }) => wasmMb)),
    metric("rules_load_s", "s", loads),
    metric("start_s", "s", results.map(({ startMs }) => startMs / 1_000)),
    metric("memory_growth", "1", results.flatMap(({ growth }) => growth ?? [])),
  );
  return {
    metrics,
    notes: [
      `CRS 4.28 (${count} rules), everything but the paranoia level as installed; requests and answers as packets on kept-alive connections of 20 (JSON: 1), one thread`,
      `time is that of ModuleInstance.inspect: reassembly, HTTP, rules, findings (${results.map(({ findings }) => findings).join(" and ")} at PL1 and PL4)`,
      `rss_mb: resident memory that came with the module (its memory, its code, the rules in the host); process_mb: the largest of the whole process, with Node and the generator of the requests; wasm_mb: the module's memory; rules_load_s: reading, compiling, loading; memory_growth: after ${requests.toLocaleString("en-US")} requests against 10,000`,
      "aims: 5,000 requests/s at PL1 with a form of 1 KB; 100 KB of JSON in 20 ms; 64 MB an instance; memory within 1 %",
    ],
  };
}
