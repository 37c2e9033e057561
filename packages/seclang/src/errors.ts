/** Where something stands in a rule file: lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A directive that cannot be understood or carried out: what, where and why. */
export class SecLangError extends Error {
  override readonly name = "SecLangError";

  constructor(
    readonly reason: string,
    readonly at: Position,
  ) {
    super(`${at.file}:${at.line}:${at.column}: ${reason}`);
  }
}
