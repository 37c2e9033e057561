import type { WorkerSample } from "../domain/watchdog.js";
import type { FromWorker } from "../worker/from-worker.js";
import type { ToWorker } from "../worker/to-worker.js";

/** A running inspection thread. */
export interface Thread {
  post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  /** What it is doing now. */
  sample(): WorkerSample;
  /** Ends it, whatever it does. */
  terminate(): Promise<void>;
}

export interface ThreadEvents {
  onMessage(message: FromWorker): void;
  /** It ended by itself, which it should not. */
  onExit(reason: string): void;
}

export type StartThread = (events: ThreadEvents) => Thread;
