/** Somebody else appended first: load again and decide again. */
export class RevisionConflict extends Error {
  override readonly name = "RevisionConflict";
  constructor(
    readonly stream: string,
    readonly expectedRevision: number,
    /** The stream's last revision, where the store tells. */
    readonly actualRevision?: number,
  ) {
    const found = actualRevision === undefined ? "another one" : `${actualRevision}`;
    super(`stream "${stream}" is not at revision ${expectedRevision} but at ${found}: load it again and decide again`);
  }
}

/** The store cannot be reached or does not answer. Nothing is known to be lost: try again with the same command id. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
  constructor(
    /** What was attempted, such as `append to policy "default"`. */
    readonly what: string,
    readonly reason: string,
    /** `unknown`: the message may be stored although no answer came. A retry with the same command id tells. */
    readonly stored: "no" | "unknown",
    options?: ErrorOptions,
  ) {
    const outcome = stored === "no" ? "nothing was stored" : "whether it was stored is unknown";
    super(`${what} failed: ${reason}; ${outcome}, try again with the same command id`, options);
  }
}

/**
 * The stream ends before the revision that the reader stands at, or that revision is another message now: the store was
 * restored from a backup or lost its newest messages in a power cut. Revisions will be given out a second time, so what
 * the reader knows beyond the end is void: read again from 0.
 */
export class HistoryRewound extends Error {
  override readonly name = "HistoryRewound";
  constructor(
    readonly stream: string,
    readonly after: number,
    readonly head: number,
  ) {
    super(
      `stream "${stream}" has lost history: revision ${after} was read before, now the last is ${head}` +
        `${head >= after ? " and that revision is another message" : ""}; forget it and read again from revision 0`,
    );
  }
}

/** A message is larger than the store takes. Nothing was stored. */
export class MessageTooLarge extends Error {
  override readonly name = "MessageTooLarge";
  constructor(
    readonly stream: string,
    readonly bytes: number,
    readonly limitBytes: number,
  ) {
    super(
      `a message of ${bytes} bytes for stream "${stream}" exceeds the limit of ${limitBytes}: ` +
        "split the command into smaller ones",
    );
  }
}
