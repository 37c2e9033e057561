/** Entry of an inspection thread. */
import { parentPort, workerData } from "node:worker_threads";
import type { FromWorker } from "./from-worker.js";
import { ModuleRunner } from "./module-runner.js";
import { CallMarks } from "./shared.js";
import type { ToWorker, WorkerStart } from "./to-worker.js";

const SETTLE_MS = 500;
const port = parentPort;
if (port === null) throw new Error("this file is run as a worker thread by the inspector");
const { shared, ...start } = workerData as WorkerStart;
const tell = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void => port.postMessage(message, [...transfer]);
const runner = new ModuleRunner(start, new CallMarks(shared), tell);

// One after the other: loading is asynchronous, and the watchdog's marks know one call at a time.
let last: Promise<void> = Promise.resolve();
// Flows run out without packets as well.
setInterval(() => {
  last = last.then(() => runner.settle());
}, SETTLE_MS).unref();
port.on("message", (message: ToWorker) => {
  last = last.then(() => runner.handle(message));
});
