/** The filter in the kernel and the model side by side. */
import { difference, wasCached } from "./compare.js";
import type { Case } from "./case.js";
import { AgentPlane } from "./kernel/agent-plane.js";
import { policyDocument } from "./documents.js";
import { BATCH, TestProgram } from "./kernel/program.js";
import type { Place, Plane } from "./kernel/plane.js";
import { FilterModel, type Outcome, type PolicyFields, type RuleFields, type Spent } from "./model/filter.js";

/** The interface that frames come in by: that of the network namespace's loopback. */
const IFACE = "lo";

const EMPTY: PolicyFields = { rules: [], forwards: [], sets: new Map(), allow: [] };

export interface Mismatch {
  readonly index: number;
  readonly what: string;
  /** The rule that decides in the model. */
  readonly decides?: RuleFields | undefined;
}

export class SideBySide {
  readonly plane: Plane;
  readonly program: TestProgram;
  #spent: Spent = new Map();
  /** An id that no rule had yet. */
  nextId = 1;

  constructor(plane: Plane, program: TestProgram) {
    this.plane = plane;
    this.program = program;
  }

  /** Puts a policy in force; `first` of those that follow each other. */
  async apply(policy: PolicyFields, place: Place, first: boolean): Promise<void> {
    if (first) this.#spent = new Map(); // its rules have ids of their own
    this.plane.allow(policy.allow);
    await this.plane.apply(policyDocument(policy), place === "image" || (place === "mixed" && first));
  }

  /** Judges the frames that lie in the program's memory by both. @returns the first frame where they differ, or a wrong sum; `verdicts` counts what the model said */
  compare(policy: PolicyFields, count: number, verdicts: Record<string, number> = {}): Mismatch | undefined {
    const before = this.plane.ruleCounters();
    const model = new FilterModel(policy, this.#spent);
    const slots = this.plane.slots();
    this.program.run(count);
    const sums = new Map<number, { packets: number; bytes: number }>();
    let exact = true;
    for (let index = 0; index < count; index++) {
      const length = this.program.length(index);
      const outcome = model.judge(this.program.frame(index).subarray(0, length), IFACE);
      const seen = this.program.seen(index);
      const what = difference(outcome, seen, slots);
      if (what !== undefined) return { index, what, decides: policy.rules.find(({ id }) => id === outcome.rule) };
      if (wasCached(seen)) verdicts.cached = (verdicts.cached ?? 0) + 1;
      verdicts[outcome.verdict] = (verdicts[outcome.verdict] ?? 0) + 1;
      exact &&= addUp(sums, outcome, length);
    }
    return exact ? this.#wrongSum(sums, before, count) : undefined;
  }

  /** The agent's own counters must have grown by what the model counted. */
  #wrongSum(sums: ReadonlyMap<number, { packets: number; bytes: number }>, before: ReturnType<Plane["ruleCounters"]>, count: number): Mismatch | undefined {
    for (const [id, now] of this.plane.ruleCounters()) {
      const then = before.get(id) ?? { packets: 0, bytes: 0 };
      const wanted = sums.get(id) ?? { packets: 0, bytes: 0 };
      if (now.packets - then.packets !== wanted.packets || now.bytes - then.bytes !== wanted.bytes) {
        const grew = `${now.packets - then.packets} packets and ${now.bytes - then.bytes} bytes`;
        return { index: count - 1, what: `the counters of rule ${id} grew by ${grew}, ${wanted.packets} and ${wanted.bytes} expected` };
      }
    }
    return undefined;
  }

  /** Applies a case from an empty policy on and judges its frames. @returns where both differ */
  async replay({ before, policy, place, frames }: Case): Promise<Mismatch | undefined> {
    if (frames.length > BATCH) throw new RangeError(`a case has ${BATCH} frames at most`);
    // Ids that were never used: nothing is remembered for them.
    const base = this.nextId;
    const moved = (old: PolicyFields): PolicyFields => ({
      ...old, rules: old.rules.map((rule) => ({ ...rule, id: base + rule.id })), forwards: old.forwards.map((forward) => ({ ...forward, id: base + forward.id })),
    });
    this.nextId += 1 + Math.max(0, ...[...before, policy].flatMap(({ rules, forwards }) => [...rules, ...forwards].map(({ id }) => id)));
    await this.apply(EMPTY, "image", true);
    for (const [index, one] of [...before, policy].entries()) await this.apply(moved(one), place, index === 0);
    frames.forEach((frame, index) => { this.program.put(index, frame); });
    return frames.length === 0 ? undefined : this.compare(moved(policy), frames.length);
  }
}

/** Adds what one frame counts; false where the model cannot say which monitor-only rules count it. */
function addUp(sums: Map<number, { packets: number; bytes: number }>, { rule, monitors }: Outcome, bytes: number): boolean {
  if (monitors === undefined) return false;
  for (const id of rule === undefined ? monitors : [...monitors, rule]) {
    const sum = sums.get(id) ?? { packets: 0, bytes: 0 };
    sums.set(id, { packets: sum.packets + 1, bytes: sum.bytes + bytes });
  }
  return true;
}


/** The agent's data plane over the test program, beside the model. Close its plane. */
export function openSideBySide(): SideBySide {
  const plane = new AgentPlane({ object: "fuzz_dataplane" });
  return new SideBySide(plane, new TestProgram(plane.pinned.object));
}
