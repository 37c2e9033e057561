import { STREAMS, subjects } from "@secuxflow/contracts";
import { StoreUnavailable } from "@secuxflow/event-store";
import type { JsMsg, StoredMsg } from "@nats-io/jetstream";
import { apiCode, NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { timeLimit } from "../connection/time-limit.js";
import { tail } from "../jetstream/tail.js";
import { commandIdOf } from "./codec.js";

const NO_MESSAGE_FOUND = 10_037;
/** How long a command waits for a connection: enough for a reconnect, short enough for whoever waits. */
export const CONNECT_WAIT_MS = 1_500;
const READ_DEADLINE_MS = 5_000;
const PROBE_MS = 500;
/** Messages, and bytes, of one page of reading: each page takes a consumer, and lies in memory. */
const PAGE_MESSAGES = 10_000;
const PAGE_BYTES = 16 * 1024 * 1024;

/** Looks into the stream of policy events. @throws StoreUnavailable, from every method */
export class PolicyLog {
  /** The connection of the link on which the stream was seen to be ready. */
  #probed = 0;

  constructor(
    private readonly link: NatsLink,
    private readonly pageMessages = PAGE_MESSAGES,
  ) {}

  /** Revision of a policy's last message, 0 when it has none. */
  async head(policy: string): Promise<number> {
    const found = await this.#message(`looking for the end of policy "${policy}"`, {
      last_by_subj: subjects.policyEvents(policy),
    });
    return found?.seq ?? 0;
  }

  /** The command id of the message at a revision; empty where there is none. */
  async commandId(revision: number): Promise<string> {
    return commandIdOf((await this.#message(`looking for revision ${revision}`, { seq: revision }))?.header);
  }

  /** The next messages after `after`, at most a page, none beyond `head`. */
  async page(policy: string, after: number, head: number, signal: AbortSignal | undefined): Promise<JsMsg[]> {
    const limit = timeLimit(READ_DEADLINE_MS, signal);
    const messages: JsMsg[] = [];
    let bytes = 0;
    try {
      await tail(this.link, {
        stream: STREAMS.policy,
        filter: subjects.policyEvents(policy),
        start: { after },
        signal: limit.signal,
        onMessage: (message) => {
          if (message.seq <= head) messages.push(message);
          bytes += message.data.length;
          if (message.seq >= head || messages.length >= this.pageMessages || bytes >= PAGE_BYTES) limit.end();
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
}
