import { Worker } from "node:worker_threads";
import type { HostLimits } from "@secuxflow/module-host";
import { TrialFailed, type Preparation, type Trial } from "../application/ports.js";
import type { PrepareAnswer, PrepareStart } from "../worker/prepare.js";

const HEAP_MIB = 1_024;
/** On a machine that is busy a thread takes its time to begin. */
const THREAD_START_MS = 30_000;

/** Tries modules in threads of their own: what hangs or falls there takes nothing along. */
export class PrepareThread implements Preparation {
  /** @param withinMs longest trial, once its thread is ready */
  constructor(
    private readonly limits: Partial<HostLimits>,
    private readonly withinMs: number,
  ) {}

  async prepare(trial: Trial): ReturnType<Preparation["prepare"]> {
    const workerData: PrepareStart = { trial, limits: this.limits };
    const worker = new Worker(new URL("../worker/prepare.js", import.meta.url),
      { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } });
    try {
      const answer = await new Promise<Exclude<PrepareAnswer, { began: true }>>((resolve, reject) => {
        const late = () => reject(new TrialFailed(`it did not start within ${this.withinMs} ms`));
        let timer = setTimeout(late, THREAD_START_MS);
        const done = (settle: () => void) => {
          clearTimeout(timer);
          settle();
        };
        worker.on("message", (message: PrepareAnswer) => {
          clearTimeout(timer);
          if ("began" in message) timer = setTimeout(late, this.withinMs);
          else resolve(message);
        });
        worker.once("messageerror", (error) => done(() => reject(error)));
        worker.once("error", (error) => done(() => reject(error instanceof Error ? error : new Error(String(error)))));
        worker.once("exit", (code) => done(() => reject(new TrialFailed(`its trial ended with exit code ${code}`))));
      });
      if (!answer.ok) throw new TrialFailed(answer.problem, answer.reason);
      return answer;
    } finally {
      await worker.terminate();
    }
  }
}
