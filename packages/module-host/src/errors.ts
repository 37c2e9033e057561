/** Why a module was not taken. */
export type RejectReason =
  | "malformed"
  | "too-big"
  | "no-manifest"
  | "bad-manifest"
  | "unsupported-abi"
  | "memory"
  | "forbidden-import"
  | "missing-export"
  | "start-failed"
  | "bad-configuration"
  | "bad-rules"
  | "self-test";

/** The module was not taken; nothing of it runs. */
export class ModuleRejected extends Error {
  override readonly name = "ModuleRejected";

  constructor(
    readonly reason: RejectReason,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`module rejected (${reason}): ${detail}`, options);
  }
}

/** The module trapped, or stopped itself. Its state is unknown: make a new instance. */
export class ModuleTrapped extends Error {
  override readonly name = "ModuleTrapped";

  constructor(
    readonly call: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`module trapped in ${call}: ${detail}`, options);
  }
}

/** The module answered with something that the ABI forbids. Nothing of the answer was used. */
export class ModuleLied extends Error {
  override readonly name = "ModuleLied";

  constructor(
    readonly call: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`module broke the ABI in ${call}: ${detail}`, options);
  }
}
