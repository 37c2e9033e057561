import type { LoadedModule } from "@secuxflow/module-host";

/** What a worker is started with. */
export interface WorkerStart {
  readonly policy: string;
  readonly inspectorId: string;
  /** See shared.ts. */
  readonly shared: SharedArrayBuffer;
  /** Detections of one call that are reported at most, the gravest first. */
  readonly maxDetectionsPerCall: number;
}

/** What the main thread tells a worker. Messages are handled one after the other, in order. */
export type ToWorker =
  /** Start a module (a new instance, without flow state) in a slot, in place of what is there; `bit` is -1 until there is one. */
  | { readonly type: "load"; readonly slot: number; readonly loaded: LoadedModule; readonly bit: number }
  /** The module in the slot has this bit from now on. */
  | { readonly type: "bit"; readonly slot: number; readonly bit: number }
  /** End the module in the slot. */
  | { readonly type: "unload"; readonly slot: number }
  /** Inspect a pack of frames (domain/pack.ts); the buffer is transferred and comes back with `done`. */
  | { readonly type: "pack"; readonly buffer: ArrayBuffer; readonly bytes: number };
