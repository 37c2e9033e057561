/** The fuzzing loop: policies, a few changes to each, thousands of frames for every one. */
import { formatCase, type Case } from "./case.js";
import { framePools, FrameWriter } from "./generate/frame.js";
import { changePolicy, drawPolicy, drawPools, type PolicyShape } from "./generate/policy.js";
import type { Place } from "./kernel/plane.js";
import { BATCH } from "./kernel/program.js";
import type { PolicyFields } from "./model/filter.js";
import { Random } from "./random.js";
import { shrink } from "./shrink.js";
import type { Mismatch, SideBySide } from "./side-by-side.js";

export interface RunOptions {
  readonly seed: number;
  /** Ends after so many packets, or so many seconds, whichever comes first. */
  readonly packets: number;
  readonly seconds: number;
  /** Stops after so many mismatches. */
  readonly mismatches: number;
  /** Frames for one policy. */
  readonly batch: number;
  /** Told about progress now and then. */
  readonly say?: (line: string) => void;
}

/** A mismatch, made small. */
export interface Finding {
  readonly what: string;
  readonly case: Case;
}

export interface RunResult {
  readonly packets: number;
  readonly policies: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  /** Frames by what the model said of them: a fuzzer that never drops fuzzes nothing. */
  readonly verdicts: Readonly<Record<string, number>>;
}

const SHAPES: readonly (readonly [number, Place, PolicyShape])[] = [
  [30, "overlay", { rules: 40, actions: ["drop", "pass"] }],
  [20, "overlay", { rules: 25, actions: ["drop", "pass", "limit", "reject"] }],
  [20, "mixed", { rules: 120, actions: ["drop", "pass", "limit", "reject"] }],
  [25, "image", { rules: 120, actions: ["drop", "pass"] }],
  [5, "image", { rules: 600, actions: ["drop", "pass", "limit", "reject"] }],
];

const CHANGES = 3;
/** The first frames for a policy come again more often than others: the flow cache keeps what comes often. */
const BUSY_FLOWS = 64;
const SAY_EVERY_MS = 10_000;

/** Runs until time or packets are used up, or enough is found. */
export async function run(bench: SideBySide, options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1_000;
  const random = new Random(options.seed);
  const findings: Finding[] = [];
  const verdicts: Record<string, number> = {};
  let [packets, policies, said] = [0, 0, started];
  const over = (): boolean => packets >= options.packets || seconds() >= options.seconds || findings.length >= options.mismatches;
  while (!over()) {
    const [place, shape] = random.weighted(SHAPES.map(([weight, where, what]) => [weight, [where, what] as const] as const));
    const pools = drawPools(random);
    const draw = { random, pools, shape, nextId: () => bench.nextId++ };
    const before: PolicyFields[] = [];
    let policy = drawPolicy(draw);
    for (let change = 0; change <= CHANGES && !over(); change++) {
      const writer = new FrameWriter(random, framePools(pools, policy));
      const count = Math.min(options.batch, BATCH, options.packets - packets);
      await bench.apply(policy, place, change === 0);
      for (let index = 0; index < count; index++) {
        const frame = bench.program.frame(index);
        // Flows come back: with the same bytes, or a few others.
        const earlier = index > 0 && random.chance(25) ? random.below(random.chance(60) ? Math.min(index, BUSY_FLOWS) : index) : undefined;
        const length = earlier === undefined ? writer.write(frame) : writer.again(frame, bench.program.frame(earlier), bench.program.length(earlier));
        bench.program.setLength(index, length);
      }
      const mismatch = bench.compare(policy, count, verdicts);
      packets += count;
      policies++;
      if (mismatch) {
        const frames = Array.from({ length: count }, (_, index) => bench.program.frame(index).slice(0, bench.program.length(index)));
        const found = { note: `seed ${options.seed}, policy ${policies}`, place, before: [...before], policy, frames };
        findings.push(await reduce(bench, renumbered(found), mismatch, options.say));
        break;
      }
      if (performance.now() - said > SAY_EVERY_MS) {
        said = performance.now();
        options.say?.(`${packets.toLocaleString("en-US")} packets, ${policies} policies, ${Math.round(packets / seconds()).toLocaleString("en-US")} packets/s`);
      }
      before.push(policy);
      policy = changePolicy(draw, policy);
    }
  }
  return { packets, policies, seconds: seconds(), findings, verdicts };
}

/** Makes a mismatch small; one that does not come again is reported as it was found. */
async function reduce(bench: SideBySide, found: Case, { index, what, decides }: Mismatch, say?: (line: string) => void): Promise<Finding> {
  let last = what;
  const fails = async (smaller: Case): Promise<boolean> => {
    const mismatch = await bench.replay(smaller);
    if (mismatch) last = mismatch.what;
    return mismatch !== undefined;
  };
  const frame = Buffer.from(found.frames[index] ?? []).toString("hex");
  say?.(`mismatch at frame ${index}, ${frame}: ${what}; by the model ${decides ? JSON.stringify(decides) : "no rule"} decides; making it small`);
  if (!(await fails(found))) return { what: `${what} (it did not come again with the same policies and frames)`, case: found };
  const small = renumbered(await shrink(found, index, fails));
  await fails(small);
  return { what: last, case: small };
}

/** Small ids in the same order: a case must not hang on how far a run had come. */
function renumbered(found: Case): Case {
  const all = [...found.before, found.policy];
  const ids = (list: readonly { readonly id: number }[]): Map<number, number> =>
    new Map([...new Set(list.map(({ id }) => id))].sort((a, b) => a - b).map((id, index) => [id, index + 1]));
  const [rules, forwards] = [ids(all.flatMap((policy) => policy.rules)), ids(all.flatMap((policy) => policy.forwards))];
  const moved = (policy: PolicyFields): PolicyFields => ({
    ...policy,
    rules: policy.rules.map((rule) => ({ ...rule, id: rules.get(rule.id) ?? 0 })), forwards: policy.forwards.map((forward) => ({ ...forward, id: forwards.get(forward.id) ?? 0 })),
  });
  return { ...found, before: found.before.map(moved), policy: moved(found.policy) };
}

/** A case of more letters than this is for the file alone. */
const SHOWN = 4_000;

/** A finding for people: what differs, the case as JSON, and where it is kept. */
export function describeFinding({ what, case: found }: Finding, file: string): string {
  const text = formatCase(found);
  return `MISMATCH ${what}\n${text.length > SHOWN ? "" : text}kept as fuzz/corpus/${file}`;
}
