import { Worker } from "node:worker_threads";
import { ImageRefused, type CompiledImage, type EncodedSet, type ImageCompiler } from "../application/image-compiler.js";
import type { ImageAnswer, ImageJob } from "./image-worker.js";

/** A worker that had nothing to do for so long is ended: its memory is that of the largest policy it compiled. */
const IDLE_MS = 30_000;

interface Waiting {
  readonly resolve: (answer: ImageAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that is there while it is needed, and answers in the order it was asked. */
class Thread {
  readonly #entry: URL;
  #worker: Worker | undefined;
  #waiting: Waiting[] = [];
  #idle: NodeJS.Timeout | undefined;

  constructor(entry: URL) {
    this.#entry = entry;
  }

  ask(job: ImageJob, moved: readonly ArrayBuffer[]): Promise<ImageAnswer> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.postMessage(job, moved);
    });
  }

  /** Ends the thread; what it was doing rejects. */
  end(why: string): void {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#fail(new ImageRefused(why));
    void worker?.terminate();
  }

  cancel(): void {
    if (this.#waiting.length > 0) this.end("a newer policy is compiled instead");
  }

  #start(): Worker {
    const worker = new Worker(this.#entry);
    worker.unref();
    worker.on("message", (answer: ImageAnswer) => {
      if (worker !== this.#worker) return;
      this.#waiting.shift()?.resolve(answer);
      if (this.#waiting.length > 0) return;
      this.#idle = setTimeout(() => { this.end("idle"); }, IDLE_MS);
      this.#idle.unref();
    });
    const broken = (why: string): void => {
      if (worker === this.#worker) this.end(`the compiler ended: ${why}`);
    };
    worker.on("error", (error: Error) => { broken(error.message); });
    worker.on("exit", (code) => { broken(`code ${code}`); });
    return worker;
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }
}

/** Compiles in worker threads, one for rules and one for sets: a changed set does not wait for an image in the background. */
export class WorkerCompiler implements ImageCompiler {
  readonly #rules: Thread;
  readonly #sets: Thread;

  constructor(entry = new URL("./image-worker.js", import.meta.url)) {
    this.#rules = new Thread(entry);
    this.#sets = new Thread(entry);
  }

  async rules(rows: Uint8Array<ArrayBuffer>, capacity: number): Promise<CompiledImage> {
    const answer = await this.#rules.ask({ kind: "rules", rows, capacity }, [rows.buffer]);
    if ("error" in answer) throw new ImageRefused(answer.error);
    return answer;
  }

  async sets(sets: readonly EncodedSet[], capacity: number): Promise<Uint8Array> {
    const answer = await this.#sets.ask({ kind: "sets", sets, capacity }, []);
    if ("error" in answer) throw new ImageRefused(answer.error);
    return answer.bytes;
  }

  cancel(): void {
    this.#rules.cancel();
  }

  close(): Promise<void> {
    this.#rules.end("the agent stops");
    this.#sets.end("the agent stops");
    return Promise.resolve();
  }
}
