/** A rule image, or a table in it, is not what it should be. The message says what, why and what to do. */
export class RuleImageError extends Error {
  constructor(
    readonly code: "truncated" | "magic" | "version" | "kind" | "length" | "table" | "checksum" | "limit" | "texts",
    message: string,
  ) {
    super(message);
    this.name = "RuleImageError";
  }
}
