/** A capture that cannot be read (on). What came before it was good. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  /**
   * @param what one sentence
   * @param offset bytes from the start of the file
   */
  constructor(
    readonly what: string,
    readonly offset: number,
  ) {
    super(`${what} (at byte ${offset})`);
  }
}
