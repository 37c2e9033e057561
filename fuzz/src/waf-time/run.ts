/** `npm run fuzz -- waf-time`: no rule may take longer than a limit on any input of 64 KB. */
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import { Random } from "../random.js";
import { hostileInput, LONGEST, similarInput } from "./inputs.js";
import { crsFolder, timedRules, type TimedLink, type TimedRules } from "./rules.js";

export interface WafTimeOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Milliseconds that a rule may take. Default 10. */
  readonly limitMs?: number;
  /** Inputs at most. */
  readonly inputs?: number;
  /** Rules to measure; by default CRS of the conformance data, and without it the waf's own. */
  readonly rules?: TimedRules;
}

export interface SlowRule {
  readonly rule: number;
  readonly link: number;
  /** Milliseconds (the least of several runs, so that other work on the machine does not count), and steps of regular expressions. */
  readonly ms: number;
  readonly steps: number;
  readonly bytes: number;
  /** The input's beginning, as JSON text. */
  readonly input: string;
}

export interface WafTimeReport {
  readonly fuzz: "waf-time";
  readonly rules: string;
  readonly seed: number;
  readonly seconds: number;
  readonly conditions: number;
  readonly inputs: number;
  /** Most steps that one condition took on one input. */
  readonly mostSteps: number;
  /** The slowest conditions, slowest first. */
  readonly slowest: readonly SlowRule[];
  readonly failures: readonly string[];
}

const SHOWN = 10;
const AGAIN = 5;

/** One transaction at a time, on an instance of its own. */
class Stopwatch {
  private readonly room: number;

  private constructor(private readonly wasm: Compiled, image: Uint8Array) {
    wasm.call("setMemoryBudget", 512 << 20);
    this.room = wasm.call("take", LONGEST + 16);
    const block = wasm.call("take", image.length + 16);
    const at = (block + 15) & ~15;
    wasm.write(at, image);
    if (wasm.call("programLoad", at, image.length) === 0) throw new Error("the engine refuses the rules");
  }

  static async create(image: Uint8Array): Promise<Stopwatch> {
    return new Stopwatch((await compileEntry("engine/seclang/time-entry.ts"))(), image);
  }

  use(input: Uint8Array): void {
    this.wasm.write(this.room, input);
  }

  /** Time and steps of a condition on the input; `cold`: automata are made anew. */
  measure({ item, link }: TimedLink, length: number, cold: boolean): { ms: number; steps: number } {
    if (cold) this.wasm.call("regexReset");
    const tx = this.wasm.call("transactionNew", 0);
    const steps = this.wasm.call64("regexSteps");
    const before = performance.now();
    this.wasm.call("tryOn", tx, item, link, this.room, length);
    const ms = performance.now() - before;
    const taken = Number(this.wasm.call64("regexSteps") - steps);
    this.wasm.call("transactionFree", tx);
    return { ms, steps: taken };
  }

  /** The least time of some runs. */
  again(link: TimedLink, length: number): number {
    return Math.min(...Array.from({ length: AGAIN }, () => this.measure(link, length, true).ms));
  }
}

/** Goes over all conditions with hostile inputs, and near those that cost most, until time or inputs are used up. */
export async function runWafTime(options: WafTimeOptions): Promise<WafTimeReport> {
  const { seconds, seed, limitMs = 10, inputs: most = Infinity } = options;
  const rules = options.rules ?? timedRules(crsFolder());
  const watch = await Stopwatch.create(rules.image);
  const random = new Random(seed);
  const worst = new Map<TimedLink, { slow: SlowRule; input: Uint8Array }>();
  const started = performance.now();
  let inputs = 0;
  let mostSteps = 0;
  while (inputs < most && performance.now() - started < seconds * 1_000) {
    const link = inputs < rules.links.length ? (rules.links[inputs] ?? random.pick(rules.links)) : random.pick(rules.links);
    const known = worst.get(link);
    const input = known !== undefined && random.chance(40) ? similarInput(random, known.input, link.words) : hostileInput(random, link.words);
    inputs++;
    watch.use(input);
    const first = watch.measure(link, input.length, false);
    mostSteps = Math.max(mostSteps, first.steps);
    if (first.ms <= (known?.slow.ms ?? 0)) continue;
    // Slow because of the machine, or of the input?
    const ms = first.ms > limitMs / 2 ? watch.again(link, input.length) : first.ms;
    if (ms <= (known?.slow.ms ?? 0)) continue;
    const text = JSON.stringify(Buffer.from(input.subarray(0, 80)).toString("latin1"));
    worst.set(link, { slow: { rule: link.rule, link: link.link, ms, steps: first.steps, bytes: input.length, input: text }, input });
  }
  const slowest = [...worst.values()].map(({ slow }) => slow).sort((a, b) => b.ms - a.ms);
  const failures = slowest.filter(({ ms }) => ms > limitMs)
    .map(({ rule, link, ms, bytes, input }) => `rule ${rule}, condition ${link}: ${ms.toFixed(1)} ms for ${bytes} bytes, ${input}…`);
  return {
    fuzz: "waf-time", rules: rules.name, seed, seconds: (performance.now() - started) / 1_000, conditions: rules.links.length, inputs, mostSteps,
    slowest: slowest.slice(0, SHOWN), failures,
  };
}

/** The report as lines. */
export function wafTimeText(report: WafTimeReport): string {
  const lines = report.slowest.map(({ rule, link, ms, steps, bytes, input }) =>
    `  ${ms.toFixed(2).padStart(7)} ms ${String(steps).padStart(9)} steps ${bytes} bytes  rule ${rule}/${link}  ${input}`);
  const head = `waf-time: ${report.rules}, seed ${report.seed}: ${report.inputs} inputs on ${report.conditions} conditions in ${report.seconds.toFixed(1)} s; slowest:`;
  return [head, ...lines, ...report.failures.map((failure) => `FAILURE ${failure}`), `waf-time: ${report.failures.length} failures`].join("\n");
}
