import { Worker } from "node:worker_threads";
import type { StartThread } from "../application/thread.js";
import type { FromWorker } from "../worker/from-worker.js";
import { sampleOf, SHARED_BYTES } from "../worker/shared.js";
import type { WorkerStart } from "../worker/to-worker.js";

/** JavaScript heap of a thread; wasm memory is bounded by what each module declares. */
const HEAP_MIB = 512;

/** Starts inspection threads as Node's worker threads. */
export function workerThreads(start: Omit<WorkerStart, "shared">): StartThread {
  return (events) => {
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    const workerData: WorkerStart = { ...start, shared };
    const worker = new Worker(new URL("../worker/main.js", import.meta.url),
      { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } });
    let reason = "the thread ended";
    worker.on("message", (message: FromWorker) => events.onMessage(message));
    worker.on("messageerror", (error) => (reason = error.message));
    worker.on("error", (error) => (reason = error instanceof Error ? error.message : String(error)));
    worker.on("exit", (code) => events.onExit(`${reason} (exit code ${code})`));
    return {
      post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
      sample: () => sampleOf(shared),
      terminate: async () => {
        await worker.terminate();
      },
    };
  };
}
