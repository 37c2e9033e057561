// A process that does nothing but inspect HTTP with the waf module, so that its memory and time are those of inspection: reads a
// job from its arguments, writes one line of JSON.
import { readFileSync } from "node:fs";
import { loadModule, ModuleInstance } from "@secuxflow/module-host";
import { openRuleSet } from "@secuxflow/rule-image";
import { connectionBatches, exchanges, type ExchangeKind } from "../traffic/exchanges.js";

/** What to measure. */
export interface WafJob {
  readonly module: string;
  readonly image: string;
  readonly kinds: readonly ExchangeKind[];
  readonly rounds: number;
  /** Length of a round. */
  readonly seconds: number;
  /** Requests after which memory is compared with that after ten thousand; 0 to leave it out. */
  readonly memoryRequests: number;
}

export interface WafMeasurement {
  readonly startMs: number;
  /** Requests a second in each round, by kind. */
  readonly rates: Readonly<Partial<Record<ExchangeKind, readonly number[]>>>;
  readonly findings: number;
  readonly wasmMb: number;
  /** Resident memory that came with the module: its memory, code, rules, and what its findings took. */
  readonly rssMb: number;
  /** The largest of the whole process. */
  readonly processMb: number;
  /** Wasm memory after `memoryRequests` as a multiple of that after ten thousand. */
  readonly growth?: number;
}

const SETTLED = 10_000;
const CONNECTIONS = 8;

async function main(job: WafJob): Promise<WafMeasurement> {
  // What generating requests takes is there before the module is: the difference is the module's.
  for (const kind of job.kinds) for (let i = 0; i < CONNECTIONS * 4; i++) for (const batch of connectionBatches(exchanges(kind, i), i)) void batch.length;
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const loaded = loadModule(readFileSync(job.module));
  const rules = openRuleSet(readFileSync(job.image));
  const instance = await ModuleInstance.create(loaded, { configure: "checksum=0\n", rules });
  const startMs = performance.now() - started;
  let connection = 0;
  let findings = 0;
  /** Runs some connections and gives the requests and the milliseconds in the module. */
  const run = (kind: ExchangeKind): { requests: number; ms: number } => {
    let ms = 0;
    let requests = 0;
    for (let i = 0; i < CONNECTIONS; i++) {
      const list = exchanges(kind, connection);
      for (const batch of connectionBatches(list, connection++)) {
        const before = performance.now();
        findings += instance.inspect(batch, 1).length;
        ms += performance.now() - before;
      }
      requests += list.length;
    }
    return { requests, ms };
  };
  const rates: Partial<Record<ExchangeKind, number[]>> = {};
  for (const kind of job.kinds) {
    run(kind);
    for (let round = 0; round < job.rounds; round++) {
      const sum = { requests: 0, ms: 0 };
      while (sum.ms < job.seconds * 1_000) {
        const { requests, ms } = run(kind);
        sum.requests += requests;
        sum.ms += ms;
      }
      (rates[kind] ??= []).push(sum.requests / (sum.ms / 1_000));
    }
  }
  let growth: number | undefined;
  if (job.memoryRequests > 0) {
    let done = 0;
    const upTo = (count: number): number => {
      while (done < count) done += run("form1k").requests + run("get").requests;
      return instance.memory.bytes;
    };
    const settled = upTo(SETTLED);
    growth = upTo(Math.max(job.memoryRequests, SETTLED)) / settled;
  }
  return {
    startMs,
    rates,
    findings,
    wasmMb: instance.memory.bytes / 2 ** 20,
    rssMb: (process.memoryUsage.rss() - before) / 2 ** 20,
    processMb: process.resourceUsage().maxRSS / 1024,
    ...(growth !== undefined && { growth }),
  };
}

const [text = "{}"] = process.argv.slice(2);
main(JSON.parse(text) as WafJob).then(
  (result) => console.log(JSON.stringify(result)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
