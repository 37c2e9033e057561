/**
 * Runs a campaign in a worker and watches it: endless loops in WebAssembly cannot be stopped from within. The worker writes
 * each input into shared memory before it feeds it; when the same one stays there too long, it hangs, and the worker is ended.
 */
import { Worker } from "node:worker_threads";
import type { CampaignResult } from "./campaign.js";
import { formatFinding, parseFinding, type Finding } from "./input.js";
import { HANG_MS } from "./target.js";

/** What the worker is told. `shared` is a counter, a length, and an input as a corpus file has it. */
export interface WorkerTask {
  readonly target: string;
  readonly seed: number;
  readonly seconds: number;
  readonly failures: number;
  readonly shared: SharedArrayBuffer;
}

/** What the worker tells. */
export type WorkerMessage =
  | { readonly kind: "finding"; readonly text: string }
  | { readonly kind: "done"; readonly inputs: number; readonly seconds: number; readonly reached: number };

/** Words of the counter and of the length. */
export const HEAD = { counter: 0, length: 1, bytes: 8 } as const;
const SHARED_BYTES = 8 << 20;
const LOOK_MS = 250;

export interface WatchedOptions {
  readonly target: string;
  readonly seed: number;
  readonly seconds: number;
  readonly failures: number;
  readonly hangMs?: number;
  readonly onFailure: (finding: Finding) => void;
  /** Default the worker beside this file; another one for tests. */
  readonly script?: URL;
}

/** As `campaign`, with hangs among the findings: after one the campaign goes on with another seed in a new worker. */
export async function watched(options: WatchedOptions): Promise<CampaignResult> {
  const started = performance.now();
  const findings: Finding[] = [];
  let [inputs, reached, seed] = [0, 0, options.seed];
  for (;;) {
    const left = options.seconds - (performance.now() - started) / 1_000;
    const most = options.failures - findings.length;
    if (left <= 0 || most <= 0) break;
    const part = await once({ ...options, seconds: left, failures: most, seed });
    inputs += part.inputs;
    reached += part.reached;
    for (const finding of part.findings) findings.push(finding);
    if (!part.hung) break;
    seed = (seed + 1) >>> 0;
  }
  return { inputs, reached, seconds: (performance.now() - started) / 1_000, findings };
}

async function once(options: WatchedOptions): Promise<CampaignResult & { readonly hung: boolean }> {
  const { target, seed, seconds, failures, hangMs = HANG_MS, onFailure } = options;
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const words = new Int32Array(shared);
  const findings: Finding[] = [];
  const found = (finding: Finding): void => {
    findings.push(finding);
    onFailure(finding);
  };
  const task: WorkerTask = { target, seed, seconds, failures, shared };
  const worker = new Worker(options.script ?? new URL("./worker.js", import.meta.url), { workerData: task });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      let [seen, since] = [0, performance.now()];
      timer = setInterval(() => {
        const counter = Atomics.load(words, HEAD.counter);
        if (counter !== seen || counter === 0) [seen, since] = [counter, performance.now()];
        else if (performance.now() - since > hangMs) {
          const length = Atomics.load(words, HEAD.length);
          const { input } = parseFinding(Buffer.from(new Uint8Array(shared, HEAD.bytes, length)).toString("utf8"));
          found({ target, note: `hang: takes more than ${hangMs / 1_000} s (seed ${seed}, input ${counter})`, input });
          resolve({ inputs: counter, seconds, reached: 0, findings, hung: true });
        }
      }, LOOK_MS);
      worker.on("message", (message: WorkerMessage) => {
        if (message.kind === "finding") found(parseFinding(message.text));
        else resolve({ inputs: message.inputs, seconds: message.seconds, reached: message.reached, findings, hung: false });
      });
      worker.on("error", reject);
      worker.on("exit", (code) => { reject(new Error(`the worker ended with code ${code} before it was done`)); });
    });
  } finally {
    clearInterval(timer);
    await worker.terminate();
  }
}

/** Writes the input that comes next into the shared memory. Inputs that are too long for it stay out. */
export function announce(shared: SharedArrayBuffer, target: string): (input: Finding["input"]) => void {
  const words = new Int32Array(shared);
  const room = new Uint8Array(shared, HEAD.bytes);
  return (input) => {
    const text = Buffer.from(formatFinding({ target, note: "", input }), "utf8");
    const bytes = text.length <= room.length ? text : Buffer.from(formatFinding({ target, note: "", input: [] }), "utf8");
    room.set(bytes);
    Atomics.store(words, HEAD.length, bytes.length);
    Atomics.add(words, HEAD.counter, 1);
  };
}
