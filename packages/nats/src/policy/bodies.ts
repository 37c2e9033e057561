import { STREAMS, subjects, UnreadablePolicyMessage } from "@secuxflow/contracts";
import { MessageTooLarge } from "@secuxflow/event-store";
import { headers, nuid } from "@nats-io/transport-node";
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { apiCode, NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { timeLimit } from "../connection/time-limit.js";
import { publishStored } from "../jetstream/publish.js";
import { tail } from "../jetstream/tail.js";
import { claimedBodies, MAX_BODY_BYTES, type Claim } from "./codec.js";

const STREAM_NOT_FOUND = 10_059;
const PART_BYTES = 512 * 1024;
/** An upload is given up when it takes longer; so a body older than ORPHAN_MS belongs to no append that is going on. */
const PUT_DEADLINE_MS = 30_000;
const ORPHAN_MS = 3_600_000;
const GET_DEADLINE_MS = 30_000;
/** A part that is not there may be on its way to the replica that was asked. */
const MISSING_AFTER_MS = 3_000;
const SCAN_DEADLINE_MS = 60_000;
const RETRY_MS = 100;
/** Level 1: the JSON of rules shrinks to a tenth, in a tenth of a second for 16 MB. */
const GZIP_LEVEL = 1;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const bytesOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** A body that was stored, and the sequences of its parts. */
export interface StoredBody {
  readonly claim: Claim;
  readonly sequences: readonly number[];
}

/**
 * Large bodies of policy messages (claim check): compressed, cut into parts that lie under one subject, in a stream beside the
 * policy's. The client library's object store is not used: it replaces and deletes by rollup and filtered purge, which lose
 * messages in nats-server 2.9.
 */
export class PolicyBodies {
  constructor(private readonly link: NatsLink) {}

  /**
   * Stores a body before the message that claims it. @throws MessageTooLarge, NatsUnavailable (nothing counts as stored),
   * PublishRefused, the signal's reason
   */
  async put(policy: string, body: Uint8Array, partBytes: number, signal?: AbortSignal): Promise<StoredBody> {
    if (body.length > MAX_BODY_BYTES) throw new MessageTooLarge(policy, body.length, MAX_BODY_BYTES);
    const bytes = await promisify(gzip)(body, { level: GZIP_LEVEL });
    const id = nuid.next();
    const size = Math.min(partBytes, PART_BYTES);
    const deadline = performance.now() + PUT_DEADLINE_MS;
    const sequences: number[] = [];
    try {
      for (let at = 0; at < bytes.length; at += size) {
        signal?.throwIfAborted();
        sequences.push(await this.#putPart(policy, id, sequences.length, bytes.subarray(at, at + size), deadline));
      }
    } catch (error) {
      await this.discard(sequences);
      throw error;
    }
    return { claim: { id, sha256: sha256(bytes), parts: sequences.length, bytes: bytes.length, size: body.length }, sequences };
  }

  async #putPart(policy: string, id: string, index: number, part: Uint8Array, deadline: number): Promise<number> {
    const what = `storing a large body of policy "${policy}"`;
    const set = headers();
    set.set("Nats-Msg-Id", `${id}.${index}`);
    set.set("Nats-Expected-Stream", STREAMS.policyBodies);
    for (;;) {
      try {
        return (await publishStored(this.link, what, subjects.policyBody(policy, id), part, set)).seq;
      } catch (error) {
        if (!(error instanceof NatsUnavailable)) throw error;
        // A part is stored once, however often it is sent: JetStream knows its message id.
        if (performance.now() > deadline || this.link.state() !== "connected") {
          throw new NatsUnavailable(what, error.reason, false, { cause: error });
        }
        await sleep(RETRY_MS);
      }
    }
  }

  /**
   * The body of a claim. @throws UnreadablePolicyMessage when it is missing or damaged; NatsUnavailable when that cannot be
   * told now; the signal's reason
   */
  async get(policy: string, claim: Claim, signal?: AbortSignal): Promise<Uint8Array> {
    const what = `reading a large body of policy "${policy}"`;
    const missingAt = performance.now() + MISSING_AFTER_MS;
    for (;;) {
      signal?.throwIfAborted();
      const parts = await this.#parts(policy, claim, what, signal);
      if (parts.length === claim.parts || bytesOf(parts) > claim.bytes) return unpacked(claim, parts);
      if (performance.now() > missingAt) {
        const found = `${parts.length} of ${claim.parts} parts are in stream ${STREAMS.policyBodies}`;
        throw new UnreadablePolicyMessage(`its body ${claim.id} is missing: ${found}`);
      }
      await sleep(RETRY_MS);
    }
  }

  /** The parts that are there; fewer than claimed only where the stream has no more. */
  async #parts(policy: string, claim: Claim, what: string, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
    if (!(await this.#streamExists(what))) return [];
    const parts: Uint8Array[] = [];
    const complete = await this.#scan({
      stream: STREAMS.policyBodies, filter: subjects.policyBody(policy, claim.id), deadlineMs: GET_DEADLINE_MS, signal,
      onMessage: ({ data }) => parts.push(data) === claim.parts || bytesOf(parts) > claim.bytes,
    });
    signal?.throwIfAborted();
    if (!complete) throw new NatsUnavailable(what, `no answer within ${GET_DEADLINE_MS} ms`, false);
    return parts;
  }

  async #streamExists(what: string): Promise<boolean> {
    try {
      await (await this.link.manager(what)).streams.info(STREAMS.policyBodies);
      return true;
    } catch (error) {
      if (apiCode(error) === STREAM_NOT_FOUND) return false;
      throw error instanceof NatsUnavailable ? error : new NatsUnavailable(what, reasonOf(error), false, { cause: error });
    }
  }

  /** Deletes parts that no message claims. What fails is left to the next sweep. */
  async discard(sequences: readonly number[]): Promise<void> {
    for (const sequence of sequences) {
      try {
        const { streams } = await this.link.manager("deleting an unused body");
        await streams.deleteMessage(STREAMS.policyBodies, sequence, false);
      } catch (error) {
        this.link.log.debug({ sequence, reason: reasonOf(error) }, "an unused part of a body is left to the next sweep");
      }
    }
  }

  /**
   * Deletes bodies that no message of the policy claims and that are older than an hour by the server's clock: what is left
   * of processes that died between body and message. @returns how many parts were deleted
   * @param olderThanMs for tests
   */
  async sweep(policy: string, signal?: AbortSignal, olderThanMs = ORPHAN_MS): Promise<number> {
    const parts: { seq: number; id: string; time: number }[] = [];
    const seen = await this.#scan({
      stream: STREAMS.policyBodies,
      filter: subjects.policyBodies(policy),
      headersOnly: true,
      deadlineMs: SCAN_DEADLINE_MS,
      signal,
      onMessage: ({ seq, subject, time }) => {
        parts.push({ seq, id: subject.slice(subject.lastIndexOf(".") + 1), time: time.getTime() });
      },
    });
    const newest = parts.reduce((latest, { time }) => Math.max(latest, time), 0);
    const old = parts.filter(({ time }) => newest - time >= olderThanMs);
    if (!seen || old.length === 0) return 0;
    const claimed = new Set<string>();
    // The messages after the bodies: whatever could claim one of them has been appended by then.
    const known = await this.#scan({
      stream: STREAMS.policy, filter: subjects.policyEvents(policy), headersOnly: true, deadlineMs: SCAN_DEADLINE_MS, signal,
      onMessage: (message) => {
        for (const id of claimedBodies(message.headers)) claimed.add(id);
      },
    });
    if (!known) return 0;
    const unused = old.filter(({ id }) => !claimed.has(id)).map(({ seq }) => seq);
    await this.discard(unused);
    return unused.length;
  }

  /** Reads what a filter matches now. `onMessage` says true when it has enough. @returns false when it was not read to the end */
  async #scan(options: {
    readonly stream: string;
    readonly filter: string;
    readonly headersOnly?: boolean;
    readonly deadlineMs: number;
    readonly signal: AbortSignal | undefined;
    readonly onMessage: (message: Parameters<Parameters<typeof tail>[1]["onMessage"]>[0]) => boolean | void;
  }): Promise<boolean> {
    const limit = timeLimit(options.deadlineMs, options.signal);
    let complete = false;
    const finish = (): void => {
      complete = true;
      limit.end();
    };
    try {
      await tail(this.link, {
        stream: options.stream,
        filter: options.filter,
        start: { after: 0 },
        signal: limit.signal,
        ...(options.headersOnly === true && { headersOnly: true }),
        onMessage: (message) => {
          if (options.onMessage(message) === true) finish();
        },
        onCaughtUp: finish,
      });
    } finally {
      limit.end();
    }
    return complete;
  }
}

/** The JSON bytes of a body. @throws UnreadablePolicyMessage when they are not what was stored */
async function unpacked(claim: Claim, parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const bytes = Buffer.concat(parts);
  if (bytes.length !== claim.bytes || sha256(bytes) !== claim.sha256) {
    throw new UnreadablePolicyMessage(`its body ${claim.id} is damaged: the digest of its ${bytes.length} bytes is another one`);
  }
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: claim.size });
  } catch (error) {
    throw new UnreadablePolicyMessage(`its body ${claim.id} cannot be unpacked`, { cause: error });
  }
}
