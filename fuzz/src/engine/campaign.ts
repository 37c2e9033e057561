/** Feeds a target until time is up or something fails. */
import { Random } from "../random.js";
import type { Finding, Input } from "./input.js";
import { mutate } from "./mutate.js";
import { shrinkInput } from "./shrink-input.js";
import type { Subject, Target } from "./target.js";

export interface CampaignOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Ends after so many inputs, for tests that must not hang on the clock. */
  readonly inputs?: number;
  /** Ends after so many different failures; default 5. */
  readonly failures?: number;
  /** Told before each input: a watchdog may keep it. */
  readonly onInput?: (input: Input) => void;
  readonly onFailure?: (finding: Finding) => void;
}

export interface CampaignResult {
  readonly inputs: number;
  readonly seconds: number;
  /** Inputs that reached something new. */
  readonly reached: number;
  readonly findings: readonly Finding[];
}

const KEPT = 2_000;

/** What is wrong with an input on a fresh instance; undefined when nothing is. */
export async function judge(target: Target, input: Input): Promise<string | undefined> {
  return judgeOn(await target.fresh(), input, () => undefined);
}

async function judgeOn(subject: Subject, input: Input, reached: (what: string) => void): Promise<string | undefined> {
  try {
    return await subject.check(input, reached);
  } catch (error) {
    return crashText(error);
  }
}

/** A crash in words that are the same for the same crash: the message and the innermost places. */
function crashText(error: unknown): string {
  if (!(error instanceof Error)) return `crash: ${String(error)}`;
  const cause = error.cause instanceof Error ? error.cause : error;
  const places = (cause.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)).slice(0, 3)
    .map((line) => line.trim().replace(/^at /, "").replace(/\(?(file|wasm):\/\/\S*?([^/\s]+?)\)?$/, "$2"));
  return `crash: ${error.name}: ${error.message} at ${places.join(" < ")}`;
}

/** Failures that differ in numbers alone are one. */
const signatureOf = (what: string): string => what.replace(/0x[0-9a-f]+|\d+|"[^"]*"/g, "#").slice(0, 160);

/** Runs on this thread; a hang is for whoever watches. */
export async function campaign(target: Target, options: CampaignOptions): Promise<CampaignResult> {
  const random = new Random(options.seed);
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1_000;
  const pool: Input[] = [...target.seeds];
  const known = new Set<string>();
  const signatures = new Set<string>();
  const findings: Finding[] = [];
  let subject = await target.fresh();
  let inputs = 0;
  let kept = 0;
  const next = (): Input => {
    const seed = target.seeds[inputs];
    if (seed !== undefined) return seed;
    if (target.draw !== undefined && (pool.length === 0 || random.chance(30))) return target.draw(random);
    return mutate(random, random.pick(pool), random.pick(pool), target);
  };
  const most = options.inputs ?? Infinity;
  while (seconds() < options.seconds && inputs < most && findings.length < (options.failures ?? 5)) {
    const input = next();
    let isNew = false;
    options.onInput?.(input);
    const what = await judgeOn(subject, input, (feature) => {
      if (known.has(feature)) return;
      known.add(feature);
      isNew = true;
    });
    inputs++;
    if (isNew && inputs > target.seeds.length) {
      kept++;
      if (pool.length < KEPT) pool.push(input);
      else pool[random.below(pool.length)] = input;
    }
    if (what === undefined) continue;
    subject = await target.fresh();
    const signature = signatureOf(what);
    if (signatures.has(signature)) continue;
    signatures.add(signature);
    const finding = await reduced(target, input, what, `seed ${options.seed}, input ${inputs}`, options.onInput);
    signatures.add(signatureOf(finding.note));
    findings.push(finding);
    options.onFailure?.(finding);
  }
  return { inputs, seconds: seconds(), reached: kept, findings };
}

/** The same failure, smaller. One that does not come again on a fresh instance is kept as it was. */
async function reduced(target: Target, input: Input, what: string, where: string, onInput?: (input: Input) => void): Promise<Finding> {
  const wanted = signatureOf(what);
  let last = what;
  const fails = async (smaller: Input): Promise<boolean> => {
    onInput?.(smaller);
    const found = await judge(target, smaller);
    if (found === undefined || signatureOf(found) !== wanted) return false;
    last = found;
    return true;
  };
  if (!(await fails(input))) return { target: target.name, note: `${what} (${where}; only after what came before)`, input };
  const small = await shrinkInput(input, fails);
  return { target: target.name, note: `${last} (${where})`, input: small };
}
