import { once } from "node:events";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { BpfProgram } from "libbpf-ts";

/** Waits for the others, so that all run at the same time. */
const SOURCE = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData.library).then(({ BpfProgram }) => {
    const program = BpfProgram.fromId(workerData.program);
    const gate = new Int32Array(workerData.gate);
    Atomics.add(gate, 0, 1);
    Atomics.notify(gate, 0);
    for (let ready = Atomics.load(gate, 0); ready < workerData.threads; ready = Atomics.load(gate, 0)) Atomics.wait(gate, 0, ready);
    program.testRun({ data: workerData.frame, repeat: workerData.repeat });
    program.close();
    parentPort.postMessage("done");
  });
`;

/** Runs a program on a frame on several threads at once, `repeat` times each. */
export async function runOnThreads(program: BpfProgram, frame: Uint8Array, { threads, repeat }: { threads: number; repeat: number }): Promise<void> {
  const library = pathToFileURL(createRequire(import.meta.url).resolve("libbpf-ts")).href;
  const gate = new SharedArrayBuffer(4);
  const workers = Array.from({ length: threads }, () =>
    new Worker(SOURCE, { eval: true, workerData: { library, program: program.info().id, gate, threads, frame, repeat } }));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  await Promise.all(workers.map((worker) => worker.terminate()));
}
