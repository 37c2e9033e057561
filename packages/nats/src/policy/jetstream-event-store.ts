import { PolicyMessage, STREAMS, subjects } from "@secuxflow/contracts";
import {
  HistoryRewound,
  RevisionConflict,
  StoreUnavailable,
  type Appended,
  type AppendOptions,
  type EventStore,
  type FollowOptions,
  type Stored,
} from "@secuxflow/event-store";
import type { JsMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { publishStored, PublishRefused, WRONG_LAST_SEQUENCE } from "../jetstream/publish.js";
import { EndTail, tail } from "../jetstream/tail.js";
import { PolicyBodies, type StoredBody } from "./bodies.js";
import { claimOf, commandIdOf, decodePolicyMessage, policyHeaders, type Claim } from "./codec.js";
import { CONNECT_WAIT_MS, PolicyLog } from "./policy-log.js";

/** A command fails when it was not stored by then. */
const APPEND_DEADLINE_MS = 5_000;
const RETRY_MS = 50;
/** Unused bodies are rare: looked for after a large append, once in so long. */
const SWEEP_EVERY_MS = 3_600_000;
/** Room for the headers and the protocol line within the server's max_payload. */
const HEADER_ROOM = 2_048;

/**
 * Policies in JetStream: one subject a policy, the stream sequence is the revision. `stream` is the policy's name. A message
 * larger than NATS takes is stored as a body first and then as a message that names it; readers see no difference.
 */
export class JetStreamEventStore implements EventStore<PolicyMessage> {
  readonly #source: string;
  readonly #log: PolicyLog;
  readonly #bodies: PolicyBodies;
  /** When the next sweep of a policy is due. */
  readonly #sweepAt = new Map<string, number>();

  constructor(
    private readonly link: NatsLink,
    options: {
      /** URI of the writing service; default `urn:secuxflow:service:<name of the link>`. */
      readonly source?: string;
      /** Messages that are read at once; default 10,000. */
      readonly pageMessages?: number;
    } = {},
  ) {
    this.#log = new PolicyLog(link, options.pageMessages);
    this.#bodies = new PolicyBodies(link);
    this.#source = options.source ?? `urn:secuxflow:service:${link.name.replace(/[^A-Za-z0-9._-]/g, "-")}`;
  }

  async append(policy: string, message: PolicyMessage, options: AppendOptions): Promise<Appended> {
    refuseUnreadable(message);
    const what = `append to policy "${policy}"`;
    const body = new TextEncoder().encode(JSON.stringify(message));
    const limit = await this.#bodyLimit(what, options.signal);
    if (body.length <= limit) return this.#publish(what, policy, body, this.#headers(policy, message, options), options);
    const { claim, sequences } = await this.#put(what, policy, body, limit, options.signal);
    const set = this.#headers(policy, message, options, claim);
    const attempt = { mayBeStored: false };
    try {
      const appended = await this.#publish(what, policy, new Uint8Array(), set, options, attempt);
      // The command was appended before this call: its message claims another body.
      if (appended.duplicate && !attempt.mayBeStored) await this.#bodies.discard(sequences);
      this.#sweepSometimes(policy);
      return appended;
    } catch (error) {
      if (!attempt.mayBeStored) await this.#bodies.discard(sequences);
      throw error;
    }
  }

  /** Deletes what aborted appends of large messages left behind an hour ago and before. @returns parts deleted */
  async sweep(policy: string, options: { readonly signal?: AbortSignal; readonly olderThanMs?: number } = {}): Promise<number> {
    return this.#bodies.sweep(policy, options.signal, options.olderThanMs);
  }

  #headers(policy: string, message: PolicyMessage, { commandId, expectedRevision, traceparent }: AppendOptions, claim?: Claim): MsgHdrs {
    const set = policyHeaders(message, {
      policy,
      commandId,
      source: this.#source,
      ...(traceparent !== undefined && { traceparent }),
      ...(claim !== undefined && { claim }),
    });
    set.set("Nats-Expected-Last-Subject-Sequence", `${expectedRevision}`);
    set.set("Nats-Expected-Stream", STREAMS.policy);
    return set;
  }

  /** Appends one message. `attempt` tells whether one was sent whose answer did not come. */
  async #publish(
    what: string,
    policy: string,
    body: Uint8Array,
    set: MsgHdrs,
    { expectedRevision, signal }: AppendOptions,
    attempt: { mayBeStored: boolean } = { mayBeStored: false },
  ): Promise<Appended> {
    const deadline = performance.now() + APPEND_DEADLINE_MS;
    const stored = (): "no" | "unknown" => (attempt.mayBeStored ? "unknown" : "no");
    for (;;) {
      signal?.throwIfAborted();
      try {
        await this.link.connected({ what, timeoutMs: CONNECT_WAIT_MS, ...(signal !== undefined && { signal }) });
        const { seq, duplicate } = await publishStored(this.link, what, subjects.policyEvents(policy), body, set);
        return { revision: seq, duplicate };
      } catch (error) {
        if (error instanceof PublishRefused) throw refused(error, policy, expectedRevision, stored());
        if (!(error instanceof NatsUnavailable)) throw error;
        if (error.sent) attempt.mayBeStored = true;
        // With the same command id a retry is safe: what was stored the first time is answered as a duplicate.
        if (performance.now() > deadline || (this.link.state() !== "connected" && !error.sent)) {
          throw new StoreUnavailable(what, error.reason, stored(), { cause: error });
        }
        await sleep(RETRY_MS);
      }
    }
  }

  /** Bytes of a body that fits a message of the server that the link is connected to. @throws StoreUnavailable */
  async #bodyLimit(what: string, signal: AbortSignal | undefined): Promise<number> {
    try {
      await this.link.connected({ what, timeoutMs: CONNECT_WAIT_MS, ...(signal !== undefined && { signal }) });
      return (this.link.connection(what).info?.max_payload ?? Infinity) - HEADER_ROOM;
    } catch (error) {
      if (!(error instanceof NatsUnavailable)) throw error;
      throw new StoreUnavailable(what, error.reason, "no", { cause: error });
    }
  }

  async #put(what: string, policy: string, body: Uint8Array, limit: number, signal: AbortSignal | undefined): Promise<StoredBody> {
    try {
      return await this.#bodies.put(policy, body, limit, signal);
    } catch (error) {
      if (error instanceof NatsUnavailable) throw new StoreUnavailable(what, error.reason, "no", { cause: error });
      if (error instanceof PublishRefused) throw new StoreUnavailable(what, error.description, "no", { cause: error });
      throw error;
    }
  }

  #sweepSometimes(policy: string): void {
    const now = performance.now();
    if (now < (this.#sweepAt.get(policy) ?? 0)) return;
    this.#sweepAt.set(policy, now + SWEEP_EVERY_MS);
    this.#bodies.sweep(policy).catch((error: unknown) => {
      this.link.log.debug({ policy, reason: reasonOf(error) }, "unused bodies are left to the next sweep");
    });
  }

  async *read(
    policy: string,
    options: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Stored<PolicyMessage>, void> {
    let last = options.after ?? 0;
    const head = await this.head(policy);
    if (head < last) throw new HistoryRewound(policy, last, head);
    while (last < head) {
      for (const message of await this.#log.page(policy, last, head, options.signal)) {
        last = message.seq;
        yield await this.#stored(policy, message, options.signal);
      }
    }
  }

  async follow(policy: string, options: FollowOptions<PolicyMessage>): Promise<void> {
    let last = { revision: options.after, commandId: "" };
    let caughtUp = false;
    await tail(this.link, {
      stream: STREAMS.policy,
      filter: subjects.policyEvents(policy),
      start: { after: options.after },
      signal: options.signal,
      onBegin: () => this.#verify(policy, last),
      onMessage: async (message) => {
        last = { revision: message.seq, commandId: commandIdOf(message.headers) };
        await this.#deliver(policy, message, options);
      },
      onCaughtUp: () => {
        if (!caughtUp) options.onCaughtUp?.(last.revision);
        caughtUp = true;
      },
    });
  }

  async head(policy: string): Promise<number> {
    return this.#log.head(policy);
  }

  /** Refuses to go on where history was lost: the end lies before what was read, or the last message read is another one now. */
  async #verify(policy: string, last: { revision: number; commandId: string }): Promise<void> {
    if (last.revision === 0) return;
    const head = await this.head(policy);
    if (head < last.revision) throw new EndTail(new HistoryRewound(policy, last.revision, head));
    if (last.commandId === "") return;
    if ((await this.#log.commandId(last.revision)) !== last.commandId) {
      throw new EndTail(new HistoryRewound(policy, last.revision, head));
    }
  }

  /** A message with its body, wherever that is. @throws UnreadablePolicyMessage, StoreUnavailable */
  async #stored(policy: string, message: JsMsg, signal: AbortSignal | undefined): Promise<Stored<PolicyMessage>> {
    try {
      const claim = claimOf(message.headers);
      const body = claim === undefined ? message.data : await this.#bodies.get(policy, claim, signal);
      return {
        revision: message.seq,
        time: message.time,
        message: decodePolicyMessage(body, message.headers),
        commandId: commandIdOf(message.headers),
      };
    } catch (error) {
      if (!(error instanceof NatsUnavailable)) throw error;
      throw new StoreUnavailable(error.what, error.reason, "no", { cause: error });
    }
  }

  /** Hands a message to the follower. While its body cannot be had because NATS is away, it waits. */
  async #deliver(policy: string, message: JsMsg, options: FollowOptions<PolicyMessage>): Promise<void> {
    let stored: Stored<PolicyMessage> | undefined;
    while (stored === undefined) {
      try {
        stored = await this.#stored(policy, message, options.signal);
      } catch (error) {
        if (options.signal.aborted) return;
        if (error instanceof StoreUnavailable) {
          if (this.link.state() === "closed") throw error;
          await this.link.connected({ signal: options.signal }).catch(() => undefined);
          await sleep(RETRY_MS);
          continue;
        }
        if (options.onUnreadable === undefined) throw error;
        await options.onUnreadable(message.seq, error instanceof Error ? error : new Error(reasonOf(error)));
        return;
      }
    }
    await options.onMessage(stored);
  }
}

/** What is written stays for ever: a message that no reader could read must not get in. @throws TypeError */
function refuseUnreadable(message: PolicyMessage): void {
  const checked = PolicyMessage.safeParse(message);
  if (!checked.success)
    throw new TypeError(`not appended, no reader could read it: ${z.prettifyError(checked.error)}`, { cause: checked.error });
}

function refused(error: PublishRefused, policy: string, expected: number, stored: "no" | "unknown"): Error {
  if (error.code !== WRONG_LAST_SEQUENCE) return new StoreUnavailable(error.what, error.description, stored, { cause: error });
  const actual = /wrong last sequence: (\d+)/.exec(error.description)?.[1];
  return new RevisionConflict(policy, expected, actual === undefined ? undefined : Number(actual));
}
