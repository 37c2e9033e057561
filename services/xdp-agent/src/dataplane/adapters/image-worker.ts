import { parentPort } from "node:worker_threads";
import type { EncodedSet } from "../application/image-compiler.js";
import { compileRules, compileSets } from "./image-jobs.js";

/** What the worker is asked to do. */
export type ImageJob =
  | { readonly kind: "rules"; readonly rows: Uint8Array; readonly capacity: number }
  | { readonly kind: "sets"; readonly sets: readonly EncodedSet[]; readonly capacity: number };

/** What it answers. */
export type ImageAnswer =
  | { readonly bytes: Uint8Array; readonly milliseconds: number }
  | { readonly error: string };

// The worker's whole life: one job after the other, results moved to the agent without a copy.
parentPort?.on("message", (job: ImageJob) => {
  try {
    const { bytes, milliseconds } = job.kind === "rules" ? compileRules(job.rows, job.capacity) : { bytes: compileSets(job.sets, job.capacity), milliseconds: 0 };
    parentPort?.postMessage({ bytes, milliseconds } satisfies ImageAnswer, [bytes.buffer]);
  } catch (error) {
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) } satisfies ImageAnswer);
  }
});
