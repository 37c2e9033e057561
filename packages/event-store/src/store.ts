/** A message as it lies in a stream. */
export interface Stored<M> {
  /** The only version number there is: grows from message to message, with gaps where other streams were written. */
  readonly revision: number;
  /** When the store took it, by the store's clock. */
  readonly time: Date;
  readonly message: M;
  readonly commandId: string;
}

export interface AppendOptions {
  /** Revision of the stream's last message, 0 for an empty stream. */
  readonly expectedRevision: number;
  /** Unique in the whole store (a UUID). A second append with it stores nothing and returns the first one's revision. */
  readonly commandId: string;
  /** W3C trace context, kept beside the message where the store can. */
  readonly traceparent?: string;
  readonly signal?: AbortSignal;
}

export interface Appended {
  readonly revision: number;
  /** The command was appended before; `revision` is from then. */
  readonly duplicate: boolean;
}

export interface FollowOptions<M> {
  /** Deliver what comes after this revision; 0 for everything. */
  readonly after: number;
  /** Called in order, one after the other. What it throws ends the following and rejects its promise. */
  readonly onMessage: (stored: Stored<M>) => void | Promise<void>;
  /**
   * A message that this build cannot read (newer than it, or damaged). It is skipped, and following goes on.
   * Without this callback the error ends the following.
   */
  readonly onUnreadable?: (revision: number, error: Error) => void | Promise<void>;
  /** Everything stored when following began has been delivered; called once, with the revision that was delivered last. */
  readonly onCaughtUp?: (revision: number) => void;
  readonly signal: AbortSignal;
}

/** Streams of messages with optimistic concurrency. One contract suite (`testing`) runs against every implementation. */
export interface EventStore<M> {
  /**
   * Appends one message when the stream still stands at `expectedRevision`.
   * A command id seen before is answered before the expectation is looked at.
   * @throws RevisionConflict | StoreUnavailable | MessageTooLarge
   */
  append(stream: string, message: M, options: AppendOptions): Promise<Appended>;

  /**
   * Everything that the stream holds now after revision `after` (default 0), in order; then it ends.
   * @throws HistoryRewound | StoreUnavailable, and the codec's error for a message that cannot be read
   */
  read(stream: string, options?: { readonly after?: number; readonly signal?: AbortSignal }): AsyncIterable<Stored<M>>;

  /**
   * Delivers everything after `after` and then what comes, without a gap and nothing twice, through restarts of the store.
   * Resolves when the signal aborts. Rejects with HistoryRewound, or with what a callback threw.
   */
  follow(stream: string, options: FollowOptions<M>): Promise<void>;

  /** Revision of the stream's last message, 0 when it is empty. @throws StoreUnavailable */
  head(stream: string): Promise<number>;
}
