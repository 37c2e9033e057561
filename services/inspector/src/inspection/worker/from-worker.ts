import type { Detection } from "@secuxflow/contracts";
import type { FlowCounts } from "@secuxflow/module-host";

/** One call of a module. */
export interface CallReport {
  readonly slot: number;
  /** Packets that were addressed to the module. */
  readonly packets: number;
  readonly findings: number;
  readonly ms: number;
}

/** Why a module was cut off. `rejected` can only happen while it is loaded: it does not start, or fails its self-test. */
export type FaultKind = "trapped" | "lied" | "rejected";

/** What a worker tells the main thread. A module that hangs tells nothing: the watchdog sees it. */
export type FromWorker =
  /** The instance runs (or waits for its bit, or for a route). */
  | { readonly type: "loaded"; readonly slot: number; readonly digest: string }
  /** The instance failed and is gone; the others are not touched. */
  | { readonly type: "fault"; readonly slot: number; readonly digest: string; readonly kind: FaultKind; readonly detail: string }
  /** Other rules are in force; `ms` is the time in which the thread inspected nothing for it. */
  | { readonly type: "swapped"; readonly slot: number; readonly ms: number }
  /** The instance did not take the rules; those before are in force. */
  | { readonly type: "rules-refused"; readonly slot: number; readonly detail: string }
  /** The flows of the instance are through; it has ended, and the one that was routed to has its place. */
  | { readonly type: "retired"; readonly slot: number }
  /** What one call found: sent at once, so that a later call that hangs takes nothing along. `suppressed`: over the limit. */
  | { readonly type: "detections"; readonly detections: readonly Detection[]; readonly suppressed: number }
  /** A line that a module wrote. Level as in module-host: 0 debug, 1 error, 2 info, 3 warning. */
  | { readonly type: "log"; readonly slot: number; readonly level: number; readonly text: string }
  /** The pack is inspected; here is its buffer. `memory` holds bytes by slot. */
  | {
    readonly type: "done"; readonly buffer: ArrayBuffer;
    readonly frames: number; readonly packets: number; readonly bytes: number;
    readonly calls: readonly CallReport[]; readonly memory: readonly (readonly [slot: number, bytes: number])[];
    /** Flows since the instances were made, of the modules that count them. */
    readonly flows?: readonly (readonly [slot: number, counts: FlowCounts])[];
  };
