import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { emptyPolicy, type PolicyState } from "@secuxflow/contracts";
import { repoRoot } from "@secuxflow/testkit";
import type { BpfMap, BpfProgram } from "libbpf-ts";
import { dataPlaneCode, type DataPlane, type DataPlaneCode, type PinnedObject } from "../agent-code.js";
import { filterRule, type BenchRule } from "../rules/rule.js";

const OBJECT = join(repoRoot(), "bpf/build/secuxflow.bpf.o");
const BPF_FS = "/sys/fs/bpf";
/** As the agent's own defaults are (services/xdp-agent/src/config.ts). */
const [RING_BYTES, IMAGE_BYTES, SET_BYTES] = [16 << 20, 32 << 20, 16 << 20];

/** A policy of rules that drop, first match first. */
export function dropping(rules: readonly BenchRule[]): PolicyState {
  return { ...emptyPolicy, rules: new Map(rules.map((rule, index) => [index + 1, filterRule(rule, index + 1, "drop")])) };
}

/** The XDP program with the agent's data plane code, in a pin folder of its own, without a service around it. */
export class FilterUnderTest {
  #revision = 0;
  #inForce: PolicyState | undefined;

  private constructor(
    private readonly code: DataPlaneCode, private readonly pinFolder: string, private readonly pinned: PinnedObject, private readonly plane: DataPlane,
  ) {}

  static async open(): Promise<FilterUnderTest> {
    const code = await dataPlaneCode();
    sweep(code.removePinFolder);
    const pinFolder = `${BPF_FS}/secuxflow-bench-${process.pid}-${randomBytes(4).toString("hex")}`;
    try {
      const pinned = code.openPinnedObject({ objectPath: OBJECT, pinFolder, ringBytes: RING_BYTES, imageBytes: IMAGE_BYTES, setBytes: SET_BYTES });
      const kernel = new code.BpfKernel(pinned.maps);
      kernel.writeAllowList([]);
      return new FilterUnderTest(code, pinFolder, pinned, new code.DataPlane({ kernel, compiler: new code.WorkerCompiler() }));
    } catch (error) {
      code.removePinFolder(pinFolder);
      throw error;
    }
  }

  get program(): BpfProgram {
    return this.pinned.object.program("secuxflow");
  }

  get samples(): BpfMap {
    return this.pinned.maps.samples;
  }

  /** Where its maps are pinned. */
  get folder(): string {
    return this.pinned.folder;
  }

  /** Puts a policy in force; its image is compiled when this resolves. */
  async use(state: PolicyState): Promise<void> {
    if (state === this.#inForce) return;
    await this.change(state, "all");
    await this.settled();
  }

  /** Puts a policy in force that differs from the last one in some rules. @returns milliseconds until packets are judged by it */
  async change(state: PolicyState, touched: ReadonlySet<number> | "all"): Promise<number> {
    const begin = performance.now();
    await this.plane.apply({ revision: ++this.#revision, state, touched });
    this.#inForce = state;
    return performance.now() - begin;
  }

  /** Until nothing is compiled in the background any more. */
  settled(): Promise<void> {
    return this.plane.settle();
  }

  async close(): Promise<void> {
    await this.plane.close();
    this.pinned.object.close();
    this.code.removePinFolder(this.pinFolder);
  }
}

/** Removes what benchmarks that were killed left pinned. */
function sweep(removePinFolder: (folder: string) => void): void {
  for (const name of existsSync(BPF_FS) ? readdirSync(BPF_FS) : []) {
    const pid = /^secuxflow-bench-(\d+)-[0-9a-f]{8}$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removePinFolder(join(BPF_FS, name));
  }
}
