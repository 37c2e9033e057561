import { WorkerCompiler } from "../dataplane/adapters/worker-compiler.js";

/** The compiler of the built agent: a worker thread cannot run TypeScript, so tests need the agent's dist. */
export function workerCompiler(): WorkerCompiler {
  return new WorkerCompiler(new URL("../../dist/dataplane/adapters/image-worker.js", import.meta.url));
}
