import type { JsMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { apiCode, NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { timeLimit } from "../connection/time-limit.js";
import { bucketStream, keySubject } from "../jetstream/definitions.js";
import { publishStored, PublishRefused, WRONG_LAST_SEQUENCE } from "../jetstream/publish.js";
import { tail } from "../jetstream/tail.js";

const KEY_PATTERN = /^[-/_=A-Za-z0-9]+(\.[-/_=A-Za-z0-9]+)*$/;
const MAX_KEY_LENGTH = 256;

/** The key was changed by somebody else since `revision`. */
export class KeyConflict extends Error {
  override readonly name = "KeyConflict";
  constructor(
    readonly bucket: string,
    readonly key: string,
    readonly revision: number,
  ) {
    super(`key "${key}" of ${bucket} is not at revision ${revision}: read it again`);
  }
}

/** One key at one moment. `value` is undefined for a key that was deleted. */
export interface KeyEntry {
  readonly key: string;
  readonly revision: number;
  /** When it was written, by the server's clock. */
  readonly time: Date;
  readonly value: Uint8Array | undefined;
}

/**
 * A KV bucket (NATS ADR-8) with what SecuXFlow needs of it. It never purges: in nats-server 2.9 a rollup loses pending
 * messages of other keys, so the buckets are made to refuse it.
 */
export class Bucket {
  constructor(
    private readonly link: NatsLink,
    readonly name: string,
    /** Milliseconds a write may take; default: the link's. */
    private readonly timeoutMs?: number,
  ) {}

  /**
   * Writes a key and gives its revision.
   * @param expected the revision the key must stand at, 0 for one that was never written
   * @throws KeyConflict | NatsUnavailable | PublishRefused
   */
  async put(key: string, value: Uint8Array | string, expected?: number): Promise<number> {
    return this.#write(key, value, expected, false);
  }

  /** Deletes a key: a marker stays in its place, which watchers see. @throws KeyConflict | NatsUnavailable | PublishRefused */
  async delete(key: string, expected?: number): Promise<number> {
    return this.#write(key, "", expected, true);
  }

  /** Takes one revision away without a trace; watchers see nothing. One that is gone already is fine. @throws NatsUnavailable */
  async forget(revision: number): Promise<void> {
    const what = `forgetting revision ${revision} of ${this.name}`;
    try {
      await (await this.link.manager(what)).streams.deleteMessage(bucketStream(this.name), revision, false);
    } catch (error) {
      if (apiCode(error) === undefined) throw new NatsUnavailable(what, reasonOf(error), true, { cause: error });
    }
  }

  /**
   * Delivers the newest entry of each key under `filter` (a key with wildcards), then each change, until the signal aborts.
   * After a break it begins again with all keys: `onBegin` says so. Keys that the server drops for their age are not told.
   */
  async watch(options: {
    readonly filter?: string;
    readonly signal: AbortSignal;
    readonly onEntry: (entry: KeyEntry) => void;
    readonly onBegin?: () => void;
    readonly onCaughtUp?: () => void;
  }): Promise<void> {
    const { signal, onEntry, onBegin, onCaughtUp } = options;
    await tail(this.link, {
      stream: bucketStream(this.name),
      filter: keySubject(this.name, options.filter ?? ">"),
      start: "last-per-subject",
      signal,
      onMessage: (message) => onEntry(this.#entry(message)),
      ...(onBegin !== undefined && { onBegin }),
      ...(onCaughtUp !== undefined && { onCaughtUp }),
    });
  }

  /** The newest entry of each key, deleted ones left out. @throws NatsUnavailable after `timeoutMs` (default 5,000) */
  async list(options: { readonly filter?: string; readonly timeoutMs?: number } = {}): Promise<KeyEntry[]> {
    const limit = timeLimit(options.timeoutMs ?? 5_000);
    let complete = false;
    const entries = new Map<string, KeyEntry>();
    await this.watch({
      ...(options.filter !== undefined && { filter: options.filter }),
      signal: limit.signal,
      onBegin: () => entries.clear(),
      onEntry: (entry) => void entries.set(entry.key, entry),
      onCaughtUp: () => {
        complete = true;
        limit.end();
      },
    }).finally(() => limit.end());
    if (!complete) throw new NatsUnavailable(`listing ${this.name}`, this.link.status().detail, false);
    return [...entries.values()].filter(({ value }) => value !== undefined);
  }

  async #write(key: string, value: Uint8Array | string, expected: number | undefined, remove: boolean): Promise<number> {
    if (key.length > MAX_KEY_LENGTH || !KEY_PATTERN.test(key)) {
      throw new RangeError(
        `${JSON.stringify(key)} is no key: use up to ${MAX_KEY_LENGTH} of A-Z a-z 0-9 - _ / = with single dots between`,
      );
    }
    const set = headers();
    if (remove) set.set("KV-Operation", "DEL");
    if (expected !== undefined) set.set("Nats-Expected-Last-Subject-Sequence", `${expected}`);
    const used = remove || expected !== undefined ? set : undefined;
    try {
      const what = `writing "${key}" of ${this.name}`;
      return (await publishStored(this.link, what, keySubject(this.name, key), value, used, this.timeoutMs)).seq;
    } catch (error) {
      if (error instanceof PublishRefused && error.code === WRONG_LAST_SEQUENCE)
        throw new KeyConflict(this.name, key, expected ?? 0);
      throw error;
    }
  }

  #entry(message: JsMsg): KeyEntry {
    const removed = message.headers?.has("KV-Operation") === true;
    return {
      key: message.subject.slice(keySubject(this.name, "").length),
      revision: message.seq,
      time: message.time,
      value: removed ? undefined : message.data,
    };
  }
}
