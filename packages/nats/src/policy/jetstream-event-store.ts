import { PolicyMessage, STREAMS, subjects } from "@secuxflow/contracts";
import {
  HistoryRewound,
  MessageTooLarge,
  RevisionConflict,
  StoreUnavailable,
  type Appended,
  type AppendOptions,
  type EventStore,
  type FollowOptions,
  type Stored,
} from "@secuxflow/event-store";
import type { JsMsg, StoredMsg } from "@nats-io/jetstream";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { apiCode, NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { timeLimit } from "../connection/time-limit.js";
import { publishStored, PublishRefused, WRONG_LAST_SEQUENCE } from "../jetstream/publish.js";
import { EndTail, tail } from "../jetstream/tail.js";
import { commandIdOf, decodePolicyMessage, policyHeaders } from "./codec.js";

const NO_MESSAGE_FOUND = 10_037;
/** A command fails when it was not stored by then. */
const APPEND_DEADLINE_MS = 5_000;
/** How long a command waits for a connection: enough for a reconnect, short enough for whoever waits. */
const CONNECT_WAIT_MS = 1_500;
const READ_DEADLINE_MS = 5_000;
const PROBE_MS = 500;
const READ_PAGE = 1_000;
const RETRY_MS = 50;
/** Room for the headers and the protocol line within the server's max_payload. */
const HEADER_ROOM = 2_048;

/** Policies in JetStream: one subject a policy, the stream sequence is the revision. `stream` is the policy's name. */
export class JetStreamEventStore implements EventStore<PolicyMessage> {
  readonly #source: string;
  /** The connection of the link on which the stream was seen to be ready. */
  #probed = 0;

  constructor(
    private readonly link: NatsLink,
    options: {
      /** URI of the writing service; default `urn:secuxflow:service:<name of the link>`. */ readonly source?: string;
    } = {},
  ) {
    this.#source = options.source ?? `urn:secuxflow:service:${link.name.replace(/[^A-Za-z0-9._-]/g, "-")}`;
  }

  async append(policy: string, message: PolicyMessage, options: AppendOptions): Promise<Appended> {
    const what = `append to policy "${policy}"`;
    const { commandId, expectedRevision, traceparent, signal } = options;
    refuseUnreadable(message);
    const body = new TextEncoder().encode(JSON.stringify(message));
    const set = policyHeaders(message, {
      policy,
      commandId,
      source: this.#source,
      ...(traceparent !== undefined && { traceparent }),
    });
    set.set("Nats-Expected-Last-Subject-Sequence", `${expectedRevision}`);
    set.set("Nats-Expected-Stream", STREAMS.policy);
    const deadline = performance.now() + APPEND_DEADLINE_MS;
    let stored: "no" | "unknown" = "no";
    for (;;) {
      signal?.throwIfAborted();
      try {
        await this.link.connected({ what, timeoutMs: CONNECT_WAIT_MS, ...(signal !== undefined && { signal }) });
        this.#refuseTooLarge(policy, body.length);
        const { seq, duplicate } = await publishStored(this.link, what, subjects.policyEvents(policy), body, set);
        return { revision: seq, duplicate };
      } catch (error) {
        if (error instanceof PublishRefused) throw refused(error, policy, expectedRevision, stored);
        if (!(error instanceof NatsUnavailable)) throw error;
        if (error.sent) stored = "unknown";
        // With the same command id a retry is safe: what was stored the first time is answered as a duplicate.
        if (performance.now() > deadline || (this.link.state() !== "connected" && !error.sent)) {
          throw new StoreUnavailable(what, error.reason, stored, { cause: error });
        }
        await sleep(RETRY_MS);
      }
    }
  }

  async *read(
    policy: string,
    options: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Stored<PolicyMessage>, void> {
    let last = options.after ?? 0;
    const head = await this.head(policy);
    if (head < last) throw new HistoryRewound(policy, last, head);
    while (last < head) {
      for (const message of await this.#page(policy, last, head, options.signal)) {
        last = message.seq;
        yield toStored(message);
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
        await deliver(message, options);
      },
      onCaughtUp: () => {
        if (!caughtUp) options.onCaughtUp?.(last.revision);
        caughtUp = true;
      },
    });
  }

  async head(policy: string): Promise<number> {
    const found = await this.#message(`looking for the end of policy "${policy}"`, {
      last_by_subj: subjects.policyEvents(policy),
    });
    return found?.seq ?? 0;
  }

  /** Refuses to go on where history was lost: the end lies before what was read, or the last message read is another one now. */
  async #verify(policy: string, last: { revision: number; commandId: string }): Promise<void> {
    if (last.revision === 0) return;
    const head = await this.head(policy);
    if (head < last.revision) throw new EndTail(new HistoryRewound(policy, last.revision, head));
    if (last.commandId === "") return;
    const found = await this.#message(`looking for revision ${last.revision}`, { seq: last.revision });
    if (commandIdOf(found?.header) !== last.commandId) throw new EndTail(new HistoryRewound(policy, last.revision, head));
  }

  async #message(what: string, query: { last_by_subj: string } | { seq: number }): Promise<StoredMsg | undefined> {
    try {
      await this.link.connected({ what, timeoutMs: CONNECT_WAIT_MS });
      await this.#probe(what);
      const manager = await this.link.manager(what);
      return (await manager.streams.getMessage(STREAMS.policy, query)) ?? undefined;
    } catch (error) {
      if (apiCode(error) === NO_MESSAGE_FOUND) return undefined;
      throw new StoreUnavailable(what, error instanceof NatsUnavailable ? error.reason : reasonOf(error), "no", { cause: error });
    }
  }

  /**
   * Asks once a connection whether the stream is ready. nats-server 2.9.10 crashes (nil pointer in jsMsgGetRequest) when a
   * message is asked of the leader while the stream is just being made, as it is when services start together. A direct
   * get has no listener until the stream is complete; then the leader, who never lags behind, can be asked safely.
   */
  async #probe(what: string): Promise<void> {
    const connection = this.link.connections();
    if (this.#probed === connection) return;
    await this.link
      .request(what, `$JS.API.DIRECT.GET.${STREAMS.policy}`, JSON.stringify({ seq: 1 }), { timeoutMs: PROBE_MS })
      .catch((cause: unknown) => {
        throw new NatsUnavailable(what, `the stream ${STREAMS.policy} does not answer, it may not be made yet`, false, { cause });
      });
    this.#probed = connection;
  }

  /** The next messages after `after`, at most a page, none beyond `head`. */
  async #page(policy: string, after: number, head: number, signal: AbortSignal | undefined): Promise<JsMsg[]> {
    const limit = timeLimit(READ_DEADLINE_MS, signal);
    const messages: JsMsg[] = [];
    try {
      await tail(this.link, {
        stream: STREAMS.policy,
        filter: subjects.policyEvents(policy),
        start: { after },
        signal: limit.signal,
        onMessage: (message) => {
          if (message.seq <= head) messages.push(message);
          if (message.seq >= head || messages.length >= READ_PAGE) limit.end();
        },
      });
    } finally {
      limit.end();
    }
    signal?.throwIfAborted();
    if (messages.length === 0)
      throw new StoreUnavailable(`reading policy "${policy}"`, `no answer within ${READ_DEADLINE_MS} ms`, "no");
    return messages;
  }

  #refuseTooLarge(policy: string, bytes: number): void {
    const limit = (this.link.connection("append").info?.max_payload ?? Infinity) - HEADER_ROOM;
    if (bytes > limit) throw new MessageTooLarge(policy, bytes, limit);
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

async function deliver(message: JsMsg, options: FollowOptions<PolicyMessage>): Promise<void> {
  let stored: Stored<PolicyMessage>;
  try {
    stored = toStored(message);
  } catch (error) {
    if (options.onUnreadable === undefined) throw error;
    await options.onUnreadable(message.seq, error instanceof Error ? error : new Error(reasonOf(error)));
    return;
  }
  await options.onMessage(stored);
}

const toStored = (message: JsMsg): Stored<PolicyMessage> => ({
  revision: message.seq,
  time: message.time,
  message: decodePolicyMessage(message.data, message.headers),
  commandId: commandIdOf(message.headers),
});
