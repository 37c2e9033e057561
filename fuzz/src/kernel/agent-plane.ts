/** The agent's own code (encoder, image compiler, maps) over a program of its own, in a pin folder of its own. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { MatchFields, PolicyState } from "@secuxflow/contracts";
import { BpfKernel, DataPlane, openPinnedObject, removePinFolder, WorkerCompiler, type CounterMap, type CounterValue, type PinnedObject } from "@secuxflow/xdp-agent/dataplane";
import { repoRoot } from "@secuxflow/testkit";
import { ifIndex, type BpfObject } from "libbpf-ts";
import type { Slots } from "../compare.js";
import type { Counted, Plane } from "./plane.js";

const [RING_BYTES, IMAGE_BYTES] = [1 << 20, 16 << 20];
/** Later than any run: nothing moves into an image unless it is asked to. */
const NEVER_MS = 2 ** 31 - 1;

/** A kernel that can be asked where counters are: the data plane keeps that to itself. */
class AskedKernel extends BpfKernel {
  asking = false;

  override readCounters(map: CounterMap, slots: readonly number[]): CounterValue[] {
    return this.asking ? slots.map((slot) => ({ packets: slot, bytes: 0, lastNs: 0 })) : super.readCounters(map, slots);
  }
}

export interface AgentPlaneOptions {
  /** Name of an object in bpf/build, without ".bpf.o". */
  readonly object: "fuzz_dataplane" | "secuxflow";
  /** Indexes of the interfaces of a name; default: those of this network namespace. */
  readonly ifindexes?: (name: string) => readonly number[];
}

export class AgentPlane implements Plane {
  readonly pinned: PinnedObject;
  readonly #kernel: AskedKernel;
  readonly #plane: DataPlane;
  readonly #pinFolder = join("/sys/fs/bpf", `secuxflow-fuzz-${process.pid}-${randomBytes(4).toString("hex")}`);
  #revision = 0;
  /** Of the policy in force. */
  #rules: readonly number[] = [];

  constructor({ object, ifindexes = indexHere }: AgentPlaneOptions) {
    this.pinned = openPinnedObject({
      objectPath: join(repoRoot(), "bpf/build", `${object}.bpf.o`), pinFolder: this.#pinFolder,
      ringBytes: RING_BYTES, imageBytes: IMAGE_BYTES, setBytes: IMAGE_BYTES,
    });
    this.#kernel = new AskedKernel(this.pinned.maps);
    allowAnswers(this.pinned.object);
    this.#plane = new DataPlane({
      kernel: this.#kernel, compiler: new WorkerCompiler(), ifindexes,
      tuning: { smallRecords: 0, largeOverlayMs: NEVER_MS, smallOverlayMs: NEVER_MS },
      onProblem: (problem) => { if (problem !== undefined) throw new Error(problem); },
    });
  }

  async apply(state: PolicyState, settled: boolean): Promise<void> {
    await this.#plane.apply({ revision: ++this.#revision, state, touched: "all" });
    this.#rules = [...state.rules.keys()];
    if (settled) await this.#plane.settle();
  }

  allow(entries: readonly MatchFields[]): void {
    this.#kernel.writeAllowList(entries);
  }

  slots(): Slots {
    this.#kernel.asking = true;
    const slotsOf = (counters: Iterable<[number, Counted]>): Map<number, number> => new Map(Array.from(counters, ([id, { packets }]) => [id, packets]));
    const slots = { rules: slotsOf(this.ruleCounters()), forwards: slotsOf(this.#plane.forwardCounters()) };
    this.#kernel.asking = false;
    return slots;
  }

  ruleCounters(): ReadonlyMap<number, Counted> {
    return new Map(this.#rules.map((id) => [id, this.#plane.ruleCounter(id) ?? { packets: -1, bytes: -1 }]));
  }

  async close(): Promise<void> {
    await this.#plane.close();
    this.pinned.object.close();
    removePinFolder(this.#pinFolder);
  }
}

/** Lets rejected packets be answered as often as they come: the configuration that is in force at the start. */
function allowAnswers(object: BpfObject): void {
  const [both, one] = [object.btfStructLayout("defence"), object.btfStructLayout("protection")];
  const memory = new DataView(object.map("defence").mmap());
  const at = (both.members.find(({ name }) => name === "halves")?.offset ?? 0) + (one.members.find(({ name }) => name === "answer_unit_ns")?.offset ?? 0);
  const burst = (both.members.find(({ name }) => name === "halves")?.offset ?? 0) + (one.members.find(({ name }) => name === "answer_burst_ns")?.offset ?? 0);
  memory.setBigUint64(at, 1n << 32n, true); // a nanosecond each
  memory.setBigUint64(burst, 1_000_000_000n, true);
}

/** The index of an interface here, or none. */
function indexHere(name: string): readonly number[] {
  try {
    return [ifIndex(name)];
  } catch {
    return [];
  }
}
