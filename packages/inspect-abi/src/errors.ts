/** What is wrong with a batch or an output. */
export type AbiErrorCode =
  "too-short" | "bad-magic" | "unsupported-version" | "bad-length" | "too-many" | "out-of-range" | "bad-value" | "bad-attribute";

/** Bytes that break the ABI. `field` names the part that is wrong, `index` its record when it is in one. */
export class AbiError extends Error {
  override readonly name = "AbiError";

  constructor(
    readonly code: AbiErrorCode,
    readonly field: string,
    detail: string,
    readonly index?: number,
  ) {
    super(`${index === undefined ? field : `record ${index}: ${field}`}: ${detail}`);
  }
}
