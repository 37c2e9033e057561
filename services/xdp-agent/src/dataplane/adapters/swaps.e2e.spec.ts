import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { evolve, policyState, type FilterRule } from "@secuxflow/contracts";
import { buildFrame, needs } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireBpfObject } from "../../testing/bpf-object.js";
import { workerCompiler } from "../../testing/compiler.js";
import { rule } from "../../testing/policies.js";
import { DataPlane } from "../application/data-plane.js";
import { TOTAL } from "../domain/layout.js";
import { BpfKernel } from "./bpf-kernel.js";
import { openPinnedObject, removePinFolder, type PinnedObject } from "./pinned-object.js";

const RULES = 10_000;
const SWAPS = Number(process.env.SECUXFLOW_SWAPS ?? 50);

/** Runs a program on frames, round and round, until it is told to stop; answers how often on each. */
const TRAFFIC = `
import { parentPort, workerData } from "node:worker_threads";
const { BpfProgram } = await import(workerData.libbpf);
const program = BpfProgram.fromId(workerData.program);
const runs = workerData.frames.map(() => 0);
let stopped = false;
parentPort.on("message", () => { stopped = true; });
const repeat = 500;
const round = () => {
  if (stopped) {
    parentPort.postMessage(runs);
    program.close();
    parentPort.close();
    return;
  }
  workerData.frames.forEach((data, index) => { program.testRun({ data, repeat, dataOutSize: 0 }); runs[index] += repeat; });
  setImmediate(round);
};
parentPort.postMessage("running");
round();
`;

const udp = (src: string, dst: string): Buffer => buildFrame({ ipv4: { src, dst }, udp: { srcPort: 7, dstPort: 9 }, payload: "x".repeat(20) });

/**
 * A policy in which `blocked` is dropped by one of its 10,000 rules and `wanted` is passed by one before a rule that drops
 * everything. Which rules these are, and where they stand, is other in each policy: half of one and half of another would
 * let through the one, or stop the other.
 */
function policy(turn: number): FilterRule[] {
  const first = turn * (RULES + 1) + 1;
  const template = rule(1);
  const rules = Array.from({ length: RULES }, (_, i) => ({ ...template, id: first + i, priority: 1_000, dst: `172.${16 + (i & 15)}.${(i >> 4) & 255}.${i >> 12}`, proto: "udp" }));
  const at = (place: number, more: Partial<FilterRule>): void => {
    rules[place % RULES] = { ...template, id: first + (place % RULES), ...more };
  };
  at(turn * 37, { src: "10.9.9.9", dst: "10.0.0.1", action: "drop", priority: 10 + (turn % 5) });
  at(turn * 41 + 5_000, { src: "10.8.8.8", dst: "10.0.0.0/8", action: "pass", priority: 20 + (turn % 7) });
  at(turn * 43 + 7_000, { src: "10.0.0.0/8", action: "drop", priority: 60_000 });
  return rules;
}

needs(describe, "kernel")("swapping whole policies under traffic", () => {
  const pinFolder = `/sys/fs/bpf/secuxflow-swaps-${process.pid}-${randomBytes(4).toString("hex")}`;
  const compiler = workerCompiler();
  let pinned: PinnedObject;
  let plane: DataPlane;

  beforeAll(() => {
    pinned = openPinnedObject({ objectPath: requireBpfObject(), pinFolder, ringBytes: 1 << 20, imageBytes: 1 << 24, setBytes: 1 << 20 });
    const kernel = new BpfKernel(pinned.maps);
    kernel.writeAllowList([]);
    plane = new DataPlane({ kernel, compiler });
  });
  afterAll(async () => {
    await plane.close();
    pinned.object.close();
    removePinFolder(pinFolder);
  });

  const startTraffic = async (): Promise<() => Promise<number[]>> => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(TRAFFIC)}`), {
      workerData: {
        libbpf: new URL("../../../../../packages/libbpf-ts/dist/index.js", import.meta.url).href, program: pinned.object.program("secuxflow").id,
        frames: [udp("10.9.9.9", "10.0.0.1"), udp("10.8.8.8", "10.0.0.1")],
      },
    });
    await once(worker, "message");
    return async () => {
      const answer = once(worker, "message") as Promise<[number[]]>;
      worker.postMessage("stop");
      const [runs] = await answer;
      await worker.terminate();
      return runs;
    };
  };
  const passedAndDropped = (): number[] => plane.totals([TOTAL.pass, TOTAL.drop]).map(({ packets }) => packets);

  it(`never judges a packet by halves of two policies of ${RULES} rules (${SWAPS} swaps)`, async () => {
    await plane.apply({ revision: 1, state: policyState({ rules: policy(0) }), touched: "all" });
    const before = passedAndDropped();
    const stop = await startTraffic();
    for (let turn = 1; turn <= SWAPS; turn++) await plane.apply({ revision: 1 + turn, state: policyState({ rules: policy(turn) }), touched: "all" });
    const [blocked = 0, wanted = 0] = await stop();
    expect(passedAndDropped().map((value, i) => value - (before[i] ?? 0))).toEqual([wanted, blocked]);
    expect(blocked).toBeGreaterThan(SWAPS);
  }, 120_000 + SWAPS * 2_000);

  it("nor by halves of small changes beside an image, nor while images are compiled", async () => {
    let state = policyState({ rules: policy(SWAPS + 1) });
    let revision = SWAPS + 10;
    await plane.apply({ revision, state, touched: "all" });
    const before = passedAndDropped();
    const stop = await startTraffic();
    let blocking = [...state.rules.values()].find(({ src }) => src === "10.9.9.9")?.id ?? 0;
    for (let turn = 0; turn < SWAPS * 4; turn++) {
      const next = 5_000_000 + turn;
      const template = state.rules.get(blocking);
      if (!template) throw new Error("no rule blocks");
      state = evolve(state, { type: "rule.deleted", version: 1, data: { id: blocking } });
      state = evolve(state, { type: "rule.added", version: 1, data: { rule: { ...template, id: next, priority: 10 + (turn % 3) } } });
      await plane.apply({ revision: ++revision, state, touched: new Set([blocking, next]) });
      blocking = next;
      if (turn % 50 === 20) await plane.settle();
    }
    const [blocked = 0, wanted = 0] = await stop();
    expect(passedAndDropped().map((value, i) => value - (before[i] ?? 0))).toEqual([wanted, blocked]);
  }, 120_000 + SWAPS * 2_000);
});
