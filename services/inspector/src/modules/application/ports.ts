import type { BlobRef, Signature } from "@secuxflow/contracts";
import type { LoadedModule } from "@secuxflow/module-host";
import type { RulesBundle } from "../../inspection/application/rules-bundle.js";

/** Where published modules and rule images are kept. */
export interface Blobs {
  /** @throws Error named UnreadablePolicyMessage when they are gone for good; anything else may pass */
  get(blob: BlobRef): Promise<Uint8Array>;
}

/** The keys that this inspector trusts: its own configuration, nothing that came over the network. */
export interface Trust {
  /** @returns why a statement is not to be believed; undefined when it is */
  check(statement: string, signature: Signature | undefined): string | undefined;
  /** Whether any key is configured. */
  readonly configured: boolean;
}

/** What is to be tried: a binary or a module that was loaded before, maybe with rules. */
export interface Trial {
  readonly wasm?: Uint8Array | undefined;
  readonly loaded?: LoadedModule | undefined;
  /** A rule image, as it was published. */
  readonly image?: Uint8Array | undefined;
  readonly configure: string;
}

/** A module did not pass its trial. `reason` as module-host gives it, where it does. */
export class TrialFailed extends Error {
  constructor(message: string, readonly reason?: string) {
    super(message);
  }
}

/** Checks, compiles and starts a module where it can do no harm, with its self-tests and its rules. */
export interface Preparation {
  /** @throws TrialFailed */
  prepare(trial: Trial): Promise<{ readonly loaded: LoadedModule; readonly rules?: RulesBundle | undefined }>;
}
