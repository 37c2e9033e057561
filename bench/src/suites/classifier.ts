import { requireTool, runCommand } from "@secuxflow/testkit";
import { BpfObject } from "libbpf-ts";
import { compileBpf } from "../generator/compile.js";
import { packetsElsewhere, packetsTo, randomAddresses } from "../peers/addresses.js";
import { XdpFilter, XDP_FILTER_MOST, xdpFilterObject, type XdpFilterFeatures } from "../peers/xdp-filter.js";
import type { SuiteResult } from "../report.js";
import { TRACE_FRAMES } from "../rules/frames.js";
import { generateRules } from "../rules/generate.js";
import { Random } from "../rules/random.js";
import type { BenchRule, Flow } from "../rules/rule.js";
import type { ShapeName } from "../rules/shapes.js";
import { floodTrace, hitTrace, missTrace, repeatedTrace } from "../rules/trace.js";
import { metric, type Metric } from "../statistics.js";
import { ANY_FRAME, ClassifierBench, fillTrace } from "./classifier-bench.js";
import { withoutShape } from "./classifier-names.js";
import { sandwich, type Runner, type Sandwiched } from "./sandwich.js";

export interface ClassifierOptions {
  readonly rules: readonly number[];
  readonly shapes: readonly ShapeName[];
  readonly rounds: number;
  /** Of one run of one program. */
  readonly doseMs?: number;
}

/** Rules up to which a linear scan is measured: its cost grows with them. */
const LINEAR_MOST = 10_000;
const SEED = 7;
/** Different flows of the trace with locality. */
const REPEATED_FLOWS = 4_096;

type Results = Map<string, Sandwiched>;

interface Dose {
  readonly rounds: number;
  readonly doseMs: number;
}

/**
 * Cost of a classified packet as a multiple of a program that only parses, by test runs on one core; the verdicts on every
 * trace are compared with a model's before it is measured.
 */
export async function classifier({ shapes, rules, rounds, doseMs = 25 }: ClassifierOptions): Promise<SuiteResult> {
  await runCommand(requireTool("taskset"), ["-pc", "0", String(process.pid)]);
  const dose = { rounds, doseMs };
  const built: Metric[] = [];
  const notes: string[] = [];
  const results: Results = new Map();
  const keep = (more: Results): void => { for (const [name, result] of more) results.set(name, result); };
  for (const shape of shapes) {
    for (const count of rules) {
      const list = generateRules(shape, count, SEED);
      using bench = await ClassifierBench.open(list, LINEAR_MOST);
      const { image, buildMs } = bench;
      built.push(metric(`memory_mb.${shape}.${count}`, "MB", [image.bytes / 1e6]), metric(`build_ms.${shape}.${count}`, "ms", buildMs));
      notes.push(`${shape} ${count}: ${image.tuples} tuples, at most ${image.longestGroup} rules of one key`);
      if (results.size === 0) keep(sandwich(bench.runner("parse_only"), new Map([["empty", bench.runner("empty")]]), rounds, doseMs));
      keep(measureRules(bench, list, shape, dose));
    }
  }
  const peer = measureXdpFilter(rules, dose);
  keep(peer.results);
  const ratios = [...results].map(([name, result]) => metric(`ratio.${name}`, "1", result.ratios));
  return {
    metrics: [...withoutShape([...ratios, ...built]), ...ratios, ...times(results), ...built],
    notes: [...describe(dose), ...notes, ...peer.skipped, ...linearSkipped(rules)],
  };
}

function measureRules(bench: ClassifierBench, rules: readonly BenchRule[], shape: ShapeName, { rounds, doseMs }: Dose): Results {
  const count = rules.length;
  const random = new Random(SEED + count);
  const [hits, misses] = [hitTrace(rules, TRACE_FRAMES, random), missTrace(rules, TRACE_FRAMES, random)];
  const some = [...hits.slice(0, REPEATED_FLOWS / 2), ...misses.slice(0, REPEATED_FLOWS / 2)];
  const [parse, classify, cached] = [bench.runner("parse_only"), bench.runner("classify_trace"), bench.runner("classify_trace", { cache: true })];
  const linear = (what: string): [string, Runner][] =>
    (bench.linear ? [[`linear.${shape}.${count}.${what}`, bench.runner("linear_trace")]] : []);
  const results: Results = new Map();
  const on = (trace: readonly Flow[], base: Runner, measured: readonly (readonly [string, Runner])[]): void => {
    bench.useTrace(trace);
    for (const [name, result] of sandwich(base, new Map(measured), rounds, doseMs)) results.set(name, result);
  };
  on(hits, parse, [[`secuxflow.${shape}.${count}.hit`, classify], ...linear("hit")]);
  on(misses, parse, [[`secuxflow.${shape}.${count}.miss`, classify], ...linear("miss")]);
  on(repeatedTrace(some, TRACE_FRAMES, random), parse, [
    [`secuxflow.cached.${shape}.${count}`, cached], [`secuxflow.uncached.${shape}.${count}`, classify],
  ]);
  const [flooded, floodedCache] = [bench.runner("classify_trace", { flood: true }), bench.runner("classify_trace", { flood: true, cache: true })];
  on(floodTrace(rules, TRACE_FRAMES, random), flooded, [[`secuxflow.flood.${shape}.${count}`, floodedCache]]);
  return results;
}

/** xdp-filter's own program with as many addresses as there are rules, on frames of the same trace map. */
function measureXdpFilter(rules: readonly number[], dose: Dose): { results: Results; skipped: string[] } {
  const results: Results = new Map();
  const skipped: string[] = [];
  for (const features of ["ip", "all"] as const) {
    const path = xdpFilterObject(features);
    if (path === undefined) {
      skipped.push(`skipped: xdp-filter (${features}): its programs are not installed (Debian package xdp-tools)`);
      continue;
    }
    for (const count of rules) {
      if (count > XDP_FILTER_MOST) skipped.push(`skipped: xdp-filter (${features}) with ${count} addresses: its maps hold ${XDP_FILTER_MOST}`);
      else for (const [name, result] of measureAddresses(path, features, count, dose)) results.set(name, result);
    }
  }
  return { results, skipped };
}

function measureAddresses(path: string, features: XdpFilterFeatures, count: number, { rounds, doseMs }: Dose): Results {
  const random = new Random(SEED + count);
  const addresses = randomAddresses(count, random);
  using filter = XdpFilter.open(path, addresses);
  using replay = BpfObject.open(compileBpf("replay")).load();
  replay.map("measured").update(0, filter.program);
  const runner = (program: string): Runner =>
    ({ run: (repeat) => replay.program(program).testRun({ data: ANY_FRAME, repeat, dataOutSize: 0 }).durationNs });
  const results: Results = new Map();
  const traces = { hit: packetsTo(addresses, TRACE_FRAMES, random), miss: packetsElsewhere(addresses, TRACE_FRAMES, random) };
  for (const [what, flows] of Object.entries(traces)) {
    fillTrace(replay.map("trace"), flows);
    const name = features === "ip" ? `xdp-filter.${count}.${what}` : `xdp-filter.${features}.${count}.${what}`;
    const measured = sandwich(runner("replay_parse"), new Map([[name, runner("replay_program")]]), rounds, doseMs);
    for (const [key, result] of measured) results.set(key, result);
  }
  return results;
}

/** What the ratios are relative to, in nanoseconds, over the whole run. */
function times(results: Results): Metric[] {
  const parse = [...results].filter(([name]) => !name.includes("flood")).flatMap(([, { baseNs }]) => baseNs);
  return [metric("ns.parse_only", "ns CPU", parse), metric("ns.empty", "ns CPU", results.get("empty")?.ns ?? [])];
}

const linearSkipped = (rules: readonly number[]): string[] => rules.filter((count) => count > LINEAR_MOST)
  .map((count) => `skipped: linear scan with ${count} rules: it is measured up to ${LINEAR_MOST}`);

const describe = ({ rounds, doseMs }: Dose): string[] => [
  `each program runs ${rounds} times ${doseMs} ms, between two runs of parse_only; ratio: CPU time against the mean of those two`,
  `traces of ${TRACE_FRAMES} frames; the verdicts of every program were compared with a model's before`,
  "hit: each packet drawn from a rule, evenly; miss: fields of different rules put together, matching none",
  `cached: ${REPEATED_FLOWS} flows, half of them hits, in Pareto bursts, through the flow cache; uncached: the same without it`,
  "flood: packets to what the rules name, from random sources, every packet a new flow; with the cache against without it (not against parse_only)",
  "names without a shape: the worse of acl and fw",
  "memory_mb: one image as it lies in the kernel; build_ms: three builds one after the other, the first of them cold",
  "xdp-filter: its program for addresses alone, hits are packets to them; xdp-filter.all: as `xdp-filter load` loads it",
];
