/** The data plane by itself, for what tests and measures it without the service around: fuzz/ and bench/. */
export { BpfKernel } from "./adapters/bpf-kernel.js";
export { openPinnedObject, removePinFolder, type PinnedObject } from "./adapters/pinned-object.js";
export { WorkerCompiler } from "./adapters/worker-compiler.js";
export { DataPlane } from "./application/data-plane.js";
export type { CounterMap, CounterValue } from "./application/kernel-port.js";
