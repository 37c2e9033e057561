import type { LoadedModule } from "@secuxflow/module-host";
import type { RulesBundle } from "../application/rules-bundle.js";

/** What a worker is started with. */
export interface WorkerStart {
  readonly policy: string;
  readonly inspectorId: string;
  /** See shared.ts. */
  readonly shared: SharedArrayBuffer;
  /** Detections of one call that are reported at most, the gravest first. */
  readonly maxDetectionsPerCall: number;
}

/** Start an instance (without flow state) under a slot of its own. */
export interface LoadMessage {
  readonly type: "load";
  readonly slot: number;
  readonly name: string;
  /** `base`: in place of what runs under the name. `aside`: it waits for `route`. */
  readonly role: "base" | "aside";
  readonly loaded: LoadedModule;
  /** Instead of the rules that the module brings along. */
  readonly rules?: RulesBundle | undefined;
  /** `key=value` lines. */
  readonly configure: string;
}

/** Divide the flows of a module between its base and an instance that was loaded aside. */
export interface RouteMessage {
  readonly type: "route";
  readonly name: string;
  readonly next: number;
  /** A bit that no module has. */
  readonly nextBit: number;
  /** Share of the flows that begin from now on, hundredths of a percent. */
  readonly share: number;
  /** Flows from before stay where they are for so long at most. */
  readonly drainMs: number;
  /** When the flows from before are through, `next` takes the place of the base. */
  readonly retire: boolean;
}

/** What the main thread tells a worker. Messages are handled one after the other, in order, between two packs. */
export type ToWorker =
  | LoadMessage
  | RouteMessage
  /** The module has this bit in the masks of packets from now on; -1 for none. */
  | { readonly type: "bit"; readonly name: string; readonly bit: number }
  /** Give an instance other rules; its flow state stays. Without `rules` those that the module brings along. */
  | { readonly type: "rules"; readonly slot: number; readonly rules: RulesBundle | undefined }
  /** End an instance. */
  | { readonly type: "unload"; readonly slot: number }
  /** Inspect a pack of frames (domain/pack.ts); the buffer is transferred and comes back with `done`. */
  | { readonly type: "pack"; readonly buffer: ArrayBuffer; readonly bytes: number };
